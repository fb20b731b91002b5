"""From a snapshot of the PBX to the facts that the book misses. Pure.

After a restart or a lost link the PBX is asked for its channels (CoreShowChannels) and queues
(QueueStatus). :func:`resync` compares them with the book; folding its facts makes the book true
again, and folding those of the same snapshot once more changes nothing. A snapshot does not tell
when a talk began; legs that came and went unseen leave no trace in it. That is what the PBX's own
records are for (:mod:`cti.pbx_logs`), whose facts are folded first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import msgspec

from cti.ami.facts import Headers, UnreadableMessage, condition, member, number, person, place
from cti.domain.book import Book, interface_of
from cti.domain.events import Micros, WaitEnd
from cti.domain.facts import (
    BridgeLeft,
    BridgeSeen,
    DialBegan,
    Fact,
    Held,
    LegHungUp,
    LegMoved,
    LegStarted,
    LegState,
    MemberStatus,
    QueueJoined,
    QueueLeft,
    SnapshotBegan,
    SnapshotTaken,
    Unheld,
)

SECOND: Micros = 1_000_000

T = TypeVar("T")

# Applications that Asterisk shows for legs which somebody else rings.
_OUTGOING = frozenset({"AppDial", "AppDial2", "AppQueue"})


class LegRow(msgspec.Struct, frozen=True, kw_only=True):
    """One channel; ``bridge`` is empty when it is in none. ``place``: where its dialplan stands."""

    started: LegStarted
    bridge: str = ""
    place: str = ""


Rows = dict[str, LegRow]
"""The legs of a snapshot by Uniqueid, oldest first."""


class WaitRow(msgspec.Struct, frozen=True, kw_only=True):
    """One caller in a queue, waiting since ``joined``."""

    leg: str
    queue: str
    position: int
    joined: Micros


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The PBX at ``at``: the moment at which it was asked.

    ``died_at``: it is another process than the one the book is of, which was last known to live
    then (0: the same). ``holding`` are the legs whose party has put the other on hold (None: the
    PBX does not tell).
    """

    at: Micros
    died_at: Micros = 0
    holding: frozenset[str] | None = None
    legs: tuple[LegRow, ...] = ()
    waits: tuple[WaitRow, ...] = ()
    members: tuple[MemberStatus, ...] = ()


def read_snapshot(channels: Iterable[Headers], queues: Iterable[Headers], at: Micros) -> Snapshot:
    """The rows of CoreShowChannels and of QueueStatus. Rows that cannot be read are left out."""
    rows = list(queues)
    legs = _read(channels, "CoreShowChannel", lambda row: _leg_row(row, at))
    waits = _read(rows, "QueueEntry", lambda row: _wait_row(row, at))
    members = _read(rows, "QueueMember", lambda row: member(row.get, at))
    return Snapshot(at=at, legs=tuple(legs), waits=tuple(waits), members=tuple(members))


def _read(rows: Iterable[Headers], event: str, read: Callable[[Headers], T]) -> Iterator[T]:
    for row in rows:
        if row.get("Event", "") == event:
            try:
                yield read(row)
            except UnreadableMessage:
                continue


def _leg_row(row: Headers, at: Micros) -> LegRow:
    leg, channel = row.get("Uniqueid", ""), row.get("Channel", "")
    if not (leg and channel):
        raise UnreadableMessage("Uniqueid or Channel is missing")
    application = row.get("Application", "")
    queue = row.get("ApplicationData", "").partition(",")[0] if application == "Queue" else ""
    started = LegStarted(
        at=_born(leg, row.get("Duration", ""), at),
        leg=leg,
        linkedid=row.get("Linkedid", "") or leg,
        channel=channel,
        number=person(row.get("CallerIDNum", "")),
        name=person(row.get("CallerIDName", "")),
        exten=row.get("Exten", ""),
        condition=condition(row.get("ChannelState", "")),
        dialled=application in _OUTGOING,
        queue=queue,
        restored=True,
    )
    return LegRow(started=started, bridge=row.get("BridgeId", ""), place=place(row.get))


def _born(leg: str, duration: str, at: Micros) -> Micros:
    """When the leg came: the second in its Uniqueid, else its Duration (``01:02:03``) ago."""
    epoch = leg.rpartition("-")[2].partition(".")[0]
    if len(epoch) == 10 and epoch.isascii() and epoch.isdigit():
        return min(at, int(epoch) * SECOND)
    parts = duration.split(":")
    if len(parts) == 3 and all(part.isascii() and part.isdigit() for part in parts):
        hours, minutes, seconds = (int(part) for part in parts)
        return at - ((hours * 60 + minutes) * 60 + seconds) * SECOND
    return at


def _wait_row(row: Headers, at: Micros) -> WaitRow:
    return WaitRow(
        leg=row.get("Uniqueid", ""),
        queue=row.get("Queue", ""),
        position=number(row.get, "Position"),
        joined=at - number(row.get, "Wait") * SECOND,
    )


def resync(book: Book, snapshot: Snapshot) -> list[Fact]:
    """The facts to fold, in order.

    What comes in live between the question and the last row belongs after these facts, see
    ``Reducer.hold`` and ``Reducer.catch_up``; what the snapshot has of it is not told twice.

    Legs that began after ``snapshot.at`` are left alone: what was said live is newer. So ``at``
    should be by the PBX's clock (the last Timestamp before the snapshot was asked for).
    """
    rows = {row.started.leg: row for row in sorted(snapshot.legs, key=_age)}
    return [
        SnapshotBegan(at=snapshot.at),
        *snapshot.members,
        *_legs(book, rows, snapshot.at),
        *_ended_waits(book, rows, snapshot),
        *_new_waits(book, snapshot),
        *_rings(book, rows, snapshot),
        *_partings(book, rows, snapshot.at),
        *_meetings(book, rows, snapshot.at),
        *_hangups(book, rows, snapshot),
        SnapshotTaken(at=snapshot.at),
        *_holds(book, rows, snapshot),
    ]


