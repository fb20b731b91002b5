"""The database of a scenario, read as an outsider would: SQLite's file, or a real PostgreSQL."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import psycopg

from tests.contract.fixtures_postgresql import Postgresql


class Database(Protocol):
    """``url`` is as the settings have it; ``event_field`` gives the SQL of a field of an event."""

    url: str

    def rows(self, sql: str, *values: str) -> list[Any]:
        """All that it answers with; values stand for ``?``. Raises OSError when it cannot."""
        ...

    def event_field(self, name: str) -> str: ...


class Sqlite:
    """A file."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.url = f"sqlite+aiosqlite:///{file}"

    def rows(self, sql: str, *values: str) -> list[Any]:
        try:
            with contextlib.closing(
                sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=0.2)
            ) as connection:
                return connection.execute(sql, values).fetchall()
        except sqlite3.OperationalError as error:
            raise OSError(str(error)) from None

    def event_field(self, name: str) -> str:
        return f"json_extract(body, '$.{name}')"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Another program holds its lock."""
        with contextlib.closing(sqlite3.connect(self.file, isolation_level=None)) as other:
            other.execute("begin immediate")
            try:
                yield
            finally:
                other.execute("rollback")


class PostgresqlDatabase:
    """A server of the test's own, with one database."""

    def __init__(self, server: Postgresql) -> None:
        self._server = server
        self.url = server.new_database()
        self._conninfo = self.url.replace("+psycopg", "")

    def rows(self, sql: str, *values: str) -> list[Any]:
        try:
            with psycopg.connect(self._conninfo) as connection:
                return connection.execute(sql.replace("?", "%s").encode(), values).fetchall()
        except psycopg.Error as error:
            raise OSError(str(error)) from None

    def event_field(self, name: str) -> str:
        return f"body::json->>'{name}'"

    @contextlib.contextmanager
    def silent(self) -> Iterator[None]:
        """All its processes stand still: connections stay open, and nothing answers."""
        processes = self._processes()
        for pid in processes:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in reversed(processes):
                os.kill(pid, signal.SIGCONT)

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Crashed, and started again afterwards."""
        self._server.stop("immediate")
        try:
            yield
        finally:
            self._server.start()

    def _processes(self) -> list[int]:
        """The server and its children; the server first, so that it makes no new ones."""
        first = int((self._server.folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(first, signal.SIGSTOP)
        return [first, *map(int, Path(f"/proc/{first}/task/{first}/children").read_text().split())]
