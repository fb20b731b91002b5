"""The end of a call: which way it went and how it came out."""

from __future__ import annotations

from cti.domain.book import Call, Leg, SentOn
from cti.domain.events import (
    CallEnded,
    CallOutcome,
    CallTransferred,
    Direction,
    Micros,
    TransferKind,
)
from cti.domain.facts import MessageLeft
from cti.reducer.state import State

# Q.850 causes and DIALSTATUS values that say why nobody was reached.
_BY_CAUSE: dict[int, CallOutcome] = {17: "busy", 18: "no_answer", 19: "no_answer", 21: "busy"}
_BY_STATUS: dict[str, CallOutcome] = {
    "BUSY": "busy",
    "NOANSWER": "no_answer",
    "CANCEL": "no_answer",
}
_TAKEN_OUT = frozenset({"timeout", "redirected", "withdrawn"})
_NORMAL_CAUSES = frozenset({0, 16, 26, 31, 127})


def call_of(state: State, linkedid: str) -> Call:
    """The call with this Linkedid, a new one if need be."""
    call = state.book.calls.get(linkedid)
    if call is None:
        call = Call(id=f"{state.switch}-{linkedid}", linkedid=linkedid)
        call.errand = state.book.errands.pop(linkedid, None)
        state.book.calls[linkedid] = call
    return call


def take_out(state: State, leg: Leg, at: Micros) -> None:
    """The leg no longer belongs to its call; with its last leg the call ends."""
    call = leg.call
    if leg is call.caller:
        call.gave_up = bool(leg.leaving)
    if leg.kind == "party":
        call.outsider = call.outsider or not leg.agent
        call.reached = call.reached or bool(leg.agent and leg is not call.caller)
    del call.legs[leg.id]
    _tell_sent_on(state, call, at)
    if not call.legs:
        _end(state, call, at)


def _end(state: State, call: Call, at: Micros) -> None:
    del state.book.calls[call.linkedid]
    state.call_ended(call.linkedid)
    state.arrive(call)
    if call.caller is None:
        return
    call.direction = direction(call)
    state.emit(
        call,
        CallEnded,
        at,
        direction=call.direction,
        outcome=outcome(call),
        lasted=max(0, at - call.caller.started),
        hangup_cause=call.cause or (call.dial_cause if call.direction != "inbound" else 0),
    )


def end_empty(state: State, at: Micros) -> None:
    """End calls from the journal whose legs turned out to belong to others (a conference)."""
    for call in [call for call in state.book.calls.values() if not call.legs]:
        _end(state, call, at)


def direction(call: Call) -> Direction:
    """The way the call really went; at its arrival an agent's call could only be guessed."""
    caller = call.caller
    if call.direction == "inbound" or caller is None or not caller.agent or call.errand:
        return call.direction
    if call.outsider:
        return "outbound"
    # An answer without anybody else is the PBX's: a conference, a mailbox, parked calls.
    within = call.reached or caller.dialled or caller.condition == "up"
    return "internal" if within else call.direction


def outcome(call: Call) -> CallOutcome:
    """How the call came out.

    A call that an agent took is ``answered``, be the talk shorter than the bridge needed to form.
    An inbound call that reached nobody is ``abandoned`` when the caller gave up, unless the
    ringing or the queue gave up first or a message was left (``busy``, ``no_answer``), or it never
    got through (``failed``). A dialled call that reached nobody tells by its hang-up cause before
    its DIALSTATUS, which is coarser.
    """
    if call.talked or call.last_wait == "connected":
        return "answered"
    if call.last_wait == "abandoned":
        return "abandoned"
    if call.message or call.last_wait in _TAKEN_OUT:
        return "no_answer"
    return _inbound_outcome(call) if call.direction == "inbound" else _dialled_outcome(call)


def message_left(state: State, fact: MessageLeft) -> None:
    """The caller spoke to a mailbox: nobody was reached, but they did not give up."""
    leg = state.book.legs.get(fact.leg)
    if leg:
        leg.call.message = True


def arrived_there(state: State, leg: Leg, at: Micros, conference: str = "") -> None:
    """The party that was sent on from a talk shows where it is now."""
    if leg.sent:
        leg.sent.there, leg.sent.conference = True, conference
        _tell_sent_on(state, leg.call, at)


def _tell_sent_on(state: State, call: Call, at: Micros) -> None:
    """Tell of those who were sent on, once nobody is left who may have sent them.

    Asterisk tells of a blind transfer before it hangs up on who asked for it, but possibly after
    the party is where it was sent.
    """
    for leg in call.legs.values():
        if leg.sent and leg.sent.there and not _left_behind(call, leg, leg.sent.bridge):
            tell(state, leg, leg.sent, at)


def _left_behind(call: Call, sent: Leg, bridge: str) -> bool:
    others = [leg for leg in call.legs.values() if leg is not sent and leg.kind == "party"]
    inside = [leg for leg in others if leg.bridge == bridge]
    outside = any(leg.was_in == bridge and not leg.bridge and not leg.sent for leg in others)
    return outside or len(inside) == 1


def tell(state: State, leg: Leg, sent: SentOn, at: Micros) -> None:
    """Tell that the party was sent on from a talk."""
    leg.sent = None
    kind: TransferKind = "conference" if sent.conference else "redirect"
    state.emit(leg.call, CallTransferred, at, kind=kind, to=sent.conference or sent.to)


def rings_on(leg: Leg) -> None:
    """The leg has somebody rung: what comes of that counts, not that a queue gave it back."""
    if leg.call.last_wait in _TAKEN_OUT:
        leg.call.last_wait = None


def _inbound_outcome(call: Call) -> CallOutcome:
    if call.dial_status == "NOANSWER" and call.dial_cause not in _NORMAL_CAUSES:
        # A phone that refuses before Dial() listens to it: DIALSTATUS is NOANSWER all the same.
        return _BY_CAUSE.get(call.dial_cause, "failed")
    if call.dial_status and call.dial_status != "CANCEL":
        return _BY_STATUS.get(call.dial_status, "failed")
    was_up = call.caller is not None and call.caller.condition == "up"
    if not was_up and call.cause not in _NORMAL_CAUSES:
        return _BY_CAUSE.get(call.cause, "failed")
    if call.gave_up:
        return "abandoned"
    if was_up:
        return "no_answer"  # The dialplan said what it had to say, and hung up.
    return "abandoned"


def _dialled_outcome(call: Call) -> CallOutcome:
    cause = call.dial_cause or call.cause
    if cause not in _NORMAL_CAUSES:
        return _BY_CAUSE.get(cause, "failed")
    if call.dial_status:
        return _BY_STATUS.get(call.dial_status, "failed")
    was_up = call.caller is not None and call.caller.condition == "up"
    return "answered" if was_up else "no_answer"
