"""Writes events into the journal, and what they change into the history, in one transaction.

By the driver's own batch calls, without SQLAlchemy in between (:mod:`cti.insert_sqlite`,
:mod:`cti.insert_postgresql`; `make bench-journal` measures them). Everything here blocks: call it
from one thread of its own (:mod:`cti.worker`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from cti import insert_postgresql, insert_sqlite
from cti.domain.events import Event, encode
from cti.history import Changes
from cti.storage import open_blocking_engine


class EventRefused(Exception):
    """The database answers, but will not take this batch: there already, or nothing it can hold."""


class DatabaseAway(Exception):
    """The database did not take the batch; it may later. Whether it has it is not known."""


class Writer:
    """One connection on which batches are written; made anew after every failure."""

    def __init__(self, url: URL) -> None:
        self._engine = open_blocking_engine(url)
        self._connection: Any = None
        is_postgresql = url.get_backend_name() == "postgresql"
        self._sql = insert_postgresql if is_postgresql else insert_sqlite
        self._driver: Any = self._engine.dialect.loaded_dbapi
        self._refusals = (
            self._driver.IntegrityError,
            self._driver.DataError,
            OverflowError,
            UnicodeError,
        )

    def write(self, events: Sequence[Event]) -> None:
        """Write all, or none and raise :class:`EventRefused` or :class:`DatabaseAway`."""
        try:
            rows, changes = [_row(event) for event in events], Changes(events)
        except UnicodeError as error:
            raise EventRefused(_first_line(error)) from error
        self._in_transaction(lambda cursor: self._sql.insert(cursor, rows, changes))

    def known(self, first: int, last: int) -> set[int]:
        """The numbers from ``first`` to ``last`` that are there. Raises :class:`DatabaseAway`."""
        found: set[int] = set()

        def look(cursor: Any) -> None:
            cursor.execute(self._sql.KNOWN, (first, last))
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
        except (self._driver.Error, SQLAlchemyError, OSError) as error:
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


def _row(event: Event) -> tuple[Any, ...]:
    name = type(event).__name__
    return (event.seq, event.id, event.at, event.call_id, name, encode(event).decode())


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
