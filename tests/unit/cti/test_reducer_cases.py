"""Calls that no capture holds, told fact by fact."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from cti.domain import events as ev
from cti.domain import facts
from cti.domain.book import TagReason
from cti.domain.events import CallOutcome, Direction, OfferEnd
from cti.reducer import Reducer
from tests.unit.cti.reducing import assert_whole

SECOND = 1_000_000
CALLER, AGENT, OTHER = "PJSIP/trunk-1", "PJSIP/101-1", "PJSIP/102-1"


class Pbx:
    """Says facts to a reducer, a second apart, and keeps what it tells."""

    def __init__(self) -> None:
        self.reducer = Reducer("pbx", {"PJSIP/101", "PJSIP/102"}.__contains__)
        self.events: list[ev.Event] = []
        self._clock: Iterator[int] = itertools.count(SECOND, SECOND)

    def say(self, kind: type[facts.Fact], **fields: object) -> None:
        fact = kind(at=next(self._clock), **fields)
        self.events += self.reducer.apply(fact)

    def leg(self, leg: str, channel: str, call: str = "1", **fields: object) -> None:
        self.say(facts.LegStarted, leg=leg, linkedid=call, channel=channel, **fields)

    def queued_caller(self) -> None:
        self.leg("1", CALLER, number="+447700900123", exten="200")
        self.say(facts.LegState, leg="1", condition="up")
        self.say(facts.QueueJoined, leg="1", queue="support", position=1, place="in,200,3")

    def ring(self, leg: str, channel: str, interface: str) -> None:
        self.leg(leg, channel, condition="down")
        self.say(
            facts.AgentCalled,
            leg=leg,
            source="1",
            queue="support",
            interface=interface,
            channel=channel,
        )
        self.say(facts.DialBegan, leg=leg, source="1", dialled=interface)

    def pick_up(self, leg: str) -> None:
        self.say(facts.LegState, leg=leg, condition="up")
        self.say(facts.DialEnded, leg=leg, status="ANSWER")

    def meet(self, bridge: str, *legs: str) -> None:
        for leg in legs:
            self.say(facts.BridgeEntered, leg=leg, linkedid="1", bridge=bridge)

    def hang_up(self, *legs: str, cause: int = 16) -> None:
        for leg in legs:
            self.say(facts.LegHungUp, leg=leg, cause=cause)

    def told(self, kind: type[ev.Event], field: str) -> list[object]:
        return [getattr(event, field) for event in self.events if type(event) is kind]

    def over(self) -> None:
        """The PBX is empty: so is the book, and every beginning has its end."""
        assert self.reducer.book.is_empty
        assert_whole(self.events)


@pytest.fixture
def pbx() -> Pbx:
    return Pbx()


@pytest.mark.parametrize(
    ("status", "cause", "ended"),
    [
        ("BUSY", 17, "rejected"),
        ("NOANSWER", 21, "rejected"),
        ("CONGESTION", 0, "rejected"),
        ("NOANSWER", 19, "no_answer"),
        ("CHANUNAVAIL", 20, "no_answer"),
        ("CANCEL", 0, "cancelled"),
        ("", 0, "cancelled"),
    ],
)
def test_how_a_ringing_ends(pbx: Pbx, status: str, cause: int, ended: OfferEnd) -> None:
    pbx.queued_caller()
    pbx.ring("2", AGENT, "PJSIP/101")
    if status:
        pbx.say(facts.DialEnded, leg="2", status=status)
    if ended != "cancelled":
        pbx.say(facts.AgentRingNoAnswer, leg="2")
    pbx.hang_up("2", cause=cause)
    assert pbx.told(ev.OfferEnded, "ended") == [ended]
    pbx.hang_up("1", cause=0)
    pbx.over()


@pytest.mark.parametrize(
    ("cause", "ended"),
    [
        (19, "no_answer"),  # 480: nobody is there
        (18, "no_answer"),  # 408
        (23, "no_answer"),  # 302: forwarded
        (58, "rejected"),  # 488
        (1, "rejected"),  # 404
    ],
)
def test_a_phone_that_ends_the_ringing_itself(pbx: Pbx, cause: int, ended: OfferEnd) -> None:
    pbx.queued_caller()
    pbx.ring("2", AGENT, "PJSIP/101")
    pbx.say(facts.HangupRequested, leg="2")
    pbx.say(facts.AgentRingNoAnswer, leg="2")
    pbx.hang_up("2", cause=cause)
    assert pbx.told(ev.OfferEnded, "ended") == [ended]
    pbx.hang_up("1", cause=0)
    pbx.over()


def test_a_ringing_lasts_until_the_phone_is_picked_up(pbx: Pbx) -> None:
    """The dialplan may keep the agent from the caller for a while after that."""
    pbx.queued_caller()
    pbx.ring("2", AGENT, "PJSIP/101")
    pbx.say(facts.LegState, leg="2", condition="up")
    pbx.say(facts.HangupRequested, leg="9")
    pbx.say(facts.DialEnded, leg="2", status="ANSWER")
    assert pbx.told(ev.OfferEnded, "rang") == [2 * SECOND]
    pbx.hang_up("2", "1")
    pbx.over()


def test_all_phones_ring_and_one_answers(pbx: Pbx) -> None:
    pbx.queued_caller()
    pbx.ring("2", AGENT, "PJSIP/101")
    pbx.ring("3", OTHER, "PJSIP/102")
    pbx.pick_up("3")
    pbx.say(facts.DialEnded, leg="2", status="CANCEL")
    pbx.hang_up("2", cause=26)
    pbx.say(facts.QueueLeft, leg="1", queue="support")
    pbx.meet("b", "3", "1")
    pbx.hang_up("3", "1")
    assert pbx.told(ev.OfferEnded, "ended") == ["answered", "cancelled"]
    assert pbx.told(ev.CallAnswered, "agent") == ["PJSIP/102"]
    pbx.over()


def test_a_wait_that_the_queue_ends_is_a_timeout(pbx: Pbx) -> None:
    pbx.queued_caller()
    pbx.say(facts.QueueLeft, leg="1", queue="support")
    pbx.hang_up("1")
    assert pbx.told(ev.QueueLeft, "ended") == ["timeout"]
    assert pbx.told(ev.CallEnded, "outcome") == ["no_answer"]
    pbx.over()


def test_a_key_leads_out_of_the_queue(pbx: Pbx) -> None:
    pbx.queued_caller()
    pbx.say(facts.QueueLeft, leg="1", queue="support", place="keys,1,0")
    pbx.hang_up("1")
    assert pbx.told(ev.QueueLeft, "ended") == ["redirected"]
    pbx.over()


def test_who_gives_up_has_waited_until_then(pbx: Pbx) -> None:
    """While an agent hears an announcement, the queue does not notice."""
    pbx.queued_caller()
    pbx.say(facts.HangupRequested, leg="1")
    pbx.say(facts.QueueAbandoned, leg="1", queue="support", place="in,200,3")
    assert pbx.told(ev.QueueLeft, "ended") == ["abandoned"]
    assert pbx.told(ev.QueueLeft, "waited") == [SECOND]
    pbx.hang_up("1")
    pbx.over()


@pytest.mark.parametrize(
    ("status", "leaving", "outcome"),
    [("BUSY", False, "busy"), ("CANCEL", True, "abandoned"), ("NOANSWER", False, "no_answer")],
)
def test_what_comes_after_the_queue_counts(
    pbx: Pbx, status: str, leaving: bool, outcome: CallOutcome
) -> None:
    pbx.queued_caller()
    pbx.say(facts.QueueLeft, leg="1", queue="support")
    pbx.leg("2", "PJSIP/trunk-2", condition="down")
    pbx.say(facts.DialBegan, leg="2", source="1", dialled="07700900123@trunk")
    if leaving:
        pbx.say(facts.HangupRequested, leg="1")
    pbx.say(facts.DialEnded, leg="2", status=status)
    pbx.hang_up("2", "1", cause=0)
    assert pbx.told(ev.CallEnded, "outcome") == [outcome]
    pbx.over()


@pytest.mark.parametrize("reason", ["redirected", "withdrawn"])
@pytest.mark.parametrize("by", ["1", CALLER])
def test_moving_a_waiting_caller_is_not_abandoning(pbx: Pbx, reason: TagReason, by: str) -> None:
    pbx.queued_caller()
    assert pbx.reducer.tag("pbx-1", by, reason)
    pbx.say(facts.QueueAbandoned, leg="1", queue="support", place="in,200,3")
    pbx.say(facts.QueueLeft, leg="1", queue="support")
    pbx.say(facts.QueueJoined, leg="1", queue="support", position=1, place="in,200,3")
    pbx.say(facts.HangupRequested, leg="1")
    pbx.say(facts.QueueAbandoned, leg="1", queue="support", place="in,200,3")
    pbx.hang_up("1", cause=0)
    assert pbx.told(ev.QueueLeft, "ended") == [reason, "abandoned"]
    assert pbx.told(ev.CallQueued, "entry_id") == ["pbx-1-w1", "pbx-1-w2"]
    pbx.over()


def test_a_tag_taken_back_counts_for_nothing(pbx: Pbx) -> None:
    pbx.queued_caller()
    pbx.reducer.tag("pbx-1", CALLER, "redirected")
    pbx.reducer.untag("pbx-1", CALLER)
    pbx.say(facts.HangupRequested, leg="1")
    pbx.say(facts.QueueAbandoned, leg="1", queue="support", place="in,200,3")
    pbx.hang_up("1", cause=0)
    assert pbx.told(ev.QueueLeft, "ended") == ["abandoned"]
    pbx.over()


def test_an_unknown_leg_cannot_be_tagged(pbx: Pbx) -> None:
    assert not pbx.reducer.tag("pbx-1", CALLER, "redirected")
    assert pbx.reducer.book.is_empty


def test_a_tag_that_was_never_needed_goes_with_its_leg(pbx: Pbx) -> None:
    pbx.queued_caller()
    pbx.reducer.tag("pbx-1", "1", "withdrawn")
    pbx.hang_up("1")
    assert pbx.told(ev.QueueLeft, "ended") == ["withdrawn"]
    pbx.over()


def test_a_join_that_a_snapshot_has_told_begins_no_second_wait(pbx: Pbx) -> None:
    """It makes the wait exact, though: a snapshot has whole seconds, and no place."""
    pbx.leg("1", CALLER, exten="200")
    pbx.say(facts.QueueJoined, leg="1", queue="support", position=1, restored=True)
    pbx.say(facts.QueueJoined, leg="1", queue="support", position=1, place="in,200,3")
    pbx.say(facts.QueueAbandoned, leg="1", queue="support", place="in,201,1")
    assert pbx.told(ev.CallQueued, "entry_id") == ["pbx-1-w1"]
    assert pbx.told(ev.QueueLeft, "waited") == [SECOND]
    assert pbx.told(ev.QueueLeft, "ended") == ["redirected"]
    pbx.hang_up("1", cause=0)
    pbx.over()


@pytest.mark.parametrize("reason", ["", "withdrawn"])
def test_who_joins_another_queue_waits_in_one_only(pbx: Pbx, reason: TagReason | str) -> None:
    pbx.queued_caller()
    if reason == "withdrawn":
        pbx.reducer.tag("pbx-1", "1", "withdrawn")
    pbx.say(facts.QueueJoined, leg="1", queue="sales", position=1)
    pbx.say(facts.QueueLeft, leg="1", queue="support", ended="connected")  # old news
    assert pbx.told(ev.CallQueued, "queue") == ["support", "sales"]
    assert pbx.told(ev.QueueLeft, "ended") == [reason or "redirected"]
    pbx.say(facts.HangupRequested, leg="1")
    pbx.hang_up("1", cause=0)
    assert pbx.told(ev.QueueLeft, "queue") == ["support", "sales"]
    assert pbx.told(ev.QueueLeft, "ended") == [reason or "redirected", "abandoned"]
    pbx.over()


def test_a_tag_serves_once(pbx: Pbx) -> None:
    """Who was redirected out of a talk into a queue, and gives up there, gives up."""
    _talking(pbx)
    pbx.reducer.tag("pbx-1", CALLER, "redirected", to="sales")
    pbx.say(facts.BridgeLeft, leg="1", bridge="b")
    pbx.hang_up("2")
    pbx.say(facts.QueueJoined, leg="1", queue="sales", position=1)
    pbx.say(facts.HangupRequested, leg="1")
    pbx.say(facts.QueueAbandoned, leg="1", queue="sales")
    pbx.hang_up("1", cause=0)
    assert pbx.told(ev.CallTransferred, "to") == ["sales"]
    assert pbx.told(ev.QueueLeft, "ended") == ["connected", "abandoned"]
    pbx.over()


def test_a_tag_of_a_leg_that_waits_nowhere_goes_with_it(pbx: Pbx) -> None:
    """An id may come back in years: what was meant for the one must not reach the other."""
    pbx.leg("1", CALLER)
    pbx.reducer.tag("pbx-1", "1", "redirected")
    pbx.hang_up("1")
    assert pbx.reducer.book.tags == {}
    pbx.over()


def test_a_customer_redirected_out_of_a_talk(pbx: Pbx) -> None:
    pbx.queued_caller()
    pbx.ring("2", AGENT, "PJSIP/101")
    pbx.pick_up("2")
    pbx.say(facts.QueueLeft, leg="1", queue="support")
    pbx.meet("b", "2", "1")
    pbx.reducer.tag("pbx-1", CALLER, "redirected", to="manager")
    pbx.say(facts.BridgeLeft, leg="1", bridge="b")
    pbx.hang_up("2", "1")
    assert pbx.told(ev.CallTransferred, "kind") == ["redirect"]
    assert pbx.told(ev.CallTransferred, "to") == ["manager"]
    pbx.over()


def _talking(pbx: Pbx) -> None:
    pbx.queued_caller()
    pbx.ring("2", AGENT, "PJSIP/101")
    pbx.pick_up("2")
    pbx.say(facts.QueueLeft, leg="1", queue="support")
    pbx.say(facts.BridgeEntered, leg="2", linkedid="1", bridge="b", place="in,s,1")
    pbx.say(facts.BridgeEntered, leg="1", linkedid="1", bridge="b", place="in,200,3")


LEFT = (facts.BridgeLeft, {"leg": "1", "bridge": "b", "place": "in,201,1"})
AGENT_LEFT = (facts.BridgeLeft, {"leg": "2", "bridge": "b", "place": "in,s,1"})
JOINED = (facts.QueueJoined, {"leg": "1", "queue": "sales", "position": 1})
BLIND = (facts.BlindTransferred, {"leg": "2", "to": "201", "transferee": "1"})


@pytest.mark.parametrize(
    "order",
    [
        (BLIND, LEFT, AGENT_LEFT, JOINED),
        (LEFT, BLIND, AGENT_LEFT, JOINED),
        (LEFT, AGENT_LEFT, BLIND, JOINED),
        (LEFT, AGENT_LEFT, JOINED, BLIND),
        (LEFT, JOINED, BLIND, AGENT_LEFT),
        (AGENT_LEFT, LEFT, JOINED, BLIND),
    ],
)
def test_a_blind_transfer_is_one_whenever_it_is_said(
    pbx: Pbx, order: tuple[tuple[type[facts.Fact], dict[str, object]], ...]
) -> None:
    """Asterisk's threads race: the customer may be in the next queue before it is said."""
    _talking(pbx)
    for kind, fields in order:
        pbx.say(kind, **fields)
    pbx.hang_up("2", "1")
    assert pbx.told(ev.CallTransferred, "kind") == ["blind"]
    assert pbx.told(ev.CallTransferred, "to") == ["201"]
    assert pbx.told(ev.CallTransferred, "by") == ["PJSIP/101"]
    pbx.over()


