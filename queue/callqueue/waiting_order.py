"""All who wait, in the order in which they are to be served, kept right as time goes by. Pure.

A kinetic sorted list (Basch, Guibas and Hershberger 1997): a plain list in the right order, and
for each two neighbours the time at which they will change places, in a heap. Nothing happens
between these times, so there is nothing to poll: :attr:`WaitingOrder.next_change` is when to look
again. With ``n`` waiting a join, a rank or a change costs O(log n) comparisons (and moves pointers
within one list of the C runtime, 80 kB at 10,000).

Who only simulates needs no more than this::

    order = WaitingOrder()
    order.add(policy.standing(entry_id, facts, joined_at), now)
    order.first(now); order.discard(entry_id, now)
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from heapq import heapify, heappop, heappush

from callqueue.crossing import next_crossing
from callqueue.curve import NEVER, Standing
from cti.domain.events import Micros


class WaitingOrder:
    """The order of one queue, or of several together.

    Each method takes the time; a time before the last one counts as the last one.
    """

    def __init__(self, standings: Iterable[Standing] = (), now: Micros = 0) -> None:
        self._now = now
        self._row = sorted(standings, key=lambda standing: standing.key(now))
        self._by_id = {standing.entry_id: standing for standing in self._row}
        self._due: dict[str, Micros] = {}
        self._heap: list[tuple[Micros, str]] = []
        self._went_past: set[str] = set()
        for index in range(len(self._row)):
            self._watch(index)

    def __len__(self) -> int:
        return len(self._row)

    def __contains__(self, entry_id: str) -> bool:
        return entry_id in self._by_id

    def __iter__(self) -> Iterator[Standing]:
        return iter(self._row)

    def get(self, entry_id: str) -> Standing | None:
        """The caller's standing, or None."""
        return self._by_id.get(entry_id)

    def add(self, standing: Standing, now: Micros) -> int:
        """Take a caller in, or their new standing; gives the rank, from 1. O(log n)."""
        self.discard(standing.entry_id, now)
        index = self._index(standing)
        self._row.insert(index, standing)
        self._by_id[standing.entry_id] = standing
        self._watch(index - 1)
        self._watch(index)
        return index + 1

    def discard(self, entry_id: str, now: Micros) -> None:
        """The caller left; nothing for somebody who is not here. O(log n)."""
        self.advance(now)
        standing = self._by_id.pop(entry_id, None)
        if standing is None:
            return
        index = self._index(standing)
        del self._row[index]
        self._due.pop(entry_id, None)
        self._went_past.discard(entry_id)
        self._watch(index - 1)

    def rank(self, entry_id: str, now: Micros) -> int:
        """1 for who is served first, 0 for somebody who is not here. O(log n)."""
        self.advance(now)
        standing = self._by_id.get(entry_id)
        return self._index(standing) + 1 if standing else 0

    def first(self, now: Micros) -> Standing | None:
        """Who is served next, or None."""
        self.advance(now)
        return self._row[0] if self._row else None

    def row(self, now: Micros) -> list[Standing]:
        """Everybody, first first. The list itself, for speed: it is only to be read."""
        self.advance(now)
        return self._row

    def order(self, now: Micros) -> list[str]:
        """The entry ids of everybody, first first."""
        self.advance(now)
        return [standing.entry_id for standing in self._row]

    @property
    def next_change(self) -> Micros:
        """When somebody changes places next, if nobody joins or leaves; :data:`NEVER`: not."""
        self._drop_stale()
        return self._heap[0][0] if self._heap else NEVER

    def advance(self, now: Micros) -> None:
        """Let the time come. Who goes past somebody is in :meth:`went_past`."""
        while (due := self.next_change) <= now:
            self._now = max(self._now, due)
            self._went_past.add(self._swap(heappop(self._heap)[1]))
        self._now = max(self._now, now)

    def went_past(self) -> frozenset[str]:
        """Who went past somebody by the time alone since this was asked last."""
        went_past = frozenset(self._went_past)
        self._went_past.clear()
        return went_past

    def _swap(self, ahead_id: str) -> str:
        """Who stands before is passed by the one behind."""
        del self._due[ahead_id]
        index = self._find(self._by_id[ahead_id])
        row = self._row
        row[index], row[index + 1] = row[index + 1], row[index]
        for neighbour in (index - 1, index, index + 1):
            self._watch(neighbour)
        return row[index].entry_id

    def _index(self, standing: Standing) -> int:
        """Where the caller stands, or would stand, now: the row is sorted."""
        now = self._now
        return bisect_left(self._row, standing.key(now), key=lambda other: other.key(now))

    def _find(self, standing: Standing) -> int:
        """Where the caller stands in a row that is about to be sorted again."""
        guess = self._index(standing)
        for index in (guess - 1, guess, guess - 2, guess + 1):
            if 0 <= index < len(self._row) and self._row[index] is standing:
                return index
        return self._row.index(standing)

    def _watch(self, index: int) -> None:
        """Note when the caller at ``index`` is passed by the next one."""
        if not 0 <= index < len(self._row):
            return
        ahead = self._row[index]
        due = NEVER
        if index + 1 < len(self._row):
            due = next_crossing(ahead, self._row[index + 1], self._now)
        if due == NEVER:
            self._due.pop(ahead.entry_id, None)
        elif self._due.get(ahead.entry_id) != due:
            self._due[ahead.entry_id] = due
            heappush(self._heap, (due, ahead.entry_id))
            if len(self._heap) > 4 * len(self._row) + 64:
                self._heap = [(at, entry_id) for entry_id, at in self._due.items()]
                heapify(self._heap)

    def _drop_stale(self) -> None:
        heap = self._heap
        while heap and self._due.get(heap[0][1]) != heap[0][0]:
            heappop(heap)
