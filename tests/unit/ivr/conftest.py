from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ivr.settings import IvrSettings, SpeechSettings

WEEKDAYS = """\
title = "Office"
time_zone = "Europe/London"
[week]
monday = ["09:00-17:00"]
tuesday = ["09:00-17:00"]
wednesday = ["09:00-17:00"]
thursday = ["09:00-17:00"]
friday = ["09:00-17:00"]
[holidays]
2026-12-25 = "Christmas Day"
"""

Write = Callable[..., IvrSettings]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes menu files (name=text) beside the calendar ``office``; gives settings for them."""

    def write_files(**menus: str) -> IvrSettings:
        for folder in ("menus", "calendars", "sounds/en"):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for name, text in menus.items():
            (tmp_path / "menus" / f"{name}.toml").write_text(text)
        (tmp_path / "calendars" / "office.toml").write_text(WEEKDAYS)
        for sound in ("hello", "again", "bye"):
            (tmp_path / "sounds" / "en" / f"{sound}.ulaw").write_bytes(b"\xff" * 4000)
        return IvrSettings(
            port=0,
            menus_folder=tmp_path / "menus",
            calendars_folder=tmp_path / "calendars",
            sounds_folder=tmp_path / "sounds" / "en",
            speech=SpeechSettings(cache_folder=tmp_path / "cache"),
            drain_seconds=0.1,
            reload_seconds=0.02,
        )

    return write_files
