"""A real Asterisk for tests.

`asterisk_prefix`: the unpacked programs, once. `asterisk`: a fresh one for each test, booted in
a second; `old_asterisk` is a 16.28. `module_asterisk`: one for a whole module; hang up everything
after each test.
"""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ringdesk.asterisk_config import HookSettings
from ringdesk.demo.asterisk import AsteriskInstance, free_port
from ringdesk.demo.prefix import OLD, Prefix, default_cache, ensure_prefix


@pytest.fixture(scope="session")
def asterisk_prefix() -> Prefix:
    """The cached prefix; the first run downloads it."""
    return ensure_prefix(default_cache())


@pytest_asyncio.fixture
async def asterisk(asterisk_prefix: Prefix) -> AsyncIterator[AsteriskInstance]:
    """Booted, with nobody in its queues and no Ringdesk at its FastAGI port."""
    async with AsteriskInstance(asterisk_prefix) as instance:
        yield instance


@pytest_asyncio.fixture
async def old_asterisk() -> AsyncIterator[AsteriskInstance]:
    """An Asterisk 16.28; the first run downloads it."""
    prefix = await asyncio.to_thread(ensure_prefix, default_cache(), release=OLD)
    async with AsteriskInstance(prefix) as instance:
        yield instance


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def module_asterisk(asterisk_prefix: Prefix) -> AsyncIterator[AsteriskInstance]:
    """As `asterisk`, shared by the tests of one module. Its AGI fallback comes after 2 seconds."""
    port = free_port(socket.SOCK_STREAM)
    hook = HookSettings(agi_port=port, silence_timeout=2, queue_timeout=60, extension_timeout=2)
    async with AsteriskInstance(asterisk_prefix, hook=hook) as instance:
        yield instance
