"""A whole server beside the replay PBX, and what it says of itself."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from cti.ami.settings import AmiSettings
from ringdesk.demo.replay import ReplayPbx
from ringdesk.demo.world import World, demo_settings, running

CAPTURES = Path(__file__).parents[2] / "captures"
ANSWERED = CAPTURES / "a1_queue_answered_hold_agent_hangup.ami"
ABANDONED = CAPTURES / "b1_queue_abandoned_no_agents.ami"

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@contextlib.asynccontextmanager
async def observed_world(
    folder: Path, *captures: Path, rename: Mapping[str, str] | None = None, speed: float = 20
) -> AsyncIterator[World]:
    """Plays ``captures`` once, ``speed`` times as fast."""
    words = {"6001": "101", "6002": "102"} | dict(rename or {})
    async with ReplayPbx(captures, secret="s3cret", rename=words, speed=speed) as pbx:
        ami = AmiSettings(
            host=pbx.host, port=pbx.port, secret=SecretStr("s3cret"), reconnect_min=0.05
        )
        settings = demo_settings(folder, ami, port=0, agi_port=0, espeak="espeak-ng")
        silent = settings.recordings.model_copy(update={"enabled": False})
        settings = settings.model_copy(update={"recordings": silent})
        async with running(settings) as (server, task):
            yield World(folder, settings, server, None, pbx, task)


async def played(world: World) -> None:
    """Wait until all calls are over and everybody has seen them."""
    assert world.replay is not None
    server = world.server
    async with asyncio.timeout(60):
        await world.replay.played.wait()
        book, page = server.core.feed.reducer.book, server.page.dashboard
        while book.calls or page.desk.seq < server.core.journal.seq:
            await asyncio.sleep(0.02)
    await server.core.journal.flush()
    await asyncio.sleep(0)


async def scrape(world: World) -> Samples:
    """What Prometheus reads, by name and sorted labels."""
    async with asyncio.timeout(30):
        while not world.server.page.metrics.port:
            await asyncio.sleep(0.01)
    text = await fetch(f"http://127.0.0.1:{world.server.page.metrics.port}/metrics")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def fetch(address: str) -> str:
    async with ClientSession() as client, client.get(address) as answer:
        assert answer.status == 200
        return await answer.text()
