"""The policy lab in a real browser on the true server: try out, look, publish, take back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.fixtures_browser import SCREENSHOTS, OpenPage
from tests.browser.test_scenes import barriers
from tests.unit.dashboard.house import PASSWORD, House, open_house
from tests.unit.dashboard.lab_files import POLICY

pytestmark = pytest.mark.browser
CONFIG = Path(__file__).resolve().parents[2] / "config"
MORE = POLICY.replace("head_start = 60", "head_start = 300\ntarget = 30")


async def opened(house: House, open_page: OpenPage, username: str, **context: object) -> Page:
    """The lab's page, after logging in."""
    context.setdefault("viewport", {"width": 1440, "height": 1100})
    page = await open_page(f"{house.origin}/#/lab", **context)
    await page.get_by_label("User name").fill(username)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("heading", name="Policy lab")).to_be_visible()
    await expect(page.get_by_label("Policy", exact=True)).to_have_value(POLICY)
    return page


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_a_policy_is_tried_published_and_taken_back(
    open_page: OpenPage, tmp_path: Path, theme: str
) -> None:
    async with open_house(tmp_path) as house:
        shutil.copy(CONFIG / "lab" / "weekday.toml", tmp_path / "lab")
        await house.user("ada", "admin")
        page = await opened(house, open_page, "ada", color_scheme=theme)
        publish = page.get_by_role("button", name="Publish")
        await expect(publish).to_be_disabled()
        await page.get_by_label("Policy", exact=True).fill(MORE)
        await page.get_by_label("Try it on").select_option("weekday")
        await page.get_by_label("Callers").select_option("1.25")
        await page.get_by_label("Days to play").select_option("5")
        await page.get_by_role("button", name="Try it out").click()
        gold = page.get_by_role("region", name="gold", exact=True)
        await expect(gold).to_be_visible(timeout=60_000)
        await expect(gold.locator(".lab-bar")).to_have_count(4)
        await expect(gold.get_by_text("points in target")).to_be_visible()
        assert await gold.locator(".lab-curve .lab-line").count() == 4
        row = gold.get_by_role("row").filter(has_text="Edited")
        await expect(row).to_contain_text("%")
        assert await barriers(page) == []
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=SCREENSHOTS / f"lab-{theme}.png", full_page=True)
        await publish.click()
        await expect(page.get_by_text("is in force.")).to_be_visible()
        assert (tmp_path / "policy.toml").read_text() == MORE
        await expect(page.get_by_text("by ada")).to_be_visible()
        await expect(page.get_by_text("the file was edited")).to_be_visible()
        await page.screenshot(path=SCREENSHOTS / f"lab-published-{theme}.png", full_page=True)
        await page.get_by_role("button", name="Undo").click()
        await expect(page.get_by_text("brought back by ada")).to_be_visible()
        assert (tmp_path / "policy.toml").read_text() == POLICY
        await expect(page.get_by_label("Policy", exact=True)).to_have_value(POLICY)


async def test_a_mistake_is_shown_at_its_line(open_page: OpenPage, tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await house.user("ada", "admin")
        page = await opened(house, open_page, "ada")
        broken = POLICY.replace('when = { tier = ["gold"] }', 'when = "teir == \\"gold\\""')
        await page.get_by_label("Policy", exact=True).fill(broken)
        await page.get_by_role("button", name="Line 7").click()
        chosen = "() => { const a = document.activeElement; return a.value.slice(a.selectionStart, a.selectionEnd); }"  # noqa: E501
        assert (await page.evaluate(chosen)).startswith("when = ")
        await expect(page.get_by_role("button", name="Try it out")).to_be_disabled()
        assert await barriers(page) == []
        await page.screenshot(path=SCREENSHOTS / "lab-mistake.png")
        await page.get_by_role("button", name="Back to the one in force").click()
        await expect(page.get_by_role("button", name="Try it out")).to_be_enabled()


async def test_a_trial_is_cancelled_and_managers_do_not_publish(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with open_house(tmp_path) as house:
        load = (tmp_path / "lab" / "short.toml").read_text()
        (tmp_path / "lab" / "short.toml").write_text(load.replace("per_hour = ", "per_hour = 90"))
        await house.user("max", "manager")
        page = await opened(house, open_page, "max", viewport={"width": 420, "height": 900})
        assert await page.get_by_role("button", name="Publish").count() == 0
        await page.get_by_label("Days to play").select_option("5")
        await page.get_by_role("button", name="Try it out").click()
        await page.get_by_role("button", name="Cancel").click()
        await expect(page.get_by_text("Cancelled.")).to_be_visible()
        assert await barriers(page) == []
        await page.screenshot(path=SCREENSHOTS / "lab-phone.png")
