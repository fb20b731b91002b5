"""The desk after a start: read from the journal and the history what is still going on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.domain import events as ev
from cti.tables import calls, journal, talks

DAY = 24 * 3600 * 1_000_000
TAIL = 20_000
"""How many events before the day's first call are looked through too."""

_OF_AGENTS = (
    ev.AgentAvailabilityChanged,
    ev.AgentActivityChanged,
    ev.OfferEnded,
    ev.CallAnswered,
    ev.TalkEnded,
)


def midnight(now: ev.Micros, zone: str) -> ev.Micros:
    """When the day began in ``zone`` (microseconds since the epoch)."""
    local = datetime.fromtimestamp(now / 1e6, ZoneInfo(zone))
    start = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return int(start.timestamp()) * 1_000_000


async def events_to_restore(
    engine: AsyncEngine, now: ev.Micros, day_start: ev.Micros, upto: int
) -> list[ev.Event]:
    """The events up to number ``upto`` from which the desk is made again, oldest first.

    All of the open calls and of each agent's last call; of the others of the last day those that
    tell what the agents do and did. Raises SQLAlchemy's errors.
    """
    since = await _first_seq(engine, min(day_start, now - DAY), upto)
    ids = await _calls_to_show(engine, now - DAY)
    names = [kind.__name__ for kind in _OF_AGENTS]
    wanted = or_(journal.c.call_id.in_(ids), (journal.c.seq >= since) & journal.c.type.in_(names))
    query = select(journal.c.body).where(journal.c.seq <= upto, wanted).order_by(journal.c.seq)
    async with engine.connect() as connection:
        return [ev.decode(body) for body in (await connection.execute(query)).scalars()]


async def _first_seq(engine: AsyncEngine, since: ev.Micros, upto: int) -> int:
    """The journal's number :data:`TAIL` events before the first call after ``since``."""
    first = select(calls.c.call_id).where(calls.c.arrived_at >= since).order_by(calls.c.arrived_at)
    query = select(func.min(journal.c.seq)).where(
        journal.c.call_id == first.limit(1).scalar_subquery()
    )
    async with engine.connect() as connection:
        found = (await connection.execute(query)).scalar()
        # Counted in rows: the numbers jump with each start.
        before = select(journal.c.seq).where(journal.c.seq <= (upto if found is None else found))
        tail = before.order_by(journal.c.seq.desc()).offset(TAIL).limit(1)
        return (await connection.execute(tail)).scalar() or 0


async def _calls_to_show(engine: AsyncEngine, since: ev.Micros) -> list[str]:
    open_calls = await _ids(engine, calls.c.ended_at.is_(None), calls.c.arrived_at >= since)
    return [*open_calls, *await _last_calls(engine, since)]


async def _ids(engine: AsyncEngine, *conditions: ColumnElement[bool]) -> Sequence[str]:
    async with engine.connect() as connection:
        return (
            (await connection.execute(select(calls.c.call_id).where(*conditions))).scalars().all()
        )


async def _last_calls(engine: AsyncEngine, since: ev.Micros) -> list[str]:
    """The newest call of each agent."""
    newest = (
        select(talks.c.agent, func.max(talks.c.started_at).label("at"))
        .where(talks.c.started_at >= since)
        .group_by(talks.c.agent)
        .subquery()
    )
    query = select(talks.c.call_id).join(
        newest, (talks.c.agent == newest.c.agent) & (talks.c.started_at == newest.c.at)
    )
    async with engine.connect() as connection:
        return list((await connection.execute(query)).scalars())
