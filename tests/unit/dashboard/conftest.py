"""A running dashboard for each test that wants one."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.unit.dashboard.house import House, open_house

OpenHouse = Callable[..., contextlib.AbstractAsyncContextManager[House]]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        yield opened


@pytest.fixture
def opened(tmp_path: Path) -> OpenHouse:
    """Open a house with settings of one's own."""
    return lambda **settings: open_house(tmp_path, **settings)
