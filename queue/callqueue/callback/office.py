"""What calling back needs to know of the rest of the house, and of the calls that go on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from callqueue.agent_state import AgentProfile
from cti.domain.events import (
    Activity,
    AgentActivityChanged,
    Availability,
    CallAnswered,
    CallArrived,
    CallEnded,
    CustomerIdentified,
    Event,
    Micros,
    QueueEntryScored,
    QueueLeft,
)

Fate = Literal["open", "talked", "over", "unknown"]
ReadCall = Callable[[str], Awaitable[Any]]
"""The row of the history of a call, or None."""

_OURS = "-b-"
"""In the ids of calls that we made back: between the switch and the rest of the leg's name."""


class CallbackRefused(Exception):
    """There will be no callback, or it cannot be cancelled: ``reason`` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NoSuchNumber(CallbackRefused):
    """What was given is no number."""


@dataclass(frozen=True, kw_only=True)
class Office:
    """The rest of the house.

    ``switch``: the first one, for requests that came over none. ``agents(switch)``: the agents
    there. ``identify(number)``: who has it. ``virtual_join(who, queue, at)``: where somebody would
    stand who joins then. ``may_not_call(number)``: why it is not to be called, or empty.
    ``call``: the history. ``was_made(switch, leg, since)``: whether the PBX's own records have the
    leg; None: they cannot be read, or have nothing at all of that time.
    ``sound``: what customers hear first.
    """

    switch: str
    sound: str
    agents: Callable[[str], Mapping[str, AgentProfile]]
    availability: Callable[[str], Availability | None]
    is_open: Callable[[str], bool | None]
    identify: Callable[[str], Awaitable[CustomerIdentified | None]]
    virtual_join: Callable[[CustomerIdentified | None, str, Micros], Micros]
    to_e164: Callable[[str], str]
    may_not_call: Callable[[str], str]
    call: ReadCall
    was_made: Callable[[str, str, Micros], Awaitable[bool | None]]


class Callers:
    """Who calls, who waits, which agents do nothing, and what became of calls that we made."""

    def __init__(self) -> None:
        self._who: dict[str, CustomerIdentified] = {}
        self._waiting: dict[str, QueueEntryScored] = {}
        self._activities: dict[str, Activity] = {}
        self._fates: dict[str, Fate] = {}

    def take(self, event: Event) -> None:
        """One event."""
        match event:
            case CustomerIdentified():
                self._who[event.call_id] = event
            case QueueEntryScored():
                self._waiting[event.entry_id] = event
            case QueueLeft():
                self._waiting.pop(event.entry_id, None)
            case AgentActivityChanged():
                self._activities[event.agent] = event.activity
            case CallArrived() if _OURS in event.call_id:
                self._fates[event.call_id] = "open"
            case CallAnswered() if _OURS in event.call_id:
                self._fates[event.call_id] = "talked"
            case CallEnded():
                self._ended(event.call_id)

    def _ended(self, call_id: str) -> None:
        self._who.pop(call_id, None)
        if self._fates.get(call_id) == "open":
            self._fates[call_id] = "over"

    def who(self, call_id: str) -> CustomerIdentified | None:
        """Who calls, as far as it is known."""
        return self._who.get(call_id)

    def waiting(self, switch: str, queue: str) -> list[Micros]:
        """The virtual joins of those who wait there."""
        return [
            entry.virtual_join
            for entry in self._waiting.values()
            if (entry.switch, entry.queue) == (switch, queue)
        ]

    def is_free(self, agent: str, availability: Callable[[str], Availability | None]) -> bool:
        """Whether the agent could take a call now; nothing is told of a phone that does nothing."""
        return self._activities.get(agent, "idle") == "idle" and availability(agent) == "available"

    async def fate(self, call_id: str, read: ReadCall) -> Fate:
        """What became of a call that we made. Raises SQLAlchemyError."""
        if fate := self._fates.get(call_id):
            return fate
        row = await read(call_id)
        if row is None:
            return "unknown"
        if row.answered_at is not None:
            return "talked"
        return "open" if row.ended_at is None else "over"

    def forget(self, call_id: str) -> None:
        """Its fate is written down."""
        self._fates.pop(call_id, None)
