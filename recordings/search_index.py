"""The index over what was said, one row a transcript: FTS5 in SQLite, tsvector in PostgreSQL.

What each database does with text is left aside: :mod:`recordings.words` makes the terms, and both
only look them up. A row's id is the time at which its recording began (the next microsecond that is
free), so that "newest first" is the order of the index itself.

PostgreSQL knows no positions behind 16,383 and no more than 255 of one term: a phrase that one side
says after two and a half hours is found by its words only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import BigInteger, Column, ForeignKey, String, Table, event, insert, select, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti.storage import metadata
from recordings.tables import recordings, transcripts
from recordings.transcription import Segment, Speaker
from recordings.words import SEPARATOR, Part, Run, spoken

SIDES: tuple[Speaker, ...] = ("customer", "agent")
WORDS = "transcript_words"
_FARTHEST = 16_383
_AT_ONCE = 200

transcript_index = Table(
    "transcript_index",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column(
        "recording_id",
        String(32),
        ForeignKey("transcripts.recording_id", ondelete="CASCADE"),
        nullable=False,
        unique=True,
    ),
    Column("language", String(20), nullable=False, index=True),
)
"""Which row of the full text is whose. It goes with its transcript, and the full text with it."""

CREATE = {
    "sqlite": (
        f"CREATE VIRTUAL TABLE {WORDS} USING fts5(customer, agent, tokenize='ascii')",
        f"CREATE TRIGGER {WORDS}_gone AFTER DELETE ON transcript_index"  # noqa: S608
        f" BEGIN DELETE FROM {WORDS} WHERE rowid = old.id; END",
    ),
    "postgresql": (
        f"CREATE TABLE {WORDS} (id bigint PRIMARY KEY REFERENCES transcript_index (id)"
        " ON DELETE CASCADE, customer tsvector NOT NULL, agent tsvector NOT NULL)",
        f"CREATE INDEX ix_{WORDS} ON {WORDS} USING gin (customer, agent)",
    ),
}
"""The full text itself, which no table of SQLAlchemy can say; see also the migrations."""

_INSERT = {
    "sqlite": f"INSERT INTO {WORDS} (rowid, customer, agent) VALUES (:id, :customer, :agent)",  # noqa: S608
    "postgresql": f"INSERT INTO {WORDS} (id, customer, agent) VALUES"  # noqa: S608
    " (:id, CAST(:customer AS tsvector), CAST(:agent AS tsvector))",
}


@event.listens_for(transcript_index, "after_create")
def _create_words(_table: Table, connection: Connection, **_: object) -> None:
    for statement in CREATE[connection.dialect.name]:
        connection.execute(text(statement))


@event.listens_for(transcript_index, "before_drop")
def _drop_words(_table: Table, connection: Connection, **_: object) -> None:
    connection.execute(text(f"DROP TABLE IF EXISTS {WORDS}"))


def full_text(said: Sequence[str], dialect: str) -> str:
    """One side's terms as the database takes them."""
    if dialect == "sqlite":
        return " ".join(said)
    places: dict[str, list[str]] = {}
    for at, term in enumerate(said, start=1):
        if term != SEPARATOR:
            places.setdefault(term, []).append(str(min(at, _FARTHEST)))
    return " ".join(f"'{term}':{','.join(at)}" for term, at in places.items())


def match(part: Part, dialect: str) -> str:
    """The part as the database asks for it: an expression of FTS5, or a tsquery."""
    runs = [_run(run, dialect) for run in part.runs]
    return f"({(' OR ' if dialect == 'sqlite' else ' | ').join(runs)})"


def _run(run: Run, dialect: str) -> str:
    if dialect == "sqlite":
        return f'"{" ".join(run)}"'
    quoted = [f"'{term}'" for term in run]
    return f"({' <-> '.join(quoted)})"


async def write(
    connection: AsyncConnection, recording_id: str, language: str, segments: Iterable[Segment]
) -> None:
    """Index a transcript that is there. It belongs into the transaction that writes it."""
    began = select(recordings.c.started_at).where(recordings.c.id == recording_id)
    row_id = await _free(connection, int((await connection.execute(began)).scalar_one()))
    row = {"id": row_id, "recording_id": recording_id, "language": language}
    await connection.execute(insert(transcript_index).values(row))
    segments, dialect = list(segments), connection.dialect.name
    values: dict[str, int | str] = {"id": row_id}
    for side in SIDES:
        values[side] = full_text(spoken(segments, side, language), dialect)
    await connection.execute(text(_INSERT[dialect]), values)


async def _free(connection: AsyncConnection, row_id: int) -> int:
    taken = select(transcript_index.c.id)
    while (await connection.execute(taken.where(transcript_index.c.id == row_id))).first():
        row_id += 1
    return row_id


async def index_missing(engine: AsyncEngine) -> int:
    """Index the transcripts that are not (those of before there was an index); how many it was.

    Raises SQLAlchemy's errors; one run at a time.
    """
    done, after = 0, ""
    lacking = (
        select(transcripts.c.recording_id, transcripts.c.language, transcripts.c.segments)
        .outerjoin(transcript_index, transcript_index.c.recording_id == transcripts.c.recording_id)
        .where(transcript_index.c.id.is_(None))
        .order_by(transcripts.c.recording_id)
        .limit(_AT_ONCE)
    )
    while True:
        async with engine.begin() as connection:
            some = (
                await connection.execute(lacking.where(transcripts.c.recording_id > after))
            ).all()
            for row in some:
                segments = msgspec.json.decode(row.segments, type=list[Segment])
                await write(connection, row.recording_id, row.language, segments)
        if not some:
            return done
        done, after = done + len(some), some[-1].recording_id


async def try_to_index_missing(engine: AsyncEngine) -> SQLAlchemyError | None:
    """As :func:`index_missing`; the error, if the database gave one."""
    try:
        await index_missing(engine)
    except SQLAlchemyError as error:
        return error
    return None
