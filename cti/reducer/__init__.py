"""From facts to calls: a pure fold that keeps the call book and yields domain events.

The same facts always give the same events with the same ids, so a stream that is replayed writes
nothing new. Facts about legs that the book does not know (from before we looked) are passed over;
:mod:`cti.resync` fills such gaps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from cti.domain import facts
from cti.domain.book import Book, Errand, Leg, Tag, TagReason
from cti.domain.events import Event
from cti.reducer import (
    agents,
    bridges,
    calls,
    legs,
    offers,
    optimisation,
    queues,
    restore,
    talks,
)
from cti.reducer.state import IsAgent, State

Handler = Callable[[State, Any], None]

_HANDLERS: dict[type[facts.Fact], Handler] = {
    facts.LegStarted: legs.started,
    facts.LegRenamed: legs.renamed,
    facts.LegState: legs.changed,
    facts.LegMoved: legs.moved,
    facts.LegJoins: legs.joins,
    facts.HangupRequested: legs.leaving,
    facts.LegHungUp: legs.hung_up,
    facts.PickedUp: offers.picked_up,
    facts.MessageLeft: calls.message_left,
    facts.DialBegan: offers.dial_began,
    facts.DialEnded: offers.dial_ended,
    facts.BridgeEntered: bridges.entered,
    facts.SetAside: bridges.set_aside,
    facts.BridgeLeft: bridges.left,
    facts.BridgeSeen: bridges.seen,
    facts.LocalOptimising: optimisation.began,
    facts.LocalOptimised: optimisation.ended,
    facts.Held: talks.held,
    facts.Unheld: talks.unheld,
    facts.BlindTransferred: bridges.blind_transferred,
    facts.AttendedTransferred: bridges.attended_transferred,
    facts.QueueJoined: queues.joined,
    facts.QueueAbandoned: queues.abandoned,
    facts.QueueLeft: queues.left,
    facts.AgentCalled: offers.agent_called,
    facts.AgentConnected: queues.connected,
    facts.AgentRingNoAnswer: offers.ring_no_answer,
    facts.MemberStatus: agents.member_status,
    facts.DeviceState: agents.device_state,
    facts.SnapshotBegan: agents.snapshot_began,
    facts.SnapshotTaken: agents.snapshot_taken,
}

MOST_HELD = 50_000
"""So many facts are held back at most; if no snapshot comes they are taken in without."""


def _nobody(_interface: str) -> bool:
    return False


class Reducer:
    """The fold of one switch.

    ``is_agent`` says of an interface (``PJSIP/101``) whether an agent uses it; queue members are
    agents in any case.
    """

    def __init__(self, switch: str, is_agent: IsAgent = _nobody) -> None:
        self._state = State(switch, is_agent)
        self._held: list[facts.Fact] | None = None

    @property
    def book(self) -> Book:
        """Calls as they are now; for reading only."""
        return self._state.book

    def apply(self, fact: facts.Fact) -> list[Event]:
        """Take one fact in. The events are in their order and have no ``seq`` yet."""
        if self._held is not None:
            return self._hold_back(self._held, fact)
        state = self._state
        _HANDLERS[type(fact)](state, fact)
        if state.touched:
            agents.refresh(state, fact.at)
        events = state.out
        if events:
            state.out = []
        return events

    def hold(self) -> None:
        """Keep live facts back from now on: call it at log-in, before a snapshot is asked for.

        Otherwise rows that are milliseconds old would undo what was said live since.
        """
        self._held = []

    def catch_up(self, missed: Iterable[facts.Fact]) -> list[Event]:
        """Take in what :func:`cti.resync.resync` found, and then the facts held back."""
        held, self._held = self._held or [], None
        return [event for fact in (*missed, *held) for event in self.apply(fact)]

    def fill(self, missed: Iterable[facts.Fact]) -> list[Event]:
        """Take in what the PBX's own records tell, ahead of the facts held back.

        ``missed`` may be made while it is taken in, from the book as it then is. The events say
        that they are reconstructed; what agents' phones do is told after the next snapshot only.
        """
        held, self._held = self._held, None
        self._state.catching_up = self._state.reconstructing = True
        events = [event for fact in missed for event in self.apply(fact)]
        self._state.reconstructing, self._held = False, held
        restore.forget_half_places(self.book)
        return events

    def _hold_back(self, held: list[facts.Fact], fact: facts.Fact) -> list[Event]:
        held.append(fact)
        return self.catch_up(()) if len(held) > MOST_HELD else []

    def restore(self, events: Iterable[Event]) -> None:
        """Take in what the journal has of calls that had not ended, oldest first.

        To be called on an empty book, before :func:`cti.resync.resync`: nothing that is journaled
        is emitted again, and ids go on where they stopped.
        """
        for event in events:
            restore.take_in(self._state, event)

    def tag(self, call_id: str, leg: str, reason: TagReason, to: str = "") -> bool:
        """Say beforehand that we are about to move a leg, which the PBX would call abandoning.

        ``leg`` is its Uniqueid or its channel name. Returns False when there is no such leg.
        """
        found = self._leg(call_id, leg)
        if found:
            self.book.tags[found.id] = Tag(reason, to)
        return found is not None

    def send_for(self, leg: str, agent: str, entry_id: str) -> bool:
        """Say beforehand that we are about to dial ``agent`` for the caller of a wait.

        ``leg`` is the Uniqueid that the new channel will have, and so the Linkedid of its call,
        which is told as part of the caller's. Returns False when nobody waits there any more.
        """
        entry = next((e for e in self.book.waiting() if e.id == entry_id), None)
        if entry:
            self.book.errands[leg] = Errand(agent, entry)
        return entry is not None

    def forget_errand(self, leg: str) -> None:
        """Nobody was dialled."""
        self.book.errands.pop(leg, None)

    def untag(self, call_id: str, leg: str) -> None:
        """Take a tag back: the move failed."""
        found = self._leg(call_id, leg)
        if found:
            self.book.tags.pop(found.id, None)

    def _leg(self, call_id: str, leg: str) -> Leg | None:
        known = self.book.legs.get(leg)
        if known:
            return known
        call = self.book.calls.get(call_id.removeprefix(f"{self._state.switch}-"))
        legs_of_call = call.legs.values() if call else ()
        return next((known for known in legs_of_call if known.channel == leg), None)
