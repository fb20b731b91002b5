"""Every scene a person may meet, in a real browser: it fits, it is labelled, and it is kept as a
picture under .cache/screenshots/ for the eyes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser import samples
from tests.browser.conftest import Desk
from tests.browser.fake_server import FakeServer, serving
from tests.browser.fixtures_browser import SCREENSHOTS, OpenPage
from tests.browser.samples import SECOND, Json, call, contact, live_me, me, now

pytestmark = pytest.mark.browser


def busy(phase: str, **more: Any) -> Json:
    activity = {"ringing": "ringing", "talking": "talking", "ended": "idle"}[phase]
    since = (4 if phase == "ringing" else 138) * SECOND
    return {
        "call": call(phase, **more),
        "me": live_me(me(), activity=activity, activity_since=now() - since),
    }


def paused() -> Json:
    until = now() + 93 * SECOND
    recording = {"id": "r-live", "state": "paused", "reason": "", "until": until}
    return busy("talking", recording=recording)


def several() -> Json:
    pop = {
        "number": samples.NUMBER,
        "match": "several",
        "customer": samples.MARINA,
        "candidates": [samples.MARINA, samples.ANTON, samples.LENA],
        "contacts": samples.CONTACTS,
        "notes": [],
    }
    return busy("ringing", pop=pop, why="")


def unknown(match: str, number: str) -> Json:
    pop = {"number": number, "match": match, "candidates": [], "contacts": [], "notes": []}
    return busy(
        "ringing", pop=pop, number=number, caller_number=number, why="waited 12 s: 2nd of 2"
    )


def wrap_up() -> Json:
    mine = live_me(me(), "wrap_up", since=now() - 12 * SECOND, until=now() + 33 * SECOND)
    saved = {
        "note": "October invoice 5501 is wrong for the second time, wants the refund this week.",
        "topic": "billing",
        "result": "",
        "saved_at": now(),
    }
    return {"call": call("ended", disposition=saved), "me": mine}


def long_names() -> Json:
    pop = {
        "number": samples.NUMBER,
        "match": "one",
        "customer": samples.LONG,
        "candidates": [],
        "contacts": [contact(2, "answered", agent="A" * 40, note="word " * 60, talked=9 * SECOND)],
        "notes": [],
    }
    path = [
        "Main menu of the whole company with a long name",
        "1 Billing and invoices",
        "2 Refunds",
    ]
    waiting = {"a": samples.waiting(samples.LONG["name"], samples.NUMBER, 4000, 120)}
    return {
        **busy("talking", pop=pop, path=path),
        "queues": {"support": {"waiting": waiting}, "a-queue-with-a-rather-long-name": {}},
    }


def nothing() -> Json:
    user = me()
    return {"me": live_me(user, "offline"), "queues": {"support": {"waiting": {}}}}


def floor() -> Json:
    queues = {
        "support": {"waiting": samples.ladder()},
        "sales": {"waiting": samples.crowd(3)},
        "partners": {"waiting": {}},
    }
    return {"queues": queues, "agents": samples.agents()}


MOMENT = "#/recordings/sw1-past-0?q=order+invoice&rec=r0&at=2.88"

SCENES: dict[str, tuple[str, str, Callable[[], Json]]] = {
    "idle": ("agent", "#/desk", dict),
    "ringing": ("agent", "#/desk", lambda: busy("ringing")),
    "talking": ("agent", "#/desk", lambda: busy("talking")),
    "paused": ("agent", "#/desk", paused),
    "wrap-up": ("agent", "#/desk", wrap_up),
    "several": ("agent", "#/desk", several),
    "unknown": ("agent", "#/desk", lambda: unknown("none", "+442079460172")),
    "anonymous": ("agent", "#/desk", lambda: unknown("anonymous", "")),
    "long": ("agent", "#/desk", long_names),
    "crowd": ("agent", "#/desk", lambda: {"queues": {"support": {"waiting": samples.crowd()}}}),
    "offline": ("agent", "#/desk", nothing),
    "link-lost": (
        "agent",
        "",
        lambda: {
            **busy("talking"),
            "links": {"sw1": samples.link() | {"up": False, "since": now() - 12 * SECOND}},
        },
    ),
    "calls": ("admin", "#/calls", floor),
    "call-panel": ("admin", "#/calls/sw1-past-0", floor),
    "recordings": ("admin", "#/recordings?q=order+invoice", floor),
    "recordings-panel": ("admin", MOMENT, floor),
    "recordings-none": ("admin", "#/recordings?q=nothing&queue=support", floor),
    "recordings-ask": ("admin", "#/recordings", floor),
    "floor": ("admin", "#/floor", floor),
    "people": ("admin", "#/people", dict),
    "people-new": ("admin", "#/people/new", dict),
}

LOOKS = {
    "light-1440": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"},
    "dark-1280": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
}

PHONE = {"viewport": {"width": 390, "height": 844}}

UNNAMED = """() =>
  [...document.querySelectorAll('button, a, input, select, textarea, [role=slider]')]
  .filter((e) => !(e.ariaLabel || e.innerText?.trim() || e.textContent.trim() || e.labels?.length
                   || e.type === 'hidden'))
  .map((e) => e.outerHTML.slice(0, 120))"""

OVERFLOW = """() => [...document.querySelectorAll('body *')]
  .filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.table-scroll'))
  .map((e) => `${e.tagName}.${e.className?.baseVal ?? e.className}`)"""


NOTHING_NEW = {"crowd", "long", "unknown", "anonymous", "offline"}
"""Scenes of the same parts as others: axe-core is not asked twice."""

AXE = Path(__file__).with_name("vendor") / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


async def complaints(page: Page) -> list[str]:
    """What a designer would see at once."""
    unnamed = [f"no name: {it}" for it in await page.evaluate(UNNAMED)]
    return unnamed + [f"beyond the edge: {it}" for it in await page.evaluate(OVERFLOW)]


async def barriers(page: Page) -> list[str]:
    """What keeps people out, by axe-core: names, roles, contrast of text (4.5:1), order."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text())
    result = await page.evaluate("(tags) => axe.run({ runOnly: tags })", RULES)
    return [
        f"{wrong['impact']} {wrong['id']}: {node['html'][:120]}"
        for wrong in result["violations"]
        for node in wrong["nodes"]
    ]


