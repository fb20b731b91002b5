"""The fewest moves when only a few callers can be out of place: without looking at everybody. Pure.

Between two plans the mover knows whose place may be wrong: who joined, whose class changed, who
went past somebody. All others stand in the wanted order among themselves. Then only these few and
their neighbours are looked at, O(log n) each. :func:`plan_near` gives None where that is not
enough to be sure, and :func:`callqueue.moves.plan_moves` looks at the whole line.
"""

from __future__ import annotations

from collections.abc import Iterable, Set

from callqueue.moves import HIGHEST, Move, plan_moves, spread
from callqueue.waiting_line import WaitingLine
from callqueue.waiting_order import WaitingOrder
from cti.domain.events import Micros

ALL_LOOKED_AT = 100
"""Up to so many waiting, several moves at once are planned by the whole line: the fewest for sure.

Beyond, everybody who is out of place is moved once, though moving a third one might do for two.
"""


def plan_near(
    line: WaitingLine,
    order: WaitingOrder,
    suspects: Iterable[str],
    fixed: Set[str],
    now: Micros,
) -> list[Move] | None:
    """The moves that put ``suspects`` right, if all others are in order; None: look at all.

    Nobody of ``fixed`` is moved, nor who is in ``line`` but not in ``order``.
    """
    if not line.is_sorted:
        return None
    near = _Near(line, order, fixed, now)
    wrong = near.wrong({who for who in suspects if near.counts(who)})
    if not wrong:
        return []
    if len(wrong) > 1:
        one = near.who_alone(wrong)
        if one:
            wrong = {one}
        elif len(line.places) <= ALL_LOOKED_AT:
            return None
    moves = near.moves(wrong)
    if moves is None and len(wrong) == 1:
        moves = near.among_equals(next(iter(wrong)))
    return moves


class _Near:
    """The neighbours of callers, in the line and in the wanted order."""

    def __init__(
        self, line: WaitingLine, order: WaitingOrder, fixed: Set[str], now: Micros
    ) -> None:
        self._line = line
        self._order = order
        self._standings = order.row(now)
        self._fixed = fixed
        self._now = now

    def counts(self, who: str) -> bool:
        """Whether the caller can be moved and is to stand somewhere."""
        return who in self._line and who in self._order and who not in self._fixed

    def before(self, who: str, without: Set[str] = frozenset()) -> str | None:
        """The nearest who is to stand before ``who``, passing over those who do not count."""
        return self._next(who, -1, without)

    def behind(self, who: str, without: Set[str] = frozenset()) -> str | None:
        """The nearest who is to stand behind ``who``."""
        return self._next(who, 1, without)

    def _next(self, who: str, step: int, without: Set[str]) -> str | None:
        index = self._order.rank(who, self._now) - 1 + step
        while 0 <= index < len(self._standings):
            other = self._standings[index].entry_id
            if self.counts(other) and other not in without:
                return other
            index += step
        return None

    def in_order(self, first: str | None, second: str | None) -> bool:
        """Whether ``first`` stands before ``second`` in the line; None: nobody is there."""
        if first is None or second is None:
            return True
        return self._line.rank(first) < self._line.rank(second)

    def wrong(self, suspects: Set[str]) -> set[str]:
        """Those of ``suspects`` who stand wrong beside a neighbour. Without them all is right."""
        wrong: set[str] = set()
        while True:
            left = suspects - wrong
            found = {
                who
                for who in left
                if not self.in_order(self.before(who, wrong), who)
                or not self.in_order(who, self.behind(who, wrong))
            }
            if not found:
                return wrong
            wrong |= found

    def who_alone(self, wrong: Set[str]) -> str | None:
        """One whose move alone puts everything right, if there is one; rather a move forward."""
        for one in sorted(wrong, key=self._falls_back):
            alone = frozenset({one})
            if all(
                self.in_order(self.before(who, alone), who)
                and self.in_order(who, self.behind(who, alone))
                for who in wrong
                if who != one
            ):
                return one
        return None

    def _falls_back(self, who: str) -> tuple[int, str]:
        return self._order.rank(who, self._now) - self._line.rank(who), who

    def moves(self, wrong: Set[str]) -> list[Move] | None:
        """Everybody of ``wrong`` between those who stay; None where there is no room."""
        row = sorted(wrong, key=lambda who: self._order.rank(who, self._now))
        moves: list[Move] = []
        while row:
            before = self.before(row[0], wrong)
            behind = self.behind(row[0], wrong)
            run = [who for who in row if self.behind(who, wrong) == behind]
            high, low = self._priority(before), self._priority(behind)
            if high is not None and high == low:
                return None
            moves += spread(run, high, low)
            row = row[len(run) :]
        return None if any(move.priority > HIGHEST for move in moves) else moves

    def among_equals(self, one: str) -> list[Move] | None:
        """Make room between two of the same priority by looking at those who have it only.

        None where that would move somebody beyond them.
        """
        shared = self._priority(self.before(one))
        if shared is None:
            return None
        run, places = self._line.equals(shared), self._line.places
        own = self._line.rank(one) - 1
        start = max(0, run.start - 1 - (own == run.start - 1))
        stop = min(len(places), run.stop + 1 + (own == run.stop))
        near = list(places[start:stop])
        if own < start:
            near.insert(0, places[own])
        elif own >= stop:
            near.append(places[own])
        row = [place.entry_id for place in near if self.counts(place.entry_id)]
        row.sort(key=lambda who: self._order.rank(who, self._now))
        moves = plan_moves(near, row, self._fixed)
        inside = {place.entry_id for place in places[run.start : run.stop]} | {one}
        if any(m.entry_id not in inside or m.priority > HIGHEST for m in moves):
            return None
        return moves

    def _priority(self, who: str | None) -> int | None:
        place = self._line.find(who) if who is not None else None
        return place.priority if place else None
