"""Somebody else who changes priorities on the PBX: noticed, put right once, never fought.

Each reading of the queue is compared with the one before. A priority that is neither what was read
then nor what we sent since was set by another program. The first time the caller is put right with
the next plan; if it happens again the other one has its way for the rest of that wait, and an alarm
says so: two programs that move the same caller for ever would serve nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import structlog

from callqueue.waiting_line import WaitingLine
from cti.clock import Now
from cti.domain.events import Event, QueueContested

log = structlog.get_logger(__name__)


class OfCall(Protocol):
    """Whoever belongs to a call."""

    call_id: str
    cause: str


class Contest:
    """One queue's."""

    def __init__(self, switch: str, queue: str, record: Callable[[Event], Event], now: Now) -> None:
        self._switch = switch
        self._queue = queue
        self._record = record
        self._now = now
        self._known: dict[str, int] = {}
        self._sent: dict[str, set[int]] = {}
        self._put_right: set[str] = set()
        self._yielded: set[str] = set()

    @property
    def yielded(self) -> frozenset[str]:
        """The callers who are left to the other program."""
        return frozenset(self._yielded)

    def sent(self, entry_id: str, priority: int) -> None:
        """We asked for this priority; whether it was set is not sure before the next reading."""
        self._sent.setdefault(entry_id, set()).add(priority)

    def forget(self, entry_id: str) -> None:
        """The caller left."""
        self._known.pop(entry_id, None)
        self._sent.pop(entry_id, None)
        self._put_right.discard(entry_id)
        self._yielded.discard(entry_id)

    def look_away(self) -> None:
        """The link is lost: what changes meanwhile is not told from what we did not see."""
        self._known.clear()

    def compare(self, line: WaitingLine, waiting: Mapping[str, OfCall]) -> None:
        """Record whom somebody else has moved since the last reading."""
        sent, self._sent = self._sent, {}
        for place in line.places:
            who, before = waiting.get(place.entry_id), self._known.get(place.entry_id)
            if who is None:
                continue
            self._known[place.entry_id] = place.priority
            if before is None or place.priority in {before, *sent.get(place.entry_id, ())}:
                continue
            if place.entry_id not in self._yielded:
                self._tell(place.entry_id, who, before, place.priority)

    def _tell(self, entry_id: str, who: OfCall, expected: int, actual: int) -> None:
        again = entry_id in self._put_right
        (self._yielded if again else self._put_right).add(entry_id)
        log.warning(
            "queue_contested",
            queue=self._queue,
            call_id=who.call_id,
            found=actual,
            cure="another program moves this caller; now it has its way"
            if again
            else "another program moved this caller; it is put right once",
        )
        self._record(
            QueueContested(
                at=self._now(),
                switch=self._switch,
                call_id=who.call_id,
                cause=who.cause,
                entry_id=entry_id,
                queue=self._queue,
                expected=expected,
                found=actual,
                yielded=again,
            )
        )