def test_a_redirect_is_told_when_nobody_is_left_who_may_have_transferred(pbx: Pbx) -> None:
    _talking(pbx)
    for kind, fields in (LEFT, AGENT_LEFT, JOINED):
        pbx.say(kind, **fields)
    assert pbx.told(ev.CallTransferred, "kind") == []
    pbx.hang_up("2")
    assert pbx.told(ev.CallTransferred, "kind") == ["redirect"]
    assert pbx.told(ev.CallTransferred, "to") == ["201"]
    pbx.hang_up("1")
    pbx.over()


def test_a_place_in_the_queue_is_handed_over(pbx: Pbx) -> None:
    """101 waits in sales on another leg, while 102 rings, and gives the customer this place."""
    _talking(pbx)
    pbx.leg("3", "PJSIP/101-2", call="3", number="101", exten="701")
    pbx.say(facts.QueueJoined, leg="3", queue="sales", position=1)
    pbx.leg("4", OTHER, call="3", condition="down")
    pbx.say(facts.DialBegan, leg="4", source="3", dialled="PJSIP/102")
    pbx.say(facts.BridgeLeft, leg="1", bridge="b")
    pbx.say(facts.AttendedTransferred, leg="2", second="3", transferee="1", to="701")
    pbx.hang_up("2", "3")
    pbx.pick_up("4")
    pbx.say(facts.QueueLeft, leg="1", queue="sales")
    pbx.meet("c", "4", "1")
    pbx.hang_up("4", "1")
    waits = list(
        zip(pbx.told(ev.QueueLeft, "call_id"), pbx.told(ev.QueueLeft, "ended"), strict=True)
    )
    assert waits == [("pbx-1", "connected"), ("pbx-3", "redirected"), ("pbx-1", "connected")]
    assert pbx.told(ev.CallAnswered, "queue") == ["support", "sales"]
    assert pbx.told(ev.CallTransferred, "to") == ["701"]
    pbx.over()


