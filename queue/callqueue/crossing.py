"""When will two waiting callers change places? Pure and exact to the microsecond.

Between the times at which something begins (urgency, a ceiling) the difference of two callers'
worth is a polynomial of degree two at most, with integer coefficients. Its first whole microsecond
above zero is found with the integer square root and checked with the polynomial itself.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isqrt

from callqueue.curve import NEVER, Standing
from cti.domain.events import Micros


def next_crossing(ahead: Standing, behind: Standing, now: Micros) -> Micros:
    """The first microsecond, ``now`` or later, at which ``behind`` comes before ``ahead``.

    :data:`NEVER` if there is none.
    """
    if behind.key(now) < ahead.key(now):
        return now
    if ahead.placed == "front" or behind.placed == "front" or ahead.must_at <= now:
        return NEVER
    ceiling = behind.must_at if _ceiling_key(behind) < _ceiling_key(ahead) else NEVER
    usual = not (ahead.placed or behind.placed) and ahead.held is behind.held
    if usual and ahead.curve is not behind.curve and (ahead.gain or behind.gain):
        end = min(ceiling, ahead.must_at)
        return min(_rises_above(ahead, behind, now, end), ceiling)
    return ceiling


def _ceiling_key(standing: Standing) -> tuple[Micros, Micros, str]:
    return standing.must_at, standing.joined_at, standing.entry_id


def _rises_above(ahead: Standing, behind: Standing, now: Micros, end: Micros) -> Micros:
    """The first time in [now, end) at which ``behind`` is worth more, or :data:`NEVER`.

    Who joined earlier comes before an equal.
    """
    tie = 0 if (behind.joined_at, behind.entry_id) < (ahead.joined_at, ahead.entry_id) else 1
    first, second = sorted((ahead.late_at, behind.late_at))
    start = now
    for stop in (first, second, end):
        stop = min(stop, end)
        if stop <= start:
            continue
        wait = _first_above(*_difference(ahead, behind, start, tie))
        if wait is not None and start + wait < stop:
            return start + wait
        start = stop
    return NEVER


def _difference(ahead: Standing, behind: Standing, start: Micros, tie: int) -> tuple[int, int, int]:
    """What ``behind`` is worth more than ``ahead``, less ``tie``, as a, b, c of a x^2 + b x + c.

    ``x`` is the time since ``start``; good until one of the two becomes urgent.
    """
    a = b = 0
    c = behind.base - ahead.base - tie
    late = start - behind.late_at
    if late >= 0:
        a, b, c = behind.gain, 2 * behind.gain * late, c + behind.gain * late * late
    late = start - ahead.late_at
    if late >= 0:
        a, b, c = a - ahead.gain, b - 2 * ahead.gain * late, c - ahead.gain * late * late
    return a, b, c


def _first_above(a: int, b: int, c: int) -> int | None:
    """The smallest whole x >= 0 with a x^2 + b x + c >= 0, or None."""
    if c >= 0:
        return 0
    if a == 0:
        return -(c // b) if b > 0 else None
    root = b * b - 4 * a * c
    if root < 0 or (a < 0 and b <= 0):
        return None
    guess = (isqrt(root) - b) // (2 * a) if a > 0 else (b - isqrt(root)) // (-2 * a)
    return _checked(lambda x: (a * x + b) * x + c, guess)


def _checked(value: Callable[[int], int], guess: int) -> int | None:
    """The first at or near ``guess`` that is not below zero; a root is cut down by less than 3."""
    for x in range(max(0, guess - 2), guess + 4):
        if value(x) >= 0:
            return x
    return None
