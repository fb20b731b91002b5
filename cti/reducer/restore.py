"""The book from the journal: what was going on when this program last looked.

Events name legs by channel; their Uniqueid is read from the ids that were derived from it. A leg
that no id names (the far end of a call that an agent dialled) comes back with the snapshot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cti.domain.book import Book, Call, Leg, Offer, QueueEntry, Talk, kind_of
from cti.domain.events import (
    AgentActivityChanged,
    AgentOffered,
    CallAnswered,
    CallArrived,
    CallEnded,
    CallHeld,
    CallJoined,
    CallQueued,
    CallResumed,
    CallTransferred,
    Event,
    OfferEnded,
    QueueLeft,
    TalkEnded,
)
from cti.reducer import agents, calls
from cti.reducer.state import State


def forget_half_places(book: Book) -> None:
    """Records know no priority, so where a dialplan stands cannot be compared with what is live."""
    for leg in book.legs.values():
        if leg.place.endswith(","):
            leg.place = ""
        if leg.entry and leg.entry.place.endswith(","):
            leg.entry.place = ""


def take_in(state: State, event: Event) -> None:
    """One journaled event. Other kinds than the reducer's own are passed over."""
    if isinstance(event, AgentActivityChanged):
        phone = agents.phone(state, event.agent)
        phone.activity, phone.told = event.activity, max(event.at, phone.told + 1)
        return
    if event.switch != state.switch or type(event) not in _HANDLERS:
        return
    call = calls.call_of(state, event.call_id.removeprefix(f"{state.switch}-"))
    call.arrived = True
    number = event.id.removeprefix(f"{call.id}#")
    if number.isdecimal():
        call.events = max(call.events, int(number))
    _HANDLERS[type(event)](state, call, event)


def _transferred(_state: State, call: Call, event: CallTransferred) -> None:
    call.transferred = event.at


def _leg(state: State, call: Call, leg_id: str, channel: str, at: int) -> Leg:
    leg = state.book.legs.get(leg_id)
    if leg is None:
        leg = Leg(leg_id, channel, call, at, kind=kind_of(channel), condition="ring")
        state.book.legs[leg_id] = call.legs[leg_id] = leg
        if leg.kind == "local":
            state.book.locals[channel] = leg
        if leg.kind == "party" and state.is_agent(leg.interface):
            agents.adopt(state, leg, leg.interface)
    elif leg.call is not call:
        del leg.call.legs[leg_id]
        leg.call, call.legs[leg_id] = call, leg
    return leg


def _leg_id(state: State, derived: str) -> tuple[str, int]:
    """The Uniqueid and the count in ``pbx-1795298470.113-w1``."""
    leg_id, _, suffix = derived.removeprefix(f"{state.switch}-").rpartition("-")
    return leg_id, int(suffix[1:])


def _arrived(state: State, call: Call, event: CallArrived) -> None:
    call.caller = _leg(state, call, event.leg, event.channel, event.at)
    call.direction, call.did = event.direction, event.did


def _joined(_state: State, call: Call, event: CallJoined) -> None:
    call.joined = event.to_call_id


def _queued(state: State, call: Call, event: CallQueued) -> None:
    leg = _leg(state, call, event.leg, event.channel, event.at)
    leg.waits = _leg_id(state, event.entry_id)[1]
    leg.entry = QueueEntry(event.entry_id, event.queue, leg, event.at)
    leg.joined = event.at


def _entry(call: Call, entry_id: str) -> QueueEntry | None:
    entries = (leg.entry for leg in call.legs.values() if leg.entry)
    return next((entry for entry in entries if entry.id == entry_id), None)


def _queue_left(_state: State, call: Call, event: QueueLeft) -> None:
    call.last_wait = event.ended
    entry = _entry(call, event.entry_id)
    if entry:
        entry.leg.entry = None


def _offered(state: State, call: Call, event: AgentOffered) -> None:
    leg = _leg(state, call, _leg_id(state, event.offer_id)[0], event.channel, event.at)
    leg.dialled, leg.condition = True, "ringing"
    entry = _entry(call, event.entry_id)
    leg.offer = Offer(event.offer_id, event.agent, leg, event.at, entry)
    if leg.kind == "party" and not leg.agent:
        agents.adopt(state, leg, event.agent)


def _offer_ended(state: State, call: Call, event: OfferEnded) -> None:
    leg = call.legs.get(_leg_id(state, event.offer_id)[0])
    if leg and leg.offer:
        leg.offer.open = False
        if event.ended == "answered":
            leg.condition = "up"
            if leg.offer.entry:
                leg.offer.entry.answered = True


def _answered(state: State, call: Call, event: CallAnswered) -> None:
    leg_id, leg_talks = _leg_id(state, event.talk_id)
    leg = _leg(state, call, leg_id, event.agent_channel, event.at)
    leg.talks, leg.condition, leg.talking = leg_talks, "up", True
    leg.entered = event.at
    leg.met = True
    leg.talk = Talk(event.talk_id, event.agent, leg, call, event.caller_channel, event.at)
    call.talked = True


def _talk_ended(state: State, call: Call, event: TalkEnded) -> None:
    leg = call.legs.get(_leg_id(state, event.talk_id)[0])
    if leg:
        leg.talk, leg.talking = None, False


def _held(_state: State, call: Call, event: CallHeld) -> None:
    _set_held(call, event.channel, True)


def _resumed(_state: State, call: Call, event: CallResumed) -> None:
    _set_held(call, event.channel, False)


def _set_held(call: Call, channel: str, held: bool) -> None:
    for leg in call.legs.values():
        if leg.channel == channel:
            leg.held = held


def _ended(state: State, call: Call, _event: CallEnded) -> None:
    del state.book.calls[call.linkedid]
    state.call_ended(call.linkedid)
    for leg in call.legs.values():
        agents.release(state, leg)
        state.book.locals.pop(leg.channel, None)
        del state.book.legs[leg.id]


_HANDLERS: dict[type[Event], Callable[[State, Call, Any], None]] = {
    CallArrived: _arrived,
    CallJoined: _joined,
    CallQueued: _queued,
    QueueLeft: _queue_left,
    AgentOffered: _offered,
    OfferEnded: _offer_ended,
    CallAnswered: _answered,
    TalkEnded: _talk_ended,
    CallTransferred: _transferred,
    CallHeld: _held,
    CallResumed: _resumed,
    CallEnded: _ended,
}
