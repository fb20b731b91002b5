"""Take the pictures of the documentation from a running demo: ``make screenshots``.

Nothing in them is posed: ``ringdesk demo`` runs with its robots on a real Asterisk, a browser
watches the desks as a person would, writes an outcome when the VIP customer is on the line, and
takes the picture when she rings again. That takes a few minutes.
"""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, ViewportSize, async_playwright

from ringdesk.demo.world import PASSWORD
from tests.browser.fixtures_browser import chromium_path

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
LARGEST = 300_000
"""Bytes of one picture."""
SIZE = ViewportSize(width=1440, height=900)
VIP = "Marina Ivanova"
NOTE = "October invoice is wrong for the second time. Refund promised by Friday."
PATIENCE = 900.0
"""Seconds until the robots must have played each scene."""


@asynccontextmanager
async def demo() -> AsyncIterator[str]:
    """A running demo's address; it is stopped as a person stops it, with Ctrl-C."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ringdesk", "demo", "--port", port, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None  # noqa: S101 (it is a pipe)
    try:
        while b"Ctrl-C" not in (line := await process.stdout.readline()):
            if not line:
                raise SystemExit("the demo did not start (cure: see what it says above)")
        yield f"http://127.0.0.1:{port}/"
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        await process.communicate()


async def logged_in(browser: Browser, address: str, username: str, colours: Any) -> Page:
    """A person's page, live."""
    context = await browser.new_context(
        viewport=SIZE, color_scheme=colours, reduced_motion="reduce", locale="en-GB"
    )
    page = await context.new_page()
    await page.goto(address)
    await page.get_by_label("User name").fill(username)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.get_by_text("PBX live").wait_for()
    return page


async def catch(name: str, pages: list[Page], scene: Callable[[Page], Awaitable[bool]]) -> None:
    """Keep the picture of the first page that shows the scene, before and after it was taken."""
    async with asyncio.timeout(PATIENCE):
        while True:
            for page in pages:
                if await scene(page):
                    data = await page.screenshot()
                    if await scene(page):
                        return keep(name, data)
            await asyncio.sleep(0.2)


def keep(name: str, data: bytes) -> None:
    """Write the picture; refuse one which is too large for a page of documentation."""
    if len(data) > LARGEST:
        raise SystemExit(f"{name} has {len(data)} bytes, at most {LARGEST} are wanted")
    (IMAGES / name).write_bytes(data)
    print(f"{name}: {len(data) // 1000} kB")


async def her_call_rings(page: Page) -> bool:
    """The VIP rings here again, others wait, and what was written about her stands there."""
    card = page.locator(".callcard")
    if not await card.filter(has_text=VIP).count():
        return False
    if await page.locator(".callcard.is-talking").count():
        await write_outcome(page)
    waiting = await page.locator(".caller").count()
    noted = await page.locator(".contact-note").count()
    past = await page.locator(".timeline .event").count()
    whole = waiting >= 3 and min(noted, past) >= 1 and not await seen(page, ".skeleton")
    return whole and await seen(page, ".callcard.is-ringing")


async def floor_is_busy(page: Page) -> bool:
    """Some wait, one with a head start; one rings, somebody talks."""
    waiting = await page.locator(".caller").count()
    talks = await page.get_by_role("cell", name="On a call").count()
    busy = waiting >= 4 and talks > 0 and await seen(page, ".caller .term")
    return busy and await seen(page, ".caller-rings")


async def word_is_lit(page: Page) -> bool:
    """The recording plays."""
    return await seen(page, ".word.is-lit")


async def seen(page: Page, selector: str) -> bool:
    """Whether there is one of these."""
    return await page.locator(selector).count() > 0


async def write_outcome(page: Page) -> None:
    """What an agent does while talking: a note, the topic, the result."""
    note = page.get_by_label("Note", exact=False).and_(page.locator("textarea"))
    if await note.input_value() == "":
        await note.fill(NOTE)
        await note.blur()
        await page.get_by_role("button", name="Billing").click()
        await page.get_by_role("button", name="Callback").click()


async def play_her_call(page: Page) -> None:
    """Open her recorded call with its outcome, and let it play."""
    await page.get_by_role("link", name="Calls", exact=True).click()
    row = page.locator("tr", has_text=VIP).filter(has_text=re.compile("Refund promised"))
    await row.filter(has=page.locator(".cell-rec .icon")).last.get_by_role("link").click()
    await page.locator(".word").first.wait_for()
    await page.locator(".word").nth(9).click()
    await page.locator(".panel-head h2").hover()


async def main() -> None:
    """All pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    flags = ["--no-sandbox", "--mute-audio", "--autoplay-policy=no-user-gesture-required"]
    async with demo() as address, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=flags)
        desks = [
            await logged_in(browser, address, who, "light") for who in ("anna", "ivan", "olga")
        ]
        floor = await logged_in(browser, address, "vera", "dark")
        await catch("desk.png", desks, her_call_rings)
        await catch("floor.png", [floor], floor_is_busy)
        history = await logged_in(browser, address, "admin", "light")
        await play_her_call(history)
        await catch("call.png", [history], word_is_lit)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
