"""The live link: merge patches, gaps, losses, and what the page says meanwhile."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.async_api import expect

from dashboard.merge_patch import apply
from tests.browser import samples
from tests.browser.conftest import Desk
from tests.browser.fake_server import PASSWORD
from tests.browser.samples import live_me, me, now

pytestmark = pytest.mark.browser

RFC_7396_CASES = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]
"""Appendix A of RFC 7396."""

MERGE = """async (pairs) => {
  const { merge } = await import('/static/merge.js');
  return pairs.map(([target, patch]) => merge(target, patch));
}"""

KEYS = st.sampled_from(["a", "b", "c", "constructor", "toString"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


async def test_the_page_merges_as_the_server_does(desk: Desk) -> None:
    _, page = await desk()
    pairs = [(target, patch) for target, patch, _ in RFC_7396_CASES]
    assert await page.evaluate(MERGE, pairs) == [result for *_, result in RFC_7396_CASES]
    drawn: list[tuple[object, object]] = []

    @given(st.tuples(VALUES, VALUES))
    def draw(pair: tuple[object, object]) -> None:
        drawn.append(pair)

    draw()
    merged = await page.evaluate(MERGE, json.loads(json.dumps(drawn)))
    assert merged == [apply(target, patch) for target, patch in drawn]


async def test_a_lost_delta_is_noticed_and_made_good(desk: Desk) -> None:
    server, page = await desk()
    await server.patch({"today": {"calls": 41}}, lose=True)
    await server.patch({"today": {"missed": 7}})
    await expect(page.locator(".figures dd")).to_have_text(["41", "1:38:20", "7"])
    assert server.resyncs == 1


async def test_a_lost_socket_is_said_and_comes_back_as_a_fresh_snapshot(desk: Desk) -> None:
    server, page = await desk(expected=("WebSocket connection", "status of 503"))
    server.refuse_sockets = True
    await server.cut()
    bar = page.get_by_role("alert").filter(has_text="No word from Ringdesk.")
    await expect(bar).to_be_visible()
    await expect(bar.get_by_text("for 0:0")).to_be_visible()
    await expect(page.get_by_role("button", name="Break… F2")).to_be_disabled()
    await expect(page.get_by_text("Not connected: your state can change")).to_be_visible()
    server.view["today"]["calls"] = 99
    server.refuse_sockets = False
    await expect(page.get_by_text("PBX live")).to_be_visible(timeout=10_000)
    await expect(page.locator(".figures dd").first).to_have_text("99")
    await expect(bar).to_have_count(0)


async def test_a_lost_pbx_is_said_and_actions_tell_why_not(desk: Desk) -> None:
    server, page = await desk()
    await server.patch({"links": {"sw1": {"up": False, "since": now() - 12_000_000}}})
    bar = page.get_by_role("alert").filter(has_text="Ringdesk has lost the PBX.")
    await expect(bar.get_by_text("for 0:1")).to_be_visible()
    await page.keyboard.press("F4")
    await expect(page.get_by_text("The PBX is not reachable: your state")).to_be_visible()
    assert server.sent("PUT", "/api/me/availability") == []
    await server.patch({"links": {"sw1": {"up": True, "since": now()}}})
    await expect(bar).to_have_count(0)


async def test_of_two_pbxs_one_may_be_lost_while_the_other_works_on(desk: Desk) -> None:
    links = {"east": samples.link(), "west": samples.link(first=False)}
    callers = samples.ladder()
    for number, caller in enumerate(callers.values()):
        caller["switch"] = "west" if number % 2 else "east"
    server, page = await desk(view={"links": links, "queues": {"support": {"waiting": callers}}})
    await expect(page.get_by_role("region", name="Waiting in support · east")).to_be_visible()
    await expect(page.get_by_role("region", name="Waiting in support · west")).to_be_visible()
    await server.patch({"links": {"west": {"up": False, "since": now() - 12_000_000}}})
    bar = page.get_by_role("alert").filter(has_text="Ringdesk has lost the PBX west.")
    await expect(bar.get_by_text("for 0:1")).to_be_visible()
    await expect(page.get_by_text("1 of 2 PBXs live")).to_be_visible()
    await expect(page.get_by_role("button", name="Break… F2")).to_be_enabled()
    await server.patch({"me": {"agent": "west:PJSIP/101"}})
    await expect(page.get_by_role("button", name="Break… F2")).to_be_disabled()
    await server.patch({"links": {"east": {"up": False, "since": now() - 2_000_000}}})
    await expect(page.get_by_role("alert").get_by_text("lost the PBX")).to_have_count(2)
    await expect(page.get_by_text("Link lost")).to_be_visible()


async def test_a_session_that_ended_leads_to_the_log_in(desk: Desk) -> None:
    server, page = await desk()
    server.logged_in = False
    await server.cut(4401)
    await page.get_by_label("User name").fill("agent")
    await page.get_by_label("Password").fill("wrong password")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("The name or the password is wrong.")).to_be_visible()
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Ready for the next call")).to_be_visible()
    assert server.sent("POST", "/api/login")[-1] == {"username": "agent", "password": PASSWORD}


async def test_text_from_outside_is_text(desk: Desk) -> None:
    hostile = '<img src=x onerror="document.title=1"><style>*{display:none}</style>'
    await desk(view={"me": live_me(me(), name=hostile, activity=hostile)})
    _, page = await desk(view={"queues": {hostile: {"waiting": {}}}})
    await expect(page.get_by_text(hostile).first).to_be_visible()
    assert await page.locator("img").count() == 0
