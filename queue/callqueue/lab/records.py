"""Reads a recorded day from the journal and the history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from callqueue.gathering import DAY, GATHERED, Gathering
from callqueue.lab.recorded import RecordedDay, Shifts
from callqueue.lab.telling import told_day
from cti.domain import events as ev
from cti.domain.events import Event, Micros, decode
from cti.tables import calls, journal, talks

TYPES = {
    one.__name__ for one in (*GATHERED, ev.CallQueued, ev.AgentOffered, ev.OfferEnded, ev.TalkEnded)
}
TOGETHER = 500
"""Calls whose events are asked for together."""
LOOKED_BACK = 30 * DAY
"""How far before the day an agent's last choice is looked for."""

Progress = Callable[[int, int], None]


class NothingRecorded(Exception):
    """Nobody waited in a queue in that time; the message says what there is instead."""


async def read_day(
    engine: AsyncEngine,
    name: str,
    begin: Micros,
    end: Micros,
    progress: Progress = lambda _done, _of: None,
) -> RecordedDay:
    """What happened from ``begin`` to ``end``, microseconds since the epoch.

    ``progress`` is told how many of the calls were read. Raises
    :class:`NothingRecorded`, and what SQLAlchemy raises.
    """
    async with engine.connect() as connection:
        ids = await _call_ids(connection, begin, end)
        if not ids:
            raise NothingRecorded(await _instead(connection, name))
        day = told_day(
            name,
            begin,
            end,
            await _events(connection, ids, progress),
            await _choices(connection, begin, end),
            await _day_before(connection, begin),
            await _other_talks(connection, begin, end),
        )
    if not day.waits:
        raise NothingRecorded(f"{name}: calls came, but nobody waited in a queue to the end")
    if not any(agent.shifts for agent in day.agents):
        raise NothingRecorded(f"{name}: callers waited, but no agent was rung that day")
    return day


async def _call_ids(connection: AsyncConnection, begin: Micros, end: Micros) -> Sequence[str]:
    within = (calls.c.arrived_at >= begin) & (calls.c.arrived_at < end)
    query = select(calls.c.call_id).where(within, calls.c.queue != "")
    return (await connection.execute(query.order_by(calls.c.arrived_at))).scalars().all()


async def _instead(connection: AsyncConnection, name: str) -> str:
    query = select(calls.c.arrived_at).where(calls.c.queue != "")
    first = (await connection.execute(query.order_by(calls.c.arrived_at).limit(1))).scalar()
    last = (await connection.execute(query.order_by(calls.c.arrived_at.desc()).limit(1))).scalar()
    if first is None or last is None:
        return f"{name}: no call has waited in a queue yet (cure: try a load)"
    return f"{name}: nobody waited in a queue (there are calls from {_day(first)} to {_day(last)})"


def _day(at: Micros) -> str:
    import datetime

    return datetime.datetime.fromtimestamp(at / 1e6).astimezone().date().isoformat()


async def _events(
    connection: AsyncConnection, ids: Sequence[str], progress: Progress
) -> Sequence[Event]:
    found: list[tuple[int, str]] = []
    for start in range(0, len(ids), TOGETHER):
        some = ids[start : start + TOGETHER]
        query = select(journal.c.seq, journal.c.body).where(
            journal.c.call_id.in_(some), journal.c.type.in_(TYPES)
        )
        found += [(row.seq, row.body) for row in await connection.execute(query)]
        progress(min(start + TOGETHER, len(ids)), len(ids))
    return [decode(body) for _, body in sorted(found)]


async def _choices(
    connection: AsyncConnection, begin: Micros, end: Micros
) -> Sequence[ev.AgentAvailabilityChanged]:
    query = select(journal.c.body).where(
        journal.c.type == "AgentAvailabilityChanged",
        journal.c.at >= begin - LOOKED_BACK,
        journal.c.at < end,
    )
    bodies = (await connection.execute(query.order_by(journal.c.seq))).scalars()
    events = map(decode, bodies)
    return [event for event in events if isinstance(event, ev.AgentAvailabilityChanged)]


async def _day_before(connection: AsyncConnection, begin: Micros) -> Gathering:
    """Who called the day before: a policy may ask whether somebody calls again."""
    within = (calls.c.arrived_at >= begin - DAY) & (calls.c.arrived_at < begin)
    query = select(calls).where(within, calls.c.direction == "inbound")
    gathering = Gathering()
    for row in await connection.execute(query.order_by(calls.c.arrived_at)):
        gave_up = row.outcome == "abandoned" and row.queue
        abandoned_at = row.ended_at if gave_up else None
        gathering.remember_call(
            row.caller_number, row.call_id, row.arrived_at, abandoned_at, row.agent
        )
    return gathering


async def _other_talks(
    connection: AsyncConnection, begin: Micros, end: Micros
) -> Mapping[str, Shifts]:
    """When agents talked in calls that came from no queue, as these take their time too."""
    query = select(talks).where(
        talks.c.started_at >= begin, talks.c.started_at < end, talks.c.queue == ""
    )
    found: dict[str, list[Any]] = defaultdict(list)
    for row in await connection.execute(query):
        found[row.agent].append((row.started_at, row.started_at + (row.talked or 0)))
    return {agent: tuple(spans) for agent, spans in found.items()}
