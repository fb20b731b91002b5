"""Agents by name, wherever their phone is. Pure.

An agent is called by the interface of the phone: ``PJSIP/101``. Two switches may both have such a
phone, so all but the first one put their own name before it: ``west:PJSIP/101`` is 101 on the
switch ``west``. Asterisk knows nothing of that: between an Asterisk and the rest of Ringdesk, what
is said of agents is translated here. With a single switch nothing is to be done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from msgspec.structs import replace

from cti.domain.commands import AnyCommand, Reply
from cti.domain.events import Event

_IN_EVENTS = ("agent", "by")
_IN_ROWS = ("Location", "Interface")
"""QueueStatus says Location."""

E = TypeVar("E", bound=Event)


def split(agent: str) -> tuple[str, str]:
    """The switch and the interface there; an empty switch is the first one."""
    switch, colon, interface = agent.partition(":")
    return (switch, interface) if colon else ("", agent)


class AgentNames:
    """The agents of one switch. ``prefix`` is its name, or empty for the first one."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = f"{prefix}:" if prefix else ""

    def name(self, interface: str) -> str:
        """How Ringdesk calls the agent who uses ``interface`` on this switch."""
        return f"{self._prefix}{interface}"

    def interface(self, agent: str) -> str:
        """The interface of an agent of this switch."""
        return agent.removeprefix(self._prefix)

    def of_switch(self, event: E) -> E:
        """An event by the switch's own reducer, as the rest of Ringdesk is told it."""
        return self._renamed(event, self.name) if self._prefix else event

    def to_switch(self, event: E) -> E:
        """The opposite, for what the journal has."""
        return self._renamed(event, self.interface) if self._prefix else event

    def _renamed(self, event: E, rename: Callable[[str], str]) -> E:
        names = {f: getattr(event, f, "") for f in _IN_EVENTS}
        changed = {field: rename(name) for field, name in names.items() if name}
        return replace(event, **changed) if changed else event

    def command(self, command: AnyCommand) -> AnyCommand:
        """A command as this switch understands it."""
        agent = getattr(command, "agent", "")
        return replace(command, agent=self.interface(agent)) if self._prefix and agent else command

    def reply(self, reply: Reply) -> Reply:
        """The switch's answer as the rest of Ringdesk understands it."""
        if not (self._prefix and reply.rows):
            return reply
        return replace(reply, rows=tuple(self._row(row) for row in reply.rows))

    def _row(self, row: Mapping[str, str]) -> Mapping[str, str]:
        named = {header: self.name(row[header]) for header in _IN_ROWS if header in row}
        return {**row, **named} if named else row
