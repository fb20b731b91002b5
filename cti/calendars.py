"""Business hours: weekly hours and holidays in a time zone. Pure; the time is an argument."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator
from pydantic_core import PydanticCustomError

from cti.config_files import did_you_mean
from cti.domain.events import Micros

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 24 * 60
_SPAN = re.compile(r"(\d\d?):(\d\d)\s*-\s*(\d\d?):(\d\d)\Z")
_WRITE_SPAN = 'write "09:00-17:30"; after midnight: "22:00-06:00"; all day: "00:00-24:00"'


@dataclass(frozen=True)
class Span:
    """From ``start`` until just before ``end``, in minutes of the day on which it starts.

    An ``end`` beyond 1440 is on the next day.
    """

    start: int
    end: int


def parse_span(text: object) -> Span:
    """``"09:00-17:30"`` as a :class:`Span`. Raises :class:`PydanticCustomError`."""
    match = _SPAN.match(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise PydanticCustomError(
            "hours",
            "cannot read the hours {given}",
            {"given": repr(text)[:40], "cure": _WRITE_SPAN},
        )
    start_hour, start_minute, end_hour, end_minute = map(int, match.groups())
    start, end = start_hour * 60 + start_minute, end_hour * 60 + end_minute
    if max(start_minute, end_minute) > 59 or start >= _DAY or end > _DAY or start == end:
        raise PydanticCustomError(
            "hours", '"{given}" are no hours of a day', {"given": str(text), "cure": _WRITE_SPAN}
        )
    return Span(start, end if end > start else end + _DAY)


def _check_zone(name: str) -> str:
    if name not in available_timezones():
        raise PydanticCustomError(
            "time_zone",
            'there is no time zone "{given}"',
            {
                "given": name[:60],
                "cure": _near_zone(name) or "use a name such as Europe/London",
            },
        )
    return name


def _near_zone(name: str) -> str:
    near = did_you_mean(name, available_timezones())
    return near if near.startswith("did you mean") else ""


def _parse_date(text: object) -> date:
    try:
        return date.fromisoformat(text if isinstance(text, str) else "")
    except ValueError:
        raise PydanticCustomError(
            "date",
            "{given} is no date",
            {"given": repr(text)[:40], "cure": "write year-month-day: 2026-12-25"},
        ) from None


def _named(given: object) -> object:
    """A holiday given by its name only is closed all day."""
    return {"name": given} if isinstance(given, str) else given


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


Spans = list[Annotated[Span, PlainValidator(parse_span)]]


class Week(_Model):
    """The hours of each day; a day that is not named is closed."""

    monday: Spans = Field(default=[], description=_WRITE_SPAN)
    tuesday: Spans = Field(default=[], description=_WRITE_SPAN)
    wednesday: Spans = Field(default=[], description=_WRITE_SPAN)
    thursday: Spans = Field(default=[], description=_WRITE_SPAN)
    friday: Spans = Field(default=[], description=_WRITE_SPAN)
    saturday: Spans = Field(default=[], description=_WRITE_SPAN)
    sunday: Spans = Field(default=[], description=_WRITE_SPAN)

    def hours(self, day: date) -> Sequence[Span]:
        """The hours of the weekday of ``day``."""
        names = tuple(Week.model_fields)
        hours: Sequence[Span] = getattr(self, names[day.weekday()])
        return hours


class Holiday(_Model):
    """A day with hours of its own, mostly none."""

    name: str = Field(min_length=1, description="What day it is.")
    hours: Spans = Field(
        default=[], description=f"The hours of this day (none: closed). {_WRITE_SPAN}."
    )


class Calendar(_Model):
    """One calendar file."""

    title: str = Field(min_length=1, description="What people call this calendar.")
    time_zone: Annotated[str, AfterValidator(_check_zone)] = Field(
        description="The time zone of the hours, such as Europe/London."
    )
    week: Week = Field(description="The hours of each day of the week.")
    holidays: dict[
        Annotated[date, PlainValidator(_parse_date)],
        Annotated[Holiday, BeforeValidator(_named)],
    ] = Field(default={}, description='Days that are different: 2026-12-25 = "Christmas Day".')

    def is_open(self, at: Micros) -> bool:
        """Whether ``at`` (microseconds since the epoch) is in business hours.

        By the clock on the wall: "09:00" is 9 o'clock in summer and in winter.
        """
        local = (_EPOCH + timedelta(microseconds=at)).astimezone(ZoneInfo(self.time_zone))
        minute = local.hour * 60 + local.minute
        today, yesterday = local.date(), local.date() - timedelta(days=1)
        return _covers(self._hours(today), minute) or _covers(self._hours(yesterday), minute + _DAY)

    def _hours(self, day: date) -> Sequence[Span]:
        holiday = self.holidays.get(day)
        return holiday.hours if holiday else self.week.hours(day)


def _covers(hours: Sequence[Span], minute: int) -> bool:
    return any(span.start <= minute < span.end for span in hours)
