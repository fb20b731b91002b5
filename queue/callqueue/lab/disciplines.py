"""The orders a policy is measured against: by arrival, by rank alone, by score and age. Pure."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

from callqueue.lab.scene import NEVER, Caller, Seat
from cti.domain.events import Micros

Key = Callable[[Caller], int]


class ByKey:
    """Whoever has the smallest key first; among equals who joined first. The key never changes."""

    def __init__(self, key: Key) -> None:
        self._key = key
        self._lines: dict[str, list[tuple[int, int, Caller]]] = {}
        self._gone: set[int] = set()
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting

    def join(self, caller: Caller, _at: Micros) -> None:
        """The caller begins to wait."""
        entry = (self._key(caller), caller.number, caller)
        heappush(self._lines.setdefault(caller.facts.queue, []), entry)
        self._waiting += 1

    def leave(self, caller: Caller, _at: Micros) -> None:
        """The caller hung up."""
        self._gone.add(caller.number)
        self._waiting -= 1

    def take(self, seat: Seat, _at: Micros) -> Caller | None:
        """The first of those whom the agent may serve."""
        lines = (line for queue, line in self._lines.items() if seat.serves(queue))
        first = min((line for line in lines if self._clean(line)), default=None, key=_head)
        if first is None:
            return None
        self._waiting -= 1
        return heappop(first)[2]

    def wake_at(self, _at: Micros) -> Micros:
        """Nobody becomes anybody's by waiting alone."""
        return NEVER

    def _clean(self, line: list[tuple[int, int, Caller]]) -> bool:
        """Take those who hung up from the front; whether somebody is left."""
        while line and line[0][1] in self._gone:
            self._gone.discard(heappop(line)[1])
        return bool(line)


def _head(line: list[tuple[int, int, Caller]]) -> tuple[int, int]:
    return line[0][:2]


def fifo() -> ByKey:
    """By arrival."""
    return ByKey(lambda caller: caller.joined_at)


def strict_priority(rank: Callable[[Caller], int]) -> ByKey:
    """By rank alone, as QUEUE_PRIO has it: who ranks lower waits for all who rank higher."""
    return ByKey(lambda caller: -rank(caller))


def score_and_age(score: Callable[[Caller], int]) -> ByKey:
    """By a base score in seconds plus a second for each second waited, as mod_callcenter does.

    FreeSWITCH's cc_base_score; ``score`` gives a caller's.
    """
    return ByKey(lambda caller: caller.joined_at - score(caller) * 1_000_000)
