"""A real store on SQLite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

import cti.tables  # noqa: F401 - defines the tables
from crm_bridge.store import CustomerStore
from cti.storage import metadata, open_engine


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(f"sqlite+aiosqlite:///{tmp_path}/ringdesk.db")
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield engine
    await engine.dispose()


@pytest.fixture
def store(engine: AsyncEngine) -> CustomerStore:
    return CustomerStore(engine)
