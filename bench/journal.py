"""The journal's writer against SQLAlchemy's ORM, on SQLite and PostgreSQL, batch by batch.

    python -m bench.journal [--rounds 300] [--batch 100] [--fast]

All write the same events in the same transactions into the same three tables (journal, calls,
talks), each into a database of its own; every round each writes one batch, in turns, and medians
are compared. At the end all databases must hold the same rows. The peers are what an ORM is made
for: mapped objects, `add_all`, a SELECT for the calls that change, one flush and commit a batch;
once as an asyncio program does it (AsyncSession), once on a plain Session in a thread.

CPU is that of this process: on PostgreSQL the server's own is not in it, the time is. PostgreSQL is
a server of its own, which syncs every commit to the disk unless `--fast`.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import Engine, make_url, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session, registry
from sqlalchemy.pool import QueuePool

from bench.report import Goal, machine, print_table, settle
from bench.stream import batches
from cti.domain import events as ev
from cti.history import PATH_SEPARATOR
from cti.storage import metadata, open_blocking_engine, open_engine
from cti.tables import calls, journal, talks
from cti.worker import Worker
from cti.writer import Writer
from tests.contract.fixtures_postgresql import run_server

WARM_UP = 20
WANTED = {"SQLite": 12.0, "PostgreSQL": 8.0}


class JournalRow:
    """A mapped row of the journal."""


class CallRow:
    """A mapped row of the history."""


class TalkRow:
    """A mapped talk."""


mapped = registry(metadata=metadata)
mapped.map_imperatively(JournalRow, journal)
mapped.map_imperatively(CallRow, calls)
mapped.map_imperatively(TalkRow, talks)


def made(kind: type[Any], **values: Any) -> Any:
    row = kind()
    for name, value in values.items():
        setattr(row, name, value)
    return row


def journal_row(event: ev.Event) -> Any:
    return made(
        JournalRow,
        seq=event.seq,
        id=event.id,
        at=event.at,
        call_id=event.call_id,
        type=type(event).__name__,
        body=ev.encode(event).decode(),
    )


class Orm:
    """The peer: one session a batch, objects in, changes found by the unit of work."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def write(self, events: Sequence[ev.Event]) -> None:
        async with AsyncSession(self._engine, expire_on_commit=False) as session:
            await session.run_sync(self.fill, events)
            await session.commit()

    def fill(self, session: Session, events: Sequence[ev.Event]) -> None:
        ids = {event.call_id for event in events if event.call_id}
        known = session.scalars(select(CallRow).where(calls.c.call_id.in_(ids)))
        rows = {row.call_id: row for row in known}  # type: ignore[attr-defined]
        ended = {event.talk_id for event in events if isinstance(event, ev.TalkEnded)}
        begun = session.scalars(select(TalkRow).where(talks.c.talk_id.in_(ended)))
        talking = {row.talk_id: row for row in begun}  # type: ignore[attr-defined]
        session.add_all([journal_row(event) for event in events])
        for event in events:
            self._project(session, event, rows, talking)

    def _project(
        self, session: Session, event: ev.Event, rows: dict[str, Any], talking: dict[str, Any]
    ) -> None:
        row = rows.get(event.call_id)
        match event:
            case ev.CallArrived():
                row = rows[event.call_id] = made(
                    CallRow,
                    call_id=event.call_id,
                    switch=event.switch,
                    direction=event.direction,
                    caller_number=event.caller_number,
                    caller_name=event.caller_name,
                    did=event.did,
                    arrived_at=event.at,
                    menu_path="",
                    waited=0,
                    talked=0,
                )
                session.add(row)
            case ev.CustomerIdentified():
                row.number = event.number
                row.customer_id = event.customer.id if event.customer else None
            case ev.MenuChosen(valid=True):
                row.menu_path = PATH_SEPARATOR.join(filter(None, (row.menu_path, event.label)))
            case ev.CallQueued():
                row.queue = event.queue
            case ev.QueueEntryScored():
                row.why = ", ".join(map(str, event.terms))
            case ev.QueueMoved():
                row.why = event.sentence
            case ev.QueueLeft():
                row.waited += event.waited
            case ev.CallAnswered():
                row.agent, row.answered_at = event.agent, row.answered_at or event.at
                talking[event.talk_id] = made(
                    TalkRow,
                    talk_id=event.talk_id,
                    call_id=event.call_id,
                    agent=event.agent,
                    queue=event.queue,
                    started_at=event.at,
                )
                session.add(talking[event.talk_id])
            case ev.TalkEnded():
                row.talked += event.talked
                talking[event.talk_id].talked = event.talked
            case ev.DispositionSet():
                row.note, row.topic = event.note, event.topic
                row.result, row.note_by = event.result, event.author
            case ev.CallEnded():
                row.ended_at, row.outcome = event.at, event.outcome


