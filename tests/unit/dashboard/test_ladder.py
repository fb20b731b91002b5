"""One call as a ladder: lanes, rungs, and bars that begin and end where they should."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from cti.domain import events as ev
from cti.domain.events import Event
from dashboard.ladder import LadderAnswer, ladder

S = 1_000_000
ANNA, IVAN = "PJSIP/101", "PJSIP/102"
NAMES = {ANNA: "Anna", IVAN: "Ivan"}


def call() -> list[Event]:
    """Menu, wait with a move, one who does not answer, a talk with a hold, a transfer."""
    at = iter(range(0, 10**9, S))
    queue: dict[str, Any] = {"entry_id": "w", "queue": "support"}

    def make(what: type[Event], **values: Any) -> Event:
        return what(at=next(at), **values)

    told = [
        make(
            ev.CallArrived, direction="inbound", channel="PJSIP/t-1", leg="1", caller_number="",
            caller_name="", did="",
        ),
        make(ev.MenuEntered, menu="main", version="1"),
        make(ev.MenuChosen, menu="main", digits="1", label="Support"),
        make(ev.MenuLeft, menu="main", next="queue", target="support"),
        make(ev.CallQueued, channel="PJSIP/t-1", leg="1", position=2, **queue),
        make(
            ev.QueueMoved, from_rank=2, to_rank=1, of=2, priority=1, terms=(), waited=S,
            sentence="VIP: 1st of 2", policy="p", **queue,
        ),
        make(ev.AgentOffered, offer_id="o1", agent=IVAN, channel="PJSIP/102-1", **queue),
        make(ev.OfferEnded, offer_id="o1", agent=IVAN, ended="no_answer", rang=S, **queue),
        make(ev.AgentOffered, offer_id="o2", agent=ANNA, channel="PJSIP/101-1", **queue),
        make(ev.OfferEnded, offer_id="o2", agent=ANNA, ended="answered", rang=S, **queue),
        make(ev.QueueLeft, ended="connected", waited=5 * S, **queue),
        make(ev.CallAnswered, talk_id="t1", agent=ANNA, agent_channel="a", caller_channel="c"),
        make(ev.RecordingStarted, recording_id="r1", talk_id="t1", agent=ANNA),
        make(ev.CallHeld, channel="PJSIP/101-1", agent=ANNA),
        make(ev.CallResumed, channel="PJSIP/101-1", agent=ANNA),
        make(ev.AgentActivityChanged, agent=ANNA, activity="talking"),
        make(ev.CallTransferred, kind="blind", to="102", by=ANNA),
        make(ev.TalkEnded, talk_id="t1", agent=ANNA, talked=5 * S),
        make(ev.CallAnswered, talk_id="t2", agent=IVAN, agent_channel="b", caller_channel="c"),
        make(ev.CallEnded, direction="inbound", outcome="answered", lasted=18 * S),
        make(
            ev.RecordingStopped, recording_id="r1", talk_id="t1", agent=ANNA, seconds=5, sha256="",
        ),
        make(ev.TranscriptReady, recording_id="r1", engine="e", words=3),
    ]  # fmt: skip
    return [msgspec.structs.replace(e, seq=n) for n, e in enumerate(told, start=1)]


def drawn(events: list[Event]) -> LadderAnswer:
    return ladder("pbx-1", events, lambda agent: NAMES.get(agent, agent))


def bars(answer: LadderAnswer) -> list[tuple[str, str, int | None, str]]:
    """Kind, lane, whole seconds, how it ended."""
    return [
        (bar.kind, bar.lane, None if bar.ended is None else (bar.ended - bar.began) // S, bar.end)
        for bar in answer.bars
    ]


def test_lanes_stand_in_the_order_in_which_a_call_goes_through_them() -> None:
    lanes = [(lane.kind, lane.name) for lane in drawn(call()).lanes]
    assert lanes == [
        ("customer", ""),
        ("ivr", ""),
        ("queue", "support"),
        ("agent", "Ivan"),
        ("agent", "Anna"),
    ]


def test_everything_that_lasted_has_its_bar() -> None:
    anna, ivan = f"agent:{ANNA}", f"agent:{IVAN}"
    assert bars(drawn(call())) == [
        ("leg", "customer", 19, ""),
        ("menu", "ivr", 2, ""),
        ("wait", "queue:support", 6, "connected"),
        ("leg", ivan, 1, ""),
        ("offer", ivan, 1, "no_answer"),
        ("leg", anna, 9, ""),
        ("offer", anna, 1, "answered"),
        ("talk", anna, 6, ""),
        ("recording", anna, 8, "stored"),
        ("hold", anna, 1, ""),
        ("leg", ivan, 1, ""),
        ("talk", ivan, 1, ""),
    ]


def test_rungs_reach_from_who_acts_to_whom() -> None:
    reach = {rung.type: (rung.lane, rung.to) for rung in drawn(call()).rungs}
    assert reach["CallQueued"] == ("customer", "queue:support")
    assert reach["AgentOffered"] == ("queue:support", f"agent:{ANNA}")
    assert reach["CallTransferred"] == (f"agent:{ANNA}", f"agent:{IVAN}")
    assert reach["TranscriptReady"] == (f"agent:{ANNA}", "")
    assert "AgentActivityChanged" not in reach


def test_a_call_that_goes_on_has_bars_without_an_end() -> None:
    running = [bar for bar in drawn(call()[:13]).bars if bar.last is None]
    assert [(bar.kind, bar.ended) for bar in running] == [
        ("leg", None),
        ("leg", None),
        ("talk", None),
        ("recording", None),
    ]


def test_what_is_told_again_after_a_restart_is_one_bar() -> None:
    told = call()
    talk = next(e for e in told if isinstance(e, ev.CallAnswered))
    again = msgspec.structs.replace(talk, seq=13, at=talk.at + S, restored=True)
    after = [msgspec.structs.replace(e, seq=e.seq + 1) if e.seq >= 13 else e for e in told]
    assert bars(drawn([*after, again])) == bars(drawn(told))


@given(st.lists(st.sampled_from(call()), unique_by=lambda e: e.seq), st.data())
def test_any_part_of_a_call_can_be_drawn(part: list[Event], data: st.DataObject) -> None:
    events = [
        msgspec.structs.replace(e, at=max(0, e.at + data.draw(st.integers(-5 * S, 5 * S))))
        for e in part
    ]
    answer = drawn(events)
    lanes = {lane.id for lane in answer.lanes}
    assert len(answer.rungs) == sum(not isinstance(e, ev.AgentActivityChanged) for e in events)
    assert {rung.lane for rung in answer.rungs} | {bar.lane for bar in answer.bars} <= lanes
    assert {rung.to for rung in answer.rungs} <= lanes | {""}
    for bar in answer.bars:
        assert 0 <= bar.first < len(answer.rungs)
        assert bar.last is None or bar.first <= bar.last < len(answer.rungs)
        assert bar.ended is None or bar.ended >= bar.began


def test_a_call_that_crosses_a_trunk_is_one_ladder() -> None:
    first = [msgspec.structs.replace(event, call_id="east-1") for event in call()[:4]]
    at = first[-1].at
    second: list[Event] = [
        msgspec.structs.replace(call()[0], at=at + 1, call_id="west-1"),
        ev.CallJoined(at=at + 2, call_id="west-1", to_call_id="east-1"),
        ev.CallAnswered(
            at=at + 3, call_id="west-1", talk_id="t", agent=IVAN, agent_channel="a",
            caller_channel="c",
        ),
        ev.CallEnded(
            at=at + 5, call_id="west-1", direction="inbound", outcome="answered", lasted=4
        ),
        ev.CallEnded(
            at=at + 9, call_id="east-1", direction="inbound", outcome="no_answer", lasted=9
        ),
    ]  # fmt: skip
    told = [msgspec.structs.replace(e, seq=n) for n, e in enumerate([*first, *second], start=1)]
    drawn = ladder("east-1", told, lambda name: NAMES.get(name, name))
    assert [rung.type for rung in drawn.rungs] == [type(event).__name__ for event in told]
    assert drawn.rungs[5].text == "Went over a trunk from east to west"
    ends = {(bar.lane, bar.kind): bar.ended for bar in drawn.bars}
    assert ends["customer", "leg"] == at + 9
    assert ends[f"agent:{IVAN}", "talk"] == at + 5
    assert sum(bar.lane == "customer" for bar in drawn.bars) == 1


def test_what_a_caller_was_told_of_the_wait_stands_in_the_menu() -> None:
    told = call()
    wait = ev.WaitTold(
        at=told[3].at, call_id=told[3].call_id, queue="support", position=2, estimated=90 * S
    )
    answer = drawn([*told[:3], wait, *told[3:]])
    [rung] = [rung for rung in answer.rungs if rung.type == "WaitTold"]
    assert rung.to.startswith("ivr")
    assert rung.text == "Was told: number 2 in queue support, some 1:30 to wait"


def test_a_manager_is_called_from_the_queue_and_stands_in_a_lane() -> None:
    at = iter(range(0, 10**9, S))
    entry = {"entry_id": "w", "queue": "support"}
    attempt = {"attempt_id": "m-1.1", "manager": "Pavel"}

    def make(what: type[Event], **values: Any) -> Event:
        return what(at=next(at), switch="pbx", call_id="pbx-1", **values)

    told = [
        make(ev.CallQueued, channel="c", leg="1", position=1, **entry),
        make(ev.ManagerSkipped, manager="Vera", reason="on a break", **entry),
        make(ev.ManagerCalled, agent=IVAN, number="+44", leg="m-1.1", **attempt, **entry),
        make(ev.ManagerAnswered, **attempt),
        make(ev.ManagerAccepted, **attempt),
        make(ev.QueueLeft, ended="connected", waited=S, **entry),
        make(ev.CallAnswered, talk_id="t", agent=IVAN, agent_channel="a", caller_channel="c"),
        make(ev.ManagerCallEnded, ended="connected", **attempt),
    ]
    answer = drawn([msgspec.structs.replace(e, seq=n) for n, e in enumerate(told, start=1)])
    lane = f"agent:{IVAN}"
    places = {rung.type: (rung.lane, rung.to) for rung in answer.rungs}
    assert places["ManagerSkipped"] == ("queue:support", "")
    assert places["ManagerCalled"] == ("queue:support", lane)
    assert places["ManagerAccepted"] == places["ManagerCallEnded"] == (lane, "")
    assert ("offer", lane, 5, "answered") in bars(answer)


def test_queues_of_one_name_on_two_switches_have_a_lane_each() -> None:
    def waits(switch: str, at: int) -> list[Event]:
        queue: dict[str, Any] = {"entry_id": f"{switch}-w", "queue": "support"}
        queue["call_id"] = f"{switch}-1"
        return [
            ev.CallQueued(at=at, switch=switch, channel="c", leg="1", position=1, **queue),
            ev.QueueMoved(
                at=at + 1, from_rank=2, to_rank=1, of=2, priority=1, terms=(), waited=1,
                sentence="", policy="p", **queue,
            ),
            ev.QueueLeft(at=at + 2, switch=switch, ended="timeout", waited=1, **queue),
        ]  # fmt: skip

    def lanes(*events: Event) -> list[tuple[str, str]]:
        told = [msgspec.structs.replace(e, seq=n) for n, e in enumerate(events, start=1)]
        drawn = ladder("east-1", told, str)
        names = {lane.id: lane.name for lane in drawn.lanes}
        return [(bar.lane, names[bar.lane]) for bar in drawn.bars if bar.kind == "wait"]

    both = lanes(*waits("east", 1), *waits("west", 9))
    assert both == [
        ("queue:east:support", "support · east"),
        ("queue:west:support", "support · west"),
    ]
    assert lanes(*waits("east", 1)) == [("queue:support", "support")]
