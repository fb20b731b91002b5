"""The book made whole again from a snapshot, after any cut of any stream."""

from __future__ import annotations

from typing import TypeVar

import msgspec
import pytest

from cti.domain import events as ev
from cti.domain.book import Book, Leg
from cti.reducer import Reducer
from cti.resync import Snapshot, read_snapshot, resync
from tests.unit.cti.reducing import (
    NAMES,
    RECORDED,
    apply_all,
    assert_in_order,
    assert_whole,
    is_agent,
    messages,
    moments,
    of_calls,
    run,
    snapshot_of,
)

EVERY = (*NAMES, *RECORDED)
E = TypeVar("E", bound=ev.Event)
AT = 1_795_300_787_400_000
LATER = AT + 60_000_000
EMPTY = Snapshot(at=LATER)


def real_snapshot(at: int = AT) -> Snapshot:
    """The rows a real Asterisk gave with one call talking and two waiting."""
    rows = messages("f5_snapshot_actions")
    return read_snapshot(rows, rows, at)


def fresh() -> Reducer:
    return Reducer("pbx", is_agent)


def told(events: list[ev.Event], kind: type[E]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def test_calls_going_on_appear_with_their_true_beginnings() -> None:
    reducer = fresh()
    events = apply_all(reducer, resync(reducer.book, real_snapshot()))
    arrived = told(events, ev.CallArrived)
    assert [(e.call_id[-2:], e.direction, e.caller_number, e.at) for e in arrived] == [
        ("13", "inbound", "15950030", 1_795_300_787_000_000),
        ("15", "inbound", "15950031", 1_795_300_787_000_000),
        ("16", "inbound", "15950032", 1_795_300_787_000_000),
    ]
    queued = told(events, ev.CallQueued)
    assert [(e.call_id[-2:], e.queue, e.position, e.restored) for e in queued] == [
        ("15", "support", 1, True),
        ("16", "support", 2, True),
    ]
    (answered,) = told(events, ev.CallAnswered)
    assert (answered.agent, answered.caller_channel) == ("PJSIP/6001", "PJSIP/trunk-00000007")
    assert (answered.queue, answered.restored) == ("support", True)
    activity = told(events, ev.AgentActivityChanged)
    assert [(e.agent, e.activity) for e in activity] == [("PJSIP/6001", "talking")]


def test_the_same_snapshot_again_tells_nothing() -> None:
    reducer = fresh()
    assert apply_all(reducer, resync(reducer.book, real_snapshot()))
    assert apply_all(reducer, resync(reducer.book, real_snapshot())) == []


def test_the_live_stream_needs_no_snapshot() -> None:
    """In the middle of the capture, where its snapshot was taken, the book already holds it."""
    facts = moments("f5_snapshot_actions")
    reducer = fresh()
    before = [fact for fact in facts if fact.at < AT]
    apply_all(reducer, before)
    assert apply_all(reducer, resync(reducer.book, real_snapshot())) == []


def test_idle_phones_are_told_once_so_that_nobody_shows_an_old_state() -> None:
    reducer = fresh()
    events = apply_all(
        reducer, resync(reducer.book, Snapshot(at=AT, members=real_snapshot().members))
    )
    assert [event.activity for event in told(events, ev.AgentActivityChanged)] == ["idle"]
    assert apply_all(reducer, resync(reducer.book, EMPTY)) == []


def test_calls_that_ended_unseen_are_closed() -> None:
    reducer = fresh()
    events = apply_all(reducer, resync(reducer.book, real_snapshot()))
    events += apply_all(reducer, resync(reducer.book, EMPTY))
    assert_whole(events)
    assert reducer.book.is_empty
    ended = told(events, ev.CallEnded)
    assert sorted((e.call_id[-2:], e.outcome, e.reconstructed, e.at) for e in ended) == [
        ("13", "answered", True, LATER),
        ("15", "abandoned", True, LATER),
        ("16", "abandoned", True, LATER),
    ]


def test_what_a_snapshot_shows_is_marked_and_what_is_heard_is_not() -> None:
    """Also what was held back until the snapshot was in: that was heard."""
    facts = moments("a1_queue_answered_hold_agent_hangup")
    login = next(n for n, fact in enumerate(facts) if type(fact).__name__ == "Held")
    truth, reducer = fresh(), fresh()
    apply_all(truth, facts[: login + 1])
    holder = facts[login].leg  # type: ignore[attr-defined]
    reducer.hold()
    assert apply_all(reducer, facts[login + 1 : login + 3]) == []
    snapshot = snapshot_of(truth.book, facts[login].at)
    snapshot = msgspec.structs.replace(snapshot, holding=frozenset({holder}))
    found = reducer.catch_up(resync(reducer.book, snapshot))
    heard = apply_all(reducer, facts[login + 3 :])
    (events,) = of_calls([*found, *heard]).values()
    marked = [type(event) for event in events if event.reconstructed]
    assert marked == [ev.CallArrived, ev.CallAnswered, ev.CallHeld]
    assert [type(event) for event in events[3:]] == [ev.CallResumed, ev.TalkEnded, ev.CallEnded]


@pytest.mark.parametrize("name", EVERY)
def test_a_restart_at_any_moment_tells_the_same_story(name: str) -> None:
    """Killed after any fact and started again with the journal: nothing lost, nothing twice."""
    facts = moments(name)
    for cut in range(1, len(facts)):
        at = facts[cut - 1].at
        before = fresh()
        journal = apply_all(before, facts[:cut])
        if _in_between(before.book) or _is_conference_of_calls(before.book):
            continue
        after = fresh()
        after.restore(journal)
        events = apply_all(after, resync(after.book, snapshot_of(before.book, at)))
        assert of_calls(events) == {}, cut
        events = journal + events + apply_all(after, facts[cut:])
        assert_whole(events)
        assert after.book.is_empty
        assert _talks(events) == _talks(run(facts))


def _in_between(book: Book) -> bool:
    """For less than a millisecond Asterisk itself has moved some legs and not yet the others."""
    torn = any(not book.other_half(leg) for leg in book.locals.values())
    return torn or bool(book.optimisations) or any(map(_moves, book.legs.values()))


def _is_conference_of_calls(book: Book) -> bool:
    """Of a conference of several calls the journal does not tell whose leg is whose.

    After a restart, a talk across two calls ends and begins anew.
    """
    return any(len({leg.call for leg in legs.values()}) > 1 for legs in book.bridges.values())


def _moves(leg: Leg) -> bool:
    left_behind = leg.served and not leg.talking and leg.bridge
    rings_on = leg.offer and not leg.offer.open and leg.condition != "up"
    return bool(leg.sent or left_behind or rings_on)


def _talks(events: list[ev.Event]) -> list[tuple[object, ...]]:
    """What history is made of; hold is not in a snapshot, but it is in the journal."""
    kinds = (ev.CallQueued, ev.QueueLeft, ev.CallAnswered, ev.TalkEnded, ev.OfferEnded, ev.CallHeld)
    return [(event.id, event.at, type(event)) for event in events if isinstance(event, kinds)]


@pytest.mark.parametrize("name", EVERY)
def test_a_start_in_the_middle_of_any_moment(name: str) -> None:
    """No journal at all: what goes on is told, and everything told comes to its end."""
    facts = moments(name)
    for cut in range(1, len(facts)):
        before = fresh()
        apply_all(before, facts[:cut])
        snapshot = snapshot_of(before.book, facts[cut - 1].at)
        after = fresh()
        events = apply_all(after, resync(after.book, snapshot))
        assert {leg.id for leg in after.book.legs.values()} == set(before.book.legs)
        assert apply_all(after, resync(after.book, snapshot)) == []
        events += apply_all(after, facts[cut:])
        assert_whole(events)
        assert after.book.is_empty


@pytest.mark.parametrize("name", EVERY)
def test_a_link_lost_between_any_two_moments(name: str) -> None:
    """The link breaks at one fact and is back at another: the story goes on and ends."""
    facts = moments(name)
    for lost in range(1, len(facts), 5):
        for back in range(lost, len(facts), 5):
            _check_gap(name, lost, back)


@pytest.mark.parametrize("name", EVERY)
def test_a_snapshot_that_overlaps_with_the_stream(name: str) -> None:
    """Facts held back until the snapshot was in may be older than it: they tell nothing twice."""
    facts = moments(name)
    for taken in range(1, len(facts), 2):
        truth = fresh()
        apply_all(truth, facts[:taken])
        snapshot = snapshot_of(truth.book, facts[taken - 1].at)
        for held_back in (1, 3, 8):
            reducer = fresh()
            events = apply_all(reducer, resync(reducer.book, snapshot))
            events += apply_all(reducer, facts[max(0, taken - held_back) :])
            assert_whole(events)
            assert reducer.book.is_empty
            waits = told(events, ev.CallQueued)
            assert len({(wait.leg, wait.queue) for wait in waits}) == len(waits)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("known", [0, 4, 12])
def test_calls_that_move_on_while_the_snapshot_is_made(name: str, known: int) -> None:
    """Facts are held back from log-in on; the rows come later; then the picture is the true one."""
    facts = moments(name)
    for login in range(known + 1, len(facts)):
        taken, in_ = min(login + 4, len(facts)), min(login + 7, len(facts))
        truth, reducer = fresh(), fresh()
        apply_all(truth, facts[:taken])
        snapshot = snapshot_of(truth.book, facts[login - 1].at)
        apply_all(truth, facts[taken:in_])
        events = apply_all(reducer, facts[:known])
        reducer.hold()
        assert apply_all(reducer, facts[login:in_]) == []
        events += reducer.catch_up(resync(reducer.book, snapshot))
        assert set(reducer.book.legs) == set(truth.book.legs)
        assert _pairs(reducer) == _pairs(truth)
        events += apply_all(reducer, facts[in_:])
        assert_whole(events)
        assert reducer.book.is_empty


def test_what_is_held_back_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cti.reducer.MOST_HELD", 2)
    facts = moments("b1_queue_abandoned_no_agents")
    reducer = fresh()
    reducer.hold()
    assert apply_all(reducer, facts) + reducer.catch_up(()) == run(facts)


def _check_gap(name: str, lost: int, back: int) -> None:
    facts = moments(name)
    truth, reducer = fresh(), fresh()
    apply_all(truth, facts[:back])
    if _in_between(truth.book):
        return
    events = apply_all(reducer, facts[:lost])
    snapshot = snapshot_of(truth.book, facts[back - 1].at)
    events += apply_all(reducer, resync(reducer.book, snapshot))
    assert set(reducer.book.legs) == set(truth.book.legs)
    assert _pairs(reducer) == _pairs(truth)
    assert apply_all(reducer, resync(reducer.book, snapshot)) == []
    events += apply_all(reducer, facts[back:])
    assert_whole(events)


def _pairs(reducer: Reducer) -> set[tuple[str, str, str]]:
    """Who talks with whom, and who waits where."""
    legs = reducer.book.legs.values()
    talks = {("talk", leg.id, leg.talk.other) for leg in legs if leg.talk}
    return talks | {("wait", leg.id, leg.entry.queue) for leg in legs if leg.entry}


def test_a_restart_long_after_closes_what_the_journal_left_open() -> None:
    facts = moments("a1_queue_answered_hold_agent_hangup")
    held = next(n for n, fact in enumerate(facts) if type(fact).__name__ == "Held") + 1
    journal = run(facts[:held])
    reducer = fresh()
    reducer.restore(journal)
    events = apply_all(reducer, resync(reducer.book, EMPTY))
    assert_whole(journal + events)
    kinds = [type(event) for event in events]
    assert kinds == [ev.CallResumed, ev.TalkEnded, ev.CallEnded, ev.AgentActivityChanged]
    assert [event.activity for event in told(events, ev.AgentActivityChanged)] == ["idle"]


def test_a_leg_that_went_while_the_rows_were_on_their_way_stays_gone() -> None:
    reducer = fresh()
    journal = apply_all(reducer, moments("f5_snapshot_actions"))
    assert reducer.book.is_empty
    events = apply_all(reducer, resync(reducer.book, real_snapshot()))
    assert of_calls(events) == {}
    assert reducer.book.is_empty
    assert_in_order(journal)


def test_a_leg_newer_than_the_snapshot_is_left_alone() -> None:
    facts = moments("b1_queue_abandoned_no_agents")
    reducer = fresh()
    apply_all(reducer, facts[:3])
    events = apply_all(reducer, resync(reducer.book, Snapshot(at=facts[0].at - 1_000_000)))
    assert events == []
    assert len(reducer.book.calls) == 1


ROW = {
    "Event": "CoreShowChannel",
    "Uniqueid": "campaign-7",
    "Linkedid": "campaign-7",
    "Channel": "PJSIP/trunk-1",
    "ChannelState": "6",
    "CallerIDNum": "<unknown>",
    "Duration": "01:02:03",
}
WAIT = {"Event": "QueueEntry", "Uniqueid": "campaign-7", "Queue": "support", "Position": "1"}


def test_a_leg_with_an_id_of_our_own_began_its_duration_ago() -> None:
    snapshot = read_snapshot([ROW], [WAIT | {"Wait": "61"}], LATER)
    started = snapshot.legs[0].started
    assert (started.at, started.number) == (LATER - 3_723_000_000, "")
    assert snapshot.waits[0].joined == LATER - 61_000_000


@pytest.mark.parametrize("duration", ["", "12", "a:b:c", "-1:00:00", "1:2:3:4"])
def test_a_duration_that_cannot_be_read_is_now(duration: str) -> None:
    snapshot = read_snapshot([ROW | {"Duration": duration}], [], LATER)
    assert snapshot.legs[0].started.at == LATER


def test_rows_that_cannot_be_read_are_left_out() -> None:
    broken = [ROW | {"Uniqueid": ""}, ROW | {"Channel": ""}, ROW]
    waits = [WAIT, WAIT | {"Wait": "soon"}, WAIT | {"Wait": "1", "Position": "x"}]
    snapshot = read_snapshot(broken, waits, LATER)
    assert (len(snapshot.legs), len(snapshot.waits)) == (1, 0)
