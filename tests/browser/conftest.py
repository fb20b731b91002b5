"""The fake server of the browser tests, and the one driver they share.

The tests of this folder run on one event loop, the session's: Playwright's driver lives on a loop,
and one driver for each test would take longer than the tests themselves. Each test still has its
own server and its own browser profile.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page
from pytest_asyncio import is_async_test

from tests.browser import samples
from tests.browser.fake_server import FakeServer, serving
from tests.browser.fixtures_browser import OpenPage, driving, opening

Desk = Callable[..., Awaitable[tuple[FakeServer, Page]]]
"""``await desk(role, path, view=..., **context)``: parts of the view, options of Playwright."""


HERE = Path(__file__).parent
SESSION = pytest.mark.asyncio(loop_scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of this folder on the session's event loop."""
    for item in items:
        if HERE in item.path.parents and is_async_test(item):
            item.add_marker(SESSION, append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """The session's Chromium, driven from the session's loop."""
    async with driving(chromium) as connected:
        yield connected


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser: Browser) -> AsyncIterator[OpenPage]:
    """As everywhere, with the shared driver."""
    async with opening(browser) as open_one:
        yield open_one


@pytest_asyncio.fixture(loop_scope="session")
async def desk(open_page: OpenPage) -> AsyncIterator[Desk]:
    """What starts a server and opens its page, live; see :data:`Desk`."""
    async with AsyncExitStack() as stack:

        async def start(
            role: str = "agent",
            path: str = "",
            *,
            view: samples.Json | None = None,
            **context: Any,
        ) -> tuple[FakeServer, Page]:
            server = await stack.enter_async_context(serving(FakeServer(samples.me(role))))
            server.view.update(view or {})
            context.setdefault("viewport", {"width": 1440, "height": 900})
            page = await open_page(server.url + path, **context)
            stack.push_async_callback(page.close)  # before its server, or it would complain
            await page.get_by_text("PBX live").or_(page.get_by_text("Link lost")).wait_for()
            return server, page

        yield start
