"""The fake server of the browser tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from playwright.async_api import Page

from tests.browser import samples
from tests.browser.fake_server import FakeServer, serving
from tests.browser.fixtures_browser import OpenPage

Desk = Callable[..., Awaitable[tuple[FakeServer, Page]]]
"""``await desk(role, path, view=..., **context)``: parts of the view, options of Playwright."""


@pytest.fixture
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
