"""The ladder over HTTP, and the raw messages for an admin only, by the true server."""

from __future__ import annotations

from pathlib import Path

from aiohttp import ClientSession, CookieJar
from sqlalchemy import select

from dashboard.tables import audit
from ringdesk.demo.world import PASSWORD, World
from tests.unit.ringdesk.observed import ANSWERED, observed_world, played


async def test_each_step_that_the_pbx_told_has_its_raw_message(tmp_path: Path) -> None:
    async with observed_world(tmp_path, ANSWERED) as world:
        await played(world)
        call_id = str((await world.server.core.history.newest(limit=1))[0].call_id)
        async with await _browser(world, "admin") as browser:
            ladder = await (await browser.get(f"/api/calls/{call_id}/ladder")).json()
            raw = await (await browser.get(f"/api/calls/{call_id}/raw")).json()
        async with await _browser(world, "anna") as browser:
            seen = await browser.get(f"/api/calls/{call_id}/ladder")
            refused = await browser.get(f"/api/calls/{call_id}/raw")
            unknown = await browser.get("/api/calls/pbx-nothing/ladder")
        async with world.server.core.engine.connect() as connection:
            noted = select(audit.c.username, audit.c.subject).where(audit.c.action == "read_raw")
            readers = [tuple(row) for row in await connection.execute(noted)]
    assert (seen.status, refused.status, unknown.status) == (200, 403, 404)
    assert readers == [("admin", call_id)]
    assert [lane["kind"] for lane in ladder["lanes"]] == ["customer", "queue", "agent"]
    taped = {message["at"]: message["text"] for message in raw["messages"]}
    behind = {rung["type"]: taped.get(rung["at"], "") for rung in ladder["rungs"]}
    assert behind["CallArrived"].startswith("Event: Newchannel")
    assert behind["CallQueued"].startswith("Event: QueueCallerJoin")
    assert behind["CallHeld"].startswith("Event: Hold")
    assert behind["CallEnded"].startswith("Event: Hangup")
    assert (raw["hours"], raw["more"]) == (24, False)


async def _browser(world: World, username: str) -> ClientSession:
    headers = {"X-Ringdesk": "1"}
    browser = ClientSession(world.address, headers=headers, cookie_jar=CookieJar(unsafe=True))
    login = {"username": username, "password": PASSWORD}
    assert (await browser.post("/api/login", json=login)).status == 200
    return browser
