"""Brings the database to the newest version (Alembic)."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.storage import metadata

_TABLES = ("cti", "crm_bridge", "recordings", "dashboard")


def all_tables() -> MetaData:
    """The metadata with every package's tables on it."""
    for package in _TABLES:
        import_module(f"{package}.tables")
    return metadata


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration for one open connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


async def migrate(engine: AsyncEngine) -> None:
    """Run the migrations the database does not have yet, in one transaction."""

    def upgrade(connection: Connection) -> None:
        command.upgrade(alembic_config(connection), "head")

    async with engine.begin() as connection:
        await connection.run_sync(upgrade)
