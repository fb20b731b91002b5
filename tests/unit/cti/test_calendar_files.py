from __future__ import annotations

from pathlib import Path

import pytest

from cti.calendar_files import read_calendars
from cti.config_files import ConfigFileError

OFFICE = 'title = "Office"\ntime_zone = "UTC"\n[week]\nmonday = ["09:00-17:00"]\n'


def test_every_file_is_a_calendar(tmp_path: Path) -> None:
    (tmp_path / "office.toml").write_text(OFFICE)
    (tmp_path / "notes.txt").write_text("no calendar")
    assert {name: c.title for name, c in read_calendars(tmp_path).items()} == {"office": "Office"}
    assert read_calendars(tmp_path / "none") == {}


def test_the_mistakes_of_all_files_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(OFFICE.replace("UTC", "Mars"))
    (tmp_path / "b.toml").write_text(OFFICE.replace("title", "titel"))
    with pytest.raises(ConfigFileError) as error:
        read_calendars(tmp_path)
    assert {problem.file.rpartition("/")[2] for problem in error.value.problems} == {
        "a.toml",
        "b.toml",
    }
