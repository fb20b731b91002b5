"""Stored recordings are compared with their checksums; what differs is told once, and kept."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from cti import clock
from cti.domain.events import RecordingChecked
from recordings import custody
from recordings.audio import sha256_of
from recordings.custody import Custody
from recordings.places import audio_file
from recordings.settings import RecordingSettings
from recordings.tables import recordings
from tests.unit.recordings.conftest import Log, tone, write_stereo

DAY = 86_400_000_000


class Bench:
    def __init__(self, log: Log, engine: AsyncEngine, settings: RecordingSettings) -> None:
        self.log, self.engine, self.settings = log, engine, settings
        self.at = clock.now()
        self.custody = Custody(settings, engine, log.record, lambda: self.at)

    async def add(self, number: int, **more: Any) -> Path:
        """A stored recording; its file."""
        path = audio_file(self.settings.folder, f"{number:032x}", number)
        write_stereo(path, tone(440, 0.5), tone(1000, 0.5))
        row = {
            "id": f"{number:032x}", "call_id": "pbx1-1.1", "talk_id": "t", "switch": "pbx1",
            "agent": "PJSIP/101", "queue": "", "channel": "x", "started_at": number,
            "state": "stored", "seconds": 0.5, "sha256": sha256_of(path), "language": "en",
        }  # fmt: skip
        async with self.engine.begin() as connection:
            await connection.execute(insert(recordings).values(row | more))
        return path

    async def found(self) -> list[tuple[str, bool]]:
        query = select(recordings.c.custody, recordings.c.verified_at).order_by(recordings.c.id)
        async with self.engine.connect() as connection:
            return [(row[0], row[1] == self.at) for row in await connection.execute(query)]

    def told(self) -> list[str]:
        return [event.found for event in self.log.of(RecordingChecked)]  # type: ignore[attr-defined]

    async def turn(self) -> None:
        """One look at all that are due."""
        task = asyncio.create_task(self.custody.run())
        async with asyncio.timeout(10):
            while await self.custody._due():
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)  # the last one is told behind its row
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def bench(
    log: Log, engine: AsyncEngine, settings: RecordingSettings, monkeypatch: pytest.MonkeyPatch
) -> Bench:
    monkeypatch.setattr(custody, "_POLL_SECONDS", 0.01)
    return Bench(log, engine, settings)


async def test_all_are_looked_at_and_what_differs_is_told_once(bench: Bench) -> None:
    await bench.add(1)
    changed, missing = await bench.add(2), await bench.add(3)
    changed.write_bytes(changed.read_bytes()[:-2] + b"xx")
    missing.unlink()
    await bench.add(4, transcript="pending")  # may still be silenced in part
    await bench.add(5, state="failed")
    await bench.turn()
    assert await bench.found() == [
        ("intact", True),
        ("changed", True),
        ("missing", True),
        ("", False),
        ("", False),
    ]
    assert sorted(bench.told()) == ["changed", "missing"]
    bench.at += 31 * DAY
    await bench.turn()
    assert sorted(bench.told()) == ["changed", "missing"]


async def test_one_is_looked_at_again_after_the_days_that_are_set(bench: Bench) -> None:
    path = await bench.add(1)
    await bench.turn()
    path.write_bytes(b"gone")
    bench.at += 29 * DAY
    await bench.turn()
    assert await bench.found() == [("intact", False)]
    bench.at += 2 * DAY
    await bench.turn()
    assert (await bench.found(), bench.told()) == ([("changed", True)], ["changed"])


async def test_what_was_put_back_is_told_as_well(bench: Bench) -> None:
    path = await bench.add(1)
    kept = path.read_bytes()
    assert await bench.custody.check(f"{1:032x}") == "intact"
    path.unlink()
    assert await bench.custody.check(f"{1:032x}") == "missing"
    path.write_bytes(kept)
    assert await bench.custody.check(f"{1:032x}") == "intact"
    assert bench.told() == ["missing", "intact"]
    with pytest.raises(LookupError):
        await bench.custody.check("f" * 32)
