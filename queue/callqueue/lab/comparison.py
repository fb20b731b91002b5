"""Policies against each other on the same days. Pure.

Each day is played by every contender, with the very same callers; what differs between two of them
is taken day by day (paired), so that a small difference is seen through the chance of the days.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from callqueue.lab.figures import BIN, KIND_FIGURES, Counting, DayFigures, Promise
from callqueue.lab.scene import Scene
from callqueue.lab.simulator import Discipline, simulate
from callqueue.lab.statistics import Estimate, estimate

CURVE_POINTS = 60


@dataclass(frozen=True)
class Contender:
    """A policy under a name; ``begin`` gives a discipline in which nobody waits yet."""

    name: str
    begin: Callable[[], Discipline]


@dataclass(frozen=True)
class KindResult:
    """One class under one contender. ``figures`` and ``against`` by the names of KIND_FIGURES.

    ``against``: the mean difference to the first contender, day by day. ``longer``: percent of the
    class who wait longer than each of the comparison's ``curve_seconds``.
    """

    figures: Mapping[str, Estimate]
    against: Mapping[str, Estimate]
    longer: Sequence[float]


@dataclass(frozen=True)
class ContenderResult:
    """One contender over all days."""

    name: str
    kinds: Mapping[str, KindResult]
    occupancy: Estimate
    cost: Estimate
    cost_against: Estimate


@dataclass(frozen=True)
class Comparison:
    """What came out. ``callers`` is the mean number of callers a day who were counted."""

    days: int
    callers: float
    promises: Mapping[str, Promise]
    contenders: Sequence[ContenderResult]
    curve_seconds: Sequence[float]

    def of(self, name: str) -> ContenderResult:
        """The contender of that name. Raises KeyError."""
        for one in self.contenders:
            if one.name == name:
                return one
        raise KeyError(name)


def _nobody(_done: int, _of: int) -> None:
    pass


def compare(
    contenders: Sequence[Contender],
    day: Callable[[int], Scene],
    days: int,
    promises: Mapping[str, Promise],
    progress: Callable[[int, int], None] = _nobody,
    stopped: Callable[[], bool] = lambda: False,
) -> Comparison:
    """Play days 0 to ``days`` - 1 with every contender.

    ``day`` gives the scene of one of them; classes that ``promises`` does not name are played and
    not reported. ``progress`` is told how many of how many plays are done. Raises
    :class:`callqueue.lab.simulator.Stopped`.
    """
    found: list[list[DayFigures]] = [[] for _ in contenders]
    for number in range(days):
        scene = day(number)
        counting = Counting(scene, promises)
        for at, contender in enumerate(contenders):
            found[at].append(counting.figures(simulate(scene, contender.begin(), stopped)))
            progress(number * len(contenders) + at + 1, days * len(contenders))
    return summed_up(contenders, found, promises)


def summed_up(
    contenders: Sequence[Contender],
    found: Sequence[Sequence[DayFigures]],
    promises: Mapping[str, Promise],
) -> Comparison:
    """The comparison of days that were played: ``found[contender][day]``."""
    first = found[0]
    step, points = _grid(found)
    results = [
        ContenderResult(
            name=contender.name,
            kinds={kind: _of_kind(kind, own, first, step, points) for kind in promises},
            occupancy=estimate([day.occupancy for day in own]),
            cost=estimate([day.cost for day in own]),
            cost_against=estimate([a.cost - b.cost for a, b in zip(own, first, strict=True)]),
        )
        for contender, own in zip(contenders, found, strict=True)
    ]
    callers = estimate([sum(k.callers for k in day.kinds.values()) for day in first]).mean
    seconds = [float(step * BIN * point) for point in range(points)]
    return Comparison(len(first), callers, promises, results, seconds)


def _of_kind(
    kind: str, own: Sequence[DayFigures], first: Sequence[DayFigures], step: int, points: int
) -> KindResult:
    figures, against = {}, {}
    for name in KIND_FIGURES:
        mine = [getattr(day.kinds[kind], name) for day in own]
        theirs = [getattr(day.kinds[kind], name) for day in first]
        figures[name] = estimate(mine)
        against[name] = estimate([a - b for a, b in zip(mine, theirs, strict=True)])
    counts = sum((day.waits[kind] for day in own), start=np.zeros(1, dtype=np.int64))
    return KindResult(figures, against, _longer(counts, step, points))


def _longer(counts: np.ndarray, step: int, points: int) -> list[float]:
    """Percent who wait longer than 0, 1, 2... steps of bins."""
    whole = max(int(counts.sum()), 1)
    beyond = np.concatenate((counts[::-1].cumsum()[::-1], [0]))
    picked = beyond[: step * points : step]
    return [round(100 * float(count) / whole, 3) for count in picked]


def _grid(found: Sequence[Sequence[DayFigures]]) -> tuple[int, int]:
    """Bins a point and points, so that all but one wait in a hundred lie within the curve."""
    last = 1
    for own in found:
        for kind in own[0].waits if own else ():
            counts = sum((day.waits[kind] for day in own), start=np.zeros(1, dtype=np.int64))
            if whole := int(counts.sum()):
                within = np.searchsorted(counts.cumsum(), 0.995 * whole)
                last = max(last, int(within) + 2)
    step = -(-last // CURVE_POINTS)
    return step, -(-last // step)
