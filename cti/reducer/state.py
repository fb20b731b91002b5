"""What a fold carries from fact to fact, and how it makes events."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from cti.domain.book import Book, Call, Leg, Phone
from cti.domain.events import (
    Activity,
    AgentActivityChanged,
    CallArrived,
    CallJoined,
    Direction,
    Event,
    Micros,
)

IsAgent = Callable[[str], bool]
E = TypeVar("E", bound=Event)

REMEMBERED = 4096
"""How many legs and calls that are gone are remembered, so that late news cannot revive them."""


class State:
    """The book, and the events made by the fact in hand.

    ``touched`` are the agents whose phones may do something else after this fact; while a
    snapshot is taken in (``catching_up``), they are only collected, and so are the bridges it
    shows (``seen``). ``reconstructing``: facts are from the PBX's records or from a snapshot, what
    they make is marked. ``looked`` is when the last snapshot was taken.
    """

    def __init__(self, switch: str, is_agent: IsAgent) -> None:
        self.switch = switch
        self.book = Book()
        self.out: list[Event] = []
        self.touched: dict[str, None] = {}
        self.catching_up = False
        self.reconstructing = False
        self.seen: list[str] = []
        self.looked: Micros = 0
        self.gone: dict[str, None] = {}
        self.ended: dict[str, None] = {}
        self._is_agent = is_agent

    def is_agent(self, interface: str) -> bool:
        """Whether an agent uses this interface: known by its phone, or said so by the owner."""
        return interface in self.book.phones or self._is_agent(interface)

    def emit(
        self,
        call: Call,
        event: type[E],
        at: Micros,
        /,
        *,
        reconstructed: bool = False,
        **fields: object,
    ) -> None:
        """One event of the call. A call is announced before the first thing told of it."""
        if not call.arrived:
            self.arrive(call)
        call.events += 1
        event_id = f"{call.id}#{call.events}"
        self.out.append(
            event(
                at=at,
                id=event_id,
                switch=self.switch,
                call_id=call.id,
                reconstructed=self.reconstructing or reconstructed,
                **fields,  # type: ignore[arg-type]
            )
        )

    def arrive(self, call: Call) -> None:
        """Announce the call, if it has a party yet and was not announced before."""
        caller = call.caller
        if call.arrived or caller is None:
            return
        call.arrived = True
        call.direction = self._first_guess(caller)
        self.emit(
            call,
            CallArrived,
            caller.started,
            direction=call.direction,
            channel=caller.channel,
            leg=caller.id,
            caller_number=caller.number,
            caller_name=caller.name,
            did=call.did,
        )
        if call.errand:
            served = call.errand.entry.leg.call
            call.joined = served.joined or served.id
            self.emit(call, CallJoined, caller.started, to_call_id=call.joined)

    def _first_guess(self, caller: Leg) -> Direction:
        """Who made the leg decides; an agent's call is internal when it dials an agent's phone."""
        if caller.dialled or caller.condition == "down":
            return "outbound"
        if not caller.agent:
            return "inbound"
        technology = caller.channel.partition("/")[0]
        return "internal" if self.is_agent(f"{technology}/{caller.exten}") else "outbound"

    def emit_activity(self, phone: Phone, activity: Activity, call_id: str, at: Micros) -> None:
        """What an agent's phone does now. Its id is not the call's: it may belong to none."""
        self.out.append(
            AgentActivityChanged(
                at=at,
                id=f"{self.switch}-{phone.interface}@{phone.told}",
                switch=self.switch,
                call_id=call_id,
                agent=phone.interface,
                activity=activity,
            )
        )

    def leg_gone(self, leg: str) -> None:
        """The leg is gone for good."""
        _remember(self.gone, leg)

    def call_ended(self, linkedid: str) -> None:
        """The call is over for good."""
        _remember(self.ended, linkedid)


def _remember(last: dict[str, None], one: str) -> None:
    last[one] = None
    if len(last) > REMEMBERED:
        del last[next(iter(last))]