def test_a_member_that_is_forwarded_is_the_phone_that_rings(pbx: Pbx) -> None:
    """Asterisk names Local/102@internal without its technology then."""
    pbx.queued_caller()
    pbx.leg("2", "Local/102@internal-1;1", condition="down")
    pbx.leg("3", "Local/102@internal-1;2")
    pbx.say(facts.DialBegan, leg="2", source="1", dialled="102@internal")
    assert pbx.told(ev.AgentOffered, "agent") == ["PJSIP/102"]
    pbx.hang_up("3", "2", "1")
    pbx.over()


def test_a_talk_too_short_for_a_bridge_was_one(pbx: Pbx) -> None:
    pbx.queued_caller()
    pbx.ring("2", AGENT, "PJSIP/101")
    pbx.pick_up("2")
    pbx.say(facts.QueueLeft, leg="1", queue="support")
    pbx.hang_up("2", "1")
    assert pbx.told(ev.CallEnded, "outcome") == ["answered"]
    pbx.over()


def test_a_member_behind_a_local_channel_is_one_agent_with_one_talk(pbx: Pbx) -> None:
    pbx.say(
        facts.MemberStatus,
        queue="support",
        interface="Local/101@agents/n",
        device="PJSIP/101",
        reachable=True,
    )
    pbx.queued_caller()
    pbx.ring("2", "Local/101@agents-1;1", "Local/101@agents/n")
    pbx.leg("3", "Local/101@agents-1;2")
    pbx.leg("4", AGENT, condition="down")
    pbx.say(facts.DialBegan, leg="4", source="3", dialled="101")
    pbx.pick_up("4")
    pbx.meet("inner", "4", "3")
    pbx.pick_up("2")
    pbx.say(facts.QueueLeft, leg="1", queue="support")
    pbx.meet("outer", "2", "1")
    pbx.hang_up("1", "2", "3", "4")
    assert pbx.told(ev.AgentOffered, "agent") == ["PJSIP/101"]
    assert pbx.told(ev.CallAnswered, "agent") == ["PJSIP/101"]
    assert pbx.told(ev.CallAnswered, "agent_channel") == [AGENT]
    assert pbx.told(ev.CallAnswered, "caller_channel") == [CALLER]
    assert pbx.told(ev.CallAnswered, "queue") == ["support"]
    assert pbx.told(ev.AgentActivityChanged, "activity") == ["ringing", "talking", "idle"]
    pbx.over()


