"""The rows of calls to mobiles: what was dialled today, and what it costs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from callqueue.manager.choice import Billed
from callqueue.tables import manager_calls as table
from cti.domain.events import ManagerCalled, Micros


class ManagerCalls:
    """Reads and writes them. All methods raise SQLAlchemyError."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def since(self, at: Micros) -> list[Billed]:
        """The calls begun since then."""
        columns = (table.c.called_at, table.c.answered_at, table.c.over_at)
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(*columns).where(table.c.called_at >= at))
            return [Billed(*row) for row in rows]

    async def add(self, call: ManagerCalled) -> bool:
        """Write that the call is about to be made. False: it was made for this wait before."""
        row = {
            "attempt_id": call.attempt_id,
            "call_id": call.call_id,
            "entry_id": call.entry_id,
            "manager": call.manager[:200],
            "number": call.number,
            "called_at": call.at,
        }
        try:
            async with self._engine.begin() as connection:
                await connection.execute(insert(table).values(**row))
        except IntegrityError:
            return False
        return True

    async def answered(self, attempt_id: str, at: Micros) -> None:
        """It costs from now on."""
        await self._change(attempt_id, answered_at=at)

    async def over(self, attempt_id: str, at: Micros) -> None:
        """It no longer costs."""
        await self._change(attempt_id, over_at=at)

    async def _change(self, attempt_id: str, **values: Any) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(
                update(table).where(table.c.attempt_id == attempt_id).values(**values)
            )
