"""Call detail records: written when a channel is gone, one for each other it was with. Pure.

Read from the form that `ringdesk asterisk-config` prints (cdr_custom: seconds since the epoch with
microseconds) or from ``Master.csv`` of cdr_csv (whole seconds in a time zone), which needs
``loguniqueid = yes`` and should have ``newcdrcolumns = yes``. Together with the queue log they tell
less than CEL: no transfers, and of a caller whom a menu has answered only the queue log tells when
an agent did. :func:`as_cel` says what they tell in the words of CEL.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, tzinfo

import msgspec

from cti.domain.events import Micros
from cti.pbx_logs.rows import SECOND, Row, UnreadableRow, micros, not_before

COLUMNS = (
    "CDR(uniqueid)",
    "CDR(linkedid)",
    "CDR(channel)",
    "CDR(dstchannel)",
    "CDR(src)",
    "CDR(dst)",
    "CDR(start,u)",
    "CDR(answer,u)",
    "CDR(end,u)",
    "CDR(disposition)",
    "CDR(lastapp)",
    "CDR(lastdata)",
)
"""Of our own form, in this order."""

BRIDGE = "cdr-"
"""How the names of bridges begin of which only the records tell."""
_MASTER = (5, 6, 1, 2, 9, 10, 11, 14, 7, 8)
"""Where Master.csv has the columns from CDR(channel) on; then come uniqueid and others if asked."""
_STATUS = {"NO ANSWER": "NOANSWER", "BUSY": "BUSY", "FAILED": "CHANUNAVAIL", "ANSWERED": "ANSWER"}
_BUSY_CAUSE = 17


class Record(msgspec.Struct, frozen=True):
    """One CDR: the leg ``leg`` on ``channel`` with the channel ``other`` (empty: with none)."""

    leg: str
    linkedid: str
    channel: str
    other: str
    number: str
    dialled: str
    start: Micros
    answer: Micros
    end: Micros
    disposition: str
    application: str
    data: str

    @property
    def at(self) -> Micros:
        """When it was over; it is written no earlier."""
        return self.end


def read_cdr(line: str, zone: tzinfo = UTC) -> Record:
    """One line; ``zone`` is that of times without one. Raises :class:`UnreadableRow`."""
    try:
        cells = next(csv.reader([line], strict=True), [])
    except csv.Error as error:
        raise UnreadableRow(str(error)) from None
    if len(cells) > 16:
        # uniqueid; userfield if wanted; then peeraccount, linkedid, sequence if wanted.
        linkedid = cells[-2] if len(cells) >= 20 else ""
        cells = [cells[16], linkedid, *(cells[place] for place in _MASTER)]
    if len(cells) != len(COLUMNS):
        raise UnreadableRow(f"{len(cells)} columns")
    leg, linkedid, channel, other, number, dialled, start, answer, end, *rest = cells
    began, answered, ended = (micros(time, zone) for time in (start, answer, end))
    if not (leg and channel and began and ended):
        raise UnreadableRow("uniqueid, channel, start or end is missing")
    who = (leg, linkedid or leg, channel, other, number, dialled)
    return Record(*who, began, answered, ended, *rest)


def as_cel(records: Sequence[Record], queue_log: Iterable[Row], since: Micros = 0) -> list[Row]:
    """What the records tell, in the words and the order of CEL.

    ``since``: what has happened before is known. A whole second that began before, but had not
    ended, is taken to be that moment.
    """
    records = [_later(record, since) for record in records]
    waits: dict[str, list[Row]] = defaultdict(list)
    for row in queue_log:
        waits[row.leg].append(msgspec.structs.replace(row, at=not_before(row.at, since)))
    ids = {record.channel: record.leg for record in records}
    began: dict[str, Micros] = {}
    for record in records:
        began[record.other] = min(record.start, began.get(record.other, record.start))
    lives: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        lives[record.leg].append(record)
    rows = [
        row
        for leg, life in lives.items()
        for row in _Life(sorted(life, key=_age), waits[leg], ids, began).rows()
    ]
    return in_order(rows)


def in_order(rows: Iterable[Row]) -> list[Row]:
    """By time; what happened within one microsecond (or was put there) as it must have happened."""
    return sorted(rows, key=lambda row: (row.at, _ORDER.index(row.kind)))


_ORDER = (
    "CHAN_START",
    "BRIDGE_EXIT",
    "APP_END",
    "APP_START",
    "ANSWER",
    "BRIDGE_ENTER",
    "HANGUP",
    "WITHDRAW",
)


def _later(record: Record, since: Micros) -> Record:
    answer, end = (not_before(at, since) for at in (record.answer, record.end))
    return msgspec.structs.replace(record, answer=answer, end=end)


def _age(record: Record) -> tuple[Micros, Micros]:
    return record.start, record.end


class _Life:
    """One leg that has records of its own, and those it was with that have none."""

    def __init__(
        self,
        life: Sequence[Record],
        waits: Sequence[Row],
        ids: Mapping[str, str],
        began: Mapping[str, Micros],
    ) -> None:
        self._life = life
        self._ids = ids
        self._first, self._end = life[0], max(record.end for record in life)
        self._began = min(self._first.start, began.get(self._first.channel, self._first.start))
        self._waits = self._sharpened(waits)
        self._connects = [row for row in self._waits if row.kind == "CONNECT"]

    def _sharpened(self, waits: Sequence[Row]) -> Sequence[Row]:
        """Whole seconds, put where they can have been: after the start, in order, before the end.

        The last thing that a caller does who gives up is to hang up.
        """
        sharp: list[Row] = []
        earliest = min((record.answer for record in self._life if record.answer), default=0)
        for row in waits:
            earliest = max(row.at, earliest + 1, self._first.start + 1)
            gave_up = row.kind == "ABANDON" and row is waits[-1] and self._end - row.at < 2 * SECOND
            at = self._end if gave_up else min(earliest, self._end)
            sharp.append(msgspec.structs.replace(row, at=at))
        return sharp

    def rows(self) -> Iterator[Row]:
        answers = [record.answer for record in self._life if record.answer]
        yield self._row("CHAN_START", self._began)
        if answers:
            yield self._row("ANSWER", min(answers))
        yield from self._queueing()
        for number, record in enumerate(self._life):
            if record.other:
                yield from self._with_other(record, number)
        yield self._row("HANGUP", self._end, more=self._farewell())

    def _row(self, kind: str, at: Micros, **more: object) -> Row:
        first = self._first
        common = Row(
            at=at,
            kind=kind,
            leg=first.leg,
            linkedid=first.linkedid,
            channel=first.channel,
            number=first.number,
            exten=first.dialled,
        )
        return msgspec.structs.replace(common, **more) if more else common

    def _farewell(self) -> dict[str, str | int]:
        """Who hung up is not told: somebody who reached nobody is taken to have given up."""
        last = self._life[-1]
        status = _STATUS.get(last.disposition, "") if last.other else ""
        by_pbx = any(row.kind.startswith("EXIT") for row in self._waits)
        source = "" if by_pbx else self._first.channel
        return {"hangupcause": 16, "hangupsource": source, "dialstatus": status}

    def _queueing(self) -> Iterator[Row]:
        for row in self._waits:
            queue = {"application": "Queue", "data": row.data}
            if row.kind == "ENTERQUEUE":
                yield self._row("APP_START", row.at, **queue)
            elif row.kind == "WITHDRAW":
                yield self._row("APP_END", row.at, **queue)
                yield row
            elif row.kind == "ABANDON" or row.kind.startswith("EXIT"):
                moved = row.kind == "ABANDON" and not self._ends_with(row)
                context = "elsewhere" if moved else ""
                yield self._row("APP_END", row.at, context=context, **queue)

    def _ends_with(self, row: Row) -> bool:
        """Whether the leg was gone in that moment; a caller who is redirected lives on."""
        return row is self._waits[-1] and self._end - row.at < 2 * SECOND

    def _with_other(self, record: Record, number: int) -> Iterator[Row]:
        """A channel that was rung, and perhaps talked with."""
        connect = self._connect(record)
        leg = self._ids.get(record.other, "")
        rung = not leg
        leg = leg or (str(connect.more["connected"]) if connect else record.other)
        by_queue = record.application == "Queue"
        joined = [r.at + 1 for r in self._waits if r.kind == "ENTERQUEUE" and r.at < record.end]
        other = Row(
            at=max(record.start, joined[-1]) if by_queue and joined else record.start,
            kind="CHAN_START",
            leg=leg,
            linkedid=record.linkedid,
            channel=record.other,
            application="AppQueue" if by_queue else "AppDial",
        )
        if rung:
            yield other
        if record.disposition == "ANSWERED":
            at = min(max(connect.at, other.at), record.end) if connect else record.answer
            yield from self._talk(record, other, at, f"{BRIDGE}{record.leg}-{number}")
        if rung:
            cause = _BUSY_CAUSE if record.disposition == "BUSY" else 16
            yield msgspec.structs.replace(
                other, at=record.end, kind="HANGUP", more={"hangupcause": cause}
            )

    def _talk(self, record: Record, other: Row, at: Micros, bridge: str) -> Iterator[Row]:
        where: dict[str, str | int] = {"bridge_id": bridge}
        change = msgspec.structs.replace
        yield change(other, at=at, kind="ANSWER")
        yield change(other, at=at, kind="BRIDGE_ENTER", more=where)
        yield self._row("BRIDGE_ENTER", at, more=where)
        yield change(other, at=record.end, kind="BRIDGE_EXIT", more=where)
        yield self._row("BRIDGE_EXIT", record.end, more=where)

    def _connect(self, record: Record) -> Row | None:
        """The line of the queue log that gave this leg to an agent while the record ran."""
        if record.application != "Queue" or record.disposition != "ANSWERED":
            return None
        fits = (row for row in self._connects if record.start - SECOND < row.at <= record.end)
        found = next(fits, None)
        if found:
            self._connects.remove(found)
        return found