@pytest.mark.parametrize("leaves", [("2", "outer"), ("3", "inner")])
def test_a_local_channel_that_leaves_parts_those_on_both_its_sides(
    pbx: Pbx, leaves: tuple[str, str]
) -> None:
    """Caller and agent stay where they are, and hear each other no more."""
    _talking_over_local(pbx)
    leg, bridge = leaves
    pbx.say(facts.BridgeLeft, leg=leg, bridge=bridge)
    assert pbx.told(ev.TalkEnded, "agent") == ["PJSIP/101"]
    assert not any(leg.talking for leg in pbx.reducer.book.legs.values())
    pbx.hang_up("1", "2", "3", "4")
    pbx.over()


def _talking_over_local(pbx: Pbx) -> None:
    pbx.queued_caller()
    pbx.ring("2", "Local/101@agents-1;1", "Local/101@agents")
    pbx.leg("3", "Local/101@agents-1;2")
    pbx.leg("4", AGENT, condition="down")
    pbx.say(facts.DialBegan, leg="4", source="3", dialled="101")
    pbx.pick_up("4")
    pbx.meet("inner", "4", "3")
    pbx.pick_up("2")
    pbx.say(facts.QueueLeft, leg="1", queue="support")
    pbx.meet("outer", "2", "1")


def test_who_leaves_while_a_local_channel_takes_itself_out_has_left(pbx: Pbx) -> None:
    _talking_over_local(pbx)
    pbx.say(facts.LocalOptimising, one="2", two="3")
    pbx.say(facts.BridgeLeft, leg="4", bridge="inner")
    assert pbx.told(ev.TalkEnded, "agent") == []
    pbx.say(facts.LocalOptimised, one="2", two="3")
    assert pbx.told(ev.TalkEnded, "agent") == ["PJSIP/101"]
    pbx.hang_up("2", "3", "4", "1")
    pbx.over()


