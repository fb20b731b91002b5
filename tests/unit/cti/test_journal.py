"""The journal keeps every event once and in order, whatever the database does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.bus import Bus
from cti.domain import events as ev
from cti.history import History
from cti.journal import SEQ_GAP, Journal, JournalUnavailable
from cti.storage import metadata, open_engine
from cti.tables import journal as journal_table


def now() -> int:
    return 1_795_298_491_000_000


def arrived(call_id: str = "pbx-1.1") -> ev.CallArrived:
    return ev.CallArrived(
        at=now(),
        switch="pbx",
        call_id=call_id,
        direction="inbound",
        channel="PJSIP/trunk-1",
        leg="1.1",
        caller_number="+447700900147",
        caller_name="",
        did="400",
    )


def chosen(label: str, call_id: str = "pbx-1.1") -> ev.MenuChosen:
    return ev.MenuChosen(at=now(), call_id=call_id, menu="main", digits="1", label=label)


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(f"sqlite+aiosqlite:///{tmp_path}/new/folder/ringdesk.db")
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield engine
    await engine.dispose()


@asynccontextmanager
async def running(
    engine: AsyncEngine, spool: Path, bus: Bus | None = None
) -> AsyncIterator[Journal]:
    journal = Journal(engine, bus or Bus(), now, spool)
    await journal.open("test")
    task = asyncio.create_task(journal.run())
    try:
        yield journal
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def seqs(engine: AsyncEngine) -> list[int]:
    async with engine.connect() as connection:
        query = select(journal_table.c.seq).order_by(journal_table.c.seq)
        return list((await connection.execute(query)).scalars())


async def test_events_are_numbered_published_and_kept_in_order(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    bus = Bus()
    async with running(engine, tmp_path / "spool", bus) as journal:
        subscription = bus.subscribe("test")
        first = journal.record(arrived())
        labels = [journal.record(chosen(f"choice {i}")) for i in range(450)]
        await journal.flush()
        assert [event.seq for event in labels] == list(range(first.seq + 1, first.seq + 451))
        assert await anext(subscription) == first
        assert await journal.written.of_call("pbx-1.1") == [first, *labels]
        assert journal.backlog == 0


async def test_the_history_is_written_with_the_journal(engine: AsyncEngine, tmp_path: Path) -> None:
    async with running(engine, tmp_path / "spool") as journal:
        journal.record(arrived())
        journal.record(chosen("1 Billing"))
        journal.record(chosen("2 Refund"))
        customer = ev.CustomerRef(id=7, name="Marina Ivanova", tier="vip")
        journal.record(
            ev.CustomerIdentified(
                at=now(), call_id="pbx-1.1", number="+447700900147", match="one", customer=customer
            )
        )
        for talk in ("t1", "t2"):
            journal.record(
                ev.CallAnswered(
                    at=now() + 5,
                    call_id="pbx-1.1",
                    talk_id=talk,
                    agent="PJSIP/101",
                    agent_channel="a",
                    caller_channel="c",
                )
            )
            journal.record(
                ev.TalkEnded(
                    at=now(), call_id="pbx-1.1", talk_id=talk, agent="PJSIP/101", talked=30
                )
            )
        journal.record(
            ev.CallEnded(
                at=now() + 99, call_id="pbx-1.1", direction="inbound", outcome="answered", lasted=99
            )
        )
        await journal.flush()
    row = await History(engine).call("pbx-1.1")
    assert row is not None
    assert (row.menu_path, row.customer_id, row.talked) == ("1 Billing › 2 Refund", 7, 60)
    assert (row.outcome, row.agent, row.answered_at) == ("answered", "PJSIP/101", now() + 5)
    assert [r.call_id for r in await History(engine).of_customer(7)] == ["pbx-1.1"]


async def test_a_number_is_never_given_twice(engine: AsyncEngine, tmp_path: Path) -> None:
    async with running(engine, tmp_path / "spool") as journal:
        last = journal.record(arrived()).seq
        await journal.flush()
    async with running(engine, tmp_path / "spool") as again:
        await again.flush()
        assert again.seq == last + SEQ_GAP + 1


async def test_a_locked_database_holds_nobody_up_and_loses_nothing(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    async with running(engine, tmp_path / "spool") as journal:
        await journal.flush()
        async with engine.connect() as blocker:
            await blocker.exec_driver_sql("PRAGMA busy_timeout=0")
            await blocker.execute(text("BEGIN IMMEDIATE"))
            events = [journal.record(arrived(f"pbx-{i}")) for i in range(5)]
            with pytest.raises(JournalUnavailable, match="are kept and will be written"):
                await journal.flush(0.05)
            await blocker.rollback()
        await journal.flush(20)
        assert (await seqs(engine))[-5:] == [event.seq for event in events]


async def test_what_a_dead_database_did_not_take_is_spooled_and_taken_in_later(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    spool = tmp_path / "spool"
    async with running(engine, spool) as journal:
        await journal.flush()
        async with engine.begin() as connection:
            await connection.execute(text("ALTER TABLE journal RENAME TO gone"))
        lost = journal.record(arrived())
        await asyncio.sleep(0.1)
        assert journal.trouble.failing_since is not None
    assert spool.exists()
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE gone RENAME TO journal"))
    async with running(engine, spool) as again:
        await again.flush()
        assert lost.seq in await seqs(engine)
        assert not spool.exists()


async def test_an_event_that_is_there_already_does_not_stop_the_others(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    async with running(engine, tmp_path / "spool") as journal:
        twice = arrived()
        journal.record(twice)
        await journal.flush()
        journal.record(twice)
        after = journal.record(chosen("1 Billing"))
        await journal.flush()
        assert (await seqs(engine))[-1] == after.seq
        assert len(await journal.written.of_call("pbx-1.1")) == 2


async def test_unwritten_events_can_be_read(engine: AsyncEngine, tmp_path: Path) -> None:
    journal = Journal(engine, Bus(), now, tmp_path / "spool")
    await journal.open("test")
    event = journal.record(arrived())
    assert (await journal.read_after(0, 10))[-1] == event
