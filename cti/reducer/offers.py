"""Ringing. Every AgentOffered gets exactly one OfferEnded.

An offer ends as ``answered`` when the PBX says so, and otherwise when its leg is gone: what was
said first counts (Asterisk says NOANSWER and then CANCEL of the same ringing), except that only
the hang-up cause tells a phone that declined from one that nobody took.
"""

from __future__ import annotations

from cti.domain.book import Leg, Offer
from cti.domain.events import AgentOffered, Micros, OfferEnd, OfferEnded
from cti.domain.facts import AgentCalled, AgentRingNoAnswer, DialBegan, DialEnded, PickedUp
from cti.reducer import agents, calls
from cti.reducer.state import State

_ENDS: dict[str, OfferEnd] = {
    "ANSWER": "answered",
    "BUSY": "rejected",
    "CONGESTION": "rejected",
    "DONTCALL": "rejected",
    "TORTURE": "rejected",
    "NOANSWER": "no_answer",
    "CHANUNAVAIL": "no_answer",
}
_DECLINED_CAUSES = frozenset({17, 21})
# What a phone says that was not declining: it hung up, rang in vain, was forwarded.
_NOT_DECLINED_CAUSES = frozenset({0, 16, 18, 19, 20, 23, 26, 127})


def agent_called(state: State, fact: AgentCalled) -> None:
    """A queue rings a member."""
    leg, source = state.book.legs.get(fact.leg), state.book.legs.get(fact.source)
    if leg and source and leg.offer is None:
        leg.dialled = True
        _offer(state, leg, source, fact.interface, fact.at)


def dial_began(state: State, fact: DialBegan) -> None:
    """A leg is rung; when it is an agent's, that is an offer."""
    leg, source = state.book.legs.get(fact.leg), state.book.legs.get(fact.source)
    if source:
        calls.arrived_there(state, source, fact.at)
        calls.rings_on(source)
    if leg is None:
        return
    leg.dialled = True
    if source is None:
        _originated(state, leg, fact)
    elif leg.offer is None:
        _rung(state, leg, source, fact)


def _originated(state: State, leg: Leg, fact: DialBegan) -> None:
    """The PBX itself dials (Originate): now it is known which number."""
    if leg is leg.call.caller and (leg.errand or not leg.agent):
        leg.call.did = leg.call.did or fact.dialled.partition("@")[0]
    state.arrive(leg.call)


def _rung(state: State, leg: Leg, source: Leg, fact: DialBegan) -> None:
    half = state.book.other_half(source) if source.kind == "local" else None
    if half and half.offer and half.offer.open:
        # The phone behind a queue member that is a Local channel: one offer for both.
        leg.offer = half.offer
        agents.release(state, leg)
        agents.adopt(state, leg, leg.offer.agent)
    elif source.entry:
        # A forwarding phone has Local/102@... dialled, and Asterisk leaves the "Local/" out.
        known = fact.dialled if fact.dialled in state.book.members else leg.interface
        _offer(state, leg, source, known, fact.at)
    elif leg is leg.call.caller:
        # The first party of a call is called for its own sake: nobody is offered to it.
        if source.kind == "local" and not leg.call.arrived:
            leg.call.did = leg.call.did or source.exten
        state.arrive(leg.call)
    elif leg.agent:
        _offer(state, leg, source, leg.agent, fact.at)


def _offer(state: State, leg: Leg, source: Leg, interface: str, at: Micros) -> None:
    agent = agents.phone_behind(state, interface)
    if leg.kind == "party":
        agents.adopt(state, leg, agent)
    offer_id = f"{state.switch}-{leg.id}-o1"
    offer = leg.offer = Offer(offer_id, agent, leg, at, source.entry)
    state.emit(
        leg.call,
        AgentOffered,
        at,
        offer_id=offer_id,
        agent=agent,
        channel=leg.channel,
        entry_id=offer.entry.id if offer.entry else "",
        queue=offer.entry.queue if offer.entry else "",
    )


def picked_up(state: State, fact: PickedUp) -> None:
    """Another phone takes the call that rings this one, whose offer is over."""
    leg, target = state.book.legs.get(fact.leg), state.book.legs.get(fact.target)
    offer = target.offer if target else None
    if leg and offer and offer.open:
        leg.offer = offer
        _say(offer, "cancelled", fact.at)
        if offer.entry:
            offer.entry.answered = True


def dial_ended(state: State, fact: DialEnded) -> None:
    """The PBX says how a ringing ended."""
    leg = state.book.legs.get(fact.leg)
    if leg is None:
        return
    if fact.status != "ANSWER":
        leg.call.dial_status, leg.call.dial_cause = fact.status, 0
    if leg.offer and leg.offer.leg is leg:
        _say(leg.offer, _ENDS.get(fact.status, "cancelled"), fact.at)
        if fact.status == "ANSWER":
            answered(state, leg, fact.at)


def ring_no_answer(state: State, fact: AgentRingNoAnswer) -> None:
    """The queue gave up on this agent (Asterisk says so of a busy phone, too)."""
    leg = state.book.legs.get(fact.leg)
    if leg and leg.offer:
        _say(leg.offer, "no_answer", fact.at)


def answered(state: State, leg: Leg, at: Micros) -> None:
    """Somebody picked up."""
    offer = leg.offer
    if offer and offer.open and offer.leg is leg:
        if offer.entry:
            offer.entry.answered = True
        _close(state, offer, "answered", at, leg.up or at)


def hung_up(state: State, leg: Leg, cause: int, at: Micros) -> None:
    """The rung leg is gone."""
    offer = leg.offer
    if offer and offer.open and offer.leg is leg:
        ended = "rejected" if _declined(leg, cause) else offer.said or "cancelled"
        _close(state, offer, ended, at, offer.said_at or at)


def _declined(leg: Leg, cause: int) -> bool:
    """The phone itself ended the ringing, for another reason than that nobody was there."""
    refused = leg.leaving and leg.kind == "party" and cause not in _NOT_DECLINED_CAUSES
    return cause in _DECLINED_CAUSES or bool(refused)


def _say(offer: Offer, ended: OfferEnd, at: Micros) -> None:
    if offer.said is None:
        offer.said, offer.said_at = ended, at


def _close(state: State, offer: Offer, ended: OfferEnd, at: Micros, rang_until: Micros) -> None:
    offer.open = False
    if offer.agent in state.book.phones:
        state.touched[offer.agent] = None
    state.emit(
        offer.leg.call,
        OfferEnded,
        at,
        offer_id=offer.id,
        agent=offer.agent,
        ended=ended,
        rang=max(0, rang_until - offer.began),
        entry_id=offer.entry.id if offer.entry else "",
        queue=offer.entry.queue if offer.entry else "",
    )
