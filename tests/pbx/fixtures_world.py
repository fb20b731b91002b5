"""A whole Ringdesk beside a real Asterisk, with the demo's sample customers and users."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from ringdesk.demo.call import Call
from ringdesk.demo.phone import Phone
from ringdesk.demo.prefix import Prefix
from ringdesk.demo.robots import DID
from ringdesk.demo.world import World, asterisk_world


@pytest.fixture
async def world(asterisk_prefix: Prefix, tmp_path: Path) -> AsyncIterator[World]:
    """Up and connected; nobody is available yet."""
    async with asterisk_world(tmp_path, progress=lambda _text: None) as made:
        yield made


@contextlib.asynccontextmanager
async def phones_of(world: World, *agents: str) -> AsyncIterator[tuple[Phone, ...]]:
    """The customers' trunk, then a registered phone for each agent."""
    assert world.asterisk is not None
    sip, secret = world.asterisk.sip, world.asterisk.agent_password
    async with contextlib.AsyncExitStack() as stack:
        port = world.asterisk.settings.trunk_port
        trunk = await stack.enter_async_context(Phone("127.0.0.2", sip, local_port=port))
        desks = []
        for agent in agents:
            phone = await stack.enter_async_context(Phone("127.0.0.1", sip, agent, secret))
            await phone.register()
            desks.append(phone)
        yield (trunk, *desks)


async def call_in(trunk: Phone, number: str, press: str = "") -> Call:
    """A customer's call, answered by the menu, with a key pressed once the menu speaks."""
    call = await trunk.call(DID, from_user=number)
    await call.answered(timeout=10)
    if press:
        await until(lambda: bool(call.received.any()), "the menu to speak", 10)
        await call.send_digits(press)
    return call


async def until(
    holds: Callable[[], bool | Awaitable[bool]], what: str, seconds: float = 15
) -> None:
    """Wait until ``holds``; fails naming ``what`` did not come about."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                found: Any = holds()
                if await found if asyncio.iscoroutine(found) else found:
                    return
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"waited {seconds:g} s in vain for {what}")
