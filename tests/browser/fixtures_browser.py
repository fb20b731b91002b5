"""A real Chromium for tests: one process for the session, a fresh profile for each test.

The process is started once and spoken to over its DevTools port, so that a test may run on any
event loop: a test that needs a loop of its own takes ``open_page`` and a driver of its own, those
in this folder share one of both. At the end ``open_page`` fails the test for every error in the
console, every uncaught exception and every breach of the Content-Security-Policy.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, ConsoleMessage, Error, Page, async_playwright, expect

FLAGS = (
    "--headless=new",
    "--remote-debugging-port=0",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu",
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
    "--force-color-profile=srgb",
)
STARTS_WITHIN = 30.0

SCREENSHOTS = Path(__file__).resolve().parents[2] / ".cache" / "screenshots"
"""Where tests leave what they saw."""

expect.set_options(timeout=15_000)  # milliseconds; a busy machine is slow, and right all the same

OpenPage = Callable[..., Awaitable[Page]]


def chromium_path() -> str:
    """Where Chromium is. Fails the test with the cure when there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.fail(
        "These tests need a real browser and there is none (cure: apt-get install chromium)",
        pytrace=False,
    )


def _wait_for_port(profile: Path, process: subprocess.Popen[bytes], log: Path) -> str:
    port_file = profile / "DevToolsActivePort"
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        if port_file.exists() and (lines := port_file.read_text().splitlines()):
            return f"http://127.0.0.1:{lines[0]}"
        time.sleep(0.05)
    said = log.read_text(errors="replace")[-2000:]
    pytest.fail(f"Chromium did not start (exit status {process.poll()}); it said:\n{said}")


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The DevTools address of one Chromium with a profile of its own."""
    home = tmp_path_factory.mktemp("chromium")
    profile, log = home / "profile", home / "chromium.log"
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else list(FLAGS)
    with log.open("wb") as said:
        process = subprocess.Popen(
            [chromium_path(), *flags, f"--user-data-dir={profile}", "about:blank"],
            stdout=said,
            stderr=said,
        )
    try:
        yield _wait_for_port(profile, process, log)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@asynccontextmanager
async def driving(chromium: str) -> AsyncIterator[Browser]:
    """Chromium, driven from the running event loop; starting the driver takes a second."""
    async with async_playwright() as playwright:
        connected = await playwright.chromium.connect_over_cdp(chromium)
        try:
            yield connected
        finally:
            await connected.close()


@asynccontextmanager
async def opening(browser: Browser) -> AsyncIterator[OpenPage]:
    """What opens pages in fresh profiles, and at the end fails for whatever they complained of."""
    complaints: list[str] = []
    contexts = []

    async def open_one(url: str, *, expected: tuple[str, ...] = (), **options: Any) -> Page:
        context = await browser.new_context(**options)
        contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(15_000)

        def heard(message: ConsoleMessage) -> None:
            told = f"{message.text} ({message.location.get('url', '')})"
            known = (*expected, "status of 401")  # before the log-in /api/me says so, rightly
            if message.type in {"error", "warning"} and not any(part in told for part in known):
                complaints.append(told)

        def crashed(error: Error) -> None:
            complaints.append(f"uncaught: {error.message}\n{error.stack}")

        page.on("console", heard)
        page.on("pageerror", crashed)
        await page.goto(url)
        return page

    try:
        yield open_one
    finally:
        for context in contexts:
            await asyncio.wait_for(context.close(), 10)
    assert not complaints, "the browser complained:\n" + "\n".join(complaints)


@pytest.fixture
async def open_page(chromium: str) -> AsyncIterator[OpenPage]:
    """Open ``url`` in a fresh profile; keyword arguments go to Playwright's ``new_context``.

    ``expected``: parts of console messages this test provokes on purpose.
    """
    async with driving(chromium) as browser, opening(browser) as open_one:
        yield open_one
