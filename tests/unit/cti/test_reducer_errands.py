"""Somebody is dialled for a caller who waits: a personal manager's mobile."""

from __future__ import annotations

import pytest

from cti.domain import events as ev
from cti.domain import facts
from tests.unit.cti.test_reducer_cases import CALLER, SECOND, Pbx

ENTRY, MOBILE, TRUNK = "pbx-1-w1", "m-7.1", "PJSIP/trunk-2"


@pytest.fixture
def pbx() -> Pbx:
    return Pbx()


def dial(pbx: Pbx, agent: str = "PJSIP/102") -> None:
    assert pbx.reducer.send_for(MOBILE, agent, ENTRY)
    pbx.leg(MOBILE, TRUNK, call=MOBILE, condition="down")
    pbx.say(facts.DialBegan, leg=MOBILE, dialled="+447700900104@trunk")


def accept(pbx: Pbx) -> None:
    """The manager waits for the caller, who is sent there."""
    pbx.say(facts.SetAside, leg=MOBILE)
    assert pbx.reducer.book.legs[MOBILE].aside
    assert pbx.reducer.tag("pbx-1", CALLER, "connected")
    pbx.say(facts.QueueAbandoned, leg="1", queue="support", place="taken,m-7.1,1")
    pbx.say(facts.QueueLeft, leg="1", queue="support")
    pbx.say(facts.BridgeLeft, leg=MOBILE, bridge="hold", place="m,s,9")
    pbx.say(facts.BridgeEntered, leg=MOBILE, linkedid=MOBILE, bridge="b", place="m,s,9")
    pbx.say(facts.BridgeEntered, leg="1", linkedid="1", bridge="b", place="taken,m-7.1,1")


@pytest.mark.parametrize("agent", ["PJSIP/102", "Pavel Reznik"])
def test_the_caller_is_given_to_who_was_dialled(pbx: Pbx, agent: str) -> None:
    pbx.queued_caller()
    dial(pbx, agent)
    pbx.pick_up(MOBILE)
    accept(pbx)
    pbx.say(facts.BridgeLeft, leg=MOBILE, bridge="b", place="m,s,9")
    pbx.hang_up(MOBILE)
    pbx.say(facts.BridgeLeft, leg="1", bridge="b", place="taken,m-7.1,1")
    pbx.hang_up("1")
    assert pbx.told(ev.QueueLeft, "ended") == ["connected"]
    answered = next(event for event in pbx.events if isinstance(event, ev.CallAnswered))
    assert (answered.call_id, answered.agent, answered.queue) == ("pbx-1", agent, "support")
    assert (answered.caller_channel, answered.agent_channel) == (CALLER, TRUNK)
    assert (answered.entry_id, answered.waited) == (ENTRY, 6 * SECOND)
    assert pbx.told(ev.CallJoined, "to_call_id") == ["pbx-1"]
    assert pbx.told(ev.CallArrived, "did") == ["200", "+447700900104"]
    assert pbx.told(ev.CallTransferred, "to") == []
    ends = [event for event in pbx.events if isinstance(event, ev.CallEnded)]
    assert {(e.call_id, e.direction, e.outcome) for e in ends} == {
        ("pbx-m-7.1", "outbound", "answered"),
        ("pbx-1", "inbound", "answered"),
    }
    pbx.over()


def test_the_phone_of_who_is_dialled_is_busy_meanwhile(pbx: Pbx) -> None:
    pbx.queued_caller()
    dial(pbx)
    pbx.pick_up(MOBILE)
    accept(pbx)
    pbx.hang_up(MOBILE, "1")
    assert pbx.told(ev.AgentActivityChanged, "activity") == ["ringing", "talking", "idle"]
    assert set(pbx.told(ev.AgentActivityChanged, "agent")) == {"PJSIP/102"}
    pbx.over()


