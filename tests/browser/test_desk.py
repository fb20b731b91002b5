"""The agent's desk, driven as a person would drive it."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.browser import samples
from tests.browser.conftest import Desk
from tests.browser.fake_server import PASSWORD
from tests.browser.samples import SECOND, call, live_me, me, now

pytestmark = pytest.mark.browser


async def test_a_ringing_call_pops_up_with_who_why_and_the_past(desk: Desk) -> None:
    server, page = await desk(path="#/calls")
    await server.patch({"call": call("ringing"), "me": {"activity": "ringing"}})
    card = page.get_by_role("region", name="The call", exact=True)
    await expect(card.get_by_role("heading")).to_have_text("Marina Ivanova")
    for words in ("VIP", "Sever Logistics", "+44 7700 900147", "1 Billing"):
        await expect(card.get_by_text(words, exact=True)).to_be_visible()
    await expect(card.get_by_text(re.compile(r"^waited 0:[3-5]\d$"))).to_be_visible()
    why = re.compile(r"^VIP \+120 s, waited [3-5]\d s: 1st of 6$")
    await expect(card.get_by_text(why)).to_be_visible()
    await expect(page.get_by_text("promised a corrected one by Monday")).to_be_visible()
    said = page.get_by_role("status").filter(has_text="Call ringing: Marina Ivanova")
    await expect(said).to_have_attribute("aria-live", "assertive")
    assert page.url.endswith("#/desk")
    assert await page.title() == "Ringing · Marina Ivanova"


async def test_one_of_several_customers_is_chosen_and_saved(desk: Desk) -> None:
    pop = {
        "number": samples.NUMBER,
        "match": "several",
        "customer": samples.MARINA,
        "candidates": [samples.MARINA, samples.ANTON],
        "contacts": [],
        "notes": [],
    }
    server, page = await desk(view={"call": call("talking", pop=pop)})
    heading = page.get_by_role("heading", level=1)
    await expect(heading).to_have_text("+44 7700 900147")
    await expect(page.get_by_text("This is the first contact")).to_have_count(0)
    await page.get_by_role("button", name="This is the caller").nth(1).click()
    await expect(heading).to_have_text("Anton Ivanov")
    await expect(page.get_by_text(re.compile(r"^Saved \d"))).to_be_visible()
    saved = server.sent("PUT", "/api/calls/sw1-live/disposition")[-1]
    assert saved == {"note": "", "topic": "", "result": "", "customer_id": 8}


async def test_done_in_three_keys_after_the_call(desk: Desk) -> None:
    mine = live_me(me(), "wrap_up", since=now(), until=now() + 45 * SECOND)
    server, page = await desk(view={"call": call("ended"), "me": mine})
    await page.keyboard.press("1")
    await page.keyboard.press("2")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Available F1")).to_have_attribute(
        "aria-pressed", "true"
    )
    saved = server.sent("PUT", "/api/calls/sw1-live/disposition")[-1]
    assert (saved["topic"], saved["result"]) == ("billing", "callback")
    assert server.sent("PUT", "/api/me/availability") == [
        {"availability": "available", "reason": ""}
    ]


async def test_a_note_saves_itself_and_says_so_only_when_it_is_true(desk: Desk) -> None:
    server, page = await desk(view={"call": call("talking")}, expected=("status of 503",))
    server.broken_saves = 1
    await page.keyboard.press("n")
    await page.keyboard.type("Wants the refund.")
    await expect(page.get_by_text("Not saved yet…")).to_be_visible()
    await expect(page.get_by_text("The disk is full. Free some space.")).to_be_visible()
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text(re.compile(r"^Saved \d"))).to_be_visible()
    assert server.view["call"]["disposition"]["note"] == "Wants the refund."


async def test_a_note_on_the_last_call_is_saved_when_the_next_one_takes_the_screen(
    desk: Desk,
) -> None:
    server, page = await desk(view={"call": call("ended")})
    await page.get_by_label("Note N").fill("Half a sentence")
    await server.patch({"call": call("ringing", call_id="sw1-next")})
    await expect(page.get_by_text("ringing · support")).to_be_visible()
    await expect(page.get_by_label("Note N")).to_have_count(0)
    await page.wait_for_timeout(100)
    saved = server.sent("PUT", "/api/calls/sw1-live/disposition")
    assert [one["note"] for one in saved] == ["Half a sentence"]


async def test_a_text_not_saved_survives_a_reload(desk: Desk) -> None:
    server, page = await desk(view={"call": call("talking")}, expected=("status of 503",))
    server.broken_saves = 99
    await page.get_by_label("Note N").fill("Do not lose me")
    await expect(page.get_by_text("Your text is kept in this tab")).to_be_visible()
    await page.reload()
    await expect(page.get_by_label("Note N")).to_have_value("Do not lose me")


async def test_my_state_by_keys_follows_the_server(desk: Desk) -> None:
    server, page = await desk()
    await page.keyboard.press("F2")
    await expect(page.get_by_role("group", name="Reason of the break")).to_be_visible()
    await page.keyboard.press("1")
    await expect(page.get_by_text("Break · Lunch")).to_be_visible()
    await page.keyboard.press("F4")
    await expect(page.get_by_text("You are offline")).to_be_visible()
    await page.keyboard.press("F1")
    await expect(page.get_by_text("Ready for the next call")).to_be_visible()
    asked = [one["availability"] for one in server.sent("PUT", "/api/me/availability")]
    assert asked == ["break", "offline", "available"]


async def test_the_waiting_list_is_in_its_order_and_moves(desk: Desk) -> None:
    server, page = await desk()
    rows = page.get_by_role("list", name="Waiting in support").get_by_role("listitem")
    await expect(rows).to_have_count(6)
    names = rows.locator("strong")
    assert (await names.all_inner_texts())[0] == "Marina Ivanova"
    first = await rows.first.get_attribute("title")
    assert first is not None
    assert first.startswith("VIP +120 s, waited ")
    assert first.endswith(": 1st of 6")
    vip = samples.waiting("Nord Trade", "+447700900101", 1, 300, tier="vip")
    await server.patch({"queues": {"support": {"waiting": {"w9": vip, "w1": None}}}})
    await expect(names.first).to_have_text("Nord Trade")
    assert "Marina Ivanova" not in await names.all_inner_texts()


async def test_a_note_on_the_customer_joins_the_timeline(desk: Desk) -> None:
    server, page = await desk(view={"call": call("talking")})
    await page.get_by_label("A note on this customer").fill("Speaks German.")
    await page.keyboard.press("Enter")
    timeline = page.get_by_role("region", name="Timeline")
    await expect(timeline.get_by_text("Speaks German.")).to_be_visible()
    assert server.sent("POST", "/api/customers/7/notes") == [{"text": "Speaks German."}]


async def test_the_shortcuts_are_one_key_away(desk: Desk) -> None:
    _, page = await desk()
    await page.keyboard.press("?")
    panel = page.get_by_role("dialog", name="Keyboard shortcuts")
    await expect(panel).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(panel).to_have_count(0)


async def test_a_text_survives_the_end_of_the_session(desk: Desk) -> None:
    server, page = await desk(view={"call": call("talking")}, expected=("status of 503",))
    server.broken_saves = 99
    await page.get_by_label("Note N").fill("Written before the night")
    await expect(page.get_by_text("Your text is kept in this tab")).to_be_visible()
    server.logged_in = False
    await server.cut(4401)
    await page.get_by_label("User name").fill("agent")
    await page.get_by_label("Password").fill(PASSWORD)
    server.broken_saves = 0
    await page.keyboard.press("Enter")
    await expect(page.get_by_text(re.compile(r"^Saved \d"))).to_be_visible()
    assert server.view["call"]["disposition"]["note"] == "Written before the night"
    await page.get_by_role("button", name="Anna Petrova").click()
    await page.get_by_role("button", name="Log out").click()
    await expect(page.get_by_label("User name")).to_be_visible()
    kept = await page.evaluate("Object.keys(sessionStorage)")
    assert [key for key in kept if key.startswith("ringdesk.draft.")] == []


async def test_two_keys_at_once_are_two_choices(desk: Desk) -> None:
    server, page = await desk(view={"call": call("ended")})
    await page.evaluate(
        "() => ['3', '2'].forEach((key) => dispatchEvent(new KeyboardEvent('keydown', { key })))"
    )
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("The outcome is saved.")).to_be_visible()
    saved = server.sent("PUT", "/api/calls/sw1-live/disposition")[-1]
    assert (saved["topic"], saved["result"]) == ("technical", "callback")


async def test_a_withheld_number_is_said_in_words_and_reasons_close_for_a_call(desk: Desk) -> None:
    server, page = await desk()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Ready for the next call")
    await page.keyboard.press("F2")
    await expect(page.get_by_role("button", name="Lunch")).to_be_visible()
    pop = {"number": "", "match": "anonymous", "candidates": [], "contacts": [], "notes": []}
    hidden = call("ringing", pop=pop, number="", caller_number="anonymous", why="Standard")
    await server.patch({"call": hidden, "me": {"activity": "ringing"}, "queues": {"support": None}})
    await expect(page.get_by_role("heading", level=1)).to_have_text("Number withheld")
    await expect(page.get_by_role("button", name="Lunch")).to_have_count(0)
    await expect(page.get_by_text("Why now")).to_have_count(0)


async def test_the_recording_is_paused_and_resumed_by_key_with_the_time_that_is_left(
    desk: Desk,
) -> None:
    server, page = await desk(view={"call": call("talking")})
    await page.keyboard.press("p")
    await expect(page.get_by_text("Recording paused")).to_be_visible()
    await expect(page.get_by_role("timer", name="Time until it goes on")).to_have_text(
        re.compile(r"goes on in (2:00|1:5\d)")
    )
    await page.get_by_role("button", name="Longer").click()
    await page.get_by_role("button", name="Resume recording P").click()
    await expect(page.get_by_text("Recording paused")).to_have_count(0)
    await expect(page.get_by_role("button", name="Pause recording P")).to_be_enabled()
    for what, times in (("pause", 2), ("resume", 1)):
        assert len(server.sent("POST", f"/api/recordings/r-live/{what}")) == times


async def test_what_is_not_recorded_cannot_be_paused_and_says_why(desk: Desk) -> None:
    server, page = await desk(view={"call": {**call("talking"), "recording": None}})
    button = page.get_by_role("button", name="Pause recording P")
    await expect(button).to_be_disabled()
    await expect(page.get_by_text("This call is not recorded.")).to_be_visible()
    failed = {"id": "r", "state": "failed", "reason": "the disk is full"}
    await server.patch({"call": {"recording": failed}})
    await expect(page.get_by_text("Not recorded: the disk is full")).to_be_visible()
    await page.keyboard.press("p")
    await page.wait_for_timeout(100)
    assert server.sent("POST", "/api/recordings/r/pause") == []
    await server.patch({"call": call("ended")})
    await expect(button).to_have_count(0)
