"""Writes events into the journal, and what they change into the history, in one transaction.

The driver's own batch calls, without SQLAlchemy in between: SQLite ``executemany``, PostgreSQL
``COPY`` for the journal and pipelined ``executemany`` for the history (`make bench-journal`
measures both). Everything here blocks: call it from one thread of its own (:mod:`cti.worker`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy.engine import URL

from cti.domain.events import Event, encode
from cti.history import PATH_SEPARATOR, CallChange, Changes
from cti.storage import open_blocking_engine

_JOURNAL = "seq, id, at, call_id, type, body"
_INSERT = f"INSERT INTO journal ({_JOURNAL}) VALUES (?, ?, ?, ?, ?, ?)"  # noqa: S608
_COPY = f"COPY journal ({_JOURNAL}) FROM STDIN"
_NEW_CALL = (
    "INSERT INTO calls"
    " (call_id, switch, direction, caller_number, caller_name, did, arrived_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (call_id) DO NOTHING"
)
_NEW_TALK = (
    "INSERT INTO talks (talk_id, call_id, agent, queue, started_at)"
    " VALUES (?, ?, ?, ?, ?) ON CONFLICT (talk_id) DO NOTHING"
)
_END_TALK = "UPDATE talks SET talked = ? WHERE talk_id = ?"
_KNOWN = "SELECT seq FROM journal WHERE seq BETWEEN ? AND ?"

_TERMS = {
    "customer_id": "NULLIF(COALESCE(?, customer_id), 0)",
    "menu_path": "menu_path || CASE WHEN menu_path = '' OR ? = '' THEN ''"
    f" ELSE '{PATH_SEPARATOR}' END || ?",
    "waited": "waited + ?",
    "talked": "talked + ?",
    "answered_at": "COALESCE(answered_at, ?)",
}
"""How a :class:`cti.history.CallChange` changes a column that is not just replaced."""

_COLUMNS = CallChange.__struct_fields__[1:]
_CHANGE_CALL = (
    "UPDATE calls SET "  # noqa: S608 - the names of columns
    + ", ".join(f"{c} = {_TERMS.get(c, f'COALESCE(?, {c})')}" for c in _COLUMNS)
    + " WHERE call_id = ?"
)


class EventRefused(Exception):
    """The database answers, but will not take this batch: there already, or nothing it can hold."""


class DatabaseAway(Exception):
    """The database did not take the batch; it may later. Whether it has it is not known."""


class Writer:
    """One connection on which batches are written; made anew after every failure."""

    def __init__(self, url: URL) -> None:
        self._engine = open_blocking_engine(url)
        self._connection: Any = None
        self._is_postgresql = url.get_backend_name() == "postgresql"
        self._driver: Any = self._engine.dialect.loaded_dbapi
        self._refusals = (
            self._driver.IntegrityError,
            self._driver.DataError,
            OverflowError,
            UnicodeError,
        )

    def write(self, events: Sequence[Event]) -> None:
        """Write all, or none and raise :class:`EventRefused` or :class:`DatabaseAway`."""
        self._in_transaction(lambda cursor: self._write(cursor, events))

    def known(self, first: int, last: int) -> set[int]:
        """The numbers from ``first`` to ``last`` that are there. Raises :class:`DatabaseAway`."""
        found: set[int] = set()

        def look(cursor: Any) -> None:
            cursor.execute(self._sql(_KNOWN), (first, last))
            found.update(row[0] for row in cursor.fetchall())

        self._in_transaction(look)
        return found

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _in_transaction(self, work: Callable[[Any], None]) -> None:
        try:
            if self._connection is None:
                self._connection = self._engine.raw_connection()
            cursor = self._connection.cursor()
            work(cursor)
            cursor.close()
            self._connection.commit()
        except self._refusals as error:
            self._drop()
            raise EventRefused(_first_line(error)) from error
        except (self._driver.Error, OSError) as error:
            self._drop()
            raise DatabaseAway(_first_line(error)) from error

    def _drop(self) -> None:
        """Roll back and close: SQLite's lock would outlive a mere close while a cursor lives."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with contextlib.suppress(self._driver.Error):
            connection.rollback()
        connection.invalidate()

    def _write(self, cursor: Any, events: Sequence[Event]) -> None:
        self._append(cursor, [_row(event) for event in events])
        changes = Changes(events)
        for statement, rows in (
            (_NEW_CALL, changes.new_calls),
            (_NEW_TALK, changes.new_talks),
            (_CHANGE_CALL, [_change_row(change) for change in changes.calls.values()]),
            (_END_TALK, changes.ended_talks),
        ):
            if rows:
                cursor.executemany(self._sql(statement), rows)

    def _append(self, cursor: Any, rows: Sequence[tuple[Any, ...]]) -> None:
        if not self._is_postgresql:
            cursor.executemany(_INSERT, rows)
            return
        with cursor.copy(_COPY) as copy:
            for row in rows:
                copy.write_row(row)

    def _sql(self, statement: str) -> str:
        return statement.replace("?", "%s") if self._is_postgresql else statement


def _row(event: Event) -> tuple[Any, ...]:
    name = type(event).__name__
    return (event.seq, event.id, event.at, event.call_id, name, encode(event).decode())


def _change_row(change: CallChange) -> tuple[Any, ...]:
    call_id, number, customer_id, path, *rest = msgspec.structs.astuple(change)
    return (number, customer_id, path, path, *rest, call_id)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
