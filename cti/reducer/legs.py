"""Legs come, change and go; a call begins with its first leg and ends with its last."""

from __future__ import annotations

from cti.domain.book import Leg, kind_of
from cti.domain.events import CallJoined, Micros
from cti.domain.facts import (
    HangupRequested,
    LegHungUp,
    LegJoins,
    LegMoved,
    LegRenamed,
    LegStarted,
    LegState,
)
from cti.reducer import agents, calls, offers, optimisation, queues, talks
from cti.reducer.state import State


def started(state: State, fact: LegStarted) -> None:
    """A new leg. A call that the PBX itself makes is announced once it is known what it dials."""
    if fact.leg in state.book.legs or fact.leg in state.gone or fact.linkedid in state.ended:
        return
    call = calls.call_of(state, fact.linkedid)
    leg = Leg(
        id=fact.leg,
        channel=fact.channel,
        call=call,
        started=fact.at,
        number=fact.number,
        name=fact.name,
        exten=fact.exten,
        condition=fact.condition,
        dialled=fact.dialled,
        queue=fact.queue,
    )
    state.book.legs[leg.id] = call.legs[leg.id] = leg
    _classify(state, leg)
    if leg is call.caller and (fact.dialled or fact.condition in ("ring", "up")):
        state.arrive(call)


def _classify(state: State, leg: Leg) -> None:
    """What the channel's name says about the leg."""
    leg.kind = kind_of(leg.channel)
    if leg.kind == "local":
        state.book.locals[leg.channel] = leg
    if leg.kind != "party":
        return
    call = leg.call
    leg.errand = leg.errand or call.errand
    user = leg.errand.agent if leg.errand else leg.interface
    if not leg.agent and state.is_agent(user):
        agents.adopt(state, leg, user)
    if call.caller is None:
        call.caller = leg
        call.did = call.did or _did(leg)


def _did(leg: Leg) -> str:
    """The number that was dialled; ``s`` is Asterisk's word for none."""
    return "" if leg.exten == "s" or leg.condition == "down" else leg.exten


def renamed(state: State, fact: LegRenamed) -> None:
    """The channel's name changed; with it may change what the leg is."""
    leg = state.book.legs.get(fact.leg)
    if leg:
        state.book.locals.pop(leg.channel, None)
        leg.channel = fact.channel
        _classify(state, leg)


def changed(state: State, fact: LegState) -> None:
    """The leg rings, or was answered."""
    leg = state.book.legs.get(fact.leg)
    if leg:
        leg.condition = fact.condition
        if fact.condition == "up":
            leg.up = leg.up or fact.at
        if leg.agent:
            state.touched[leg.agent] = None


def moved(state: State, fact: LegMoved) -> None:
    """A snapshot shows the leg in another call."""
    leg = state.book.legs.get(fact.leg)
    if leg:
        move(state, leg, fact.linkedid, fact.at)
        if leg.bridge:
            talks.settle(state, leg.bridge, fact.at)


def joins(state: State, fact: LegJoins) -> None:
    """The caller came from another switch; said once, however often the PBX repeats it."""
    leg = state.book.legs.get(fact.leg)
    if leg and leg is leg.call.caller and not leg.call.joined and fact.call_id != leg.call.id:
        leg.call.joined = fact.call_id
        state.emit(leg.call, CallJoined, fact.at, to_call_id=fact.call_id)


def move(state: State, leg: Leg, linkedid: str, at: Micros) -> None:
    """Put the leg into another call. What it had begun in the old call ends there.

    The caller of this function settles who talks in the leg's bridge afterwards.
    """
    if leg.call.linkedid == linkedid or linkedid in state.ended:
        return
    bridge = leg.bridge
    if leg.talk is None or leg.talk.call.linkedid != linkedid:
        talks.take_out(state, leg, at)
    elif bridge:
        talks.slip_out(state, leg)  # It follows, through a Local channel, whom it talks with.
    queues.hung_up(state, leg, at)
    offers.hung_up(state, leg, 0, at)
    if leg.up and leg.offer:
        leg.call.talked = True  # Who answers here talks there: a customer has taken the call over.
    calls.take_out(state, leg, at)
    call = leg.call = calls.call_of(state, linkedid)
    call.legs[leg.id] = leg
    if call.caller is None and leg.kind == "party":
        call.caller = leg
    if bridge:
        talks.put_in(state, leg, bridge)


def leaving(state: State, fact: HangupRequested) -> None:
    """The party hangs up: what ends now is their doing."""
    leg = state.book.legs.get(fact.leg)
    if leg:
        leg.leaving = leg.leaving or fact.at


def hung_up(state: State, fact: LegHungUp) -> None:
    """The leg is gone, and with it all it had begun."""
    state.leg_gone(fact.leg)
    leg = state.book.legs.pop(fact.leg, None)
    if leg is None:
        return
    at = fact.at
    talks.take_out(state, leg, at)
    optimisation.settle(state, leg.id, at)
    if leg.sent:
        calls.tell(state, leg, leg.sent, at)
    talks.release_hold(state, leg, at)
    queues.hung_up(state, leg, at)
    offers.hung_up(state, leg, fact.cause, at)
    agents.release(state, leg)
    state.book.locals.pop(leg.channel, None)
    state.book.tags.pop(leg.id, None)
    _remember_cause(leg, fact.cause)
    if fact.unexplained:
        leg.leaving = leg.leaving or at  # A caller who is gone is thought to have given up.
    calls.take_out(state, leg, at)


def _remember_cause(leg: Leg, cause: int) -> None:
    call = leg.call
    if leg is call.caller:
        call.cause = cause
    elif leg.dialled and leg.condition != "up" and cause:
        call.dial_cause = cause
