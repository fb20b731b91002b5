"""The rows of the recordings table, read and written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.domain.events import Micros
from cti.tables import journal
from recordings import search_index
from recordings.tables import recordings, transcripts
from recordings.transcription import Segment

Values = Mapping[str, Any]

_LOOK_BACK = 100
_LOOK_BACK_TIME = 86_400_000_000


async def save(engine: AsyncEngine, recording_id: str, values: Values) -> None:
    """Write a whole row, new or not. Each row has one writer."""
    async with engine.begin() as connection:
        changed = update(recordings).where(recordings.c.id == recording_id).values(**values)
        if (await connection.execute(changed)).rowcount == 0:
            await connection.execute(insert(recordings).values(id=recording_id, **values))


async def save_transcript(
    engine: AsyncEngine, recording_id: str, transcript: Values | None, values: Values
) -> None:
    """Change columns of a recording, and in the same breath write and index its ``transcript``."""
    async with engine.begin() as connection:
        await connection.execute(
            update(recordings).where(recordings.c.id == recording_id).values(**values)
        )
        if transcript is not None:
            old = delete(transcripts).where(transcripts.c.recording_id == recording_id)
            await connection.execute(old)
            new = insert(transcripts).values(recording_id=recording_id, **transcript)
            await connection.execute(new)
            said = msgspec.json.decode(transcript["segments"], type=list[Segment])
            await search_index.write(connection, recording_id, transcript["language"], said)


async def unfinished(engine: AsyncEngine) -> Sequence[Row[Any]]:
    """Rows a run before left in state recording, oldest first."""
    query = select(recordings).where(recordings.c.state == "recording")
    return await _rows(engine, query.order_by(recordings.c.started_at))


async def refused(engine: AsyncEngine) -> Sequence[Row[Any]]:
    """Rows the disk refused, to be tried again, oldest first."""
    query = select(recordings).where(recordings.c.state == "failed", recordings.c.retry)
    return await _rows(engine, query.order_by(recordings.c.started_at))


async def untold(engine: AsyncEngine, now: Micros) -> Sequence[Row[Any]]:
    """Newest finished rows whose event did not reach the journal: a crash came between."""
    newest = (
        select(recordings)
        .where(recordings.c.state != "recording", recordings.c.started_at > now - _LOOK_BACK_TIME)
        .order_by(recordings.c.started_at.desc())
        .limit(_LOOK_BACK)
        .subquery()
    )
    event_id = newest.c.id + "-" + newest.c.state
    return await _rows(engine, select(newest).where(event_id.not_in(select(journal.c.id))))


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """Work that is not done: talks being recorded, recordings the disk refused, and those that wait
    to be transcribed, the oldest of which began at ``oldest_pending`` (None: there is none).
    """

    recording: int
    retrying: int
    pending: int
    oldest_pending: Micros | None


async def backlog(engine: AsyncEngine) -> Backlog:
    """What is to be done. Each number is read from an index, however long the history is."""
    count, state = func.count(), recordings.c.state
    query = select(
        select(count).where(state == "recording").scalar_subquery().label("recording"),
        select(count).where(state == "failed", recordings.c.retry).scalar_subquery().label("retry"),
        _pending(count).label("pending"),
        _pending(func.min(recordings.c.started_at)).label("oldest"),
    )
    row = (await _rows(engine, query))[0]
    return Backlog(
        recording=row.recording, retrying=row.retry, pending=row.pending, oldest_pending=row.oldest
    )


def _pending(what: Any) -> Any:
    return select(what).where(recordings.c.transcript == "pending").scalar_subquery()


async def _rows(engine: AsyncEngine, query: Any) -> Sequence[Row[Any]]:
    async with engine.connect() as connection:
        rows: Sequence[Row[Any]] = (await connection.execute(query)).all()
    return rows
