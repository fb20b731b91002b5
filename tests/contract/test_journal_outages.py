"""Whatever happens to the database, the disk or the process: every event once and in order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import msgspec
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.bus import Bus
from cti.domain import events as ev
from cti.history import History
from cti.journal import Journal, JournalUnavailable
from cti.spool import Spool
from cti.storage import open_engine
from cti.writer import Writer
from ringdesk.migrate import migrate
from tests.contract.fixtures_postgresql import FAST, Postgresql, run_server
from tests.contract.stories import AT, arrived, now

ROOT = Path(__file__).parents[2]
LOCKS = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "LOCK TABLE journal IN EXCLUSIVE MODE"}


def said(n: int) -> ev.MenuChosen:
    return ev.MenuChosen(at=AT + n, call_id="pbx-1", menu="m", digits=str(n), label=str(n))


class Running:
    """A journal with its writer, which can be let go without a farewell."""

    def __init__(self, engine: AsyncEngine, spool: Path, **more: int) -> None:
        self.journal = Journal(engine, Bus(), now, spool, **more)

    async def __aenter__(self) -> Journal:
        await self.journal.open("test")
        self._task = asyncio.create_task(self.journal.run())
        return self.journal

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


async def numbers(engine: AsyncEngine) -> list[int]:
    """The events of :func:`said`, in the journal's order."""
    query = text("SELECT body FROM journal WHERE type = 'MenuChosen' ORDER BY seq")
    async with engine.connect() as connection:
        bodies = (await connection.execute(query)).scalars().all()
    events = map(ev.decode, bodies)
    return [int(event.digits) for event in events if isinstance(event, ev.MenuChosen)]


