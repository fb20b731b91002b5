"""The soak sees what differs: one that always found everything equal would be worth nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url

from bench.call_mix import KINDS
from bench.queue_log import Told, read_queue_log
from bench.sipp import SippCounts
from bench.soak_counts import compare, read_database
from cti.domain import events as ev
from cti.storage import metadata
from cti.writer import Writer

CALL, SECOND = "demo-1795610933.0", 1_000_000
QUEUE_LOG = f"""1|NONE|NONE|NONE|QUEUESTART|
2|{CALL}|support|NONE|ENTERQUEUE||+447910000000|1
3|{CALL}|support|PJSIP/441|RINGNOANSWER|2000
4|{CALL}|support|PJSIP/401|CONNECT|3|demo-1795610934.3|0
5|{CALL}|support|PJSIP/401|COMPLETEAGENT|3|2|1
"""
NONE_FAILED = {kind.name: SippCounts(0, 0, 0) for kind in KINDS}
SIPP = {**NONE_FAILED, KINDS[0].name: SippCounts(calls=1, done=1, failed=0)}


def test_queue_log_is_read() -> None:
    told, kinds = read_queue_log(QUEUE_LOG)
    assert told == {CALL: Told([("support", "connected")], ["PJSIP/401"], ["PJSIP/441"])}
    assert (told[CALL].waited, told[CALL].talked) == ([3.0], [2.0])
    assert kinds["CONNECT"] == kinds["COMPLETEAGENT"] == 1


def call(talked: float = 2.0, outcome: ev.CallOutcome = "answered") -> list[ev.Event]:
    """The same call as Ringdesk tells it."""
    offer = {"offer_id": "o", "agent": "PJSIP/441", "entry_id": "e", "queue": "support"}
    talk = {"talk_id": "t", "agent": "PJSIP/401"}
    channels = {"agent_channel": "a", "caller_channel": "c"}
    told: list[tuple[type[ev.Event], dict[str, object]]] = [
        (
            ev.CallArrived,
            {"direction": "inbound", "channel": "c", "leg": CALL, "did": KINDS[0].dials}
            | {"caller_number": "+447910000000", "caller_name": ""},
        ),
        (
            ev.CallQueued,
            {"entry_id": "e", "queue": "support", "position": 1, "channel": "c", "leg": CALL},
        ),
        (ev.AgentOffered, {**offer, "channel": "s"}),
        (ev.OfferEnded, {**offer, "ended": "no_answer", "rang": 2 * SECOND}),
        (
            ev.QueueLeft,
            {"entry_id": "e", "queue": "support", "ended": "connected", "waited": 3 * SECOND},
        ),
        (ev.CallAnswered, {**talk, **channels, "queue": "support"}),
        (ev.TalkEnded, {**talk, "talked": int(talked * SECOND)}),
        (ev.CallEnded, {"direction": "inbound", "outcome": outcome, "lasted": 6 * SECOND}),
    ]
    common = {"switch": "pbx", "call_id": f"pbx-{CALL}"}
    return [
        kind(at=number * SECOND, id=f"i{number}", seq=number, **common, **fields)
        for number, (kind, fields) in enumerate(told, 1)
    ]


def differing(folder: Path, events: list[ev.Event], queue_log: str = QUEUE_LOG) -> set[str]:
    """What the comparison finds unequal, when these events are in the database."""
    url = make_url(f"sqlite:///{folder}/ringdesk.db")
    engine = create_engine(url)
    metadata.create_all(engine)
    engine.dispose()
    writer = Writer(url)
    writer.write(events)
    writer.close()
    lines, _ = compare(SIPP, queue_log, read_database(folder / "ringdesk.db"))
    return {line.what for line in lines if not line.equal}


def test_what_is_the_same_is_equal(tmp_path: Path) -> None:
    assert differing(tmp_path, call()) == set()


def test_a_call_that_is_missing(tmp_path: Path) -> None:
    found = differing(tmp_path, [])
    assert {KINDS[0].name, "queue_log CONNECT", "calls not as queue_log tells them"} <= found


@pytest.mark.parametrize(
    ("events", "found"),
    [
        (call(outcome="abandoned"), {"calls with another outcome"}),
        (call(talked=4), {"waits or talks too long or short"}),
        (call()[:-1], {"calls without an end", "calls with another outcome"}),
    ],
)
def test_what_differs_is_found(tmp_path: Path, events: list[ev.Event], found: set[str]) -> None:
    assert differing(tmp_path, events) == found


def test_the_same_sums_of_other_calls_are_found(tmp_path: Path) -> None:
    """Another agent talked: every sum is equal, the call is not."""
    theirs = QUEUE_LOG.replace("PJSIP/401", "PJSIP/402")
    assert differing(tmp_path, call(), theirs) == {"calls not as queue_log tells them"}