@pytest.mark.parametrize("role", ["agent", "admin"])
@pytest.mark.parametrize("look", LOOKS)
async def test_each_scene_fits_and_is_labelled(desk: Desk, look: str, role: str) -> None:
    server, page = await desk(role, **LOOKS[look], reduced_motion="reduce")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    found = {}
    for scene, (of, path, view) in SCENES.items():
        if (of == "agent") != (role == "agent"):
            continue
        await page.evaluate("(hash) => { location.hash = hash }", path)
        await server.show(view())
        await page.wait_for_timeout(250)
        await expect(page.locator(".skeleton-row:nth-child(2)")).to_have_count(0)
        await page.screenshot(path=SCREENSHOTS / f"{scene}-{look}.png")
        wrong = await complaints(page)
        if scene not in NOTHING_NEW:
            wrong += await barriers(page)
        if wrong:
            found[scene] = wrong
    assert found == {}


@pytest.mark.parametrize("colours", ["light", "dark"])
async def test_nobody_is_kept_out_at_the_door(open_page: OpenPage, colours: str) -> None:
    async with serving(FakeServer(logged_in=False)) as server:
        page = await open_page(server.url, color_scheme=colours, reduced_motion="reduce")
        await page.get_by_label("User name").fill("anna")
        await page.get_by_label("Password").fill("wrong")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("The name or the password is wrong.")).to_be_visible()
        await page.screenshot(path=SCREENSHOTS / f"login-{colours}.png")
        assert await barriers(page) == []
        await page.close()


async def test_a_phone_shows_the_floor_and_the_desk(desk: Desk) -> None:
    _, page = await desk("admin", "#/floor", view=floor(), **PHONE)
    await page.screenshot(path=SCREENSHOTS / "floor-phone.png")
    assert await complaints(page) == []
    _, page = await desk(view=busy("talking"), **PHONE)
    await page.screenshot(path=SCREENSHOTS / "talking-phone.png")
    assert await complaints(page) == []