def test_a_local_channel_under_a_new_name_is_known_by_it_only(pbx: Pbx) -> None:
    pbx.leg("1", CALLER)
    pbx.leg("2", "Local/101@agents-1;1")
    pbx.say(facts.LegRenamed, leg="2", channel="Local/101@agents-1<ZOMBIE>;1")
    assert [*pbx.reducer.book.locals] == ["Local/101@agents-1<ZOMBIE>;1"]
    pbx.hang_up("2", "1")
    pbx.over()


def test_a_tap_is_no_call(pbx: Pbx) -> None:
    pbx.leg("9", "AudioSocket/127.0.0.1:9092-1", call="9", condition="down")
    pbx.say(facts.DialBegan, leg="9", dialled="127.0.0.1:9092")
    pbx.say(facts.BridgeEntered, leg="9", linkedid="9", bridge="tap")
    pbx.hang_up("9")
    assert pbx.events == []
    assert pbx.reducer.book.is_empty


def test_a_third_party_joins_and_the_first_agent_goes(pbx: Pbx) -> None:
    pbx.queued_caller()
    pbx.ring("2", AGENT, "PJSIP/101")
    pbx.pick_up("2")
    pbx.say(facts.QueueLeft, leg="1", queue="support")
    pbx.meet("b", "2", "1")
    pbx.leg("3", OTHER)
    pbx.meet("b", "3")
    pbx.hang_up("2", "1", "3")
    talks = [
        (type(e), e.agent) for e in pbx.events if isinstance(e, ev.CallAnswered | ev.TalkEnded)
    ]
    assert talks == [
        (ev.CallAnswered, "PJSIP/101"),
        (ev.CallAnswered, "PJSIP/102"),
        (ev.TalkEnded, "PJSIP/101"),
        (ev.TalkEnded, "PJSIP/102"),
    ]
    pbx.over()


