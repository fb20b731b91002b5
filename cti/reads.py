"""Small reads that somebody waits for: compiled once, by the driver itself, in one thread.

SQLAlchemy's asyncio layer crosses threads some six times for each query on SQLite. Where several
small queries answer one question, and the question is asked for each call, that is most of the
cost; here the whole question is one job.
"""

from __future__ import annotations

import contextlib
from collections import namedtuple
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Select
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from cti.storage import open_blocking_engine
from cti.worker import Worker
from cti.writer import DatabaseAway

Result = TypeVar("Result")


class Prepared:
    """A query whose parameters are all named by ``bindparam``, compiled for one database.

    Calling it gives the rows as named tuples. Only for columns of texts and whole numbers: their
    values are the driver's own.
    """

    def __init__(self, query: Select[Any], reads: Reads) -> None:
        compiled = query.compile(dialect=reads.dialect)
        self._sql = str(compiled)
        self._names: list[str] | None = getattr(compiled, "positiontup", None)
        self._fixed = dict(compiled.params)
        columns = [str(column.key) for column in query.selected_columns]
        self._row: Any = namedtuple("Row", columns)  # type: ignore[misc]

    def __call__(self, cursor: Any, **given: Any) -> list[Any]:
        """The rows for the parameters ``given``. Raises the driver's errors."""
        values = self._fixed | given
        in_order = [values[name] for name in self._names] if self._names else values
        cursor.execute(self._sql, in_order)
        return [self._row._make(row) for row in cursor.fetchall()]


class Reads:
    """A connection that only reads, in a thread of its own, opened anew after a failure."""

    def __init__(self, url: URL, name: str) -> None:
        self._engine = open_blocking_engine(url)
        self._worker = Worker(name)
        self._connection: Any = None
        self.dialect = self._engine.dialect
        self._errors = (self.dialect.loaded_dbapi.Error, SQLAlchemyError, OSError)

    async def do(self, job: Callable[[Any], Result]) -> Result:
        """What ``job(cursor)`` gives. Raises :class:`cti.writer.DatabaseAway`.

        A job is tried once more on a new connection: the old one may have died while it lay idle.
        """
        return await self._worker.do(self._twice, job)

    async def close(self) -> None:
        """Give the connection back and end the thread."""
        await self._worker.do(self._drop)
        self._worker.stop()

    def _twice(self, job: Callable[[Any], Result]) -> Result:
        if self._connection is not None:
            with contextlib.suppress(DatabaseAway):
                return self._once(job)
        return self._once(job)

    def _once(self, job: Callable[[Any], Result]) -> Result:
        try:
            cursor = self._open().cursor()
            try:
                return job(cursor)
            finally:
                cursor.close()
        except self._errors as error:
            self._drop()
            raise DatabaseAway(type(error).__name__) from error

    def _open(self) -> Any:
        if self._connection is None:
            self._connection = self._engine.raw_connection()
            if self.dialect.name == "postgresql":
                # Nothing is held open between two jobs; sqlite3 opens no transaction to read.
                self._connection.driver_connection.autocommit = True
        return self._connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
