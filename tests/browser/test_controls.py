"""The bar of the call in hand, driven as a person would drive it."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Desk
from tests.browser.fixtures_browser import SCREENSHOTS
from tests.browser.samples import call, now

pytestmark = pytest.mark.browser

TRANSFER, MUTE, HANGUP, DIGITS = (
    f"/api/calls/sw1-live/{what}" for what in ("transfer", "mute", "hangup", "digits")
)


def bar(page: Page) -> Locator:
    return page.get_by_role("region", name="The call in hand")


async def test_a_call_is_handed_on_by_keyboard_and_only_once(desk: Desk) -> None:
    server, page = await desk(view={"call": call("talking")})
    await page.keyboard.press("t")
    field = page.get_by_placeholder("Colleague, queue, extension or number")
    await expect(field).to_be_focused()
    await expect(page.get_by_role("button", name=re.compile("^Ivan.*Available"))).to_be_visible()
    gone = page.get_by_role("button", name=re.compile("^Vera.*not registered"))
    await expect(gone).to_be_disabled()
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for theme in ("light", "dark"):
        await page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        await page.screenshot(path=SCREENSHOTS / f"controls-{theme}.png")
    server.control_answers.clear()
    await page.keyboard.type("ivan")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await expect(bar(page).get_by_role("button", name="Hang up")).to_be_disabled()
    await expect(bar(page).get_by_role("button", name="Hand on").first).to_have_attribute(
        "aria-busy", "true"
    )
    server.control_answers.set()
    await expect(page.get_by_text("Handed on: Ivan Todorov.")).to_be_visible()
    await expect(bar(page)).to_have_count(0)
    sent = server.sent("POST", TRANSFER)
    assert [(one["kind"], one["to"]) for one in sent] == [("agent", "PJSIP/102")]
    assert len(sent[0]["request_id"]) >= 8


async def test_a_number_is_typed_and_a_refusal_says_the_cure(desk: Desk) -> None:
    server, page = await desk(view={"call": call("talking")}, expected=("status of 409",))
    server.control_refused = ("the PBX has no context", "Paste the dialplan anew.")
    await page.keyboard.press("t")
    await expect(page.get_by_placeholder("Colleague, queue")).to_be_focused()
    await page.keyboard.type("+44 20 7946 0999")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Paste the dialplan anew.")).to_be_visible()
    await expect(page.get_by_text("Handed on:")).to_have_count(0)
    assert server.sent("POST", TRANSFER)[0]["to"] == "+44 20 7946 0999"
    await page.keyboard.press("Escape")
    await expect(page.get_by_placeholder("Colleague, queue")).to_have_count(0)


async def test_mute_keypad_and_hang_up(desk: Desk) -> None:
    server, page = await desk(view={"call": call("talking")})
    await page.keyboard.press("m")
    await expect(page.get_by_text("Muted: the caller does not hear you.")).to_be_visible()
    await bar(page).get_by_role("button", name="Unmute").click()
    await expect(page.get_by_text("Muted: the caller")).to_have_count(0)
    assert server.sent("PUT", MUTE) == [{"muted": True}, {"muted": False}]
    await page.keyboard.press("k")
    await page.get_by_role("button", name="4", exact=True).click()
    await page.keyboard.press("2")
    await page.keyboard.press("#")
    await expect(page.get_by_text("42#")).to_be_visible()
    await page.screenshot(path=SCREENSHOTS / "controls-keypad.png")
    assert [one["digits"] for one in server.sent("POST", DIGITS)] == ["4", "2", "#"]
    assert server.view["call"]["disposition"] is None  # the digits chose no topic
    await page.keyboard.press("Shift+H")
    await expect(bar(page)).to_have_count(0)
    assert len(server.sent("POST", HANGUP)) == 1


async def test_what_the_pbx_cannot_do_is_disabled_with_its_reason(desk: Desk) -> None:
    server, page = await desk()
    cure = "Paste the output of `ringdesk asterisk-config` anew"
    reason = "the PBX has no context ringdesk-to-agent"
    server.missing = [{"action": "transfer", "reason": reason, "cure": cure}]
    await server.patch({"call": call("talking")})
    await expect(bar(page).get_by_role("button", name="Hand on")).to_be_disabled()
    await expect(bar(page).get_by_text(cure)).to_be_visible()
    await page.keyboard.press("t")
    await expect(page.get_by_placeholder("Colleague, queue")).to_have_count(0)
    await expect(bar(page).get_by_role("button", name="Mute")).to_be_enabled()
    await server.patch({"links": {"sw1": {"up": False}}})
    for name in ("Hand on", "Mute", "Keypad", "Hang up"):
        await expect(bar(page).get_by_role("button", name=name)).to_be_disabled()


async def test_who_gets_the_call_sees_who_handed_it_on_and_the_note(desk: Desk) -> None:
    server, page = await desk()
    handed = {"by": "Anna Petrova", "at": now(), "note": "Wants the invoice of May."}
    await server.patch({"call": call("ringing", handed=handed)})
    card = page.get_by_role("region", name="Handed on to you")
    await expect(card.get_by_text("Handed on by Anna Petrova")).to_be_visible()
    await expect(card.get_by_text("Wants the invoice of May.")).to_be_visible()
    await page.screenshot(path=SCREENSHOTS / "controls-handed.png")


async def test_a_colleague_is_asked_first(desk: Desk) -> None:
    server, page = await desk(view={"call": call("talking")})
    await page.keyboard.press("t")
    await page.get_by_role("button", name="Ask Ivan Todorov first").click()
    await expect(bar(page).get_by_text("You are asking Ivan Todorov.")).to_be_visible()
    await page.screenshot(path=SCREENSHOTS / "controls-consult.png")
    await page.keyboard.press("b")
    await expect(bar(page).get_by_role("button", name="Mute")).to_be_visible()
    await page.keyboard.press("t")
    await page.get_by_role("button", name="Ask Ivan Todorov first").click()
    await bar(page).get_by_role("button", name="Hand the caller on").click()
    await expect(bar(page)).to_have_count(0)
    base = "/api/calls/sw1-live/consult"
    assert [one["agent"] for one in server.sent("POST", base)] == ["PJSIP/102"] * 2
    assert len(server.sent("POST", f"{base}/back")) == 1
    assert len(server.sent("POST", f"{base}/complete")) == 1