@pytest.mark.parametrize(
    ("dialled", "channel", "status", "cause", "guess", "direction", "outcome"),
    [
        ("102", OTHER, "NOANSWER", 19, "internal", "internal", "no_answer"),
        ("102", OTHER, "BUSY", 17, "internal", "internal", "busy"),
        ("900", OTHER, "BUSY", 17, "outbound", "internal", "busy"),
        ("07700900123", CALLER, "BUSY", 17, "outbound", "outbound", "busy"),
        ("07700900123", CALLER, "CHANUNAVAIL", 1, "outbound", "outbound", "failed"),
        ("07700900123", CALLER, "CANCEL", 0, "outbound", "outbound", "no_answer"),
    ],
)
def test_an_agent_dials_and_reaches_nobody(
    pbx: Pbx,
    dialled: str,
    channel: str,
    status: str,
    cause: int,
    guess: Direction,
    direction: Direction,
    outcome: CallOutcome,
) -> None:
    pbx.leg("1", AGENT, number="101", exten=dialled)
    pbx.leg("2", channel, condition="down")
    pbx.say(facts.DialBegan, leg="2", source="1", dialled=dialled)
    pbx.say(facts.DialEnded, leg="2", status=status)
    pbx.hang_up("2", "1", cause=cause)
    assert pbx.told(ev.CallArrived, "direction") == [guess]
    assert pbx.told(ev.CallArrived, "did") == [dialled]
    assert pbx.told(ev.CallEnded, "direction") == [direction]
    assert pbx.told(ev.CallEnded, "outcome") == [outcome]
    pbx.over()


