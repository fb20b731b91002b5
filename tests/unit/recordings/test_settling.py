from __future__ import annotations

import asyncio
from pathlib import Path

from recordings.audio import Leg
from recordings.settling import STILL_SECONDS, Settling, settled
from tests.unit.recordings.conftest import tone, write_leg


def leg(size: int, *, closed: bool) -> Leg:
    return Leg(path=Path("x"), rate=8000, offset=44, size=size, declared=size if closed else 0)


def test_two_looks_alike_at_closed_files_are_enough() -> None:
    settling = Settling(0, 30)
    look = (leg(100, closed=True), leg(100, closed=True))
    assert not settling.done(look, 1)
    assert settling.done(look, 1.2)


def test_growing_files_are_waited_for_until_patience_ends() -> None:
    settling = Settling(0, 30)
    for second in range(30):
        look = (leg(second, closed=False), leg(second, closed=False))
        assert not settling.done(look, second)
    assert settling.done((leg(99, closed=False), leg(99, closed=False)), 30)


def test_files_that_stand_still_without_being_closed_have_lost_their_writer() -> None:
    settling = Settling(0, 30)
    look = (leg(100, closed=False), leg(100, closed=True))
    assert not settling.done(look, 1)
    assert not settling.done(look, STILL_SECONDS)
    assert settling.done(look, 1 + STILL_SECONDS)


def test_missing_file_is_waited_for_until_patience_ends() -> None:
    settling = Settling(0, 30)
    look = (leg(100, closed=True), None)
    assert not settling.done(look, 0)
    assert not settling.done(look, 29)
    assert settling.done(look, 30)


async def test_late_files_are_seen(tmp_path: Path) -> None:
    files = (tmp_path / "c.wav", tmp_path / "a.wav")
    waiting = asyncio.create_task(settled(files, 60))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    for file in files:
        write_leg(file, tone(440, 1))
    await asyncio.wait_for(waiting, 20)


async def test_what_is_no_wav_file_is_not_waited_for(tmp_path: Path) -> None:
    for name in ("c.wav", "a.wav"):
        (tmp_path / name).write_bytes(b"x" * 100)
    await asyncio.wait_for(settled((tmp_path / "c.wav", tmp_path / "a.wav"), 60), 20)
