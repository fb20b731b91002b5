"""Every test here runs on SQLite and on PostgreSQL, on the schema that the migrations make."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.storage import open_engine
from tests.contract.fixtures_postgresql import Postgresql

BACKENDS = ("sqlite", "postgresql")


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a migrated, empty database."""
    if backend == "sqlite":
        file = tmp_path / "ringdesk.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
        return f"sqlite+aiosqlite:///{file}"
    template = request.getfixturevalue("postgresql_template")
    server: Postgresql = request.getfixturevalue("postgresql")
    return server.new_database(template)


@pytest.fixture
def empty_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without any table."""
    if backend == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/empty.db"
    server: Postgresql = request.getfixturevalue("postgresql")
    return server.new_database()


@pytest.fixture
async def engine(url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(url)
    yield engine
    await engine.dispose()
