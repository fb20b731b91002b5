"""The ladder of a call, in a real browser: drawn, walked by keys, and told as tables."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Desk
from tests.browser.fixtures_browser import SCREENSHOTS
from tests.browser.test_scenes import barriers

pytestmark = pytest.mark.browser
LADDER = "#/calls/sw1-past-0/ladder"


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_a_call_is_drawn_walked_by_keys_and_told_as_tables(desk: Desk, theme: str) -> None:
    _, page = await desk("admin", "#/calls/sw1-past-0", color_scheme=theme)
    await page.get_by_role("link", name="See it as a ladder").click()
    await expect(page).to_have_url(re.compile(re.escape(LADDER) + "$"))
    rungs = page.locator(".rung")
    await expect(rungs).to_have_count(21)
    assert await page.locator(".ladder-lane").all_inner_texts() == [
        "Customer",
        "Menu",
        "Queue support",
        "Ivan Todorov",
        "Anna Petrova",
    ]
    assert await page.locator(".ladder-drawing .bar-talk").count() == 2
    await page.get_by_role("button", name="Show AMI messages").click()
    await rungs.first.focus()
    await page.keyboard.press("Enter")
    for _ in range(4):
        await page.keyboard.press("ArrowDown")
    await expect(rungs.nth(4)).to_be_focused()
    await expect(rungs.nth(4)).to_have_attribute("aria-pressed", "true")
    await expect(page.get_by_text("Event: QueueCallerJoin")).to_be_visible()
    assert await barriers(page) == []
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=SCREENSHOTS / f"ladder-{theme}.png")
    await page.get_by_role("button", name="Tables").click()
    talk = page.locator("tr", has=page.get_by_role("cell", name="Talk", exact=True)).first
    await expect(talk).to_contain_text("6.000 s")
    assert await barriers(page) == []


async def test_a_step_of_a_wait_says_why_the_caller_stood_there(desk: Desk) -> None:
    _, page = await desk("supervisor", LADDER)
    await expect(page.locator(".place-why")).to_have_count(0)
    await page.locator(".rung", has_text="Moved in queue").first.click()
    why = page.locator(".place-why")
    await expect(why.locator("li")).to_have_text(
        [
            "must be served, Standard, waited 900 s: 1st of 4",
            "VIP +120 s, waited 12 s: 2nd of 4",
            "Standard, waited 70 s: 3rd of 4",
        ]
    )
    await expect(why).to_contain_text("default@1f4c09ae")
    assert await barriers(page) == []
    await page.screenshot(path=SCREENSHOTS / "policy-ladder-why.png")
    await page.locator(".rung").first.click()
    await expect(why).to_have_count(0)


async def test_messages_are_an_admins(desk: Desk) -> None:
    _, page = await desk("supervisor", LADDER)
    await expect(page.locator(".rung").first).to_be_visible()
    assert await page.get_by_role("button", name="Show AMI messages").count() == 0
