"""Patience that was seen only in part, and means with how sure they are."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callqueue.lab.patience import estimated
from callqueue.lab.scene import NEVER
from callqueue.lab.statistics import estimate, student_t

FREIREICH = [6, 6, 6, 7, 10, 13, 16, 22, 23]
FREIREICH_CENSORED = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
"""Weeks to relapse under 6-MP, the textbook example (Freireich and others, 1963)."""


def test_the_curve_is_the_one_of_the_textbook() -> None:
    seen = [(t, True) for t in FREIREICH] + [(t, False) for t in FREIREICH_CENSORED]
    curve = estimated(seen)
    expected = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}
    assert {t: round(curve.survival(t), 3) for t in expected} == expected
    assert (curve.survival(5), curve.survival(9)) == (1.0, curve.survival(7))
    assert (curve.hung_up, curve.observed) == (9, 21)


def test_patience_is_found_though_most_are_answered_first() -> None:
    """Mean 180 s, answered after 60 s on the average: three of four are seen only in part."""
    random = Random(1)
    seen = []
    for _ in range(20_000):
        patience, wait = random.expovariate(1 / 180e6), random.expovariate(1 / 60e6)
        seen.append((round(min(patience, wait)), patience < wait))
    curve = estimated(seen)
    hung_up = [t for t, gave_up in seen if gave_up]
    assert sum(hung_up) / len(hung_up) < 50e6, "the naive mean, to see what the curve is for"
    drawn = [curve.draw(random.random()) for _ in range(20_000)]
    assert sum(drawn) / len(drawn) == pytest.approx(180e6, rel=0.05)
    assert curve.quantile(0.5) == pytest.approx(180e6 * math.log(2), rel=0.05)


@given(
    st.lists(st.tuples(st.integers(0, 1_000), st.booleans()), max_size=40),
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 1_200),
)
def test_a_draw_lies_beyond_what_was_waited(
    seen: list[tuple[int, bool]], chance: float, beyond: int
) -> None:
    assert beyond < estimated(seen).draw(chance, beyond) <= NEVER


def test_nobody_ever_hung_up() -> None:
    assert estimated([(5, False), (9, False)]).draw(0.5) == NEVER
    assert estimated([]).draw(0.5) == NEVER


def test_the_interval_is_students() -> None:
    assert student_t(1) == pytest.approx(12.706, rel=1e-3)
    assert student_t(2) == pytest.approx(4.303, rel=1e-3)
    assert student_t(3) == pytest.approx(3.182, rel=2e-3)
    assert student_t(9) == pytest.approx(2.262, rel=1e-3)
    assert student_t(29) == pytest.approx(2.045, rel=1e-3)
    found = estimate([2.0, 4.0, 6.0, math.nan])
    assert found.mean == 4
    assert found.spread == pytest.approx(4.303 * 2 / math.sqrt(3), rel=1e-3)
    assert not found.is_certain
    assert math.isnan(estimate([3.0]).spread)
    assert math.isnan(estimate([]).mean)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    random = Random(2)
    samples = ([random.gauss(7, 2) for _ in range(8)] for _ in range(2_000))
    held = sum(abs(found.mean - 7) <= found.spread for found in map(estimate, samples))
    assert held / 2_000 == pytest.approx(0.95, abs=0.015)