@pytest.mark.parametrize(
    ("ringings", "outcome"),
    [
        ([("2", "NOANSWER", 1)], "failed"),
        ([("2", "NOANSWER", 17)], "busy"),
        ([("2", "NOANSWER", 0)], "no_answer"),
        ([("2", "NOANSWER", 1), ("3", "NOANSWER", 0)], "no_answer"),
    ],
)
def test_an_inbound_call_that_no_phone_takes(
    pbx: Pbx, ringings: list[tuple[str, str, int]], outcome: CallOutcome
) -> None:
    """Asterisk says NOANSWER, too, of a phone that refuses before Dial() listens to it."""
    pbx.leg("1", CALLER, number="+447700900123", exten="200")
    for leg, _, _ in ringings:
        pbx.leg(leg, f"PJSIP/10{leg}-1", condition="down")
        pbx.say(facts.DialBegan, leg=leg, source="1", dialled=f"10{leg}")
    for leg, status, cause in ringings:
        pbx.say(facts.DialEnded, leg=leg, status=status)
        pbx.hang_up(leg, cause=cause)
    pbx.hang_up("1", cause=1)
    assert pbx.told(ev.CallEnded, "outcome") == [outcome]
    pbx.over()


def test_an_agent_who_dials_talks_as_the_agent(pbx: Pbx) -> None:
    pbx.leg("1", AGENT, number="101", exten="07700900123")
    pbx.leg("2", CALLER, condition="down")
    pbx.say(facts.DialBegan, leg="2", source="1", dialled="07700900123@trunk")
    pbx.pick_up("2")
    pbx.meet("b", "2", "1")
    pbx.hang_up("2", "1")
    assert pbx.told(ev.AgentOffered, "agent") == []
    assert pbx.told(ev.CallAnswered, "agent_channel") == [AGENT]
    assert pbx.told(ev.CallAnswered, "caller_channel") == [CALLER]
    assert pbx.told(ev.AgentActivityChanged, "activity") == ["dialling", "talking", "idle"]
    assert pbx.told(ev.CallEnded, "outcome") == ["answered"]
    pbx.over()


