"""Finds recordings by what was said: the database picks them, the transcript shows where."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, cast

import msgspec
from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    bindparam,
    column,
    or_,
    select,
    table,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti.domain.events import Micros
from cti.tables import calls
from recordings.library import Recording
from recordings.search_index import SIDES, WORDS, match, transcript_index
from recordings.settings import SpeechSettings
from recordings.tables import recordings, transcripts
from recordings.transcription import Segment, Speaker
from recordings.words import Hit, Part, hits, parse

_SECONDS_KNOWN = 60.0
_FEW = 200
_words = table(WORDS, *map(column, ("id", "rowid", *SIDES)))


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for. Empty and None: any. Times are microseconds, of the recording's start;
    ``until`` is excluded. ``customers``: ids, of which none may be there.
    """

    parts: tuple[Part, ...]
    speaker: Speaker | None = None
    queue: str = ""
    agent: str = ""
    customers: Sequence[int] | None = None
    topic: str = ""
    result: str = ""
    shortest: float | None = None
    longest: float | None = None
    since: Micros | None = None
    until: Micros | None = None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A recording in which it was said. ``place`` is where the next page goes on."""

    place: int
    recording: Recording
    hits: tuple[Hit, ...]
    customer_id: int | None
    number: str
    caller_number: str
    topic: str
    result: str


class Search:
    """Reads the index."""

    def __init__(self, engine: AsyncEngine, speech: SpeechSettings) -> None:
        self._engine = engine
        self._spoken = {speech.language, *speech.queue_languages.values(), *speech.models}
        self._languages: frozenset[str] = frozenset()
        self._known_until = 0.0

    async def parts(self, asked: str) -> tuple[Part, ...]:
        """The words and phrases of ``asked``. Raises :class:`recordings.words.NoWords`."""
        return parse(asked, sorted(await self._all_languages()))

    async def find(
        self, wanted: Wanted, allowed: ColumnElement[bool], *, before: int | None, limit: int
    ) -> list[Found]:
        """Recordings, newest first, of those for which ``allowed`` (on ``recordings``) holds."""
        dialect = self._engine.dialect.name
        async with self._engine.connect() as connection:
            said = _said(wanted, dialect)
            if dialect == "postgresql":
                said = await _few(connection, said)
            query = found_query(wanted, dialect, and_(said, allowed), before=before, limit=limit)
            rows = (await connection.execute(query)).all()
        return [_found(row, wanted) for row in rows]

    async def _all_languages(self) -> frozenset[str]:
        """Those that are set, and those of transcripts from before."""
        if time.monotonic() > self._known_until:
            async with self._engine.connect() as connection:
                query = select(transcript_index.c.language).distinct()
                there = (await connection.execute(query)).scalars()
                self._languages = frozenset(self._spoken.union(there))
            self._known_until = time.monotonic() + _SECONDS_KNOWN
        return self._languages


async def _few(connection: AsyncConnection, said: ColumnElement[bool]) -> ColumnElement[bool]:
    """The condition itself where it holds for many, the ids where it holds for few.

    PostgreSQL does not know how rare a phrase or a rare word is, and takes the wrong way for one of
    both: newest first until the page is full (good for many), or all by the index (good for few).
    """
    query = select(_words.c.id).where(said).limit(_FEW + 1)
    ids = (await connection.execute(query)).scalars().all()
    return said if len(ids) > _FEW else _words.c.id.in_(ids)


def found_query(
    wanted: Wanted, dialect: str, chosen: ColumnElement[bool], *, before: int | None, limit: int
) -> Select[Any]:
    """The query for recordings and their transcripts, newest first, from ``before`` on."""
    place = _words.c.rowid if dialect == "sqlite" else _words.c.id
    picked = (
        select(place.label("place"), recordings, *_of_call())
        .select_from(_words)
        .join(transcript_index, transcript_index.c.id == place)
        .join(recordings, recordings.c.id == transcript_index.c.recording_id)
        .outerjoin(calls, calls.c.call_id == recordings.c.call_id)
        .where(chosen, *_filters(wanted, place, before))
        .order_by(place.desc())
        .limit(limit)
        .subquery()
    )
    return (
        select(picked, transcripts.c.language.label("spoken"), transcripts.c.segments)
        .join(transcripts, transcripts.c.recording_id == picked.c.id)
        .order_by(picked.c.place.desc())
    )


def _of_call() -> list[ColumnElement[Any]]:
    names = ("customer_id", "number", "caller_number", "topic", "result")
    return [calls.c[name].label(f"call_{name}") for name in names]


def _said(wanted: Wanted, dialect: str) -> ColumnElement[bool]:
    parts = [match(part, dialect) for part in wanted.parts]
    if dialect == "sqlite":
        whole = " AND ".join(parts)
        asked = f"{{{wanted.speaker}}} : ({whole})" if wanted.speaker else whole
        found = text(f"{WORDS} MATCH :asked").bindparams(bindparam("asked", asked))
        return cast("ColumnElement[bool]", found)
    sides = (wanted.speaker,) if wanted.speaker else SIDES
    return and_(*(or_(*(_says(side, part) for side in sides)) for part in parts))


def _says(side: str, part: str) -> ColumnElement[bool]:
    asked = text("CAST(:part AS tsquery)").bindparams(bindparam("part", part, unique=True))
    return _words.c[side].bool_op("@@")(asked)


def _filters(wanted: Wanted, place: Any, before: int | None) -> list[ColumnElement[bool]]:
    equal = [
        (recordings.c.queue, wanted.queue),
        (recordings.c.agent, wanted.agent),
        (calls.c.topic, wanted.topic),
        (calls.c.result, wanted.result),
    ]
    filters = [there == value for there, value in equal if value]
    if wanted.customers is not None:
        filters.append(calls.c.customer_id.in_(wanted.customers))
    if wanted.shortest is not None:
        filters.append(recordings.c.seconds >= wanted.shortest)
    if wanted.longest is not None:
        filters.append(recordings.c.seconds <= wanted.longest)
    if wanted.since is not None:
        filters += [recordings.c.started_at >= wanted.since, place >= wanted.since]
    if wanted.until is not None:
        filters.append(recordings.c.started_at < wanted.until)
    if before is not None:
        filters.append(place < before)
    return filters


def _found(row: Row[Any], wanted: Wanted) -> Found:
    segments = msgspec.json.decode(row.segments, type=list[Segment])
    where = hits(segments, row.spoken, wanted.parts, wanted.speaker or "")
    return Found(
        place=row.place,
        recording=Recording(**{name: getattr(row, name) for name in Recording.__struct_fields__}),
        hits=tuple(where),
        customer_id=row.call_customer_id,
        number=row.call_number or "",
        caller_number=row.call_caller_number or "",
        topic=row.call_topic or "",
        result=row.call_result or "",
    )
