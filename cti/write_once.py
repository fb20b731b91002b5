"""Batches into the database, so that each event is there once, whatever broke in between.

While a batch is under way it is open what the database has of it; so it is if the link breaks or
this program ends. Then, and at the start, the database is asked before anything is written again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

import structlog
from sqlalchemy.engine import URL

from cti.domain.events import Event
from cti.worker import Worker
from cti.writer import EventRefused, Writer

log = structlog.get_logger(__name__)

SILENT_SECONDS = 5.0
"""A database that takes so long over one batch counts as away."""


class WriteOnce:
    """A :class:`cti.writer.Writer` in a thread of its own.

    ``alarm`` is called with the reason when the database keeps silent over a batch.
    """

    def __init__(self, url: URL, alarm: Callable[[str], None]) -> None:
        self._writer = Writer(url)
        self._thread = Worker("journal database")
        self._alarm = alarm
        self._in_doubt = True

    async def write(self, batch: Sequence[Event], *, perhaps_there: bool) -> None:
        """Write those that are not there yet. Raises :class:`cti.writer.DatabaseAway`.

        ``perhaps_there``: there is a reason to ask first, besides those that are known here. An
        event that the database refuses is left out with a warning.
        """
        async with self._watched():
            if self._in_doubt or perhaps_there:
                first, last = batch[0].seq, batch[-1].seq
                known = await self._thread.do(self._writer.known, first, last)
                batch = [event for event in batch if event.seq not in known]
            self._in_doubt = True
            if batch:
                await self._write_or_sort_out(batch)
            self._in_doubt = False

    async def close(self) -> None:
        """Give the connection back."""
        await self._thread.do(self._writer.close)

    def stop(self) -> None:
        """End the thread behind what it has to do. Does not wait."""
        self._thread.stop()

    async def _write_or_sort_out(self, batch: Sequence[Event]) -> None:
        try:
            await self._thread.do(self._writer.write, batch)
        except EventRefused:
            for event in batch:
                await self._write_alone(event)

    async def _write_alone(self, event: Event) -> None:
        """One of a refused batch; what cannot be written must not hold up the others."""
        try:
            await self._thread.do(self._writer.write, [event])
        except EventRefused as error:
            kind = type(event).__name__
            log.warning("journal_event_refused", id=event.id, type=kind, reason=str(error))

    @contextlib.asynccontextmanager
    async def _watched(self) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        silent = f"no answer for {SILENT_SECONDS:g} s"
        timer = loop.call_later(SILENT_SECONDS, self._alarm, silent)
        try:
            yield
        finally:
            timer.cancel()
