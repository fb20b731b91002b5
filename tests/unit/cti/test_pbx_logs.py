"""What real Asterisks wrote of calls, told as the calls that were really made."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cti.ami.codec import Framer, parse
from cti.ami.reader import FactReader
from cti.domain import events as ev
from cti.domain.facts import DeviceState, Fact, MemberStatus
from cti.pbx_logs.cdr import as_cel, in_order, read_cdr
from cti.pbx_logs.cel import read_cel
from cti.pbx_logs.living import still_there
from cti.pbx_logs.queue_log import read_queue_log
from cti.pbx_logs.rows import Row, UnreadableRow
from cti.pbx_logs.told import ENDS_OF_WAITS, told
from cti.reducer import Reducer
from cti.resync import Snapshot, resync
from cti.summary import summarise
from tests.unit.cti.reducing import apply_all, assert_whole, is_agent, of_calls, snapshot_of

RECORDED = Path(__file__).parents[2] / "pbx_logs"
NAMES = sorted(f"{path.parent.name}/{path.stem}" for path in RECORDED.glob("*/*.cel"))
EXACT, WHOLE_SECONDS = 0.05, 1.05

NOT_IN_CDR = {
    "agent_calls_unknown_number": "an unknown number is NO ANSWER to a CDR",
    "attended_transfer_ami": "consultations are not told apart",
    "attended_transfer_refer": "consultations are not told apart",
    "click_to_call_not_taken": "no CDR is written of it",
    "click_to_call_over_local": "who was called first is not told",
    "conference": "a conference has no other party",
    "ended_by_the_menu": "who hung up is not told",
    "hung_up_waiting": "who hung up is not told",
    "local_member_optimised": "a Local channel that leaves the path splits the talk",
    "local_member_with_state": "a Local channel that leaves the path splits the talk",
    "message_left": "who hung up is not told",
    "message_left_after_ringing": "who hung up is not told",
    "originate_abandoned": "who was called first is not told",
    "originate_answered": "who was called first is not told",
    "originate_busy": "no CDR is written of it",
    "originate_no_answer": "no CDR is written of it",
    "originate_unknown": "no CDR is written of it",
    "parked_by_ami": "who fetched the call is not told",
    "parked_by_refer": "who fetched the call is not told",
    "pickup_from_the_queue": "the one who was rung counts",
    "pickup_of_a_direct_call": "the one who was rung counts",
    "redirect_called_customer": "who was called first is not told",
    "redirect_ringing": "who was rung is only told by number",
    "redirect_talking_to_queue": "the second wait ends the first",
    "ring_group_given_up": "who hung up is not told",
}
NOT_IN_SECONDS = ("answered_", "blind_", "local_", "parked_", "redirect_", "withdrawn")
"""Here several things happen within one second, and whole seconds give no order."""
CUT = sorted(f"{path.parent.name}/{path.stem}" for path in RECORDED.glob("*/*.ami"))
NOT_IN_JOURNAL = ("attended_transfer_refer", "redirect_waiting")
"""The journal has neither places in the dialplan nor far ends of which nothing was told."""

NOT_IN_QUEUE_LOG = (
    *("agent_calls_agent", "attended_transfer_refer", "originate_answered", "redirect_waiting"),
    "goes_on_after_the_agent",
)
"""Nobody queues here, somebody is sent on, or the agent is gone before the caller is."""
QUIET = 200_000


def rows_of(name: str, kind: str) -> list[str]:
    return (RECORDED / f"{name}.{kind}").read_text().splitlines()


def cel_of(name: str) -> list[Row]:
    ends = [r for r in map(read_queue_log, rows_of(name, "queue_log")) if r.kind in ENDS_OF_WAITS]
    return [*ends, *map(read_cel, rows_of(name, "cel"))]


def truth_of(name: str) -> Any:
    return msgspec.json.decode((RECORDED / f"{name}.json").read_bytes())


def fresh() -> Reducer:
    return Reducer("pbx", is_agent)


def told_from(rows: list[Row]) -> list[ev.Event]:
    reducer = fresh()
    events = reducer.fill(told(rows, reducer.book))
    assert reducer.book.is_empty
    return events


def calls_of(events: Iterable[ev.Event]) -> list[dict[str, Any]]:
    calls = msgspec.to_builtins(summarise(events))
    for call in calls:
        del call["linkedid"]
    return sorted(calls, key=lambda call: call["direction"])


def without_seconds(told_: Any) -> Any:
    if isinstance(told_, list):
        return [without_seconds(one) for one in told_]
    if isinstance(told_, dict):
        return {key: without_seconds(told_[key]) for key in told_ if key != "seconds"}
    return told_


def seconds_of(calls: list[dict[str, Any]], *kinds: str) -> list[float]:
    return [part["seconds"] for call in calls for kind in kinds for part in call[kind]]


def by_direction(name: str) -> list[dict[str, Any]]:
    return sorted(truth_of(name), key=lambda call: call["direction"])


@pytest.mark.parametrize("name", NAMES)
def test_cel_tells_what_was_done(name: str) -> None:
    events = told_from(cel_of(name))
    assert_whole(events)
    told_, truth = calls_of(events), by_direction(name)
    assert without_seconds(told_) == without_seconds(truth)
    kinds = ("waits", "offers", "talks")
    assert seconds_of(told_, *kinds) == pytest.approx(seconds_of(truth, *kinds), abs=EXACT)
    assert all(event.reconstructed for event in events)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["cdr", "master"])
def test_cdr_and_queue_log_tell_the_outcome(name: str, kind: str) -> None:
    queue_log = [read_queue_log(line) for line in rows_of(name, "queue_log")]
    events = told_from(as_cel([read_cdr(line) for line in rows_of(name, kind)], queue_log))
    assert_whole(events)
    scenario = name.partition("/")[2]
    if scenario in NOT_IN_CDR or (kind == "master" and scenario.startswith(NOT_IN_SECONDS)):
        return  # it must not break, but cannot be told
    told_, truth = calls_of(events), by_direction(name)
    assert [coarse(call) for call in told_] == [coarse(call) for call in truth]
    kinds = ("waits", "talks")
    for one, other in zip(seconds_of(told_, *kinds), seconds_of(truth, *kinds), strict=True):
        assert one == pytest.approx(other, abs=WHOLE_SECONDS)


def coarse(call: dict[str, Any]) -> Any:
    waits = [(wait["queue"], wait["ended"]) for wait in call["waits"]]
    return call["direction"], call["outcome"], waits, [talk["agent"] for talk in call["talks"]]


@pytest.mark.parametrize("name", CUT)
def test_a_link_lost_at_any_moment_loses_nothing(name: str) -> None:
    facts, rows = heard_of(name), cel_of(name)
    for cut in range(1, len(facts)):
        reducer = fresh()
        events = apply_all(reducer, facts[:cut])
        events += the_rest(reducer, rows, facts[cut - 1].at, events)
        check_whole(name, events, reducer)


@pytest.mark.parametrize("name", [one for one in CUT if not one.endswith(NOT_IN_JOURNAL)])
def test_a_restart_at_any_moment_loses_nothing(name: str) -> None:
    facts, rows = heard_of(name), cel_of(name)
    for cut in range(1, len(facts)):
        events = apply_all(fresh(), facts[:cut])
        reducer, over = fresh(), ended(events)
        reducer.restore(event for event in events if event.call_id.removeprefix("pbx-") not in over)
        events += the_rest(reducer, rows, facts[cut - 1].at, events)
        check_whole(name, events, reducer)


@pytest.mark.parametrize("name", [one for one in CUT if not one.endswith(NOT_IN_QUEUE_LOG)])
def test_who_is_still_there_needs_no_cdr(name: str) -> None:
    """A link lost at any moment, and back in any later one in which nothing moves."""
    facts = heard_of(name)
    queue_log = [read_queue_log(line) for line in rows_of(name, "queue_log")]
    quiet = [n for n in range(2, len(facts)) if facts[n].at - facts[n - 1].at > QUIET]
    for back in quiet:
        truth = fresh()
        seen = apply_all(truth, facts[:back])
        at = facts[back - 1].at + QUIET // 2
        snapshot = in_applications(snapshot_of(truth.book, at), seen)
        known = [row for row in queue_log if row.at <= snapshot.at]
        for lost in range(1, back):
            reducer, heard = fresh(), facts[lost - 1].at
            events = apply_all(reducer, facts[:lost])
            if not reducer.book.legs.keys() <= truth.book.legs.keys():
                continue  # of those who are gone there is a CDR
            rows = in_order(still_there(known, snapshot, reducer.book, heard))
            reducer.hold()
            events += reducer.fill(told(rows, reducer.book, heard=heard, before=1_000_000))
            events += reducer.catch_up(resync(reducer.book, snapshot))
            events += apply_all(reducer, facts[back:])
            assert_whole([event for call in of_calls(events).values() for event in call])
            told_, whole = calls_of(events), by_direction(name)
            assert [coarse(call) for call in told_] == [coarse(call) for call in whole], (
                lost,
                back,
            )
            for kind in ("waits", "talks"):
                assert seconds_of(told_, kind) == pytest.approx(
                    seconds_of(whole, kind), abs=WHOLE_SECONDS
                ), (lost, back)


def in_applications(snapshot: Snapshot, events: list[ev.Event]) -> Snapshot:
    """With what a snapshot shows of callers in Queue(): they are in it while they talk, too."""
    queues: dict[str, str] = {}
    legs = {e.entry_id: e.leg for e in events if isinstance(e, ev.CallQueued)}
    for event in events:
        if isinstance(event, ev.CallQueued):
            queues[event.leg] = event.queue
        elif isinstance(event, ev.QueueLeft) and event.ended != "connected":
            queues.pop(legs[event.entry_id], None)
    change = msgspec.structs.replace
    rows = [
        change(row, started=change(row.started, queue=queues.get(row.started.leg, "")))
        for row in snapshot.legs
    ]
    return change(snapshot, legs=tuple(rows))


def heard_of(name: str) -> list[Fact]:
    messages = map(parse, Framer().feed((RECORDED / f"{name}.ami").read_bytes()))
    facts = map(FactReader().to_fact, messages)
    return [fact for fact in facts if fact and not isinstance(fact, DeviceState | MemberStatus)]


def ended(events: list[ev.Event]) -> set[str]:
    return {e.call_id.removeprefix("pbx-") for e in events if isinstance(e, ev.CallEnded)}


def the_rest(
    reducer: Reducer, rows: list[Row], heard: int, events: list[ev.Event]
) -> list[ev.Event]:
    reducer.hold()
    missed = told(rows, reducer.book, over=ended(events), heard=heard, before=5_000_000)
    found = reducer.fill(missed)
    assert reducer.book.is_empty
    return found + reducer.catch_up(resync(reducer.book, Snapshot(at=rows[-1].at + 1)))


def check_whole(name: str, events: list[ev.Event], reducer: Reducer) -> None:
    of_each_call = [event for call in of_calls(events).values() for event in call]
    assert_whole(of_each_call)
    assert without_seconds(calls_of(events)) == without_seconds(by_direction(name))


@pytest.mark.parametrize("read", [read_cel, read_cdr, read_queue_log])
@pytest.mark.parametrize("line", ["", "a,b", '"a","b', "|||", "1|2|3|4|5", "x|2|3|4|5|6", "\0" * 9])
def test_a_line_that_is_none_is_refused(read: Any, line: str) -> None:
    with pytest.raises(UnreadableRow):
        read(line)


@pytest.mark.parametrize("kind", ["cel", "cdr", "master", "queue_log"])
def test_a_line_torn_anywhere_is_refused_or_still_a_line(kind: str) -> None:
    read = {"cel": read_cel, "queue_log": read_queue_log}.get(kind, read_cdr)
    line = next(line for line in rows_of("22/hold", kind) if "support" in line)
    for length in range(len(line)):
        try:
            row: Any = read(line[:length])
        except UnreadableRow:
            continue
        assert row.at > 0


@pytest.mark.parametrize("release", ["16", "22"])
@pytest.mark.parametrize("logged", [True, False], ids=["queue log", "CEL only"])
def test_who_hangs_up_while_being_sent_away_was_sent_away_if_the_queue_log_says_so(
    release: str, logged: bool
) -> None:
    name = f"{release}/queue_timeout"
    by_caller = {"hangupsource": "", "hangupcause": 16}
    rows = [row for row in cel_of(name) if logged or row.kind not in ENDS_OF_WAITS]
    rows = [
        msgspec.structs.replace(row, more=by_caller | {"hangupsource": row.channel})
        if row.kind == "HANGUP"
        else row
        for row in rows
    ]
    [wait] = [event for event in told_from(rows) if isinstance(event, ev.QueueLeft)]
    assert wait.ended == ("timeout" if logged else "abandoned")
