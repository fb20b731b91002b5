"""After a restart the desks are as before."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import msgspec
import pytest

from cti.clock import now
from cti.domain import events as ev
from dashboard.app import Dashboard, DashboardService
from dashboard.passwords import Passwords
from dashboard.projections import Desk
from dashboard.restore import events_to_restore, midnight
from dashboard.settings import DashboardSettings
from tests.unit.dashboard.house import CHEAP, House, open_house
from tests.unit.dashboard.test_projections import CARDS, VIEWERS, over, ringing, talking

HOUR = 3600 * 1_000_000


async def restored(house: House, day_start: int) -> Desk:
    deps = house.dashboard.deps
    await deps.journal.flush()
    desk = Desk(at=0, day_start=day_start)
    for event in await events_to_restore(deps.engine, now(), day_start, deps.journal.seq):
        desk.apply(event)
    desk.enrol(CARDS)
    desk.changes()
    return desk


@pytest.mark.parametrize("story", [ringing, talking, over])
async def test_a_restored_desk_shows_what_was_shown(house: House, story: object) -> None:
    began = now() - HOUR
    before = Desk(at=0)
    before.enrol(CARDS)
    for event in story():  # type: ignore[operator]
        before.apply(house.record(msgspec.structs.replace(event, at=began + event.at)))
    before.changes()
    desk = await restored(house, began)
    assert [desk.view(viewer) for viewer in VIEWERS] == [before.view(v) for v in VIEWERS]


async def test_calls_of_yesterday_are_not_counted_today(house: House) -> None:
    began = now() - HOUR
    for event in over():
        house.record(msgspec.structs.replace(event, at=began + event.at))
    desk = await restored(house, day_start=now())
    assert desk.view(VIEWERS[0])["today"] == {"calls": 0, "talked": 0, "missed": 0}
    assert desk.view(VIEWERS[0])["me"]["availability"] == "wrap_up"


def test_midnight_is_the_one_of_the_place() -> None:
    at = 1_795_305_600_000_000  # 2026-11-22 00:00 UTC
    assert midnight(at, "UTC") == at
    assert midnight(at, "Europe/Sofia") == at - 2 * HOUR
    assert midnight(at - 1, "UTC") == at - 24 * HOUR


async def test_what_was_said_before_the_page_was_there_is_shown_too(tmp_path: Path) -> None:
    """The PBX may connect while the web server still starts."""
    async with open_house(tmp_path) as house:
        house.record(ev.SwitchConnected(at=now(), switch="pbx", asterisk_version="22.10"))
        late = Dashboard(DashboardSettings(port=0), house.dashboard.deps, Passwords(CHEAP))
        task = asyncio.create_task(late.hub.run())
        async with asyncio.timeout(20):
            while not late.hub.restored:
                await asyncio.sleep(0.01)
        assert late.desk.link_up
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_service_serves_and_stops_in_order(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        heard: asyncio.Future[tuple[str, int]] = asyncio.get_running_loop().create_future()
        dashboard = Dashboard(DashboardSettings(port=0), house.dashboard.deps, Passwords(CHEAP))
        service = DashboardService(dashboard, lambda host, port: heard.set_result((host, port)))
        task = asyncio.create_task(service.run())
        host, port = await asyncio.wait_for(heard, 5)
        async with (
            aiohttp.ClientSession() as browser,
            browser.get(f"http://{host}:{port}/api/health") as response,
        ):
            assert (await response.json())["link"] == "down"
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 5)
        with pytest.raises(aiohttp.ClientConnectorError):
            async with aiohttp.ClientSession() as browser, browser.get(f"http://{host}:{port}/"):
                raise AssertionError("still serving")
