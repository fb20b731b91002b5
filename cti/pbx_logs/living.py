"""Callers of whom there is no CDR yet, because they are still there. Pure.

A CDR is written when a channel is gone. Of those who came, or were given to an agent, while nobody
looked, and who go on, the queue log tells when, in whole seconds, and a snapshot who they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from cti.domain.book import Book
from cti.domain.events import Micros
from cti.pbx_logs.cdr import BRIDGE
from cti.pbx_logs.rows import SECOND, Row, not_before
from cti.resync import LegRow, Snapshot


def still_there(
    queue_log: Iterable[Row], snapshot: Snapshot, book: Book, since: Micros = 0
) -> Iterator[Row]:
    """What the queue log tells of callers who are in the snapshot, in the words of CEL.

    ``since``: what has happened before is in the book. Of what was written within the second of
    ``since`` or of the snapshot, the book and the snapshot say whether it is old, or yet to come.
    An agent who is gone again is not told: the queue log does not say on which channel they were.
    """
    living = {row.started.leg: row for row in snapshot.legs}
    told: dict[str, list[Row]] = defaultdict(list)
    for row in queue_log:
        caller = living.get(row.leg)
        if caller is None or row.at + SECOND <= since:
            continue
        if _is_known(row, book) or (row.at + SECOND > snapshot.at and not _has(snapshot, row)):
            continue
        told[row.leg].append(row)
    for leg, rows in told.items():
        yield from _of_caller(living[leg], rows, living, since)


def _is_known(row: Row, book: Book) -> bool:
    """Whether the book has it: nobody joins a queue, or leaves one, twice within one second."""
    caller = book.legs.get(row.leg)
    if row.kind == "CONNECT":
        both = caller, book.legs.get(str(row.more.get("connected", "")))
        return all(leg is not None and leg.entered >= row.at for leg in both)
    if row.kind == "ENTERQUEUE":
        return caller is not None and caller.joined >= row.at
    return caller is not None and caller.left_queue >= row.at


def _has(snapshot: Snapshot, row: Row) -> bool:
    """Whether it had happened when the snapshot was taken."""
    legs = {leg.started.leg: leg.started for leg in snapshot.legs}
    waits = any(wait.leg == row.leg and wait.queue == row.data for wait in snapshot.waits)
    if row.kind == "CONNECT":
        agent = legs.get(str(row.more.get("connected", "")))
        return agent is not None and agent.condition == "up" and not waits
    is_there = waits or legs[row.leg].queue == row.data
    return is_there if row.kind == "ENTERQUEUE" else not is_there


def _of_caller(
    caller: LegRow, rows: Sequence[Row], living: Mapping[str, LegRow], since: Micros
) -> Iterator[Row]:
    yield _row(caller, "CHAN_START", caller.started.at)
    before = caller.started.at
    for row in rows:
        at = max(not_before(row.at, since), before + 1)
        queue = {"application": "Queue", "data": row.data}
        if row.kind == "ENTERQUEUE":
            yield _row(caller, "APP_START", at, **queue)
        elif row.kind == "CONNECT":
            agent = living.get(str(row.more["connected"]))
            yield from _connected(caller, agent, row, before, at)
        elif row.kind == "WITHDRAW":
            yield _row(caller, "APP_END", at, **queue)
            yield row
        elif row.kind == "ABANDON" or row.kind.startswith("EXIT"):
            # Who lives on did not give up, whatever the queue thinks.
            context = "elsewhere" if row.kind == "ABANDON" else ""
            yield _row(caller, "APP_END", at, context=context, **queue)
        before = at


def _connected(
    caller: LegRow, agent: LegRow | None, row: Row, before: Micros, at: Micros
) -> Iterator[Row]:
    queue = {"application": "Queue", "data": row.data}
    if agent is None:
        where = {"bridge_id": f"{BRIDGE}{row.leg}"}
        yield _row(caller, "BRIDGE_ENTER", at, more=where, **queue)
        yield _row(caller, "BRIDGE_EXIT", at + 1, more=where)
        return
    rung = max(before + 1, at - int(row.more.get("rang", 0)) * SECOND)
    yield _row(agent, "CHAN_START", rung, application="AppQueue")
    yield _row(agent, "ANSWER", at)
    if caller.bridge and caller.bridge == agent.bridge:
        where = {"bridge_id": caller.bridge}
        yield _row(agent, "BRIDGE_ENTER", at, more=where)
        yield _row(caller, "BRIDGE_ENTER", at, more=where)


def _row(of: LegRow, kind: str, at: Micros, **more: object) -> Row:
    leg = of.started
    row = Row(
        at=at,
        kind=kind,
        leg=leg.leg,
        linkedid=leg.linkedid,
        channel=leg.channel,
        number=leg.number,
        name=leg.name,
        exten=leg.exten,
    )
    return msgspec.structs.replace(row, **more) if more else row
