"""The main job, end to end: a real call on a real Asterisk, a screen in a real Chromium."""

from __future__ import annotations

import asyncio
import io
import re
import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.async_api import Page, expect

from ringdesk.demo.call import Call
from ringdesk.demo.robots import CONVERSATIONS, Lines, converse
from ringdesk.demo.rtp import tone, tone_share
from ringdesk.demo.world import PASSWORD, World
from tests.browser.fixtures_browser import SCREENSHOTS, OpenPage
from tests.pbx.fixtures_world import call_in, phones_of, until

pytestmark = [pytest.mark.pbx, pytest.mark.browser]

ANNA_ORLOVA = "+447700900151"  # tier gold in the sample customers
CUSTOMER_HZ, AGENT_HZ = 660.0, 440.0


async def log_in(open_page: OpenPage, world: World, username: str) -> Page:
    size = {"width": 1440, "height": 900}
    page = await open_page(world.address, viewport=size, base_url=world.address)
    await page.get_by_label("User name").fill(username)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    return page


async def test_a_call_from_the_ring_to_the_transcript(
    world: World, open_page: OpenPage, tmp_path: Path
) -> None:
    lines = Lines(tmp_path / "lines", world.settings.ivr.speech.command)
    await lines.speak(CONVERSATIONS[0])
    page = await log_in(open_page, world, "anna")
    async with phones_of(world, "101") as (trunk, desk):
        await expect(page.get_by_text("You are offline")).to_be_visible()
        await page.keyboard.press("F1")
        await expect(page.get_by_text("Ready for the next call")).to_be_visible()

        customer = await call_in(trunk, ANNA_ORLOVA, press="1")
        ringing = await desk.incoming(timeout=15)
        await the_pop_is_up_before_the_answer(page, ringing)
        await ringing.answer()
        await expect(page.get_by_text("recording", exact=True)).to_be_visible()
        await each_side_hears_the_other(customer, ringing)
        await converse(CONVERSATIONS[0], {"customer": customer, "agent": ringing}, lines)
        await page.screenshot(path=SCREENSHOTS / "story-talking.png")
        await customer.hangup()
        await ringing.ended(timeout=5)

        await an_outcome_is_saved(page)
        await the_history_has_it_all(page, world)


async def the_pop_is_up_before_the_answer(page: Page, ringing: Call) -> None:
    card = page.get_by_role("region", name="The call")
    await expect(card.get_by_role("heading", name="Anna Orlova")).to_be_visible()
    await expect(card.get_by_text("Gold", exact=True)).to_be_visible()
    await expect(card.get_by_text("Billing and support")).to_be_visible()
    await expect(card.get_by_text(re.compile(r"Gold \+\d+ s"))).to_be_visible()
    assert not ringing.is_answered
    await page.screenshot(path=SCREENSHOTS / "story-ringing.png")


async def each_side_hears_the_other(customer: Call, agent: Call) -> None:
    tones = {customer.play(tone(CUSTOMER_HZ, 1.5)), agent.play(tone(AGENT_HZ, 1.5))}
    await until(
        lambda: tone_share(agent.media.heard(0.3), CUSTOMER_HZ) > 0.9, "the customer's tone"
    )
    await until(lambda: tone_share(customer.media.heard(0.3), AGENT_HZ) > 0.9, "the agent's tone")
    await asyncio.wait(tones)  # to their ends: the recording is asked for them, too


async def an_outcome_is_saved(page: Page) -> None:
    await expect(page.get_by_text("ended")).to_be_visible()
    await page.get_by_label("Note", exact=False).first.fill("Wants the October refund on Friday")
    await page.get_by_role("button", name="Billing").click()
    await expect(page.get_by_text("Saved", exact=False)).to_be_visible()
    await page.screenshot(path=SCREENSHOTS / "story-ended.png")


async def the_history_has_it_all(page: Page, world: World) -> None:
    row = (await world.server.core.history.newest(limit=1))[0]
    assert (row.outcome, row.agent, row.queue) == ("answered", "PJSIP/101", "support")
    assert row.menu_path == "Billing and support"
    assert row.note == "Wants the October refund on Friday"
    assert row.customer_id is not None
    await page.goto(f"{world.address}/#/calls/{row.call_id}")
    panel = page.get_by_role("dialog")
    for spoken in ("refund", "invoice"):
        await expect(panel.get_by_text(spoken).first).to_be_visible(timeout=20_000)
    await page.screenshot(path=SCREENSHOTS / "story-history.png")
    await the_recording_keeps_the_sides_apart(page, row.call_id)


async def the_recording_keeps_the_sides_apart(page: Page, call_id: str) -> None:
    api = page.context.request
    call = (await (await api.get(f"/api/calls/{call_id}")).json())["call"]
    recording = call["recordings"][0]
    audio = f"/api/recordings/{recording['id']}/audio"
    part = await api.get(audio, headers={"Range": "bytes=0-43"})
    assert (part.status, len(await part.body())) == (206, 44)
    with wave.open(io.BytesIO(await (await api.get(audio)).body())) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, 8000)
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)
    customer, agent = samples[:, 0], samples[:, 1]
    assert purest(customer, CUSTOMER_HZ) > 0.8 > purest(customer, AGENT_HZ)
    assert purest(agent, AGENT_HZ) > 0.8 > purest(agent, CUSTOMER_HZ)


def purest(side: NDArray[np.int16], hz: float) -> float:
    """The tone's share where it is heard best: when the recording began depends on the machine."""
    return max(tone_share(side[at : at + 1600], hz) for at in range(0, 24_000, 400))
