"""The rows of callbacks. What is done is done here first, and only then on the telephone."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from callqueue.callback.turns import Callback
from callqueue.tables import callbacks as table
from cti.domain.events import CallbackState

_WIDTHS = {"name": 200, "asked_by": 120}


class CallbackStore:
    """Reads and writes them. All methods raise SQLAlchemyError."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def open_ones(self) -> list[Callback]:
        """All that may still be called, oldest first."""
        return await self._read(select(table).where(table.c.open_key.is_not(None)))

    async def newest(self, limit: int) -> list[Callback]:
        """The last ones, open or not, newest first."""
        order = table.c.requested_at.desc()
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(table).order_by(order).limit(limit))
            return [_callback(row) for row in rows]

    async def add(self, callback: Callback) -> Callback:
        """Keep it, or give the open one that this customer has already."""
        values = {**_values(callback), "open_key": callback.key}
        while True:
            try:
                async with self._engine.begin() as connection:
                    await connection.execute(insert(table).values(**values))
            except IntegrityError:
                found = await self._read(select(table).where(table.c.open_key == callback.key))
                if found:
                    return found[0]
            else:
                return callback

    async def change(self, old: Callback, **changes: Any) -> Callback | None:
        """Change it, if it still is in the state of ``old``. None: somebody was first."""
        new = replace(old, **changes)
        values = {**_values(new), "open_key": new.key if new.is_open else None}
        same = (table.c.callback_id == old.callback_id) & (table.c.state == old.state)
        async with self._engine.begin() as connection:
            done = await connection.execute(update(table).where(same).values(**values))
        return new if done.rowcount else None

    async def _read(self, query: Any) -> list[Callback]:
        async with self._engine.connect() as connection:
            rows = await connection.execute(query.order_by(table.c.requested_at))
            return [_callback(row) for row in rows]


def _values(callback: Callback) -> dict[str, Any]:
    values = asdict(callback)
    del values["key"]
    for column, width in _WIDTHS.items():
        values[column] = values[column].replace("\0", "")[:width]
    return values


def _callback(row: Row[Any]) -> Callback:
    values = dict(row._mapping)
    key = values.pop("open_key") or ""
    state: CallbackState = values.pop("state")
    return Callback(key=key, state=state, **values)
