"""One queue of app_queue as it orders its callers. Pure.

The rules, observed on Asterisk 22 and the same in `app_queue.c` (`join_queue`,
`change_priority_caller_on_queue`):

- The line is served from the front; a higher priority stands nearer to it.
- Who joins stands before the first caller with a lower priority, so **behind all equals**. The
  priority at the join is QUEUE_PRIO, 0 when that is not set.
- Who is given a priority (with `Immediate: yes`) leaves the line and joins it again: also behind
  all equals, even when the value is the one they had.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """One caller in the line. A higher ``priority`` stands nearer to the front."""

    entry_id: str
    priority: int


class WaitingLine:
    """The callers of one queue, front first."""

    def __init__(self, places: Iterable[Place] = ()) -> None:
        self._places = list(places)

    @property
    def places(self) -> tuple[Place, ...]:
        """The line, front first."""
        return tuple(self._places)

    @property
    def entry_ids(self) -> list[str]:
        """Who stands in the line, front first."""
        return [place.entry_id for place in self._places]

    def find(self, entry_id: str) -> Place | None:
        """The caller's place, or None for somebody who is not in the line."""
        return next((place for place in self._places if place.entry_id == entry_id), None)

    def rank(self, entry_id: str) -> int:
        """1 for who is at the front, 0 for somebody who is not in the line."""
        ids = self.entry_ids
        return ids.index(entry_id) + 1 if entry_id in ids else 0

    def join(self, entry_id: str, priority: int = 0) -> int:
        """Take a place behind all equals; returns the rank."""
        lower = (i for i, place in enumerate(self._places) if place.priority < priority)
        index = next(lower, len(self._places))
        self._places.insert(index, Place(entry_id, priority))
        return index + 1

    def leave(self, entry_id: str) -> None:
        """Leave the line; nothing happens for somebody who is not in it."""
        self._places = [place for place in self._places if place.entry_id != entry_id]

    def move(self, entry_id: str, priority: int) -> None:
        """QueueChangePriorityCaller with Immediate; nothing for somebody not in the line."""
        if self.rank(entry_id):
            self.leave(entry_id)
            self.join(entry_id, priority)

    def is_sorted_around(self, entry_id: str) -> bool:
        """Whether nobody before has a lower priority and nobody behind a higher one."""
        index = self.rank(entry_id) - 1
        own = self._places[index].priority
        before, behind = self._places[:index], self._places[index + 1 :]
        return all(place.priority >= own for place in before) and all(
            place.priority <= own for place in behind
        )
