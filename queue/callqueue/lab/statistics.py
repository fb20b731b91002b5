"""Means over played days, and how sure they are. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, stdev
from typing import NamedTuple

CONFIDENCE = 0.95


class Estimate(NamedTuple):
    """A mean over days and half the width of its 95 % confidence interval.

    ``spread`` is NaN when there is only one day: then nobody knows.
    """

    mean: float
    spread: float

    @property
    def is_certain(self) -> bool:
        """Whether it is not zero by chance (95 %)."""
        return abs(self.mean) > self.spread


def estimate(values: Sequence[float]) -> Estimate:
    """The mean of independent ``values`` with its interval by Student's t; NaN values are left out.

    Nothing at all gives NaN.
    """
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return Estimate(math.nan, math.nan)
    if len(known) == 1:
        return Estimate(known[0], math.nan)
    spread = student_t(len(known) - 1) * stdev(known) / math.sqrt(len(known))
    return Estimate(fmean(known), spread)


def student_t(freedom: int, confidence: float = CONFIDENCE) -> float:
    """Student's t within which ``confidence`` of it lies, for ``freedom`` degrees of freedom.

    Exact for 1 and 2, else by the Cornish-Fisher series (Abramowitz and Stegun 26.7.5): within
    0.2 %.
    """
    part = (1 + confidence) / 2
    if freedom == 1:
        return math.tan(math.pi * (part - 0.5))
    if freedom == 2:
        return (2 * part - 1) * math.sqrt(2 / (4 * part * (1 - part)))
    z = NormalDist().inv_cdf(part)
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return math.fsum(term / float(freedom) ** power for power, term in enumerate(terms))