def test_through_a_local_channel(pbx: Pbx) -> None:
    pbx.queued_caller()
    assert pbx.reducer.send_for(MOBILE, "PJSIP/102", ENTRY)
    pbx.leg(MOBILE, "Local/+447@out-1;1", call=MOBILE, condition="down")
    pbx.leg("9", "Local/+447@out-1;2", call=MOBILE, condition="ring", exten="+447")
    pbx.say(facts.DialBegan, leg=MOBILE, dialled="+447@out")
    pbx.leg("10", TRUNK, call=MOBILE, condition="down")
    pbx.say(facts.DialBegan, leg="10", source="9", dialled="trunk/+447")
    pbx.pick_up("10")
    pbx.say(facts.BridgeEntered, leg="10", linkedid=MOBILE, bridge="l")
    pbx.say(facts.BridgeEntered, leg="9", linkedid=MOBILE, bridge="l")
    pbx.pick_up(MOBILE)
    accept(pbx)
    answered = next(event for event in pbx.events if isinstance(event, ev.CallAnswered))
    assert (answered.agent, answered.agent_channel, answered.entry_id) == (
        "PJSIP/102",
        TRUNK,
        ENTRY,
    )
    assert pbx.told(ev.CallArrived, "did") == ["200", "+447"]
    pbx.hang_up("10", "9", MOBILE, "1")
    assert pbx.told(ev.TalkEnded, "agent") == ["PJSIP/102"]
    pbx.over()


def test_a_local_channel_that_goes_out_of_the_way_ends_no_talk(pbx: Pbx) -> None:
    pbx.queued_caller()
    assert pbx.reducer.send_for(MOBILE, "PJSIP/102", ENTRY)
    pbx.leg(MOBILE, "Local/+447@out-1;1", call=MOBILE, condition="down")
    pbx.leg("9", "Local/+447@out-1;2", call=MOBILE, condition="ring", exten="+447")
    pbx.leg("10", TRUNK, call=MOBILE, condition="down")
    pbx.say(facts.DialBegan, leg="10", source="9", dialled="trunk/+447")
    pbx.pick_up("10")
    pbx.say(facts.BridgeEntered, leg="10", linkedid=MOBILE, bridge="l")
    pbx.say(facts.BridgeEntered, leg="9", linkedid=MOBILE, bridge="l")
    accept(pbx)
    pbx.say(facts.LocalOptimising, one=MOBILE, two="9")
    pbx.say(facts.BridgeLeft, leg="10", bridge="l")
    pbx.say(facts.BridgeEntered, leg="10", linkedid="1", bridge="b")
    pbx.say(facts.LocalOptimised, one=MOBILE, two="9")
    pbx.hang_up(MOBILE, "9")
    assert len(pbx.told(ev.CallAnswered, "agent")) == 1
    assert pbx.told(ev.TalkEnded, "agent") == []
    pbx.hang_up("10", "1")
    assert pbx.told(ev.TalkEnded, "agent") == ["PJSIP/102"]
    pbx.over()


def test_busy_changes_nothing_for_the_caller(pbx: Pbx) -> None:
    pbx.queued_caller()
    dial(pbx)
    pbx.say(facts.DialEnded, leg=MOBILE, status="BUSY")
    pbx.hang_up(MOBILE, cause=17)
    pbx.say(facts.HangupRequested, leg="1")
    pbx.say(facts.QueueAbandoned, leg="1", queue="support", place="in,200,3")
    pbx.hang_up("1")
    assert pbx.told(ev.CallEnded, "outcome") == ["busy", "abandoned"]
    pbx.over()


def test_a_caller_who_hangs_up_in_that_moment_has_given_up(pbx: Pbx) -> None:
    pbx.queued_caller()
    pbx.reducer.tag("pbx-1", CALLER, "connected")
    pbx.say(facts.HangupRequested, leg="1")
    pbx.say(facts.QueueAbandoned, leg="1", queue="support", place="in,200,3")
    pbx.hang_up("1")
    assert pbx.told(ev.QueueLeft, "ended") == ["abandoned"]
    pbx.over()


def test_an_errand_without_a_caller_or_a_call(pbx: Pbx) -> None:
    assert not pbx.reducer.send_for(MOBILE, "PJSIP/102", ENTRY)
    pbx.queued_caller()
    pbx.reducer.send_for(MOBILE, "PJSIP/102", ENTRY)
    pbx.reducer.forget_errand(MOBILE)
    pbx.hang_up("1")
    pbx.over()
