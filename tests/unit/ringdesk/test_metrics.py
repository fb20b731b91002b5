"""The metrics of a whole server, and what is written about them: each name exists, in both."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from cti.histogram import Histogram
from ringdesk.demo.world import World
from ringdesk.metrics_listener import MetricsListener
from ringdesk.settings import MetricsSettings
from tests.unit.ringdesk.observed import (
    ABANDONED,
    ANSWERED,
    Samples,
    fetch,
    observed_world,
    played,
    scrape,
)

ROOT = Path(__file__).parents[3]
DASHBOARD = ROOT / "config" / "grafana" / "ringdesk.json"
OPERATIONS = ROOT / "docs" / "operations.md"
NAME = re.compile(r"\b(?:ringdesk|process)_[a-z_]+\b")
PART = re.compile(r"_(?:bucket|count|sum|created)$")


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, tuple(sorted(labels.items()))]


async def test_two_calls_are_told_as_they_were(tmp_path: Path) -> None:
    async with observed_world(tmp_path, ANSWERED, ABANDONED) as world:
        await played(world)
        samples = await scrape(world)
    pbx = {"switch": "pbx"}
    inbound, waits = {**pbx, "direction": "inbound"}, {**pbx, "queue": "support"}
    assert value(samples, "ringdesk_calls_total", **inbound, outcome="answered") == 1
    assert value(samples, "ringdesk_calls_total", **inbound, outcome="abandoned") == 1
    assert value(samples, "ringdesk_wait_seconds_count", **waits, ended="connected") == 1
    assert value(samples, "ringdesk_offers_total", **waits, ended="answered") == 1
    assert value(samples, "ringdesk_calls_live", **pbx) == 0
    assert value(samples, "ringdesk_switch_up", **pbx) == 1
    assert value(samples, "ringdesk_resyncs_total", **pbx, result="ok") == 1
    assert value(samples, "ringdesk_ami_events_total", **pbx, kind="wanted") > 20
    assert value(samples, "ringdesk_actions_total", **pbx, action="QueueStatus", result="ok") >= 1
    assert value(samples, "ringdesk_action_seconds_count", **pbx, action="QueueStatus") >= 1
    assert value(samples, "ringdesk_journal_backlog") == 0
    assert value(samples, "ringdesk_database_up") == 1
    lags = value(samples, "ringdesk_event_lag_seconds_count", **pbx)
    within = value(samples, "ringdesk_event_lag_seconds_bucket", **pbx, le="30.0")
    assert lags == within > 10


async def test_a_queue_is_told_of_while_somebody_waits_and_ever_after(tmp_path: Path) -> None:
    queue = {"switch": "pbx", "queue": "support"}
    async with observed_world(tmp_path, ABANDONED, speed=4) as world:
        async with asyncio.timeout(10):
            while not world.server.core.feed.reducer.book.waiting():
                await asyncio.sleep(0.01)
        samples = await scrape(world)
        assert value(samples, "ringdesk_waiting_calls", **queue) == 1
        assert value(samples, "ringdesk_longest_wait_seconds", **queue) >= 0
        await played(world)
        samples = await scrape(world)
    assert value(samples, "ringdesk_waiting_calls", **queue) == 0
    assert value(samples, "ringdesk_longest_wait_seconds", **queue) == 0


async def test_every_name_that_is_written_about_exists_and_the_other_way_round(
    tmp_path: Path,
) -> None:
    async with observed_world(tmp_path) as world:
        address = f"http://127.0.0.1:{await _port(world)}/metrics"
        text = await fetch(address)
    exported = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    ours = {name for name in exported if name.startswith("ringdesk_")}
    shown = {PART.sub("", name) for query in _queries() for name in NAME.findall(query)}
    assert shown <= exported
    assert ours - shown == set(), "a metric nobody looks at: put it on the dashboard"
    explained = set(re.findall(r"^\| `(ringdesk_[a-z_]+)", OPERATIONS.read_text(), re.MULTILINE))
    assert explained == ours


def _queries() -> list[str]:
    dashboard = json.loads(DASHBOARD.read_text())
    targets = [target for panel in dashboard["panels"] for target in panel.get("targets", ())]
    variables = [str(one.get("definition", "")) for one in dashboard["templating"]["list"]]
    return [target["expr"] for target in targets] + variables


def test_the_dashboard_is_whole() -> None:
    """Panels have titles and ids of their own, lie within 24 columns and do not overlap."""
    panels: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        assert panel["title"]
        assert place["x"] + place["w"] <= 24
        mine = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & mine, panel["title"]
        cells |= mine


async def _port(world: World) -> int:
    async with asyncio.timeout(5):
        while not world.server.page.metrics.port:
            await asyncio.sleep(0.01)
    return world.server.page.metrics.port


async def test_openmetrics_is_spoken_to_those_who_ask(tmp_path: Path) -> None:
    async with observed_world(tmp_path) as world, ClientSession() as client:
        address = f"http://127.0.0.1:{await _port(world)}/metrics"
        wanted = {"Accept": "application/openmetrics-text; version=1.0.0"}
        async with client.get(address, headers=wanted) as answer:
            assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
            assert (await answer.text()).endswith("# EOF\n")


async def test_a_taken_port_harms_nothing_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringdesk.metrics_listener._LISTEN_AGAIN_SECONDS", 0.05)
    async with observed_world(tmp_path) as world:
        first = world.server.page.metrics
        port = await _port(world)
        second = MetricsListener(MetricsSettings(port=port), first._metrics, first._read_backlog)
        server = asyncio.create_task(second._serve())
        await asyncio.sleep(0.1)
        assert not server.done()
        assert second.port == 0
        server.cancel()
        await asyncio.gather(server, return_exceptions=True)


async def test_ready_says_which_part_is_not_and_why(tmp_path: Path) -> None:
    async with observed_world(tmp_path) as world, ClientSession(world.address) as client:
        async with asyncio.timeout(5):
            while (await client.get("/api/ready")).status != 200:
                await asyncio.sleep(0.02)
        async with client.get("/api/ready") as answer:
            assert (await answer.json())["parts"] == ["switch pbx", "fastagi", "journal", "desk"]
        assert world.replay is not None
        world.replay._server.close()
        world.replay.drop_clients()
        async with asyncio.timeout(5):
            while world.server.core.feed.whole:
                await asyncio.sleep(0.01)
        async with client.get("/api/ready") as answer:
            assert answer.status == 503
            error = (await answer.json())["error"]
        assert error["code"] == "not_ready"
        assert "switch pbx: no link to Asterisk" in error["message"]
        assert "ringdesk doctor" in error["cure"]
        async with client.get("/api/health") as answer:
            assert answer.status == 200, "the process lives, whatever it has lost"
        assert value(await scrape(world), "ringdesk_ready", part="switch pbx") == 0


def test_a_histogram_counts_each_value_once_below_its_bound() -> None:
    histogram = Histogram((0.1, 1.0))
    for seconds in (-0.5, 0.1, 0.5, 7.0):
        histogram.observe(seconds)
    assert histogram.cumulative() == [(0.1, 2), (1.0, 3), (float("inf"), 4)]
    assert histogram.total == pytest.approx(7.6)
