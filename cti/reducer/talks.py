"""Who talks with whom. Every CallAnswered gets exactly one TalkEnded.

The parties that can hear each other are those of one bridge, together with those of the bridges
behind Local channels. One of them is the customer; each of the others talks with the customer.
"""

from __future__ import annotations

from collections.abc import Iterable

from cti.domain.book import Leg, Talk
from cti.domain.events import CallAnswered, CallHeld, CallResumed, Micros, TalkEnded
from cti.domain.facts import Held, Unheld
from cti.reducer.state import State


def put_in(state: State, leg: Leg, bridge: str) -> None:
    """The leg enters a bridge (and leaves the one it was in)."""
    if leg.bridge:
        _take_from_bridge(state, leg)
    leg.bridge = bridge
    state.book.bridges.setdefault(bridge, {})[leg.id] = leg


def take_out(state: State, leg: Leg, at: Micros) -> None:
    """The leg leaves its bridge: its talks are over, those of the others may go on."""
    bridge = leg.bridge
    if not bridge:
        # A talk from the journal, whose bridge nobody knows.
        _settle(state, [leg], at)
        return
    half = state.book.other_half(leg) if leg.kind == "local" else None
    release_hold(state, leg, at)
    _take_from_bridge(state, leg)
    if leg.kind == "party":
        _settle(state, [leg], at)
    settle(state, bridge, at)
    if half and half.bridge:
        settle(state, half.bridge, at)


def slip_out(state: State, leg: Leg) -> None:
    """The leg leaves its bridge, to enter another one at once: its talks go on."""
    _take_from_bridge(state, leg)


def _take_from_bridge(state: State, leg: Leg) -> None:
    members = state.book.bridges[leg.bridge]
    del members[leg.id]
    if not members:
        del state.book.bridges[leg.bridge]
    leg.bridge = ""


def settle(state: State, bridge: str, at: Micros, *, restored: bool = False) -> None:
    """Begin and end talks until they are those of the parties around this bridge."""
    if not state.book.is_optimised(bridge):
        _settle(state, parties(state, bridge), at, restored=restored)


def _settle(state: State, parties: list[Leg], at: Micros, *, restored: bool = False) -> None:
    customer = served(parties) if len(parties) > 1 else None
    for leg in parties:
        leg.talking = customer is not None
        if customer:
            leg.served = leg is customer
        leg.met = leg.met or leg.talking
        if leg.agent:
            state.touched[leg.agent] = None
        other = None if leg is customer else customer
        if leg.talk and (other is None or leg.talk.other != other.channel):
            end(state, leg.talk, at)
        if other and not leg.talk:
            _begin(state, leg, other, at, restored)


def parties(state: State, bridge: str) -> list[Leg]:
    """All parties in reach, in the order in which they entered."""
    found: list[Leg] = []
    bridges = [bridge]
    for name in bridges:
        for leg in state.book.bridges.get(name, {}).values():
            if leg.kind == "party":
                found.append(leg)
            elif leg.kind == "local":
                half = state.book.other_half(leg)
                if half and half.bridge and half.bridge not in bridges:
                    bridges.append(half.bridge)
    return found


def served(parties: Iterable[Leg]) -> Leg:
    """Who is served: no agent rather than an agent, a caller rather than one who was rung.

    Among equals (one agent asks another) it is the first to have been there.
    """
    return min(parties, key=lambda leg: (bool(leg.agent), leg.dialled, *_began(leg)))


def _began(leg: Leg) -> tuple[Micros, int, Micros]:
    """The order in which legs began, as snapshots tell it, too: in whole seconds.

    Within one, Asterisk counts its Uniqueids up; one that a program chose begins a call.
    """
    count = leg.id.rpartition(".")[2]
    counted = int(count) if count.isascii() and count.isdigit() and len(count) < 19 else 0
    return leg.started // 1_000_000, counted, leg.started


def _begin(state: State, leg: Leg, other: Leg, at: Micros, restored: bool) -> None:
    leg.talks += 1
    errand = leg.errand
    agent = leg.agent or (errand.agent if errand else leg.interface)
    talk_id = f"{state.switch}-{leg.id}-t{leg.talks}"
    leg.talk = Talk(talk_id, agent, leg, other.call, other.channel, at)
    other.call.talked = leg.call.talked = True
    offered = errand or leg.offer
    entry = offered.entry if offered else None
    if entry and entry.leg is not other:
        entry = None
    state.emit(
        other.call,
        CallAnswered,
        at,
        talk_id=talk_id,
        agent=agent,
        agent_channel=leg.channel,
        caller_channel=other.channel,
        queue=entry.queue if entry else other.queue,
        entry_id=entry.id if entry else "",
        waited=entry.waited if entry else 0,
        restored=restored or state.reconstructing,
    )


def end(state: State, talk: Talk, at: Micros) -> None:
    """End a talk, and the hold it was in."""
    release_hold(state, talk.leg, at)
    talk.leg.talk = None
    talked = max(0, at - talk.began)
    state.emit(talk.call, TalkEnded, at, talk_id=talk.id, agent=talk.agent, talked=talked)


def held(state: State, fact: Held) -> None:
    """A party put the other on hold."""
    leg = state.book.legs.get(fact.leg)
    if leg and leg.kind == "party" and not leg.held:
        leg.held = True
        _touch(state, leg)
        said = {"channel": leg.channel, "agent": leg.agent}
        state.emit(leg.call, CallHeld, fact.at, reconstructed=fact.restored, **said)


def unheld(state: State, fact: Unheld) -> None:
    """The hold is over; Asterisk also says so of a leg that never held."""
    leg = state.book.legs.get(fact.leg)
    if leg:
        release_hold(state, leg, fact.at, restored=fact.restored)


def release_hold(state: State, leg: Leg, at: Micros, *, restored: bool = False) -> None:
    """A hold ends with the talk it interrupted: each CallHeld gets one CallResumed."""
    if leg.held:
        leg.held = False
        _touch(state, leg)
        said = {"channel": leg.channel, "agent": leg.agent}
        state.emit(leg.call, CallResumed, at, reconstructed=restored, **said)


def _touch(state: State, leg: Leg) -> None:
    if leg.agent:
        state.touched[leg.agent] = None
