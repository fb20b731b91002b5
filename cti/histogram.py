"""How long things took: counts by upper bound, cheap enough for the way of every AMI event."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

LAG_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0)
"""Seconds: between half a millisecond (an idle machine) and a stream that has fallen behind."""
ACTION_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Seconds: an action is given up after five (``ami.action_timeout``)."""
WAIT_BOUNDS = (5.0, 10.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0, 1800.0)
"""Seconds a caller waits; 20 is where many service levels are measured."""


class Histogram:
    """Values in seconds by ascending upper ``bounds``; the last count is of those beyond all.

    ``total`` is the sum of the values. A negative value (the PBX's clock is ahead of ours) counts
    in the first bucket and adds nothing.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        if seconds > 0:
            self.total += seconds

    def cumulative(self) -> list[tuple[float, int]]:
        """(upper bound, how many are not above it), the last infinite: as Prometheus wants it."""
        pairs, so_far = [], 0
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            so_far += count
            pairs.append((bound, so_far))
        return pairs
