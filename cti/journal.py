"""The journal: every event once, in order, with a sequence number.

:meth:`Journal.record` gives the number, publishes on the bus and queues the write; it never
waits, so neither does the AMI reader. One writer task carries the queue into the database in
batches, together with the history, in one transaction. Where an answer promises that something
is kept (an agent's note), await :meth:`Journal.flush`.

The database may be away: events are held in memory, in order, and written when it is back; what
is still unwritten at shutdown goes to the spool file and is written at the next start. Numbers
are never used twice: each run begins behind what the run before could have given out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import msgspec
import structlog
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti.bus import Bus
from cti.clock import Now
from cti.domain.events import Event, ServiceStarted, decode, encode
from cti.history import statements
from cti.tables import journal

log = structlog.get_logger(__name__)

BATCH = 200
SEQ_GAP = 10_000
"""How far a new run jumps ahead: more than a crash can have given out and not written."""
FLUSH_SECONDS = 5.0
_RETRY_SECONDS = (0.05, 0.2, 1.0, 5.0)


class JournalUnavailable(Exception):
    """The database did not take the events in time; they are kept and written later."""


class Journal:
    """Gives events their numbers, publishes them and writes them down."""

    def __init__(self, engine: AsyncEngine, bus: Bus, now: Now, spool: Path) -> None:
        self._engine = engine
        self._bus = bus
        self._now = now
        self._spool = spool
        self._seq = 0
        self._unwritten: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._progress = asyncio.Event()
        self._spooled_up_to = 0
        self.failing_since: int | None = None

    @property
    def seq(self) -> int:
        """The number of the newest event."""
        return self._seq

    @property
    def backlog(self) -> int:
        """How many events are not in the database yet."""
        return len(self._unwritten)

    async def open(self, version: str) -> None:
        """Find the last number, take in the spool of the run before, record ServiceStarted."""
        async with self._engine.connect() as connection:
            last = (await connection.execute(select(func.max(journal.c.seq)))).scalar() or 0
        spooled = self._read_spool()
        self._spooled_up_to = spooled[-1].seq if spooled else 0
        last = max(last, self._spooled_up_to)
        self._unwritten.extend(spooled)
        self._seq = last + SEQ_GAP if last else 0
        self._bus.reads_from(self.read_after)
        self.record(ServiceStarted(at=self._now(), after_seq=last, version=version))

    def record(self, event: Event) -> Event:
        """Number ``event``, publish it, queue its write; returns it with its ``seq``."""
        self._seq += 1
        numbered = msgspec.structs.replace(event, seq=self._seq)
        self._unwritten.append(numbered)
        self._wake.set()
        self._bus.publish(numbered)
        return numbered

    async def flush(self, seconds: float = FLUSH_SECONDS) -> None:
        """Return when all events so far are in the database. Raises JournalUnavailable."""
        target = self._seq
        try:
            async with asyncio.timeout(seconds):
                while self._unwritten and self._unwritten[0].seq <= target:
                    self._progress.clear()
                    await self._progress.wait()
        except TimeoutError:
            raise JournalUnavailable(
                f"the database took no events for {seconds:g} s; {self.backlog} are kept in memory"
                " and will be written when it answers (check the disk and the database)"
            ) from None

    async def run(self) -> None:
        """Write until cancelled; then write or spool what is left."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self._drain()
        finally:
            await asyncio.shield(self._close())

    async def _drain(self) -> None:
        attempt = 0
        while self._unwritten:
            batch = [self._unwritten[i] for i in range(min(BATCH, len(self._unwritten)))]
            try:
                await self._write(batch)
            except (SQLAlchemyError, OSError) as error:
                self._alarm(error)
                await asyncio.sleep(_RETRY_SECONDS[min(attempt, len(_RETRY_SECONDS) - 1)])
                attempt += 1
                continue
            attempt = 0
            self._recovered()
            self._forget(batch)

    def _forget(self, batch: Sequence[Event]) -> None:
        for _ in batch:
            self._unwritten.popleft()
        self._progress.set()
        if self._spooled_up_to and batch[-1].seq >= self._spooled_up_to:
            self._spooled_up_to = 0
            self._spool.unlink(missing_ok=True)

    async def _write(self, batch: Sequence[Event]) -> None:
        try:
            async with self._engine.begin() as connection:
                await self._insert(connection, batch)
        except IntegrityError:
            await self._write_one_by_one(batch)

    async def _write_one_by_one(self, batch: Sequence[Event]) -> None:
        """A batch with an event that is there already: write the others, count the double."""
        for event in batch:
            try:
                async with self._engine.begin() as connection:
                    await self._insert(connection, [event])
            except IntegrityError:
                log.warning("journal_event_already_there", id=event.id, type=type(event).__name__)

    async def _insert(self, connection: AsyncConnection, batch: Sequence[Event]) -> None:
        await connection.execute(insert(journal), [_row(event) for event in batch])
        dialect = connection.dialect.name
        for event in batch:
            for statement in statements(event, dialect):
                await connection.execute(statement)

    def _alarm(self, error: Exception) -> None:
        if self.failing_since is None:
            self.failing_since = self._now()
            log.error(
                "journal_not_written",
                reason=str(error).splitlines()[0],
                backlog=self.backlog,
                cure="calls go on and events are kept in memory; check the database and its disk",
            )

    def _recovered(self) -> None:
        if self.failing_since is not None:
            log.info("journal_written_again", backlog=self.backlog)
            self.failing_since = None

    async def read_after(self, seq: int, limit: int) -> Sequence[Event]:
        """The events behind ``seq``, oldest first, written or not."""
        query = select(journal.c.body).where(journal.c.seq > seq).order_by(journal.c.seq)
        unwritten = [event for event in self._unwritten if event.seq > seq]
        found = await self._select(query.limit(limit))
        last = found[-1].seq if found else seq
        found += [event for event in unwritten if event.seq > last]
        return found[:limit]

    async def of_call(self, call_id: str) -> list[Event]:
        """Everything that happened in one call, oldest first."""
        query = select(journal.c.body).where(journal.c.call_id == call_id)
        return await self._select(query.order_by(journal.c.seq))

    async def of_calls(self, call_ids: Sequence[str]) -> list[Event]:
        """Everything that happened in these calls, oldest first."""
        query = select(journal.c.body).where(journal.c.call_id.in_(call_ids))
        return await self._select(query.order_by(journal.c.seq))

    async def of_type(self, kind: type[Event], since: int) -> list[Event]:
        """All events of one type from ``since`` (microseconds) on, oldest first."""
        mine = (journal.c.type == kind.__name__) & (journal.c.at >= since)
        return await self._select(select(journal.c.body).where(mine).order_by(journal.c.seq))

    async def _select(self, query: object) -> list[Event]:
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).scalars().all()  # type: ignore[call-overload]
        return [decode(body) for body in rows]

    async def _close(self) -> None:
        """Last try at the database, then the spool."""
        try:
            async with asyncio.timeout(2):
                while self._unwritten:
                    batch = list(self._unwritten)[:BATCH]
                    await self._write(batch)
                    self._forget(batch)
        except (SQLAlchemyError, OSError, TimeoutError):
            self._write_spool()

    def _write_spool(self) -> None:
        lines = b"".join(encode(event) + b"\n" for event in self._unwritten)
        try:
            self._spool.parent.mkdir(parents=True, exist_ok=True)
            self._spool.write_bytes(lines)
        except OSError as error:
            log.error("journal_spool_failed", lost=len(self._unwritten), reason=str(error))
        else:
            log.warning("journal_spooled", events=len(self._unwritten), file=self._spool.name)

    def _read_spool(self) -> list[Event]:
        """Events of the run before. The file goes once they are in the database."""
        if not self._spool.exists():
            return []
        events: list[Event] = []
        for number, line in enumerate(self._spool.read_bytes().splitlines(), start=1):
            try:
                events.append(decode(line))
            except msgspec.DecodeError as error:
                log.error("journal_spool_line_unreadable", line=number, reason=str(error))
        return events


def _row(event: Event) -> dict[str, object]:
    return {
        "seq": event.seq,
        "id": event.id,
        "at": event.at,
        "call_id": event.call_id,
        "type": type(event).__name__,
        "body": encode(event).decode(),
    }
