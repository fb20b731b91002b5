"""The history: one row a call, projected from the journal's events in the journal's transaction.

``statements`` is pure; :mod:`cti.journal` runs what it returns. ``menu_path`` holds the labels the
caller chose, joined by " › "; ``why`` the last explanation of their place in the queue: the
sentence of the last move, or the terms of the score where no move was needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Update, case, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql.base import Executable

from cti.domain import events as ev
from cti.tables import calls

PATH_SEPARATOR = " › "


def statements(event: ev.Event, dialect: str) -> Sequence[Executable]:
    """The writes that carry ``event`` into the history, for ``sqlite`` or ``postgresql``."""
    match event:
        case ev.CallArrived():
            return (_arrival(event, dialect),)
        case ev.CustomerIdentified():
            customer = event.customer.id if event.customer and event.match == "one" else None
            return (_set(event, number=event.number, customer_id=customer),)
        case ev.MenuChosen(valid=True):
            return (_set(event, menu_path=_appended(event.label)),)
        case ev.CallQueued():
            return (_set(event, queue=event.queue),)
        case ev.QueueEntryScored():
            return (_set(event, why=", ".join(map(str, event.terms))),)
        case ev.QueueMoved():
            return (_set(event, why=event.sentence),)
        case ev.QueueLeft():
            return (_set(event, waited=calls.c.waited + event.waited),)
        case ev.CallAnswered():
            return (_answered(event),)
        case ev.TalkEnded():
            return (_set(event, talked=calls.c.talked + event.talked),)
        case ev.DispositionSet():
            return (_disposition(event),)
        case ev.CallEnded():
            return (_set(event, ended_at=event.at, outcome=event.outcome),)
    return ()


def _set(event: ev.Event, **values: Any) -> Update:
    return update(calls).where(calls.c.call_id == event.call_id).values(**values)


def _arrival(event: ev.CallArrived, dialect: str) -> Executable:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    row = insert(calls).values(
        call_id=event.call_id,
        switch=event.switch,
        direction=event.direction,
        caller_number=event.caller_number,
        caller_name=event.caller_name,
        did=event.did,
        arrived_at=event.at,
    )
    return row.on_conflict_do_nothing(index_elements=["call_id"])


def _appended(label: str) -> Any:
    path = calls.c.menu_path
    return case((path == "", label), else_=path + PATH_SEPARATOR + label)


def _answered(event: ev.CallAnswered) -> Update:
    first = case((calls.c.answered_at.is_(None), event.at), else_=calls.c.answered_at)
    return _set(event, agent=event.agent, answered_at=first)


def _disposition(event: ev.DispositionSet) -> Update:
    values: dict[str, Any] = {
        "note": event.note,
        "topic": event.topic,
        "result": event.result,
        "note_by": event.author,
    }
    if event.customer_id:
        values["customer_id"] = event.customer_id
    return _set(event, **values)


class History:
    """Reads the history."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def call(self, call_id: str) -> Row[Any] | None:
        """The row of one call, or None."""
        rows = await self._read(select(calls).where(calls.c.call_id == call_id))
        return rows[0] if rows else None

    async def of_customer(
        self, customer_id: int, *, before: ev.Micros | None = None, limit: int = 20
    ) -> Sequence[Row[Any]]:
        """The customer's calls, newest first; ``before`` pages on (microseconds)."""
        return await self.newest(calls.c.customer_id == customer_id, before=before, limit=limit)

    async def open_calls(self) -> list[str]:
        """The ids of calls that have not ended, oldest first."""
        query = select(calls).where(calls.c.ended_at.is_(None)).order_by(calls.c.arrived_at)
        return [row.call_id for row in await self._read(query)]

    async def newest(
        self, *conditions: Any, before: ev.Micros | None = None, limit: int = 50
    ) -> Sequence[Row[Any]]:
        """The newest calls for which all ``conditions`` on :data:`cti.tables.calls` hold."""
        query = select(calls).where(*conditions)
        if before is not None:
            query = query.where(calls.c.arrived_at < before)
        return await self._read(query.order_by(calls.c.arrived_at.desc()).limit(limit))

    async def _read(self, query: Any) -> Sequence[Row[Any]]:
        async with self._engine.connect() as connection:
            return (await connection.execute(query)).all()
