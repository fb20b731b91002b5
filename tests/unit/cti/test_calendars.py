from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.calendars import Calendar, Span, parse_span
from cti.config_files import ConfigFileError, parse_toml

TEXT = """
title = "Office"
time_zone = "Europe/London"
[week]
monday = ["09:00-13:00", "14:00-17:30"]
friday = ["22:00-06:00"]
sunday = ["00:00-24:00"]
[holidays]
2026-12-25 = "Christmas Day"
2026-12-28 = { name = "A Monday", hours = ["10:00-11:00"] }
"""


def is_open(local: str, zone: str = "Europe/London") -> bool:
    at = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).timestamp()
    return parse_toml(TEXT, "office.toml", Calendar).is_open(round(at * 1_000_000))


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-11-23T08:59:59.999999", False),  # a Monday
        ("2026-11-23T09:00:00", True),
        ("2026-11-23T12:59:59.999999", True),
        ("2026-11-23T13:00:00", False),
        ("2026-11-23T17:29:59", True),
        ("2026-11-23T17:30:00", False),
        ("2026-11-24T12:00:00", False),  # no hours on Tuesdays
        ("2026-11-27T21:59:59", False),
        ("2026-11-27T22:00:00", True),
        ("2026-11-28T05:59:59", True),  # over midnight into Saturday
        ("2026-11-28T06:00:00", False),
        ("2026-11-29T00:00:00", True),
        ("2026-11-29T23:59:59", True),
        ("2026-11-30T00:00:00", False),
        ("2026-12-25T23:00:00", False),  # a Friday, but Christmas
        ("2026-12-26T01:00:00", False),  # and so the night after it
        ("2026-12-28T09:30:00", False),  # a Monday with hours of its own
        ("2026-12-28T10:30:00", True),
        ("2026-07-06T09:00:00", True),  # summer time: the clock on the wall counts
        ("2026-07-06T08:59:00", False),
    ],
)
def test_hours(local: str, expected: bool) -> None:
    assert is_open(local) is expected


def test_the_hours_are_those_of_the_calendars_zone() -> None:
    assert is_open("2026-11-23T09:30:00", "UTC")
    assert not is_open("2026-11-23T09:30:00", "Europe/Berlin")


def test_the_hour_that_comes_twice_in_autumn() -> None:
    """On 25 October 2026 (a Sunday, open all day) London lives 01:30 twice."""
    first = datetime(2026, 10, 25, 1, 30, tzinfo=ZoneInfo("Europe/London"))
    calendar = parse_toml(TEXT, "office.toml", Calendar)
    assert calendar.is_open(round(first.timestamp() * 1e6))
    assert calendar.is_open(round(first.replace(fold=1).timestamp() * 1e6))


@given(st.integers(0, 1439), st.integers(1, 1440))
def test_a_span_covers_exactly_its_minutes(start: int, end: int) -> None:
    text = f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}"
    if start == end:
        with pytest.raises(ValueError, match="no hours of a day"):
            parse_span(text)
        return
    span = parse_span(text)
    assert span == Span(start, end if end > start else end + 1440)
    assert 0 < span.end - span.start <= 1440


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("time_zone", '"Europe/Londn"', 'time_zone: there is no time zone "Europe/Londn" (did you'),
        ("time_zone", '"UTC+9 or so"', "use a name such as Europe/London"),
        ("week.monday", '["9-17"]', "week.monday[1]: cannot read the hours '9-17' (write"),
        ("week.monday", '["09:00-25:00"]', 'week.monday[1]: "09:00-25:00" are no hours'),
        ("week.monday", '["09:60-10:00"]', "are no hours"),
        ("week.monday", "[9]", "cannot read the hours 9"),
        ("week.monday", '"09:00-17:00"', "week.monday: should be a valid list"),
        ("week.mondy", "[]", 'unknown key (did you mean "monday"?)'),
        ("holidays.2026-02-30", '"x"', "'2026-02-30' is no date (write year-month-day"),
        ("holidays.christmas", '"x"', "'christmas' is no date"),
        ("holidays.2026-12-24", "{ name = 'x', hours = ['x'] }", "2026-12-24.hours[1]: cannot"),
        ("holidays.2026-12-24", "5", "holidays.2026-12-24: should be a table"),
    ],
)
def test_what_is_wrong_is_told_with_its_cure(key: str, value: str, told: str) -> None:
    lines = ['title = "x"', f"{key} = {value}"]
    lines += [] if key == "time_zone" else ['time_zone = "UTC"']
    lines += [] if key.startswith("week") else ["week = {}"]
    with pytest.raises(ConfigFileError) as caught:
        parse_toml("\n".join(lines), "office.toml", Calendar)
    assert str(caught.value).startswith("office.toml:2: ")
    assert told in str(caught.value)
