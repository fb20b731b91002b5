"""Waits in queues. Every CallQueued gets exactly one QueueLeft."""

from __future__ import annotations

from cti.domain.book import Leg, QueueEntry
from cti.domain.events import CallQueued, Micros, WaitEnd
from cti.domain.events import QueueLeft as WaitEnded
from cti.domain.facts import AgentConnected, QueueAbandoned, QueueJoined, QueueLeft
from cti.reducer import calls
from cti.reducer.state import State


def joined(state: State, fact: QueueJoined) -> None:
    """A wait begins. A leg waits in one queue at a time: an older wait of it is over."""
    leg = state.book.legs.get(fact.leg)
    if leg is None:
        return
    calls.arrived_there(state, leg, fact.at)
    if leg.entry and leg.entry.queue == fact.queue:
        # Known from a snapshot already, which tells whole seconds only.
        leg.entry.joined, leg.entry.place = fact.at, fact.place
        return
    if leg.entry and fact.at <= state.looked and not fact.restored:
        return  # An older wait than the one that a snapshot has shown since.
    if leg.entry:
        close(state, leg.entry, _moved(state, leg) or "redirected", fact.at)
    leg.waits += 1
    leg.joined = fact.at
    entry_id = f"{state.switch}-{leg.id}-w{leg.waits}"
    leg.entry = QueueEntry(entry_id, fact.queue, leg, fact.at, fact.position, fact.place)
    state.emit(
        leg.call,
        CallQueued,
        fact.at,
        entry_id=entry_id,
        queue=fact.queue,
        channel=leg.channel,
        leg=leg.id,
        position=fact.position,
        restored=fact.restored or state.reconstructing,
    )


def handed_over(state: State, entry: QueueEntry, leg: Leg, at: Micros) -> None:
    """Another leg stands in this one's place in the queue from now on, and is offered as it was."""
    close(state, entry, "redirected", at)
    joined(state, QueueJoined(at=at, leg=leg.id, queue=entry.queue, position=entry.position))
    for rung in state.book.legs.values():
        if rung.offer and rung.offer.open and rung.offer.entry is entry:
            rung.offer.entry = leg.entry


def abandoned(state: State, fact: QueueAbandoned) -> None:
    """The caller gave up, or else was taken out of the queue: Asterisk says the same of both.

    Only one who hangs up gave up. We moved the others, their dialplan stands elsewhere (a
    redirect), or the queue gave them back to it: their time was up.
    """
    entry = _entry(state, fact.leg, fact.queue)
    if entry is None:
        return
    ended = _moved(state, entry.leg)
    if ended is None:
        otherwise: WaitEnd = "abandoned" if entry.leg.leaving else "timeout"
        ended = "redirected" if _elsewhere(entry, fact.place) else otherwise
    close(state, entry, ended, fact.at)


def left(state: State, fact: QueueLeft) -> None:
    """The wait is over: an agent took it, or else the queue gave it back to the dialplan.

    A dialplan that stands elsewhere says that the caller pressed the key that leads out.
    """
    entry = _entry(state, fact.leg, fact.queue)
    if entry:
        otherwise: WaitEnd = "redirected" if _elsewhere(entry, fact.place) else "timeout"
        taken: WaitEnd | None = "connected" if entry.answered else None
        ended = _moved(state, entry.leg) or fact.ended or taken or otherwise
        close(state, entry, ended, fact.at)


def connected(state: State, fact: AgentConnected) -> None:
    """The agent has the caller, should QueueLeft not have come before."""
    entry = _entry(state, fact.source, fact.queue)
    if entry:
        close(state, entry, "connected", fact.at)


def hung_up(state: State, leg: Leg, at: Micros) -> None:
    """A leg that goes no longer waits."""
    if leg.entry:
        close(state, leg.entry, _moved(state, leg) or "abandoned", at)


def close(state: State, entry: QueueEntry, ended: WaitEnd, at: Micros) -> None:
    """End a wait. One who gave up has waited until then, whenever the queue noticed."""
    leg = entry.leg
    leg.entry, leg.left_queue = None, at
    leg.call.last_wait = ended
    until = leg.leaving if ended == "abandoned" and leg.leaving else at
    entry.waited = max(0, until - entry.joined)
    state.emit(
        leg.call,
        WaitEnded,
        at,
        entry_id=entry.id,
        queue=entry.queue,
        ended=ended,
        waited=entry.waited,
    )


def _entry(state: State, leg_id: str, queue: str) -> QueueEntry | None:
    leg = state.book.legs.get(leg_id)
    entry = leg.entry if leg else None
    return entry if entry and entry.queue == queue else None


def _elsewhere(entry: QueueEntry, place: str) -> bool:
    return bool(entry.place and place and entry.place != place)


def _moved(state: State, leg: Leg) -> WaitEnd | None:
    """The reason if it was us who moved the leg; a tag serves once.

    Who hangs up meanwhile meets nobody.
    """
    tag = state.book.tags.pop(leg.id, None)
    if tag is None or tag.reason == "aside" or (tag.reason == "connected" and leg.leaving):
        return None
    return tag.reason
