"""The Asterisks as the rest of Ringdesk sees them: something that carries commands out."""

from __future__ import annotations

import time
from collections.abc import Mapping

import structlog

from cti.agent_names import AgentNames, split
from cti.ami.actions import to_action
from cti.ami.client import AmiClient
from cti.domain.commands import AnyCommand, CommandFailed, Reply

log = structlog.get_logger(__name__)


class Switch:
    """Carries commands out on the Asterisk called ``name``; ``perform`` is a ``Perform``."""

    def __init__(self, name: str, client: AmiClient, names: AgentNames | None = None) -> None:
        self.name = name
        self._client = client
        self._names = names or AgentNames()

    async def perform(self, command: AnyCommand) -> Reply:
        """Send the command once and give the PBX's answer; a refusal is a Reply not ``ok``.

        Raises :class:`CommandFailed`. Refusals and failures are logged with how long they took,
        and without the command's values, which may be personal.
        """
        started = time.perf_counter()
        try:
            action = to_action(self._names.command(command))
            reply = await self._client.send(action.name, action.headers, as_list=action.as_list)
        except CommandFailed as failed:
            self._log("command_failed", command, started, kind=failed.kind, reason=failed.reason)
            raise
        if not reply.ok:
            self._log("command_refused", command, started, reason=reply.message)
        return self._names.reply(reply)

    def _log(self, event: str, command: AnyCommand, started: float, **details: str) -> None:
        milliseconds = round((time.perf_counter() - started) * 1000, 1)
        name, call_id = type(command).__name__, command.call_id
        log.warning(
            event, switch=self.name, call_id=call_id, command=name, took_ms=milliseconds, **details
        )


class Switches:
    """Gives each command to the switch it is for; ``perform`` is a ``Perform``.

    That is the one it names, else the one of its call, else the one of its agent's phone; a command
    with none of the three goes to the first. ``switches``: by name, the first one first.
    """

    def __init__(self, switches: Mapping[str, Switch]) -> None:
        self._switches = dict(switches)
        self._first = next(iter(self._switches))

    async def perform(self, command: AnyCommand) -> Reply:
        """As :meth:`Switch.perform`. Raises :class:`CommandFailed`."""
        name = self.of(command)
        switch = self._switches.get(name)
        if switch is None:
            raise CommandFailed("not_connected", f"there is no switch {name} in the settings")
        return await switch.perform(command)

    def of(self, command: AnyCommand) -> str:
        """The name of the switch that the command is for; there may be none of that name."""
        return (
            command.switch
            or command.call_id.partition("-")[0]
            or split(getattr(command, "agent", ""))[0]
            or self._first
        )
