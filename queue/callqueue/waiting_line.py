"""One queue of app_queue as it orders its callers. Pure.

The rules, observed on Asterisk 22 and the same in `app_queue.c` (`join_queue`,
`change_priority_caller_on_queue`):

- The line is served from the front; a higher priority stands nearer to it.
- Who joins stands before the first caller with a lower priority, so **behind all equals**. The
  priority at the join is QUEUE_PRIO, 0 when that is not set.
- Who is given a priority (with `Immediate: yes`) leaves the line and joins it again: also behind
  all equals, even when the value is the one they had.

As long as the line is sorted by priority (it is, unless somebody changed one without `Immediate`),
everything but reading it whole takes O(log n).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Place:
    """One caller in the line. A higher ``priority`` stands nearer to the front."""

    entry_id: str
    priority: int


class WaitingLine:
    """The callers of one queue, front first."""

    def __init__(self, places: Iterable[Place] = ()) -> None:
        self._places = list(places)
        self._number_anew()

    def _number_anew(self) -> None:
        """Each caller's key; the second part says who of equals came first."""
        self._keys = [(-place.priority, i) for i, place in enumerate(self._places)]
        self._joins = len(self._keys)
        self._key_of = {
            place.entry_id: key for place, key in zip(self._places, self._keys, strict=True)
        }
        self._sorted = all(a < b for a, b in pairwise(self._keys))

    @property
    def places(self) -> Sequence[Place]:
        """The line, front first: only to be read."""
        return self._places

    @property
    def is_sorted(self) -> bool:
        """False after somebody changed a priority without `Immediate`."""
        return self._sorted

    @property
    def entry_ids(self) -> list[str]:
        """Who stands in the line, front first."""
        return [place.entry_id for place in self._places]

    def __contains__(self, entry_id: str) -> bool:
        return entry_id in self._key_of

    def find(self, entry_id: str) -> Place | None:
        """The caller's place, or None for somebody who is not in the line."""
        rank = self.rank(entry_id)
        return self._places[rank - 1] if rank else None

    def rank(self, entry_id: str) -> int:
        """1 for who is at the front, 0 for somebody who is not in the line."""
        key = self._key_of.get(entry_id)
        if key is None:
            return 0
        return (bisect_left(self._keys, key) if self._sorted else self._keys.index(key)) + 1

    def equals(self, priority: int) -> range:
        """The indices of those with this priority; they stand together in a sorted line."""
        start = bisect_left(self._keys, (-priority, -1))
        return range(start, bisect_left(self._keys, (-priority + 1, -1)))

    def join(self, entry_id: str, priority: int = 0) -> int:
        """Take a place behind all equals; returns the rank."""
        key = (-priority, self._joins)
        self._joins += 1
        if self._sorted:
            index = bisect_left(self._keys, key)
        else:
            lower = (i for i, place in enumerate(self._places) if place.priority < priority)
            index = next(lower, len(self._places))
        self._places.insert(index, Place(entry_id, priority))
        self._keys.insert(index, key)
        self._key_of[entry_id] = key
        return index + 1

    def leave(self, entry_id: str) -> None:
        """Leave the line; nothing happens for somebody who is not in it."""
        rank = self.rank(entry_id)
        if rank:
            del self._places[rank - 1], self._keys[rank - 1], self._key_of[entry_id]
            if not self._sorted:
                self._number_anew()

    def move(self, entry_id: str, priority: int) -> None:
        """QueueChangePriorityCaller with Immediate; nothing for somebody not in the line."""
        if entry_id in self._key_of:
            self.leave(entry_id)
            self.join(entry_id, priority)

    def is_sorted_around(self, entry_id: str) -> bool:
        """Whether nobody before has a lower priority and nobody behind a higher one."""
        if self._sorted:
            return True
        index = self.rank(entry_id) - 1
        own = self._places[index].priority
        before, behind = self._places[:index], self._places[index + 1 :]
        return all(place.priority >= own for place in before) and all(
            place.priority <= own for place in behind
        )