class BlockingOrm(Orm):
    """The same on a plain Session, in a thread as our writer is."""

    def __init__(self, engine: Engine, worker: Worker) -> None:
        self._blocking, self._worker = engine, worker

    async def write(self, events: Sequence[ev.Event]) -> None:
        await self._worker.do(self._write, events)

    def _write(self, events: Sequence[ev.Event]) -> None:
        with Session(self._blocking, expire_on_commit=False) as session:
            self.fill(session, events)
            session.commit()


class Ours:
    """What :class:`cti.journal.Journal` does with a batch."""

    def __init__(self, url: str, worker: Worker) -> None:
        self._writer, self._worker = Writer(make_url(url)), worker

    async def write(self, events: Sequence[ev.Event]) -> None:
        await self._worker.do(self._writer.write, events)


@dataclass
class Contender:
    """One way to write, with what each batch cost (seconds)."""

    name: str
    writer: Any
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    async def write(self, batch: Sequence[ev.Event]) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        await self.writer.write(batch)
        self.cpu.append(time.process_time() - cpu)
        self.wall.append(time.perf_counter() - wall)


@asynccontextmanager
async def contenders(urls: Sequence[str]) -> AsyncIterator[list[Contender]]:
    for url in urls:
        empty = open_blocking_engine(make_url(url))
        metadata.create_all(empty)
    ours, orm, blocking = urls
    engine, worker = open_engine(orm), Worker("benchmark")
    yield [
        Contender("Ringdesk", Ours(ours, worker)),
        Contender("SQLAlchemy AsyncSession.add_all", Orm(engine)),
        Contender("SQLAlchemy Session.add_all, thread", BlockingOrm(pooled(blocking), worker)),
    ]
    await engine.dispose()
    worker.stop()


def pooled(url: str) -> Engine:
    """The peer keeps its connection, as ours does."""
    engine = open_blocking_engine(make_url(url))
    engine.pool = QueuePool(engine.pool._creator, pool_size=1)  # type: ignore[attr-defined]
    return engine


async def race(runners: Sequence[Contender], rounds: int, size: int) -> None:
    """Each writes each batch; who begins changes with every round."""
    stream = batches(size)
    for turn in range(WARM_UP + rounds):
        batch = next(stream)
        for step in range(len(runners)):
            await runners[(turn + step) % len(runners)].write(batch)
    for runner in runners:
        del runner.wall[:WARM_UP], runner.cpu[:WARM_UP]


def contents(url: str) -> list[Any]:
    engine = open_blocking_engine(make_url(url))
    with engine.connect() as connection:
        return [
            [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in (journal, calls, talks)
        ]


async def compare(database: str, urls: Sequence[str], rounds: int, size: int) -> Goal:
    async with contenders(urls) as runners:
        await race(runners, rounds, size)
    if not contents(urls[0]) == contents(urls[1]) == contents(urls[2]):
        raise SystemExit(f"{database}: the contenders did not write the same rows")
    ours, peer, _ = runners
    rows = [
        (
            runner.name,
            f"{1e6 * median(runner.wall) / size:.1f}",
            f"{1e6 * median(runner.cpu) / size:.1f}",
            f"{size / median(runner.wall):,.0f}",
            f"{median(runner.wall) / median(ours.wall):.1f}",
            f"{median(runner.cpu) / median(ours.cpu):.1f}",
        )
        for runner in runners
    ]
    print(f"\n{database}, batches of {size}, {rounds} rounds, medians")
    print_table(("", "µs/event", "CPU µs/event", "events/s", "x time", "x CPU"), rows)
    ratio = median(peer.cpu) / median(ours.cpu)
    return Goal(
        f"journal writer on {database}, CPU against AsyncSession.add_all", ratio, WANTED[database]
    )


@contextmanager
def postgresql(options: Sequence[str]) -> Iterator[Any]:
    yield from run_server("listen_addresses=", *options)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--fast", action="store_true", help="PostgreSQL without syncing to disk")
    chosen = parser.parse_args()
    print(machine())
    goals = []
    with tempfile.TemporaryDirectory() as folder:
        files = [f"sqlite+aiosqlite:///{Path(folder)}/{name}.db" for name in ("a", "b", "c")]
        goals.append(await compare("SQLite", files, chosen.rounds, chosen.batch))
    with postgresql(("fsync=off",) if chosen.fast else ()) as server:
        urls = [server.new_database() for _ in range(3)]
        goals.append(await compare("PostgreSQL", urls, chosen.rounds, chosen.batch))
    settle(goals)


if __name__ == "__main__":
    asyncio.run(main())
