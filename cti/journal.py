"""The journal: every event once, in order, with a sequence number.

:meth:`Journal.record` gives the number, publishes on the bus and queues the write; it never
waits, so neither does the AMI reader. Batches go into the database together with the history, in
one transaction (:mod:`cti.writer`), each event once (:mod:`cti.write_once`). Where an answer
promises that something is kept (an agent's note), await :meth:`Journal.flush`.

While the database is away, locked or slow, what has waited :data:`SPOOL_AFTER` in memory goes to
the spool on disk (:mod:`cti.spool`) and is written from there, in order, when the database answers
again. So events move one way: memory, spool (if need be), database; each is known by its number,
and where a crash or a broken link leaves open what the database has, it is asked before anything
is written twice. Numbers are never used twice: each run begins behind what the run before could
have given out.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from itertools import islice, takewhile
from pathlib import Path

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.bus import Bus
from cti.clock import Now
from cti.domain.events import Event, ServiceStarted
from cti.journal_trouble import Trouble
from cti.spool import LONGEST, Spool
from cti.worker import Worker
from cti.write_once import WriteOnce
from cti.writer import DatabaseAway
from cti.written import WrittenEvents

log = structlog.get_logger(__name__)

BATCH = 200
GATHER_SECONDS = 0.05
"""How long events wait for others to be written with: each batch costs a transaction."""
SEQ_GAP = 1_000_000
"""How far a new run jumps ahead: more than a crash can have given out and not written."""
SPOOL_AFTER = 0.2
"""Seconds an event waits for the database in memory only."""
SPOOL_AGAIN = 0.05
MEMORY = 100_000
"""Events held in memory when the disk takes nothing either; further ones are not kept."""
FLUSH_SECONDS = 5.0
CLOSE_SECONDS = 2.0
_RETRY_SECONDS = (0.05, 0.2, 1.0, 2.0)


class JournalUnavailable(Exception):
    """The database did not take the events in time; they are kept and written later."""


class Journal:
    """Gives events their numbers, publishes them and writes them down."""

    def __init__(
        self,
        engine: AsyncEngine,
        bus: Bus,
        now: Now,
        spool: Path,
        *,
        spool_bytes: int = LONGEST,
        memory: int = MEMORY,
    ) -> None:
        self.written = WrittenEvents(engine)
        """What the database has; events come there a moment after they are recorded."""
        self.trouble = Trouble(now)
        self._bus = bus
        self._now = now
        self._memory = memory
        self.began = 1
        """The number of this run's first event."""
        self._seq = 0
        self._unwritten: deque[Event] = deque()
        self._spool = Spool(spool, spool_bytes)
        self._spooling = asyncio.Lock()
        self._database = WriteOnce(engine.url, self._database_away)
        self._disk = Worker("journal spool")
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self._waiting = asyncio.Event()
        self._progress = asyncio.Event()
        self._written_up_to = 0
        self._dropped_seq = 0

    @property
    def seq(self) -> int:
        """The number of the newest event."""
        return self._seq

    @property
    def backlog(self) -> int:
        """How many events are not in the database yet, give or take a batch."""
        return self._spool.count + len(self._unwritten)

    @property
    def kept_up_to(self) -> int:
        """All events up to this number are on a disk: in the database or in the spool."""
        return max(self._written_up_to, self._spool.last_seq)

    async def open(self, version: str) -> None:
        """Take in the spool of the run before, find the last number, record ServiceStarted.

        Raises SQLAlchemy's errors when the database is away.
        """
        last = await self.written.last_seq()
        await self._disk.do(self._spool.open)
        last = max(last, self._spool.last_seq)
        self._seq = last + SEQ_GAP if last else 0
        self._written_up_to = self._spool.first_seq - 1 if self._spool.count else self._seq
        await self._take_in_spool()
        self._bus.reads_from(self._read_when_there)
        started = ServiceStarted(at=self._now(), after_seq=last, version=version)
        self.began = self.record(started).seq

    def record(self, event: Event) -> Event:
        """Number ``event``, publish it, queue its write; returns it with its ``seq``."""
        self._seq += 1
        numbered = msgspec.structs.replace(event, seq=self._seq)
        if len(self._unwritten) < self._memory:
            self._unwritten.append(numbered)
        else:
            self.trouble.no_room(len(self._unwritten))
            self._dropped_seq = numbered.seq
        self._wake.set()
        self._waiting.set()
        if len(self._unwritten) >= BATCH:
            self._hurry.set()
        self._bus.publish(numbered)
        return numbered

    async def flush(self, seconds: float = FLUSH_SECONDS) -> None:
        """Return when all events so far are in the database. Raises JournalUnavailable."""
        target = self._seq
        self._hurry.set()
        try:
            async with asyncio.timeout(seconds):
                while self._written_up_to < target:
                    self._progress.clear()
                    await self._progress.wait()
        except TimeoutError:
            raise JournalUnavailable(
                f"the database took no events for {seconds:g} s; {self.backlog} are kept"
                " and will be written when it answers (check the disk and the database)"
            ) from None
        if target <= self._dropped_seq:
            raise JournalUnavailable("events were lost: database and disk were full. Save again")

    async def run(self) -> None:
        """Write until cancelled; then write or spool what is left."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._write_on(), name="journal writes")
                tasks.create_task(self._spool_on(), name="journal spools")
        finally:
            await asyncio.shield(self._close())

    async def _take_in_spool(self) -> None:
        """What the history is asked about at the start must be there."""
        if self._spool.count:
            log.info("journal_takes_in_spool", events=self._spool.count)
        try:
            while self._spool.count and (batch := await self._next_batch()):
                await self._write(batch)
                await self._forget(batch)
        except DatabaseAway as error:
            self._database_away(str(error))

    # --- into the database ---------------------------------------------------------------------

    async def _write_on(self) -> None:
        attempt = 0
        while True:
            batch = await self._next_batch()
            if not batch:
                await self._wake.wait()
                await self._gather()
                continue
            try:
                await self._write(batch)
            except DatabaseAway as error:
                self._database_away(str(error))
                await asyncio.sleep(_RETRY_SECONDS[min(attempt, len(_RETRY_SECONDS) - 1)])
                attempt += 1
                continue
            attempt = 0
            await self._forget(batch)
            if len(batch) < BATCH:
                await self._gather()

    async def _gather(self) -> None:
        """Until a batch is full, or somebody waits for it, or the time is up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GATHER_SECONDS):
                await self._hurry.wait()
        self._hurry.clear()
        self._wake.clear()

    async def _next_batch(self) -> Sequence[Event]:
        """The oldest unwritten events: those in the spool are older than those in memory."""
        if self._spool.last_seq > self._written_up_to:
            try:
                spooled = await self._disk.do(self._spool.after, self._written_up_to, BATCH)
            except OSError as error:
                self.trouble.disk_refuses(error, len(self._unwritten))
                spooled = []
            if spooled:
                return spooled
        return list(islice(self._unwritten, BATCH))

    async def _write(self, batch: Sequence[Event]) -> None:
        # It may have been written too: by the run before, or while it was synced to the disk.
        spooled = batch[0].seq <= self._spool.last_seq
        await self._database.write(batch, perhaps_there=spooled)

    def _database_away(self, reason: str) -> None:
        self.trouble.database_away(reason, self.backlog)

    async def _forget(self, batch: Sequence[Event]) -> None:
        self._written_up_to = batch[-1].seq
        while self._unwritten and self._unwritten[0].seq <= self._written_up_to:
            self._unwritten.popleft()
        if self._spool.count:
            async with self._spooling:
                await self._clear_spool_if_written()
        if self.backlog < BATCH and self.trouble:
            self.trouble.over()
        self._progress.set()

    async def _clear_spool_if_written(self) -> None:
        """Call it with ``_spooling`` held."""
        with contextlib.suppress(OSError):  # it would only be asked about once more
            await self._disk.do(self._spool.clear_up_to, self._written_up_to)

    # --- onto the disk -------------------------------------------------------------------------

    async def _spool_on(self) -> None:
        while True:
            await self._waiting.wait()
            newest = self._seq
            await asyncio.sleep(SPOOL_AGAIN if self._spool.count else SPOOL_AFTER)
            if not self._unwritten:
                self._waiting.clear()
            elif self._unwritten[0].seq <= newest:
                await self._spool_now()

    async def _spool_now(self) -> None:
        """Move what is in memory to the spool."""
        async with self._spooling:
            events = list(self._unwritten)
            if not events:
                return
            try:
                await self._disk.do(self._spool.append, events)
            except OSError as error:
                self.trouble.disk_refuses(error, len(self._unwritten))
                return
            while self._unwritten and self._unwritten[0].seq <= events[-1].seq:
                self._unwritten.popleft()
            # The database may have taken the same events while they were synced; then no batch
            # is left whose end would clear the file.
            await self._clear_spool_if_written()
        self.trouble.disk_takes()

    # --- the end -------------------------------------------------------------------------------

    async def _close(self) -> None:
        """Last try at the database, then the spool."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                while batch := await self._next_batch():
                    await self._write(batch)
                    await self._forget(batch)
                # An append that was under way when we were told to stop ends all the same.
                await self._clear_spool_if_written()
                await self._database.close()
        except (DatabaseAway, TimeoutError):
            await self._spool_rest()
        self._database.stop()
        self._disk.stop()

    async def _spool_rest(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._spool_now()
        if self._unwritten:
            log.error("journal_events_lost", lost=len(self._unwritten))
        else:
            log.warning("journal_spooled", events=self._spool.count)

    # --- reading -------------------------------------------------------------------------------

    async def read_after(self, seq: int, limit: int) -> Sequence[Event]:
        """The events behind ``seq``, oldest first, written or not. Raises SQLAlchemy's errors."""
        # Events move from memory to the spool to the database: looked for the other way round,
        # one could be missed while it moves.
        in_memory = self._in_memory(seq, limit)
        spooled = await self._disk.do(self._spool.after, seq, limit)
        found = {event.seq: event for event in await self.written.after(seq, limit)}
        for event in (*spooled, *in_memory):
            found.setdefault(event.seq, event)
        return [found[number] for number in sorted(found)][:limit]

    async def _read_when_there(self, seq: int, limit: int) -> Sequence[Event]:
        """For readers that must miss nothing: they wait while the database is away."""
        while True:
            try:
                return await self.read_after(seq, limit)
            except (SQLAlchemyError, OSError) as error:
                log.warning("journal_not_read", reason=type(error).__name__)
                await asyncio.sleep(_RETRY_SECONDS[-1])

    def _in_memory(self, seq: int, limit: int) -> list[Event]:
        newer = takewhile(lambda event: event.seq > seq, reversed(self._unwritten))
        return list(deque(newer, maxlen=limit))[::-1]
