"""A real Asterisk for tests: `asterisk_prefix` (once), `asterisk` (a fresh one for each test)."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ringdesk.demo.asterisk import AsteriskInstance
from ringdesk.demo.prefix import Prefix, default_cache, ensure_prefix


@pytest.fixture(scope="session")
def asterisk_prefix() -> Prefix:
    """The cached prefix; the first run downloads it."""
    return ensure_prefix(default_cache())


@pytest_asyncio.fixture
async def asterisk(asterisk_prefix: Prefix) -> AsyncIterator[AsteriskInstance]:
    """Booted, with nobody in its queues and no Ringdesk at its FastAGI port."""
    async with AsteriskInstance(asterisk_prefix) as instance:
        yield instance