async def until(condition: object, seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def locked(engine: AsyncEngine) -> AsyncIterator[None]:
    """Nobody else can write the journal."""
    lock = (
        "BEGIN IMMEDIATE"
        if engine.dialect.name == "sqlite"
        else "LOCK TABLE journal IN EXCLUSIVE MODE"
    )
    async with engine.connect() as connection:
        await connection.exec_driver_sql(lock)
        yield
        await connection.rollback()


async def test_a_locked_database_gets_everything_afterwards(
    engine: AsyncEngine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spool = tmp_path / "spool"
    async with Running(engine, spool) as journal:
        journal.record(arrived("pbx-1"))
        await journal.flush()
        async with locked(engine):
            for n in range(3000):
                journal.record(said(n))
                if n % 100 == 0:
                    await asyncio.sleep(0.005)
            with pytest.raises(JournalUnavailable):
                await journal.flush(0.05)
            await until(lambda: journal.kept_up_to == journal.seq)
            assert spool.stat().st_mode & 0o777 == 0o600
            await until(lambda: journal.trouble.failing_since)
        for n in range(3000, 3100):
            journal.record(said(n))
        await journal.flush(60)
        await until(lambda: journal.trouble.failing_since is None and not spool.exists())
        assert await numbers(engine) == list(range(3100))
        assert journal.backlog == 0
    row = await History(engine).call("pbx-1")
    assert row is not None
    assert row.menu_path == " › ".join(map(str, range(3100)))
    heard = capsys.readouterr().out
    assert heard.count("journal_not_written") == heard.count("journal_written_again") == 1


async def test_readers_see_what_is_only_on_disk_or_in_memory(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    async with Running(engine, tmp_path / "spool") as journal:
        events = [journal.record(said(n)) for n in range(50)]
        await journal.flush()
        async with locked(engine):
            events += [journal.record(said(n)) for n in range(50, 1500)]
            await until(lambda: journal.kept_up_to == journal.seq)
            events += [journal.record(said(n)) for n in range(1500, 1600)]
            seen: list[ev.Event] = []
            while page := await journal.read_after(seen[-1].seq if seen else events[0].seq - 1, 70):
                seen += page
            assert seen == events


@pytest.fixture
def own_postgresql() -> Iterator[Postgresql]:
    """A server that a test may stop; what it committed must outlive that."""
    yield from run_server(*FAST, "synchronous_commit=on")


async def test_a_postgresql_that_is_stopped_and_started_again(
    own_postgresql: Postgresql, tmp_path: Path
) -> None:
    engine = open_engine(own_postgresql.new_database())
    await migrate(engine)
    spool = tmp_path / "spool"
    async with Running(engine, spool) as journal:
        n = 0
        for mode in ("fast", "immediate"):  # the second is a crash
            stopping = asyncio.create_task(asyncio.to_thread(own_postgresql.stop, mode))
            while not (stopping.done() and journal.trouble.failing_since):
                journal.record(said(n))
                n += 1
                await asyncio.sleep(0.002)
            await until(lambda: journal.kept_up_to == journal.seq)
            assert spool.exists()
            await asyncio.to_thread(own_postgresql.start)
            await journal.flush(60)
        assert await numbers(engine) == list(range(n))
        await until(lambda: not spool.exists())
    await engine.dispose()


async def test_a_backend_that_is_killed_in_mid_batch(
    postgresql: Postgresql, postgresql_template: str, tmp_path: Path
) -> None:
    url = postgresql.new_database(postgresql_template)
    engine = open_engine(url)
    end = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    async with Running(engine, tmp_path / "spool") as journal:
        await journal.flush()
        killer = await psycopg.AsyncConnection.connect(
            url.replace("postgresql+psycopg", "postgresql"), autocommit=True
        )
        async with killer:
            killed = 0
            for n in range(4000):
                journal.record(said(n))
                if n % 200 == 0:
                    killed += len(await (await killer.execute(end)).fetchall())
        await journal.flush(30)
        assert killed
        assert await numbers(engine) == list(range(4000))
    await engine.dispose()


async def test_a_spool_at_its_limit_leaves_events_in_memory(
    engine: AsyncEngine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Running(engine, tmp_path / "spool", spool_bytes=20_000, memory=500) as journal:
        await journal.flush()
        async with locked(engine):
            for n in range(50):
                journal.record(said(n))
            await until(lambda: journal.kept_up_to == journal.seq)
            for n in range(50, 700):
                journal.record(said(n))
            await until(lambda: journal.trouble.spool_refused)
            assert journal.trouble.dropped == 150
            with pytest.raises(JournalUnavailable):
                await journal.flush(0.05)
        await until(lambda: journal.backlog == 0)
        for n in range(700, 710):
            journal.record(said(n))
        await journal.flush()
        assert await numbers(engine) == [*range(550), *range(700, 710)]
        await until(lambda: not journal.trouble.spool_refused and not journal.trouble.dropped)
    heard = capsys.readouterr().out
    assert heard.count("journal_spool_refused") == heard.count("journal_drops_events") == 1


async def test_what_the_database_takes_while_it_is_being_spooled_leaves_no_spool(
    engine: AsyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last batch may be written before the same events are synced: who clears the file?"""
    appending, written, appended = threading.Event(), threading.Event(), threading.Event()
    append, write = Spool.append, Writer.write

    def slow_append(spool: Spool, events: Sequence[ev.Event]) -> None:
        appending.set()
        assert written.wait(20)
        append(spool, events)
        appended.set()

    def slow_write(writer: Writer, events: Sequence[ev.Event]) -> None:
        assert appending.wait(20)
        write(writer, events)

    async with Running(engine, tmp_path / "spool") as journal:
        await journal.flush()
        monkeypatch.setattr(Spool, "append", slow_append)
        monkeypatch.setattr(Writer, "write", slow_write)
        journal.record(said(1))
        await journal.flush(20)
        written.set()
        await until(appended.is_set)
        await until(lambda: not (tmp_path / "spool").exists() and not journal.backlog)
        assert await numbers(engine) == [1]


class Child:
    """The program of :mod:`tests.contract.journal_child`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.kept = -1
        self.full = False
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, url: str, spool: Path, first: int, *limit: str) -> Child:
        path = os.pathsep.join([str(ROOT), str(ROOT / "queue")])
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.contract.journal_child",
                url,
                str(spool),
                str(first),
                *limit,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": path},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
        )

    async def _read(self) -> None:
        assert self.process.stdout
        async for line in self.process.stdout:
            if line.strip().isdigit():
                self.kept = int(line)
            elif line.strip() == b"full":
                self.full = True

    async def kill(self) -> None:
        self.process.kill()
        await self.process.wait()
        await self._reading


async def recovered(engine: AsyncEngine, spool: Path) -> list[int]:
    async with Running(engine, spool) as journal:
        await journal.flush(30)
    assert not spool.exists()
    return await numbers(engine)


async def test_kill_9_in_mid_stream(engine: AsyncEngine, url: str, tmp_path: Path) -> None:
    spool, first = tmp_path / "spool", 0
    for turn in range(3):
        child = await Child.start(url, spool, first)
        await until(lambda child=child, first=first: child.kept > first + 200)
        await asyncio.sleep(random.uniform(0, 0.1))
        await child.kill()
        found = await recovered(engine, spool)
        assert found == list(range(len(found))), f"turn {turn}"
        assert len(found) > child.kept
        first = len(found)


async def test_kill_9_while_the_database_is_locked_and_while_it_catches_up(
    engine: AsyncEngine, url: str, tmp_path: Path
) -> None:
    spool = tmp_path / "spool"
    child = await Child.start(url, spool, 0)
    await until(lambda: child.kept > 100)
    async with locked(engine):
        before = child.kept
        await until(lambda: child.kept > before + 2000)
        assert spool.exists()
    await asyncio.sleep(random.uniform(0, 0.3))  # anywhere in the replay, or behind it
    await child.kill()
    found = await recovered(engine, spool)
    assert found == list(range(len(found)))
    assert len(found) > child.kept


async def test_a_spool_torn_by_a_crash(engine: AsyncEngine, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    async with Running(engine, spool) as journal:
        await journal.flush()
        last = journal.seq
    lines = [ev.encode(said(n)) for n in range(3)]
    events = [ev.encode(_numbered(ev.decode(line), last + 1 + n)) for n, line in enumerate(lines)]
    spool.write_bytes(b"\n".join([events[0], b'{"broken', events[1], events[2][:40]]))
    assert await recovered(engine, spool) == [0, 1]


def _numbered(event: ev.Event, seq: int) -> ev.Event:
    return msgspec.structs.replace(event, seq=seq)


async def test_a_full_disk_holds_up_nobody(engine: AsyncEngine, url: str, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    async with locked(engine):  # so that the spool is needed on PostgreSQL too
        child = await Child.start(url, spool, 0, "0.3")
        await until(lambda: child.full)
        stuck = child.kept
    if engine.dialect.name == "sqlite":  # its file may not grow either
        await asyncio.sleep(0.3)
        assert child.process.returncode is None
    assert child.process.stdin
    child.process.stdin.write(b"there is room again\n")
    await until(lambda: child.kept > stuck + 1000)
    await child.kill()
    found = await recovered(engine, spool)
    assert found == list(range(len(found)))
    assert len(found) > child.kept
