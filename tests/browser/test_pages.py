"""Calls, recordings, the floor, people."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.browser import samples
from tests.browser.conftest import Desk
from tests.browser.fixtures_browser import SCREENSHOTS
from tests.browser.test_scenes import barriers

pytestmark = pytest.mark.browser


async def test_the_history_goes_on_and_filters_live_in_the_address(desk: Desk) -> None:
    server, page = await desk("supervisor", "#/calls")
    rows = page.locator("tbody tr")
    await expect(rows).to_have_count(50)
    await rows.last.scroll_into_view_if_needed()
    await expect(rows).to_have_count(100)
    await page.get_by_label("Outcome").select_option("abandoned")
    await expect(rows).to_have_count(24)
    assert "outcome=abandoned" in page.url
    await page.keyboard.press("Escape")
    await page.locator("h1").click()
    await page.keyboard.press("/")
    await page.keyboard.type("nobody at all")
    await expect(page.get_by_text("No such call")).to_be_visible()
    assert server.received == []


async def test_a_call_opens_its_steps_and_its_recording_by_word(desk: Desk) -> None:
    _, page = await desk("supervisor", "#/calls")
    await page.locator("tbody tr").first.get_by_role("link").click()
    panel = page.get_by_role("dialog", name="Marina Ivanova")
    await expect(panel.get_by_text("Moved from 6th to 1st")).to_be_visible()
    await expect(panel.locator(".wave-agent")).to_have_attribute("d", re.compile("M0.5 49 v-"))
    await panel.get_by_role("button", name="order", exact=True).click()
    slider = panel.get_by_role("slider", name="Position in the recording")
    await expect(panel.get_by_role("button", name="Pause")).to_be_visible()
    await expect(panel.locator(".word.is-lit")).to_have_text(
        re.compile("order|number|please|Five|five|zero|one")
    )
    await page.keyboard.press("Escape")
    await expect(panel).to_have_count(0)
    assert await slider.count() == 0


async def test_what_nobody_heard_is_marked_and_explained(desk: Desk) -> None:
    _, page = await desk("supervisor", "#/calls")
    seen, told = page.locator("tbody tr").nth(0), page.locator("tbody tr").nth(1)
    await expect(told.get_by_text("Reconstructed")).to_have_count(1)
    await expect(seen.get_by_text("Reconstructed")).to_have_count(0)
    await expect(told.get_by_title("Ringdesk was not listening then")).to_be_visible()
    await told.get_by_role("link").click()
    panel = page.get_by_role("dialog")
    await expect(panel.get_by_text("Ringdesk was not listening all the while")).to_be_visible()
    marked = panel.locator(".steps li", has=page.get_by_text("Reconstructed"))
    await expect(marked).to_have_count(4)
    assert await barriers(page) == []
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=SCREENSHOTS / "reconstructed.png")
    await panel.get_by_role("link", name="See it as a ladder").click()
    await expect(page.locator(".rung", has=page.get_by_text("Reconstructed"))).to_have_count(3)
    await page.screenshot(path=SCREENSHOTS / "reconstructed-ladder.png")


async def test_the_keyboard_plays_seeks_and_changes_the_speed(desk: Desk) -> None:
    _, page = await desk("supervisor", "#/calls/sw1-past-0")
    slider = page.get_by_role("slider")
    await expect(page.locator(".wave-agent")).to_be_attached()
    await page.keyboard.press("ArrowRight")
    await expect(slider).to_have_attribute("aria-valuenow", "5")
    await page.keyboard.press("ArrowLeft")
    await expect(slider).to_have_attribute("aria-valuenow", "0")
    await page.keyboard.press(">")
    await expect(page.get_by_text("1.25×")).to_be_visible()
    await page.keyboard.press("Space")
    await expect(page.get_by_role("button", name="Pause")).to_be_visible()
    await expect(slider).to_have_attribute("aria-valuenow", re.compile("[1-6]"), timeout=4_000)


async def test_a_recording_that_was_changed_says_so(desk: Desk) -> None:
    server, page = await desk("supervisor", "#/calls/sw1-past-0")
    panel = page.get_by_role("dialog", name="Marina Ivanova")
    await expect(panel.get_by_text("as it was stored")).to_be_visible()
    await page.keyboard.press("Escape")
    server.custody = "changed"
    await page.locator("tbody tr").first.get_by_role("link").click()
    await expect(panel.get_by_text("This is not what was stored")).to_be_visible()
    await expect(panel.get_by_text("as it was stored")).to_have_count(0)
    await expect(panel.get_by_role("button", name="Play")).to_be_enabled()


async def test_what_was_said_is_found_by_keyboard_and_heard_at_its_moment(desk: Desk) -> None:
    server, page = await desk("supervisor", "#/recordings")
    await expect(page.get_by_text("Find what was said")).to_be_visible()
    await page.keyboard.press("/")
    await page.keyboard.type("order")
    await expect(page.locator(".found")).to_have_count(20)
    await expect(page.locator(".hit mark").first).to_have_text("order")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowUp")
    await expect(page.locator(".hit").first).to_be_focused()
    await page.keyboard.press("Enter")
    panel = page.get_by_role("dialog", name="Marina Ivanova")
    await expect(panel.get_by_role("button", name="Pause")).to_be_visible()
    slider = panel.get_by_role("slider", name="Position in the recording")
    await expect(slider).to_have_attribute("aria-valuenow", re.compile("[4-6]"))
    await expect(panel.locator(".word.is-lit")).to_have_text(
        re.compile("order|number|please|Five|five|zero|one")
    )
    await page.keyboard.press("Escape")
    await expect(panel).to_have_count(0)
    await expect(page.locator(".hit").first).to_be_focused()
    await page.get_by_label("Who said it").select_option("customer")
    await expect(page.get_by_text("Nobody said this")).to_be_visible()
    await page.keyboard.press("/")
    await page.keyboard.press("Control+a")
    await page.keyboard.type('"five five"')
    await expect(page.locator(".found").first).to_be_visible()
    assert server.sent("GET", "/api/recordings")[-1] == {"q": '"five five"', "speaker": "customer"}
    await page.locator(".found").last.scroll_into_view_if_needed()
    await expect(page.locator(".found")).to_have_count(40)


async def test_a_shared_moment_waits_to_be_played(desk: Desk) -> None:
    _, page = await desk("supervisor", "#/recordings/sw1-past-0?q=order&rec=r0&at=4")
    panel = page.get_by_role("dialog", name="Marina Ivanova")
    slider = panel.get_by_role("slider", name="Position in the recording")
    await expect(slider).to_have_attribute("aria-valuenow", "4")
    await expect(panel.get_by_role("button", name="Play")).to_be_visible()


async def test_the_floor_counts_and_names(desk: Desk) -> None:
    view = {"agents": samples.agents(), "queues": {"support": {"waiting": samples.ladder()}}}
    server, page = await desk("supervisor", "#/floor", view=view)
    figures = await page.locator(".figure strong").all_inner_texts()
    assert [figures[0], *figures[2:]] == ["6", "1", "2"]
    assert re.fullmatch(r"\d+:\d\d", figures[1])
    anna = page.get_by_role("row").filter(has_text="Anna Petrova")
    await expect(anna).to_contain_text("On a call")
    await server.patch({"agents": {"PJSIP/101": {"activity": "idle", "name_of_customer": ""}}})
    await expect(anna).to_contain_text("Free")


async def test_a_supervisor_moves_a_caller_with_a_reason_and_takes_it_back(desk: Desk) -> None:
    view = {"queues": {"support": {"waiting": samples.ladder()}}}
    server, page = await desk("supervisor", "#/floor", view=view)
    names = page.locator(".caller-name strong")
    assert (await names.all_inner_texts())[:2] == ["Marina Ivanova", "+44 20 7946 0172"]
    opener = page.get_by_role("button", name="Move Elena Smirnova", exact=True)
    form = page.get_by_role("form", name="Move Elena Smirnova")
    await opener.press("Enter")
    await expect(form.get_by_role("textbox")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(opener).to_be_focused()
    await opener.press("Enter")
    front = form.get_by_role("button", name="To the front")
    await expect(front).to_be_disabled()
    await expect(form.get_by_role("textbox")).to_be_focused()
    await page.keyboard.type("her ship sails at six")
    await page.screenshot(path=SCREENSHOTS / "policy-floor-move.png")
    assert await barriers(page) == []
    await front.click()
    await expect(names.first).to_have_text("Elena Smirnova")
    first = page.locator(".caller").first
    await expect(first).to_contain_text("moved to the front by sam: her ship sails at six")
    await page.screenshot(path=SCREENSHOTS / "policy-floor-moved.png")
    await first.get_by_role("button", name="Undo the move of Elena Smirnova").click()
    await expect(names.first).to_have_text("Marina Ivanova")
    sent = [body for method, path, body in server.received if path.endswith("/place")]
    assert [(body["placed"], bool(body["reason"])) for body in sent] == [
        ("front", True),
        ("", True),
    ]


async def test_an_agent_moves_nobody(desk: Desk) -> None:
    view = {"queues": {"support": {"waiting": samples.ladder()}}}
    _, page = await desk("agent", view=view)
    await expect(page.locator(".caller").first).to_be_visible()
    await expect(page.get_by_role("button", name="Move")).to_have_count(0)


async def test_the_order_follows_the_time(desk: Desk) -> None:
    """Urgency and a ceiling put callers past others, without a word from the server."""
    first = samples.waiting("First", "+447700900121", 20)
    urgent = samples.waiting("Urgent", "+447700900122", 8, urgency=100, target=10)
    waiting = {"a": first, "b": urgent}
    server, page = await desk(
        "supervisor", "#/floor", view={"queues": {"support": {"waiting": waiting}}}
    )
    names = page.locator(".caller-name strong")
    await expect(names).to_have_text(["Urgent", "First"])
    await expect(page.locator(".caller").first).to_contain_text("target 10 s")
    ceiling = samples.waiting("Ceiling", "+447700900123", 7, ceiling=11)
    await server.show({"queues": {"support": {"waiting": {**waiting, "c": ceiling}}}})
    await expect(names).to_have_text(["Ceiling", "Urgent", "First"])
    await expect(page.locator(".caller").first).to_contain_text("must be served")


async def test_who_is_to_be_called_back_can_be_cancelled(desk: Desk) -> None:
    server, page = await desk("supervisor", "#/floor")
    await expect(page.get_by_role("region", name="To be called back")).to_have_count(0)
    since = samples.now() - 754 * samples.SECOND
    row = {"queue": "support", "reason": "", "asked_by": "menu", "attempts": 0, "not_before": 0}
    row |= {"requested_at": since, "call_id": "", "called_as": ""}
    marina = {"callback_id": "1a", "number": "+447700900147", "name": "Marina Ivanova"}
    other = {"callback_id": "2b", "number": "+447700900152", "name": ""}
    tried = {"state": "due", "reason": "outside of the hours (calendar office)"}
    server.callbacks[:] = [row | marina | {"state": "requested"}, row | other | tried]
    await page.reload()
    section = page.get_by_role("region", name="To be called back")
    line = section.get_by_role("row").filter(has_text="Marina Ivanova")
    await expect(line.get_by_text("12:3")).to_be_visible()
    await expect(section.get_by_text("outside of the hours")).to_be_visible()
    await page.screenshot(path=SCREENSHOTS / "callbacks.png", full_page=True)
    await line.get_by_role("button", name="Cancel the callback of Marina Ivanova").press("Enter")
    await expect(line.get_by_role("button", name="Keep it")).to_be_focused()
    await page.screenshot(path=SCREENSHOTS / "callbacks-sure.png")
    assert await barriers(page) == []
    assert server.sent("POST", "/api/callbacks/1a/cancel") == []
    await line.get_by_role("button", name="Cancel it").click()
    await expect(line).to_have_count(0)
    assert server.sent("POST", "/api/callbacks/1a/cancel") == [None]


async def test_a_person_is_added_with_a_password_shown_once(desk: Desk) -> None:
    server, page = await desk("admin", "#/people")
    await page.get_by_role("button", name="Add a person").click()
    panel = page.get_by_role("dialog", name="Add a person")
    await panel.get_by_label("Name", exact=True).fill("Nina Orlova")
    await panel.get_by_label("User name").fill("nina")
    await panel.get_by_label("Phone").fill("PJSIP/109")
    await panel.get_by_label("Queues").fill("support, sales")
    await panel.get_by_role("button", name="Add").click()
    await expect(panel.get_by_text("lake-otter-piano-42")).to_be_visible()
    assert server.sent("POST", "/api/users") == [
        {
            "name": "Nina Orlova",
            "username": "nina",
            "role": "agent",
            "agent": "PJSIP/109",
            "queues": ["support", "sales"],
            "password": None,
        }
    ]
    await page.keyboard.press("Escape")
    await expect(page.get_by_text("lake-otter-piano-42")).to_have_count(0)
    row = page.get_by_role("row").filter(has_text="nina")
    await row.get_by_role("button", name="Deactivate").click()
    await expect(row.get_by_text("inactive")).to_be_visible()
    await page.get_by_role("button", name="Undo").click()
    await expect(row.get_by_text("active", exact=True)).to_be_visible()


async def test_each_role_sees_its_pages_only(desk: Desk) -> None:
    pages = {}
    for role in ("agent", "supervisor", "admin"):
        _, page = await desk(role, "#/people")
        pages[role] = await page.get_by_role("navigation").get_by_role("link").all_inner_texts()
    assert pages == {
        "agent": ["Desk", "Calls", "Recordings"],
        "supervisor": ["Floor", "Calls", "Recordings", "Lab"],
        "admin": ["Floor", "Calls", "Recordings", "Lab", "People"],
    }


async def test_the_theme_is_kept(desk: Desk) -> None:
    _, page = await desk(color_scheme="light")
    await page.get_by_role("button", name="Theme: as the system").click()
    await page.get_by_role("button", name="Theme: light").click()
    await page.reload()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(14, 15, 18)"
    )


async def test_an_open_call_gets_its_recording_and_words_when_they_are_ready(desk: Desk) -> None:
    server, page = await desk("supervisor")
    recording = server.calls[0]["recordings"][0]
    ready = dict(recording)
    recording.update(state="recording", transcript="none", seconds=0.0)
    await page.evaluate("location.hash = '#/calls/sw1-past-0'")
    panel = page.get_by_role("dialog", name="Marina Ivanova")
    await expect(panel.get_by_text("recording.")).to_be_visible()
    recording.update(ready, transcript="pending")
    await expect(panel.get_by_role("slider")).to_be_visible()
    await expect(panel.get_by_text("The transcript is being written")).to_be_visible()
    recording.update(ready)
    await expect(panel.locator(".word").first).to_be_visible()
    await expect(panel.get_by_role("slider")).to_have_attribute("aria-valuemax", "6")


async def test_a_question_given_up_is_no_answer(desk: Desk) -> None:
    _, page = await desk()
    told = await page.evaluate(
        """async () => {
          const { get } = await import('/static/api.js');
          window.fetch = async (_, { signal }) => new Response(new ReadableStream({
            start: (body) => signal.addEventListener('abort', () => body.error(signal.reason)) }));
          const stop = new AbortController();
          const asked = get('/calls', stop.signal).then(() => 'an answer', (error) => error.name);
          setTimeout(() => stop.abort(), 50);
          return asked;
        }"""
    )
    assert told == "AbortError"
