"""Brings the database to the newest version (Alembic)."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.storage import metadata, require_unicode

_TABLES = ("cti", "crm_bridge", "callqueue", "recordings", "dashboard")


def all_tables() -> MetaData:
    """The metadata with every package's tables on it."""
    for package in _TABLES:
        import_module(f"{package}.tables")
    import_module("recordings.search_index")
    return metadata


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration for one open connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


_LOCK = 0x52696E67
"""PostgreSQL's advisory lock: two servers which start at once migrate one after the other."""


async def migrate(engine: AsyncEngine, revision: str = "head") -> None:
    """Run the migrations the database does not have yet, in one transaction.

    Raises :class:`cti.storage.DatabaseUnfit`, or SQLAlchemy's errors.
    """

    def upgrade(connection: Connection) -> None:
        require_unicode(connection)
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        command.upgrade(alembic_config(connection), revision)

    async with engine.begin() as connection:
        await connection.run_sync(upgrade)
