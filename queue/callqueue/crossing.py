"""When will two waiting callers change places? Pure and exact to the microsecond.

Between the times at which something begins (urgency, a ceiling) the difference of two callers'
worth is a polynomial of degree two at most. It is cut at its vertex into pieces which only rise
or only fall, and each piece is searched by halving: no square root, no rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from callqueue.curve import NEVER, Standing
from cti.domain.events import Micros


def next_crossing(ahead: Standing, behind: Standing, now: Micros) -> Micros:
    """The first microsecond, ``now`` or later, at which ``behind`` comes before ``ahead``.

    :data:`NEVER` if there is none.
    """
    if behind.key(now) < ahead.key(now):
        return now
    if "front" in {ahead.placed, behind.placed} or ahead.must_at <= now:
        return NEVER
    ceiling = behind.must_at if _ceiling_key(behind) < _ceiling_key(ahead) else NEVER
    end = min(ceiling, ahead.must_at)
    usual = not (ahead.placed or behind.placed)
    if usual and ahead.curve is not behind.curve and (ahead.gain or behind.gain):
        return _rises_above(ahead, behind, now, end, ceiling)
    return ceiling


def _ceiling_key(standing: Standing) -> tuple[Micros, Micros, str]:
    return standing.must_at, standing.joined_at, standing.entry_id


def _rises_above(
    ahead: Standing, behind: Standing, now: Micros, end: Micros, otherwise: Micros
) -> Micros:
    """The first time in [now, end) at which ``behind`` is worth more, or ``otherwise``."""

    def lead(at: Micros) -> int:
        return _worth(behind, at) - _worth(ahead, at)

    least = 0 if (behind.joined_at, behind.entry_id) < (ahead.joined_at, ahead.entry_id) else 1
    for start, stop in _pieces(ahead, behind, now, end):
        found = _first(lambda at: lead(at) >= least, start, stop)
        if found is not None:
            return found
    return otherwise


def _worth(standing: Standing, at: Micros) -> int:
    late = max(0, at - standing.late_at)
    return standing.base + at * standing.scale + standing.gain * late * late


def _pieces(
    ahead: Standing, behind: Standing, now: Micros, end: Micros
) -> Iterator[tuple[Micros, Micros]]:
    """[start, stop) within which the difference only rises, or only falls."""
    cuts = {now, end, *(s.late_at for s in (ahead, behind) if now < s.late_at < end)}
    bounds = sorted(cuts)
    for start, stop in pairwise(bounds):
        a = ahead.gain if start >= ahead.late_at else 0
        b = behind.gain if start >= behind.late_at else 0
        vertex = (b * behind.late_at - a * ahead.late_at) // (b - a) if a != b else NEVER
        if start < vertex < stop - 1:
            yield start, vertex + 1
            yield vertex + 1, stop
        else:
            yield start, stop


def _first(holds: Callable[[Micros], bool], start: Micros, stop: Micros) -> Micros | None:
    """The first of [start, stop) at which ``holds``, which changes at most once there."""
    if holds(start):
        return start
    if stop - 1 <= start or not holds(stop - 1):
        return None
    low, high = start, min(stop - 1, _reach(holds, start, stop))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _reach(holds: Callable[[Micros], bool], start: Micros, stop: Micros) -> Micros:
    """A time not far behind the first that ``holds``: most crossings are near."""
    step = 1_000_000
    while start + step < stop and not holds(start + step):
        step *= 8
    return start + step
