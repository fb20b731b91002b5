"""From the PBX's own records to the facts that the book misses. Pure.

The records may begin before the moment at which the book was cut off, so what the book has already
is told by none of them: a leg it knows does not start, a wait that a leg has begun is not
begun again. That can be seen without comparing clocks to the millisecond, because a record
is never younger than the event that the PBX sent of the same thing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence

import msgspec

from cti.domain.book import Book, Leg
from cti.domain.events import Micros, WaitEnd
from cti.domain.facts import (
    AgentRingNoAnswer,
    AttendedTransferred,
    BlindTransferred,
    BridgeEntered,
    BridgeLeft,
    DialBegan,
    DialEnded,
    Fact,
    HangupRequested,
    LegHungUp,
    LegStarted,
    LegState,
    LocalOptimised,
    LocalOptimising,
    MessageLeft,
    PickedUp,
    QueueAbandoned,
    QueueJoined,
    QueueLeft,
)
from cti.pbx_logs.cdr import BRIDGE
from cti.pbx_logs.rows import SECOND, Row

_ORIGINATED = "AppDial2"
_RUNG = frozenset({"AppDial", "AppQueue", _ORIGINATED})
_ELSEWHERE = 26
"""The hang-up cause of a phone that stops ringing because another one was answered."""
ENDS_OF_WAITS: dict[str, WaitEnd] = {"WITHDRAW": "withdrawn", "EXITWITHTIMEOUT": "timeout"}
"""Events of the queue log that say more than CEL: who is sent away may hang up just then."""
_TOGETHER: Micros = SECOND // 10
"""What Asterisk does in one go lies no further apart than this."""
_BEHIND: Micros = SECOND // 4
"""So much older than the AMI event of the same thing a record may be (146 ms were measured)."""


def told(
    rows: Sequence[Row],
    book: Book,
    *,
    over: Collection[str] = (),
    rung: Collection[str] = (),
    heard: Micros = 0,
    before: Micros = 0,
) -> Iterator[Fact]:
    """The facts to fold, in order. Fold each before the next is taken: ``book`` is looked at.

    ``over`` are the Linkedids of calls that have ended already, ``rung`` the legs of which a
    snapshot shows that somebody rings or rang them. ``heard`` is when the PBX was last heard: legs
    that were gone by then and are not in the book are an old story. Of legs that are in the book,
    only what is no older than ``before`` that moment is told.
    """
    gone = {row.leg for row in rows if row.kind == "HANGUP" and row.at <= heard}
    old = gone - book.legs.keys()
    known = frozenset(book.legs)
    since = heard - before
    new = [row for row in rows if row.leg not in old and (row.at >= since or row.leg not in known)]
    return _Teller(new, book, frozenset(over), frozenset(rung), heard).facts()


class _Teller:
    """What the rows say of each leg, also later on: who was rung shows at the answer only."""

    def __init__(
        self,
        rows: Sequence[Row],
        book: Book,
        over: frozenset[str],
        rung: frozenset[str],
        heard: Micros,
    ) -> None:
        self._rows = rows = _with_beginnings(rows)
        self._book = book
        self._over = over
        self._heard = heard
        self._calls = frozenset(book.calls)
        self._places: dict[str, list[int]] = {}
        self._by: dict[str, str] = dict.fromkeys(rung, "AppDial")
        self._source: dict[str, str] = {}
        self._busy: dict[str, dict[str, str]] = {}
        self._ends: dict[tuple[str, str], list[tuple[Micros, WaitEnd]]] = {}
        for place, row in enumerate(rows):
            self._places.setdefault(row.leg, []).append(place)
            if row.application in _RUNG:
                self._by.setdefault(row.leg, row.application)
            if end := ENDS_OF_WAITS.get(row.kind):
                self._ends.setdefault((row.leg, row.argument), []).append((row.at, end))

    def facts(self) -> Iterator[Fact]:
        for place, row in enumerate(self._rows):
            tell = _TELLERS.get(row.kind)
            if tell:
                yield from tell(self, place, row)

    def _next(self, leg: str, place: int) -> Row | None:
        """What the leg does next after that place."""
        places = self._places.get(leg, [])
        found = bisect_right(places, place)
        return self._rows[places[found]] if found < len(places) else None

    def _last(self, leg: str) -> Row | None:
        places = self._places.get(leg)
        return self._rows[places[-1]] if places else None

    def _known(self, row: Row) -> Leg | None:
        return self._book.legs.get(row.leg)

    # --- legs

    def started(self, _place: int, row: Row) -> Iterator[Fact]:
        leg, by = self._known(row), self._by.get(row.leg, "")
        if leg is None:
            if row.linkedid in self._over:
                return
            yield LegStarted(
                at=row.at,
                leg=row.leg,
                linkedid=row.linkedid,
                channel=row.channel,
                number=row.number,
                name=row.name,
                exten=row.exten,
                condition="down" if by else "ring",
                dialled=bool(by) and self._is_told(row),
            )
        if by and not (leg and leg.dialled) and not (leg is None and self._is_told(row)):
            source = "" if by == _ORIGINATED else self._who_rings(row)
            self._source[row.leg] = source
            yield DialBegan(at=row.at, leg=row.leg, source=source, dialled=self._interface(row))

    def _is_told(self, row: Row) -> bool:
        """Whether the book has what there was to say of the ringing of a leg that it lacks."""
        return row.linkedid in self._calls and row.at + _BEHIND < self._heard

    def _who_rings(self, row: Row) -> str:
        """The leg that began last to ring or to wait in this call; else who waits, or its first."""
        busy = self._busy.get(row.linkedid)
        if busy:
            return next(reversed(busy))
        call = self._book.calls.get(row.linkedid)
        legs = [leg for leg in call.legs.values() if not leg.dialled] if call else []
        waiting = next((leg for leg in legs if leg.entry), None)
        found = waiting or next(iter(legs), None)
        return found.id if found else ""

    def _interface(self, row: Row) -> str:
        """``Local/101@members`` of a half of such a channel; nothing is lost of others."""
        return row.channel.rpartition("-")[0] if row.channel.startswith("Local/") else ""

    def answered(self, _place: int, row: Row) -> Iterator[Fact]:
        leg = self._known(row)
        if leg is None:
            return
        if leg.condition != "up":
            yield LegState(at=row.at, leg=row.leg, condition="up")
        offer = leg.offer if leg.offer and leg.offer.leg is leg else None
        if (offer is None or offer.open) and (row.leg in self._by or leg.dialled):
            yield DialEnded(at=row.at, leg=row.leg, status="ANSWER")
        entry = offer.entry if offer else None
        if entry and entry.leg.entry is entry:
            yield QueueLeft(at=row.at, leg=entry.leg.id, queue=entry.queue)

    def hung_up(self, place: int, row: Row) -> Iterator[Fact]:
        self._busy.get(row.linkedid, {}).pop(row.leg, None)
        leg = self._known(row)
        if leg is None:
            return
        cause = int(row.more.get("hangupcause", 0))
        if row.more.get("hangupsource") == row.channel:
            yield HangupRequested(at=row.at, leg=row.leg)
        if leg.condition != "up":
            yield from self._ring_ended(place, row, leg, cause)
        yield LegHungUp(at=row.at, leg=row.leg, cause=cause)

    def _ring_ended(self, place: int, row: Row, leg: Leg, cause: int) -> Iterator[Fact]:
        entry = leg.offer.entry if leg.offer else None
        if entry:
            caller = self._next(entry.leg.id, place)
            goes = caller and caller.kind == "APP_END" and caller.at - row.at <= _TOGETHER
            if entry.leg.entry is entry and not goes and cause != _ELSEWHERE:
                yield AgentRingNoAnswer(at=row.at, leg=row.leg)
            return
        last = self._last(self._source.get(row.leg) or self._who_rings(row))
        status = str(last.more.get("dialstatus", "")) if last else ""
        if status and status != "ANSWER":
            yield DialEnded(at=row.at, leg=row.leg, status=status)

    # --- applications of the dialplan

    def began(self, _place: int, row: Row) -> Iterator[Fact]:
        leg = self._known(row)
        if row.application in ("Queue", "Dial"):
            self._busy.setdefault(row.linkedid, {})[row.leg] = row.application
        if leg is None:
            return
        queue = row.argument
        here = leg.entry and leg.entry.queue == queue
        if row.application == "Queue" and row.at > leg.joined and not here:
            yield QueueJoined(
                at=row.at,
                leg=row.leg,
                queue=queue,
                position=1 + sum(entry.queue == queue for entry in self._book.waiting()),
                place=row.place,
            )
        elif row.application == "VoiceMail":
            yield MessageLeft(at=row.at, leg=row.leg)

    def ended(self, place: int, row: Row) -> Iterator[Fact]:
        self._busy.get(row.linkedid, {}).pop(row.leg, None)
        leg = self._known(row)
        if leg is None or leg.entry is None or leg.entry.queue != row.argument:
            return
        then = self._next(row.leg, place)
        if then and then.kind == "HANGUP" and then.more.get("hangupsource") == row.channel:
            yield HangupRequested(at=row.at, leg=row.leg)
        if end := self._end_of_wait(row):
            yield QueueLeft(at=row.at, leg=row.leg, queue=row.argument, ended=end)
            return
        at = _same_or(leg.entry.place, row.place)
        yield QueueAbandoned(at=row.at, leg=row.leg, queue=row.argument, place=at)

    def _end_of_wait(self, row: Row) -> WaitEnd | None:
        """Where only the queue log tells, in whole seconds."""
        ends = self._ends.get((row.leg, row.argument), ())
        return next((end for at, end in ends if abs(row.at - at) < 2 * SECOND), None)

    # --- bridges

    def entered(self, _place: int, row: Row) -> Iterator[Fact]:
        leg, bridge = self._known(row), str(row.more.get("bridge_id", ""))
        if row.more.get("bridge_technology") == "holding_bridge" or leg is None:
            return
        if leg.entry and leg.entry.queue == row.argument:
            # Another phone took the call that rang an agent's, which is not said to answer.
            yield QueueLeft(at=row.at, leg=row.leg, queue=row.argument, ended="connected")
        in_it = leg.bridge == bridge or self._is_in_unknown_bridge(leg)
        in_it = in_it or (bool(leg.bridge) and bridge.startswith(BRIDGE))
        if not in_it and row.at > leg.entered:
            yield BridgeEntered(
                at=row.at,
                leg=row.leg,
                linkedid=row.linkedid,
                bridge=bridge,
                place=row.place,
                conference=row.argument if row.application == "ConfBridge" else "",
            )

    def _is_in_unknown_bridge(self, leg: Leg) -> bool:
        """A talk that the journal had, and no bridge."""
        moving = (going.parties for going in self._book.optimisations.values())
        return bool(leg.talk) and not leg.bridge and all(leg not in legs for legs in moving)

    def left(self, _place: int, row: Row) -> Iterator[Fact]:
        leg = self._known(row)
        if leg is None:
            return
        talk = leg.talk if self._is_in_unknown_bridge(leg) else None
        bridge = str(row.more.get("bridge_id", ""))
        of_records = bool(leg.bridge) and bridge.startswith(BRIDGE)
        if leg.bridge == bridge or of_records or (talk and talk.began < row.at):
            place = _same_or(leg.place, row.place)
            yield BridgeLeft(at=row.at, leg=row.leg, bridge=leg.bridge, place=place)

    def optimising(self, _place: int, row: Row) -> Iterator[Fact]:
        two = str(row.more.get("local_two_uniqueid", ""))
        yield LocalOptimising(at=row.at, one=row.leg, two=two)

    def optimised(self, _place: int, row: Row) -> Iterator[Fact]:
        two = str(row.more.get("local_two_uniqueid", ""))
        yield LocalOptimised(at=row.at, one=row.leg, two=two)

    # --- handed on

    def blind(self, _place: int, row: Row) -> Iterator[Fact]:
        leg = self._known(row)
        if leg and row.at > leg.call.transferred:
            yield BlindTransferred(
                at=row.at,
                leg=row.leg,
                to=str(row.more.get("extension", "")),
                transferee=str(row.more.get("transferee_channel_uniqueid", "")),
            )

    def attended(self, _place: int, row: Row) -> Iterator[Fact]:
        leg = self._known(row)
        if leg is None or row.at <= leg.call.transferred:
            return
        second = str(row.more.get("channel2_uniqueid", ""))
        transferee = str(row.more.get("transferee_channel_uniqueid", ""))
        target = str(row.more.get("transfer_target_channel_uniqueid", ""))
        if target not in self._book.legs:  # Asterisk 16 does not always say
            others = {row.leg, second, transferee}
            target = next((one for one in self._together(row) if one not in others), "")
        yield AttendedTransferred(
            at=row.at,
            leg=row.leg,
            second=second,
            transferee=transferee,
            target=target,
            to=self._dialled_on(second) if second != row.leg else "",
            back=self._dialled_on(row.leg),
        )

    def _dialled_on(self, leg_id: str) -> str:
        leg = self._book.legs.get(leg_id)
        return "" if leg is None or leg.dialled else leg.exten or leg.call.did

    def _together(self, row: Row) -> Iterator[str]:
        for name in ("bridge1_id", "bridge2_id"):
            yield from self._book.bridges.get(str(row.more.get(name, "")), ())

    def picked_up(self, _place: int, row: Row) -> Iterator[Fact]:
        by = str(row.more.get("pickup_channel_uniqueid", ""))
        yield PickedUp(at=row.at, leg=by, target=row.leg)


def _with_beginnings(rows: Sequence[Row]) -> Sequence[Row]:
    """We are told only when a Local channel has left the path, not when it begins to."""
    begun = {row.leg for row in rows if row.kind == "LOCAL_OPTIMIZE_BEGIN"}
    found = list(rows)
    for row in rows:
        if row.kind == "LOCAL_OPTIMIZE" and row.leg not in begun:
            first = next(place for place, one in enumerate(found) if _is_move(one, row))
            began = msgspec.structs.replace(row, kind="LOCAL_OPTIMIZE_BEGIN", at=found[first].at)
            found.insert(first, began)
    return found


def _is_move(one: Row, optimised: Row) -> bool:
    leaves = one.kind == "BRIDGE_EXIT" and one.linkedid == optimised.linkedid
    return one is optimised or (leaves and optimised.at - one.at <= _TOGETHER)


def _same_or(before: str, now: str) -> str:
    """A place without priority is the one before, if only that is not known of it."""
    return before if before.rpartition(",")[0] == now.rpartition(",")[0] else now


_TELLERS: dict[str, Callable[[_Teller, int, Row], Iterator[Fact]]] = {
    "CHAN_START": _Teller.started,
    "ANSWER": _Teller.answered,
    "HANGUP": _Teller.hung_up,
    "APP_START": _Teller.began,
    "APP_END": _Teller.ended,
    "BRIDGE_ENTER": _Teller.entered,
    "BRIDGE_EXIT": _Teller.left,
    "LOCAL_OPTIMIZE_BEGIN": _Teller.optimising,
    "LOCAL_OPTIMIZE": _Teller.optimised,
    "BLINDTRANSFER": _Teller.blind,
    "ATTENDEDTRANSFER": _Teller.attended,
    "PICKUP": _Teller.picked_up,
}
