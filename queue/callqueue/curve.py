"""How a caller's claim grows with the time they wait. Pure, in exact integers.

A caller of a class with the head start ``H``, the service-level target ``T`` and the urgency ``w``
who has waited ``W`` is worth, in seconds of waiting,

    H + W + w * max(0, W - 0.8 T)^2 / T^2

and from the class's ceiling ``C`` on they **must be served**: before everybody who need not, the
one who reached the ceiling first before the others. (Head start and age: an accumulating priority
queue with equal slopes; Kleinrock; Stanford, Taylor and Ziedins 2014. The square makes what
lateness costs convex: Mandelbaum and Stolyar 2004.)

**Exact.** Times are whole microseconds, and the fraction is not rounded: everybody's worth is
multiplied by one common number, :func:`scale_of`, so that all are integers and compare exactly.
Floats would give wrong ranks, rounded integers would let two callers change places back and
forth while their curves touch. Only what people read is rounded, down to whole seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from cti.domain.events import Micros, Placed

SECOND = 1_000_000
NEVER: Micros = 1 << 62
"""Later than every time there is."""

Key = tuple[int, int, Micros, str]
"""Ascending is the order in which people are served."""

FRONT, MUST, USUAL, HELD, END = range(5)
"""The first part of a :data:`Key`."""

END_CEILING = 3_600
"""Seconds after which somebody sent to the end must be served, where the class has no ceiling."""


@dataclass(frozen=True, slots=True)
class Curve:
    """The numbers of a class, all in whole seconds; 0 for ``target`` and ``ceiling``: none.

    ``urgency`` is worth nothing without a ``target``.
    """

    head_start: int = 0
    urgency: int = 0
    target: int = 0
    ceiling: int = 0

    @property
    def denominator(self) -> int:
        """What a worth in microseconds must be multiplied with to be whole."""
        if not (self.urgency and self.target):
            return 1
        full = self.target * self.target * SECOND
        return full // math.gcd(full, self.urgency)

    @property
    def late_after(self) -> Micros:
        """Microseconds of waiting after which urgency begins: 0.8 T, exactly."""
        return self.target * 800_000 if self.urgency and self.target else NEVER

    def urgent_seconds(self, waited: Micros) -> int:
        """What urgency is worth after ``waited`` microseconds, rounded down."""
        late = waited - self.late_after
        if late <= 0:
            return 0
        return self.urgency * late * late // (self.target * self.target * SECOND * SECOND)


def scale_of(curves: Iterable[Curve]) -> int:
    """The common number for these curves."""
    return math.lcm(*(curve.denominator for curve in curves))


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """One caller in the order: a function of the time alone.

    ``scale`` must be the same for all who are compared (:func:`scale_of` of all their curves).
    Made by :func:`stand`.
    """

    entry_id: str
    joined_at: Micros
    curve: Curve
    scale: int
    placed: Placed
    placed_at: Micros
    must_at: Micros
    late_at: Micros
    base: int
    gain: int
    held: bool = False

    def key(self, now: Micros) -> Key:
        """Where the caller stands at ``now``; ascending, and never equal for two callers."""
        if self.placed == "front":
            return FRONT, -self.placed_at, self.joined_at, self.entry_id
        if now >= self.must_at:
            return MUST, self.must_at, self.joined_at, self.entry_id
        if self.placed == "end":
            return END, self.placed_at, self.joined_at, self.entry_id
        worth = self.base + now * self.scale
        if now > self.late_at:
            late = now - self.late_at
            worth += self.gain * late * late
        return HELD if self.held else USUAL, -worth, self.joined_at, self.entry_id

    def worth(self, now: Micros) -> int:
        """Head start, age and urgency in seconds, rounded down."""
        waited = max(0, now - self.joined_at)
        return self.curve.head_start + waited // SECOND + self.curve.urgent_seconds(waited)

    def must_be_served(self, now: Micros) -> bool:
        """Whether the ceiling is reached."""
        return now >= self.must_at


def stand(
    entry_id: str,
    joined_at: Micros,
    curve: Curve,
    scale: int,
    placed: Placed = "",
    placed_at: Micros = 0,
    *,
    held: bool = False,
) -> Standing:
    """A caller who joined at ``joined_at``, and whom a supervisor ``placed`` at ``placed_at``.

    Who was sent to the end waits for the ceiling anew from then on. Who is ``held`` (nobody who is
    free may take them) stands behind those who are not, until the ceiling.
    """
    ceiling, since = curve.ceiling, joined_at
    if placed == "end":
        ceiling, since = ceiling or END_CEILING, placed_at
    urgent = curve.urgency and curve.target
    return Standing(
        entry_id=entry_id,
        joined_at=joined_at,
        curve=curve,
        scale=scale,
        placed=placed,
        placed_at=placed_at,
        must_at=since + ceiling * SECOND if ceiling else NEVER,
        late_at=joined_at + curve.late_after if urgent else NEVER,
        base=(curve.head_start * SECOND - joined_at) * scale,
        gain=curve.urgency * scale // (curve.target * curve.target * SECOND) if urgent else 0,
        held=held,
    )
