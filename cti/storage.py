"""One database for everything: the SQLAlchemy URL is the adapter.

SQLite runs in WAL mode, so that readers never block the writer, and waits ``BUSY_SECONDS`` for a
lock. PostgreSQL is reached by psycopg 3. Every package defines its tables on :data:`metadata` in a
module ``tables``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, MetaData, create_engine, event
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

BUSY_SECONDS = 5
_POSTGRESQL = {
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,  # milliseconds until a peer that fell silent counts as gone
    "application_name": "ringdesk",
}

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class DatabaseUnfit(Exception):
    """The database answers but cannot hold our data; the message says why and what to do."""


def open_engine(url: str) -> AsyncEngine:
    """An engine for ``url``: ``sqlite+aiosqlite:///var/ringdesk.db`` or
    ``postgresql+psycopg://user@host/ringdesk``.

    The folder of a SQLite file is made. Raises :class:`sqlalchemy.exc.ArgumentError` for a URL
    that cannot be read. Errors never show parameters: they hold names and numbers, and errors are
    logged.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return create_async_engine(
            parsed, pool_pre_ping=True, connect_args=_POSTGRESQL, hide_parameters=True
        )
    if parsed.get_backend_name() != "sqlite":
        return create_async_engine(parsed, pool_pre_ping=True, hide_parameters=True)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(
        parsed, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True
    )
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    return engine


def shown(url: str) -> str:
    """The URL as it may be shown: without its password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "(the URL cannot be read)"


def open_blocking_engine(url: URL) -> Engine:
    """The same database for a thread of its own: each connection is new, nothing is pooled."""
    if url.get_backend_name() == "postgresql":
        return create_engine(
            url, poolclass=NullPool, connect_args=_POSTGRESQL, hide_parameters=True
        )
    engine = create_engine(
        url.set(drivername="sqlite"),
        poolclass=NullPool,
        connect_args={"timeout": BUSY_SECONDS},
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def require_unicode(connection: Connection) -> None:
    """Raise :class:`DatabaseUnfit` if the database cannot hold every name."""
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar()
    if encoding != "UTF8":
        raise DatabaseUnfit(
            f"the database's encoding is {encoding}. Make one that holds every language:"
            " CREATE DATABASE ringdesk ENCODING 'UTF8' TEMPLATE template0"
        )


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # SQLite's own lower() knows ASCII only, and a search must find «Марина» however it is typed.
    connection.create_function("lower", 1, _lower, deterministic=True)
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _lower(text: Any) -> Any:
    return text.lower() if isinstance(text, str) else text
