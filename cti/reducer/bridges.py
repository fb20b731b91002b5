"""Bridges: legs come together and part; calls merge there; customers are handed on."""

from __future__ import annotations

from cti.domain.book import Leg
from cti.domain.events import CallTransferred, Micros
from cti.domain.facts import (
    AttendedTransferred,
    BlindTransferred,
    BridgeEntered,
    BridgeLeft,
    BridgeSeen,
)
from cti.reducer import legs, talks
from cti.reducer.state import State


def entered(state: State, fact: BridgeEntered) -> None:
    """A leg joins others. All legs of a bridge have one Linkedid: Asterisk merges their calls."""
    leg = state.book.legs.get(fact.leg)
    if leg is None:
        return
    legs.move(state, leg, fact.linkedid, fact.at)
    for other in list(state.book.bridges.get(fact.bridge, {}).values()):
        legs.move(state, other, fact.linkedid, fact.at)
    talks.put_in(state, leg, fact.bridge)
    talks.settle(state, fact.bridge, fact.at)


def left(state: State, fact: BridgeLeft) -> None:
    """A leg leaves the others."""
    leg = state.book.legs.get(fact.leg)
    if leg and leg.bridge == fact.bridge:
        talks.take_out(state, leg, fact.at)
        _redirected(state, leg, fact.at)


def _redirected(state: State, leg: Leg, at: Micros) -> None:
    """We took this party out of a talk ourselves: nothing else on the wire would say so."""
    tag = state.book.tags.get(leg.id)
    if tag and tag.reason == "redirected":
        del state.book.tags[leg.id]
        state.emit(leg.call, CallTransferred, at, kind="redirect", to=tag.to)


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
    talks.settle(state, fact.bridge, fact.at, restored=True)


def blind_transferred(state: State, fact: BlindTransferred) -> None:
    """Sent on without asking."""
    leg = state.book.legs.get(fact.leg)
    if leg:
        _transferred(state, leg, "blind", fact.to, fact.at)


def attended_transferred(state: State, fact: AttendedTransferred) -> None:
    """Sent on after a word with the new party, which is told by the number that was dialled."""
    leg, target = state.book.legs.get(fact.leg), state.book.legs.get(fact.target)
    if leg:
        dialled = "" if fact.to == "s" else fact.to
        to = dialled or (target.interface if target else "")
        _transferred(state, leg, "attended", to, fact.at)


def _transferred(state: State, leg: Leg, kind: str, to: str, at: Micros) -> None:
    state.emit(leg.call, CallTransferred, at, kind=kind, to=to, by=leg.agent)