def _age(row: LegRow) -> tuple[Micros, bool, bool]:
    """Callers before those they ring: Uniqueids are exact to the second only."""
    started = row.started
    return started.at, started.dialled, started.leg != started.linkedid


def _legs(book: Book, rows: Rows, at: Micros) -> Iterator[Fact]:
    for leg_id, row in rows.items():
        leg = book.legs.get(leg_id)
        if leg is None:
            yield row.started
            continue
        if leg.call.linkedid != row.started.linkedid:
            yield LegMoved(at=at, leg=leg_id, linkedid=row.started.linkedid)
        if leg.condition != row.started.condition:
            yield LegState(at=at, leg=leg_id, condition=row.started.condition)


def _ended_waits(book: Book, rows: Rows, snapshot: Snapshot) -> Iterator[Fact]:
    """Waits that are over. Of a leg that is gone, the hang-up says so."""
    waiting = {(row.leg, row.queue) for row in snapshot.waits}
    elsewhere = {row.leg for row in snapshot.waits}
    for entry in book.waiting():
        leg_id = entry.leg.id
        if (leg_id, entry.queue) in waiting or leg_id not in rows or entry.joined > snapshot.at:
            continue
        ended: WaitEnd = "redirected" if leg_id in elsewhere else "timeout"
        if rows[leg_id].bridge:
            ended = "connected"
        yield QueueLeft(at=snapshot.at, leg=leg_id, queue=entry.queue, ended=ended)


def _new_waits(book: Book, snapshot: Snapshot) -> Iterator[Fact]:
    for row in snapshot.waits:
        leg = book.legs.get(row.leg)
        if leg and (leg.left_queue > snapshot.at or (leg.entry and leg.entry.queue == row.queue)):
            continue
        yield QueueJoined(
            at=row.joined, leg=row.leg, queue=row.queue, position=row.position, restored=True
        )


def _rings(book: Book, rows: Rows, snapshot: Snapshot) -> Iterator[Fact]:
    """Legs that ring now, rung by the one who waits in their call, or else by its oldest."""
    waiting = {row.leg for row in snapshot.waits}
    for leg_id, row in rows.items():
        known = book.legs.get(leg_id)
        if not row.started.dialled or row.started.condition == "up" or (known and known.offer):
            continue
        callers = [
            other
            for other, its in rows.items()
            if its.started.linkedid == row.started.linkedid and not its.started.dialled
        ]
        local = _local_before(rows, row.started)
        source = local or next((leg for leg in callers if leg in waiting), next(iter(callers), ""))
        yield DialBegan(at=snapshot.at, leg=leg_id, source=source)


def _local_before(rows: Rows, rung: LegStarted) -> str:
    """The half of a Local channel whose dialplan rings this phone, by its name or as the only one.

    The other half was rung before, by the queue or by Dial(): both ringings are one offer.
    """
    halves = [
        its.started
        for its in rows.values()
        if its.started.linkedid == rung.linkedid
        and not its.bridge
        and its.started.channel.startswith("Local/")
        and its.started.channel.endswith(";2")
    ]
    if not halves or rung.channel.startswith("Local/"):
        return ""
    name = interface_of(rung.channel).partition("/")[2]
    named = [half.leg for half in halves if half.exten == name]
    return next(iter(named), halves[0].leg if len(halves) == 1 else "")


def _partings(book: Book, rows: Rows, at: Micros) -> Iterator[Fact]:
    """Legs that are in no bridge any more, though the book has them talking."""
    for leg_id, row in rows.items():
        leg = book.legs.get(leg_id)
        if leg and not row.bridge and (leg.bridge or leg.talk):
            yield BridgeLeft(at=at, leg=leg_id, bridge=leg.bridge)


def _meetings(book: Book, rows: Rows, at: Micros) -> Iterator[Fact]:
    """Bridges whose legs are not those of the book."""
    bridges: dict[str, list[str]] = {}
    for leg_id, row in rows.items():
        if row.bridge:
            bridges.setdefault(row.bridge, []).append(leg_id)
    for bridge, legs in bridges.items():
        known = book.bridges.get(bridge, {})
        legs += [leg.id for leg in known.values() if leg.started > at]
        if set(legs) != set(known) or not all(leg.place for leg in known.values()):
            places = [rows[leg].place if leg in rows else known[leg].place for leg in legs]
            yield BridgeSeen(at=at, bridge=bridge, legs=tuple(legs), places=tuple(places))


def _holds(book: Book, rows: Rows, snapshot: Snapshot) -> Iterator[Fact]:
    """Told last: a talk that is on hold must have begun."""
    if snapshot.holding is None:
        return
    for leg_id in rows:
        leg = book.legs.get(leg_id)
        if leg_id in snapshot.holding:
            yield Held(at=snapshot.at, leg=leg_id, restored=True)
        elif leg and leg.held:
            yield Unheld(at=snapshot.at, leg=leg_id, restored=True)


def _hangups(book: Book, rows: Rows, snapshot: Snapshot) -> Iterator[Fact]:
    """Legs that are gone; with their process, if it has died."""
    for leg in book.legs.values():
        died = snapshot.died_at if leg.started <= snapshot.died_at else 0
        at = died or snapshot.at
        if leg.id not in rows and leg.started <= snapshot.at:
            yield LegHungUp(at=at, leg=leg.id, unexplained=True)
