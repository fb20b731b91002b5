"""Channel event logging (cel_custom): every leg's life to the microsecond. Pure.

Two forms are understood: the one that `ringdesk asterisk-config` prints, and the ``Master.csv`` of
Asterisk's own sample configuration, if its times are seconds since the epoch (the default).
"""

from __future__ import annotations

import csv
from collections.abc import Sequence

import msgspec

from cti.ami.facts import person
from cti.pbx_logs.rows import Row, UnreadableRow, micros

COLUMNS = (
    "eventtype",
    "eventtime",
    "CHANNEL(uniqueid)",
    "CHANNEL(linkedid)",
    "CHANNEL(channame)",
    "CALLERID(num)",
    "CALLERID(name)",
    "CHANNEL(exten)",
    "CHANNEL(context)",
    "CHANNEL(appname)",
    "CHANNEL(appdata)",
    "eventextra",
)
"""Of our own form, in this order."""
_SAMPLE = (0, 1, 14, 15, 9, 3, 2, 7, 8, 10, 11, -1)
"""Where Asterisk's sample has the same (its last column is the extra, its 17th the peer)."""

EVENTS = (
    "CHAN_START",
    "ANSWER",
    "HANGUP",
    "APP_START",
    "APP_END",
    "BRIDGE_ENTER",
    "BRIDGE_EXIT",
    "BLINDTRANSFER",
    "ATTENDEDTRANSFER",
    "PICKUP",
    "LOCAL_OPTIMIZE",
)
"""What we ask for: no name that Asterisk 16 does not know, or it would write nothing at all."""
APPLICATIONS = ("queue", "dial", "confbridge", "voicemail")


def read_cel(line: str) -> Row:
    """One line of the file. Raises :class:`UnreadableRow`."""
    try:
        cells = next(csv.reader([line], strict=True), [])
    except csv.Error as error:
        raise UnreadableRow(str(error)) from None
    if len(cells) >= 19:
        cells = [cells[place] for place in _SAMPLE]
    if len(cells) != len(COLUMNS):
        raise UnreadableRow(f"{len(cells)} columns")
    return _row(cells)


def _row(cells: Sequence[str]) -> Row:
    kind, time, leg, linkedid, channel, number, name, exten, context, app, data, extra = cells
    at = micros(time)
    if not (at and leg and channel):
        raise UnreadableRow("time, uniqueid or channel is missing")
    return Row(
        at=at,
        kind=kind,
        leg=leg,
        linkedid=linkedid or leg,
        channel=channel,
        number=person(number),
        name=person(name),
        exten=exten,
        context=context,
        application=app,
        data=data,
        more=_more(extra),
    )


def _more(extra: str) -> dict[str, str | int]:
    if not extra:
        return {}
    try:
        return msgspec.json.decode(extra, type=dict[str, str | int])
    except msgspec.DecodeError:
        raise UnreadableRow("the extra is no JSON") from None