@pytest.mark.parametrize(
    ("condition", "leaving", "cause", "outcome"),
    [
        ("up", True, 16, "abandoned"),
        ("up", False, 16, "no_answer"),
        ("ring", True, 0, "abandoned"),
        ("ring", False, 0, "abandoned"),
        ("ring", False, 3, "failed"),
        ("ring", True, 17, "busy"),  # The dialplan said busy, and the caller's phone hung up.
        ("ring", True, 34, "failed"),
    ],
)
def test_a_caller_who_reaches_nobody(
    pbx: Pbx, condition: str, leaving: bool, cause: int, outcome: CallOutcome
) -> None:
    pbx.leg("1", CALLER, exten="999")
    pbx.say(facts.LegState, leg="1", condition=condition)
    if leaving:
        pbx.say(facts.HangupRequested, leg="1")
    pbx.hang_up("1", cause=cause)
    assert pbx.told(ev.CallEnded, "outcome") == [outcome]
    pbx.over()


@pytest.mark.parametrize("first", ["ringdesk-campaign-7", "pbx-1795.9", "9" * 5000])
def test_between_two_agents_the_one_who_was_called_first_is_served(pbx: Pbx, first: str) -> None:
    """Click to call: a snapshot tells in whole seconds who was there before."""
    for leg, channel in ((first, AGENT), ("pbx-1795.10", OTHER)):
        started = facts.LegStarted(at=SECOND, leg=leg, linkedid="1", channel=channel, dialled=True)
        pbx.events += pbx.reducer.apply(started)
    pbx.meet("b", "pbx-1795.10", first)
    assert pbx.told(ev.CallAnswered, "agent") == ["PJSIP/102"]
    pbx.hang_up(first, "pbx-1795.10")
    pbx.over()


def test_the_customers_hold_names_no_agent(pbx: Pbx) -> None:
    pbx.queued_caller()
    pbx.ring("2", AGENT, "PJSIP/101")
    pbx.pick_up("2")
    pbx.say(facts.QueueLeft, leg="1", queue="support")
    pbx.meet("b", "2", "1")
    pbx.say(facts.Held, leg="1")
    pbx.say(facts.Held, leg="1")
    pbx.hang_up("1", "2")
    assert pbx.told(ev.CallHeld, "agent") == [""]
    assert pbx.told(ev.CallResumed, "channel") == [CALLER]
    pbx.over()


def test_a_channel_in_disguise_takes_its_name_and_place(pbx: Pbx) -> None:
    """Redirecting a bridged channel makes another one that takes its name over."""
    pbx.leg("1", CALLER, exten="200")
    pbx.leg("5", f"AsyncGoto/{CALLER}", condition="up")
    pbx.say(facts.LegRenamed, leg="1", channel=f"{CALLER}<ZOMBIE>")
    pbx.say(facts.LegRenamed, leg="5", channel=CALLER)
    pbx.hang_up("1")
    pbx.ring("2", AGENT, "PJSIP/101")
    pbx.leg("2", AGENT)
    pbx.meet("b", "2", "5")
    pbx.hang_up("5", "2")
    assert pbx.told(ev.CallAnswered, "caller_channel") == [CALLER]
    pbx.over()


def test_a_phone_that_cannot_be_reached(pbx: Pbx) -> None:
    for reachable in (True, False, False, True):
        pbx.say(facts.DeviceState, device="PJSIP/101", reachable=reachable)
        pbx.say(facts.DeviceState, device="PJSIP/trunk", reachable=reachable)
    assert pbx.told(ev.AgentActivityChanged, "activity") == ["unreachable", "idle"]
