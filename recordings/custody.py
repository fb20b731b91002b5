"""Whether stored recordings are still what was stored: by their SHA-256, on a schedule and at each
listen. What is found is kept in the row, told as an event when it changes, and never hidden.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import structlog
from sqlalchemy import Row, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.clock import Now
from cti.domain.events import Event, RecordingChecked
from recordings.audio import sha256_of
from recordings.disk import disk_reason
from recordings.places import audio_file
from recordings.settings import RecordingSettings
from recordings.tables import recordings

log = structlog.get_logger(__name__)

Found = Literal["intact", "changed", "missing"]
_DAY = 86_400_000_000
_AT_ONCE = 50
_REST_SECONDS = 0.05
"""Between two files, so that a long archive does not take the disk from calls."""
_POLL_SECONDS = 60.0


class Custody:
    """Compares files with their checksums. :meth:`run` does it for all, again and again."""

    def __init__(
        self,
        settings: RecordingSettings,
        engine: AsyncEngine,
        record: Callable[[Event], Event],
        now: Now,
    ) -> None:
        self._folder = settings.folder
        self._every = int(settings.verify_days * _DAY)
        self._engine = engine
        self._record = record
        self._now = now

    async def run(self) -> None:
        """Check each recording when its time has come, until cancelled."""
        while True:
            try:
                for row in await self._due():
                    await self._check(row)
                    await asyncio.sleep(_REST_SECONDS)
            except SQLAlchemyError as error:
                log.warning("recordings_not_checked", reason=str(error).partition("\n")[0])
            await asyncio.sleep(_POLL_SECONDS)

    async def check(self, recording_id: str) -> Found:
        """Check one stored recording now. Raises LookupError, and SQLAlchemy's errors."""
        query = select(recordings).where(
            recordings.c.id == recording_id, recordings.c.state == "stored"
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).first()
        if row is None:
            raise LookupError("no such recording is stored")
        return await self._check(row)

    async def _due(self) -> list[Row[Any]]:
        """Those that were not checked for long. One that waits for its transcript may still be
        silenced in part: its file and its checksum change.
        """
        query = (
            select(recordings)
            .where(
                recordings.c.verified_at < self._now() - self._every,
                recordings.c.state == "stored",
                recordings.c.transcript != "pending",
            )
            .order_by(recordings.c.verified_at)
            .limit(_AT_ONCE)
        )
        async with self._engine.connect() as connection:
            return list((await connection.execute(query)).all())

    async def _check(self, row: Row[Any]) -> Found:
        file = audio_file(self._folder, row.id, row.started_at)
        found = await asyncio.to_thread(_compare, file, row.sha256)
        change = update(recordings).where(recordings.c.id == row.id)
        async with self._engine.begin() as connection:
            await connection.execute(change.values(verified_at=self._now(), custody=found))
        if found != row.custody and (found != "intact" or row.custody):
            self._tell(row, found)
        return found

    def _tell(self, row: Row[Any], found: Found) -> None:
        say = log.info if found == "intact" else log.error
        say("recording_checked", recording_id=row.id, call_id=row.call_id, found=found)
        self._record(
            RecordingChecked(
                at=self._now(),
                switch=row.switch,
                call_id=row.call_id,
                recording_id=row.id,
                found=found,
            )
        )


def _compare(file: Path, sha256: str) -> Found:
    try:
        return "intact" if sha256_of(file) == sha256 else "changed"
    except OSError as error:
        log.warning("recording_not_readable", file=file.name, reason=disk_reason(error))
        return "missing"
