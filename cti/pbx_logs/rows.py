"""One line of the PBX's own records, whichever file it came from. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo

import msgspec

from cti.domain.events import Micros

SECOND: Micros = 1_000_000


class UnreadableRow(ValueError):
    """A line that is none of ours: torn, of another form, or without what identifies a call."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to one leg: ``kind`` is the name of a CEL event.

    ``application`` and ``data`` are the dialplan application the leg is in and its argument,
    ``more`` what belongs to this kind of event only. Times are microseconds since the epoch.
    """

    at: Micros
    kind: str
    leg: str
    linkedid: str
    channel: str
    number: str = ""
    name: str = ""
    exten: str = ""
    context: str = ""
    application: str = ""
    data: str = ""
    more: Mapping[str, str | int] = {}

    @property
    def place(self) -> str:
        """Where the dialplan stands, as far as these records tell: they have no priority."""
        return f"{self.context},{self.exten},"

    @property
    def argument(self) -> str:
        """The first argument of the application: the queue, the conference."""
        return self.data.partition(",")[0]


def not_before(at: Micros, since: Micros) -> Micros:
    """A whole second that began before ``since``, but had not ended, is taken to be that moment."""
    return since if at % SECOND == 0 and at < since < at + SECOND else at


def micros(text: str, zone: tzinfo = UTC) -> Micros:
    """``1795604927.620070``, whole seconds, or ``2026-11-25 11:08:47`` in ``zone``; else raises.

    0 for a time that there is not (empty, or ``0.000000``). Raises :class:`UnreadableRow`.
    """
    seconds, _, fraction = text.partition(".")
    if not seconds:
        return 0
    if seconds.isascii() and seconds.isdigit() and (not fraction or fraction.isdigit()):
        return int(seconds) * SECOND + int(fraction[:6].ljust(6, "0"))
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        raise UnreadableRow("no time") from None
    known = local if local.tzinfo else local.replace(tzinfo=zone)
    return round(known.timestamp() * SECOND)
