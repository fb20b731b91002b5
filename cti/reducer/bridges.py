"""Bridges: legs come together and part; calls merge there; customers are handed on."""

from __future__ import annotations

from cti.domain.book import Leg, SentOn
from cti.domain.events import CallTransferred, Micros
from cti.domain.facts import (
    AttendedTransferred,
    BlindTransferred,
    BridgeEntered,
    BridgeLeft,
    BridgeSeen,
    SetAside,
)
from cti.reducer import calls, legs, optimisation, queues, talks
from cti.reducer.state import State


def entered(state: State, fact: BridgeEntered) -> None:
    """A leg joins others.

    All legs of a bridge have one Linkedid: Asterisk merges their calls; but not in a conference.
    """
    leg = state.book.legs.get(fact.leg)
    if leg is None:
        return
    calls.arrived_there(state, leg, fact.at, fact.conference)
    leg.place, leg.entered = fact.place, fact.at
    legs.move(state, leg, fact.linkedid, fact.at)
    if not fact.conference:
        for other in list(state.book.bridges.get(fact.bridge, {}).values()):
            legs.move(state, other, fact.linkedid, fact.at)
    leg.was_in, leg.aside = "", False
    talks.put_in(state, leg, fact.bridge)
    talks.settle(state, fact.bridge, fact.at)


def set_aside(state: State, fact: SetAside) -> None:
    """A leg waits where nobody talks."""
    leg = state.book.legs.get(fact.leg)
    if leg:
        leg.aside = True


def left(state: State, fact: BridgeLeft) -> None:
    """A leg leaves the others."""
    leg = state.book.legs.get(fact.leg)
    if leg is None or leg.bridge != fact.bridge:
        return
    if optimisation.moves(state, leg):
        talks.slip_out(state, leg)
        return
    talks.take_out(state, leg, fact.at)
    to = _redirected(state, leg, fact.place)
    leg.was_in, leg.sent = fact.bridge, SentOn(to, fact.bridge) if to else None


def _redirected(state: State, leg: Leg, place: str) -> str:
    """Where somebody sent this party: we said so before, or its dialplan stands elsewhere.

    What it was sent to is told when it gets there: it may be a conference. Sending the agent's leg
    away hands nobody on.
    """
    exten = place.partition(",")[2].partition(",")[0]
    tag = state.book.tags.get(leg.id)
    if tag and tag.reason == "redirected":
        del state.book.tags[leg.id]
        return tag.to or exten
    if tag and tag.reason == "aside":
        del state.book.tags[leg.id]
        return ""
    return exten if leg.served and leg.place and leg.place != place else ""


def seen(state: State, fact: BridgeSeen) -> None:
    """A snapshot's bridge: its legs are put in before anybody asks who talks with whom."""
    now = [state.book.legs[leg] for leg in fact.legs if leg in state.book.legs]
    before = list(state.book.bridges.get(fact.bridge, {}).values())
    for leg in before:
        if leg not in now:
            talks.take_out(state, leg, fact.at)
    for leg in now:
        if leg.bridge and leg.bridge != fact.bridge:
            talks.take_out(state, leg, fact.at)
        talks.put_in(state, leg, fact.bridge)
    for leg_id, place in zip(fact.legs, fact.places, strict=False):
        if leg_id in state.book.legs:
            state.book.legs[leg_id].place = place
    if state.catching_up:
        state.seen.append(fact.bridge)  # Those behind Local channels are yet to be seen.
    else:
        talks.settle(state, fact.bridge, fact.at, restored=True)


def blind_transferred(state: State, fact: BlindTransferred) -> None:
    """Sent on without asking: that is why the other stands, or will stand, elsewhere."""
    leg, transferee = state.book.legs.get(fact.leg), state.book.legs.get(fact.transferee)
    if leg:
        for other in state.book.bridges.get(leg.bridge, {}).values():
            other.place = ""
    if transferee:
        transferee.place = ""
        transferee.sent = None
    _transferred(state, transferee or leg, leg, "blind", fact.to, fact.at)


def attended_transferred(state: State, fact: AttendedTransferred) -> None:
    """Sent on after a word with the new party, which is told by the number that was dialled.

    A phone may give up either of its legs for the other: the customer is who was sent on.
    """
    known = state.book.legs
    first, second = known.get(fact.leg), known.get(fact.second)
    transferee, target = known.get(fact.transferee), known.get(fact.target)
    to = fact.to
    if transferee and target and talks.served((transferee, target)) is target:
        transferee, target, to = target, transferee, fact.back
    if transferee and not target and second and second.entry:
        queues.handed_over(state, second.entry, transferee, fact.at)
    dialled = "" if to == "s" else to
    to = dialled or _name(target or second)
    _transferred(state, transferee or first, first, "attended", to, fact.at)


def _name(leg: Leg | None) -> str:
    if leg is None:
        return ""
    return leg.exten if leg.kind == "local" else leg.interface


def _transferred(
    state: State, customer: Leg | None, by: Leg | None, kind: str, to: str, at: Micros
) -> None:
    if customer:
        agent = by.agent if by else ""
        customer.call.transferred = at
        state.emit(customer.call, CallTransferred, at, kind=kind, to=to, by=agent)
