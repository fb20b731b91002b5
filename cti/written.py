"""What of the journal is in the database: events by number, call and type."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BindParameter, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.domain.events import Event, decode
from cti.tables import journal


class WrittenEvents:
    """Reads the journal's table. Everything raises SQLAlchemy's errors."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def last_seq(self) -> int:
        """The highest number; 0: there is none."""
        async with self._engine.connect() as connection:
            return (await connection.execute(select(func.max(journal.c.seq)))).scalar() or 0

    async def after(self, seq: int, limit: int) -> list[Event]:
        """The first ``limit`` events behind ``seq``, oldest first."""
        query = select(journal.c.body).where(journal.c.seq > seq).order_by(journal.c.seq)
        return await self._select(query.limit(limit))

    async def of_call(self, call_id: str) -> list[Event]:
        """Everything that happened in one call, oldest first."""
        query = select(journal.c.body).where(journal.c.call_id == call_id)
        return await self._select(query.order_by(journal.c.seq))

    async def of_calls(self, call_ids: Sequence[str]) -> list[Event]:
        """Everything that happened in these calls, oldest first."""
        query = select(journal.c.body).where(journal.c.call_id.in_(call_ids))
        return await self._select(query.order_by(journal.c.seq))

    async def of_type(self, kind: type[Event], since: int) -> list[Event]:
        """All events of one type from ``since`` (microseconds) on, oldest first.

        Only AgentAvailabilityChanged has an index; any other type reads the whole journal.
        """
        # As a literal, or no database sees that the index on this type serves.
        name: BindParameter[str] = bindparam("type", kind.__name__, literal_execute=True)
        mine = (journal.c.type == name) & (journal.c.at >= since)
        return await self._select(select(journal.c.body).where(mine).order_by(journal.c.seq))

    async def _select(self, query: object) -> list[Event]:
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).scalars().all()  # type: ignore[call-overload]
        return [decode(body) for body in rows]
