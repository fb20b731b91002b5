"""What one played day comes to, for each class of callers and for the agents. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from callqueue.lab.scene import SECOND, Caller, Scene
from callqueue.lab.simulator import Played

BIN = 5
"""Seconds: how wide the bars of a histogram of waits are."""
BINS = 720
"""How many there are; the last one holds all longer waits."""


@dataclass(frozen=True)
class KindFigures:
    """One class of callers on one day; a figure of nobody is NaN.

    ``in_target``: answered within the target, in percent of all who called (who hung up was not);
    ``p50``, ``p95``, ``p99``, ``longest``, ``mean_wait``: seconds, of all waits however they ended;
    ``abandoned``: percent; ``cost``: the class's weight times the sum of squared waits in minutes.
    """

    callers: float
    in_target: float
    p50: float
    p95: float
    p99: float
    longest: float
    mean_wait: float
    abandoned: float
    cost: float


_NAN = math.nan
NOBODY = KindFigures(0, _NAN, _NAN, _NAN, _NAN, _NAN, _NAN, _NAN, cost=0)
"""A class of which nobody called."""

KIND_FIGURES: tuple[str, ...] = tuple(KindFigures.__dataclass_fields__)


@dataclass(frozen=True)
class DayFigures:
    """One day. ``occupancy``: percent of their time on duty in which agents were busy."""

    kinds: Mapping[str, KindFigures]
    waits: Mapping[str, np.ndarray]
    occupancy: float
    cost: float


@dataclass(frozen=True)
class Promise:
    """What a class of callers is promised: ``target`` in seconds, ``weight`` of its waits."""

    target: float
    weight: float = 1.0


class Counting:
    """Counts the days of one scene: who is of which class is found out once for all policies."""

    def __init__(self, scene: Scene, promises: Mapping[str, Promise]) -> None:
        self._promises = promises
        counted = [c for c in scene.callers if c.joined_at >= scene.counted_from]
        self._members = {kind: _numbers(counted, kind) for kind in promises}

    def figures(self, played: Played) -> DayFigures:
        """What the day came to."""
        waits = np.array(played.waits, dtype=np.int64) / SECOND
        taken = np.frombuffer(played.taken, dtype=np.uint8).astype(bool)
        kinds, histograms = {}, {}
        for kind, members in self._members.items():
            own, answered = waits[members], taken[members]
            kinds[kind] = of_kind(own, answered, self._promises[kind])
            histograms[kind] = histogram(own)
        occupancy = 100 * played.busy / played.on_duty if played.on_duty else math.nan
        cost = sum(one.cost for one in kinds.values() if not math.isnan(one.cost))
        return DayFigures(kinds, histograms, occupancy, cost)


def of_kind(waits: np.ndarray, answered: np.ndarray, promise: Promise) -> KindFigures:
    """The figures of these waits (seconds), each with whether it ended with an agent."""
    count = len(waits)
    if not count:
        return NOBODY
    p50, p95, p99 = np.percentile(waits, (50, 95, 99))
    return KindFigures(
        callers=count,
        in_target=100 * float(((waits <= promise.target) & answered).mean()),
        p50=float(p50),
        p95=float(p95),
        p99=float(p99),
        longest=float(waits.max()),
        mean_wait=float(waits.mean()),
        abandoned=100 * float((~answered).mean()),
        cost=promise.weight * float(((waits / 60) ** 2).sum()),
    )


def histogram(waits: np.ndarray) -> np.ndarray:
    """How many waits (seconds) fall into each of the bins."""
    bins = np.minimum((waits / BIN).astype(np.int64), BINS - 1)
    return np.bincount(bins, minlength=BINS)


def _numbers(callers: Sequence[Caller], kind: str) -> np.ndarray:
    return np.array([c.number for c in callers if c.kind == kind], dtype=np.int64)
