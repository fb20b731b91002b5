"""The journal and the history are the same on every database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.bus import Bus
from cti.domain import events as ev
from cti.history import Cursor, History, talked_with
from cti.interaction import whole
from cti.journal import Journal
from cti.tables import calls, journal, talks
from tests.contract.stories import (
    ANNA,
    AT,
    BORIS,
    CALL,
    a_transferred_call,
    arrived,
    chosen,
    identified,
    now,
)


@asynccontextmanager
async def running(engine: AsyncEngine, folder: Path) -> AsyncIterator[Journal]:
    opened = Journal(engine, Bus(), now, folder / "spool")
    await opened.open("test")
    task = asyncio.create_task(opened.run())
    try:
        yield opened
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def told(engine: AsyncEngine, folder: Path, *events: ev.Event) -> list[ev.Event]:
    async with running(engine, folder) as opened:
        numbered = [opened.record(event) for event in events]
        await opened.flush()
    return numbered


async def test_events_come_back_as_they_were(engine: AsyncEngine, tmp_path: Path) -> None:
    async with running(engine, tmp_path) as opened:
        story = [opened.record(event) for event in a_transferred_call()]
        await opened.flush()
        assert await opened.written.of_call(CALL) == story
        assert await opened.written.of_calls([CALL, "pbx-9"]) == story
        assert await opened.written.of_calls([]) == []
        assert list(await opened.read_after(story[0].seq, 3)) == story[1:4]
        assert await opened.written.of_type(ev.CallAnswered, AT + 50) == [story[9]]


async def test_a_call_becomes_its_row_and_its_talks(engine: AsyncEngine, tmp_path: Path) -> None:
    await told(engine, tmp_path, *a_transferred_call())
    history = History(engine)
    row = await history.call(CALL)
    assert row is not None
    assert dict(row._mapping) == {
        "call_id": CALL,
        "switch": "pbx",
        "direction": "inbound",
        "caller_number": "+447700900147",
        "caller_name": "Марина Ивáнова",
        "did": "400",
        "customer_id": 7,
        "number": "+447700900147",
        "arrived_at": AT,
        "answered_at": AT + 32,
        "ended_at": AT + 101,
        "outcome": "answered",
        "queue": "support",
        "agent": BORIS,
        "waited": 30,
        "talked": 60,
        "menu_path": "1 Billing › 2 Refund",
        "why": "",
        "note": "Обещан возврат «завтра»",
        "topic": "Billing",
        "result": "Solved",
        "note_by": "boris",
        "joined_to": None,
        "reconstructed": False,
    }
    assert await history.talks(CALL) == [
        ("t1", CALL, ANNA, "support", AT + 32, 40),
        ("t2", CALL, BORIS, "", AT + 80, 20),
    ]
    assert await history.open_calls() == []


async def test_a_call_of_which_anything_was_not_seen_is_marked(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    """Whichever of its events it is, and in whichever batch; what is seen later takes nothing."""
    story = a_transferred_call()
    unseen = [msgspec.structs.replace(story[6], reconstructed=True)]
    for place, batch in enumerate((story[:6], unseen, story[7:])):
        await told(engine, tmp_path, *batch)
        row = await History(engine).call(CALL)
        assert row is not None
        assert row.reconstructed is (place > 0)


@settings(
    deadline=None,
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(cuts=st.sets(st.integers(1, 12)))
async def test_it_does_not_matter_where_a_batch_ends(
    engine: AsyncEngine, tmp_path: Path, cuts: set[int]
) -> None:
    story = a_transferred_call()
    whole = await _after(engine, tmp_path, [story])
    edges = [0, *sorted(cuts), len(story)]
    assert await _after(engine, tmp_path, [story[a:b] for a, b in pairwise(edges)]) == whole


async def _after(engine: AsyncEngine, folder: Path, batches: list[list[ev.Event]]) -> list[object]:
    async with engine.begin() as connection:
        for table in (journal, calls, talks):
            await connection.execute(delete(table))
    async with running(engine, folder) as opened:
        for batch in batches:
            for event in batch:
                opened.record(event)
            await opened.flush()
    async with engine.connect() as connection:
        return [
            [tuple(row) for row in await connection.execute(select(table).order_by(order))]
            for table, order in ((calls, calls.c.call_id), (talks, talks.c.talk_id))
        ]


async def test_the_last_word_on_the_customer_counts(engine: AsyncEngine, tmp_path: Path) -> None:
    await told(engine, tmp_path, arrived(), identified(7))
    await told(engine, tmp_path, identified(None))
    row = await History(engine).call(CALL)
    assert row is not None
    assert row.customer_id is None
    assert await History(engine).open_calls() == [CALL]


async def test_a_call_arrives_once(engine: AsyncEngine, tmp_path: Path) -> None:
    await told(engine, tmp_path, arrived(), chosen("1 Billing"))
    await told(engine, tmp_path, arrived(did="999"))
    row = await History(engine).call(CALL)
    assert row is not None
    assert (row.did, row.menu_path) == ("400", "1 Billing")


async def test_what_no_column_holds_does_not_stop_the_journal(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    long = "9" * 500
    first = arrived(caller_number=long, caller_name="a\0b", did=long)
    huge = ev.CallEnded(at=2**80, call_id=CALL, direction="inbound", outcome="answered", lasted=1)
    last = chosen("1 Billing")
    numbered = await told(engine, tmp_path, first, huge, last)
    row = await History(engine).call(CALL)
    assert row is not None
    assert (row.caller_number, row.caller_name, row.menu_path) == ("9" * 80, "ab", "1 Billing")
    async with running(engine, tmp_path) as opened:
        assert await opened.written.of_call(CALL) == [numbered[0], numbered[2]]


async def test_pages_lead_through_calls_of_one_microsecond(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    ids = [f"pbx-{n}" for n in range(1, 8)]
    await told(engine, tmp_path, *(arrived(call_id) for call_id in ids))
    history, seen, before = History(engine), [], None
    while rows := await history.newest(before=before, limit=3):
        seen += [row.call_id for row in rows]
        before = Cursor(rows[-1].arrived_at, rows[-1].call_id)
    assert seen == ids[::-1]


@pytest.mark.parametrize(
    ("agents", "found"), [([ANNA], 1), ([BORIS], 1), (["PJSIP/9"], 0), ([], 0)]
)
async def test_every_agent_of_a_call_is_remembered(
    engine: AsyncEngine, tmp_path: Path, agents: list[str], found: int
) -> None:
    await told(engine, tmp_path, *a_transferred_call())
    assert len(await History(engine).newest(talked_with(*agents))) == found


async def test_calls_joined_by_a_trunk_are_one_interaction(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    first, second, alone, lost = "east-1.1", "west-2.1", "east-3.1", "west-4.1"
    await told(
        engine,
        tmp_path,
        arrived(first, AT),
        chosen("West office", first),
        identified(7, first),
        arrived(alone, AT + 1),
        arrived(second, AT + 2),
        ev.CallJoined(at=AT + 3, call_id=second, to_call_id=first),
        arrived(lost, AT + 4),
        ev.CallJoined(at=AT + 4, call_id=lost, to_call_id="east-9.9"),
        ev.CallAnswered(
            at=AT + 5,
            call_id=second,
            talk_id="t",
            agent="west:PJSIP/101",
            agent_channel="a",
            caller_channel="c",
        ),
        ev.TalkEnded(at=AT + 9, call_id=second, talk_id="t", agent="west:PJSIP/101", talked=4),
        ev.CallEnded(at=AT + 9, call_id=second, direction="inbound", outcome="answered", lasted=7),
        ev.CallEnded(
            at=AT + 10, call_id=first, direction="inbound", outcome="no_answer", lasted=10
        ),
    )
    history = History(engine)
    newest = await history.newest()
    assert [row.call_id for row in newest] == [lost, alone, first]
    talked = talked_with("west:PJSIP/101")
    assert [row.call_id for row in await history.newest(talked)] == [second]
    found = await history.interactions([first, second, lost, "nothing"])
    assert {key: [row.call_id for row in rows] for key, rows in found.items()} == {
        first: [first, second],
        second: [first, second],
        lost: [lost],
    }
    row = whole(newest[-1], found[first])
    assert (row.outcome, row.agent, row.talked, row.menu_path, row.ended_at, row.customer_id) == (
        "answered",
        "west:PJSIP/101",
        4,
        "West office",
        AT + 10,
        7,
    )
    assert whole(newest[0], found[lost]) is newest[0]
