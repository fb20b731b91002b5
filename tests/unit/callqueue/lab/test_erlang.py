"""The closed forms against known figures, and the simulator against the closed forms."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from callqueue.lab.disciplines import fifo
from callqueue.lab.erlang import ErlangA, ErlangC, erlang_b
from callqueue.lab.load import Load, LoadClass, Spread, Team, drawn_day
from callqueue.lab.scene import HOUR, SECOND
from callqueue.lab.simulator import simulate

DAYS = 40
CLOSE = 0.02
TARGET = 20.0


def test_erlang_b_is_what_the_tables_say() -> None:
    assert erlang_b(1, 1) == pytest.approx(0.5)
    assert erlang_b(10, 5.08) == pytest.approx(0.0200, abs=1e-4)  # tables: 5.08 erlangs for 2 %
    assert erlang_b(30, 21.93) == pytest.approx(0.0200, abs=1e-4)


def test_erlang_c_with_one_agent_is_the_m_m_1_queue() -> None:
    model = ErlangC(agents=1, calls=0.8, handle=1)
    assert model.waits == pytest.approx(0.8)
    assert model.mean_wait == pytest.approx(4)
    assert model.waits_longer(2) == pytest.approx(0.8 * math.exp(-0.4))


def test_erlang_c_refuses_more_than_can_be_served() -> None:
    with pytest.raises(ValueError, match="2 erlangs are too much for 2 agents"):
        ErlangC(agents=2, calls=1, handle=2)


def test_erlang_a_with_patience_as_long_as_a_call_is_a_queue_without_waiting() -> None:
    """With equal rates the number of people is Poisson: each has an agent or hangs up alike."""
    model = ErlangA(agents=3, calls=2, handle=1.5, patience=1.5)
    load, below = 3.0, sum(3.0**n / math.factorial(n) for n in range(3)) * math.exp(-3.0)
    assert model.waits == pytest.approx(1 - below)
    excess = sum((n - 3) * math.exp(-load) * load**n / math.factorial(n) for n in range(4, 60))
    assert model.mean_wait == pytest.approx(excess / 2)
    assert model.abandons == pytest.approx(excess / 2 / 1.5)


def test_erlang_a_with_endless_patience_is_erlang_c() -> None:
    calm, endless = ErlangC(8, 0.03, 200), ErlangA(8, 0.03, 200, patience=1e9)
    assert endless.waits == pytest.approx(calm.waits, rel=1e-4)
    assert endless.mean_wait == pytest.approx(calm.mean_wait, rel=1e-3)
    assert 1 - endless.answered_within(30) == pytest.approx(calm.waits_longer(30), rel=1e-3)


@pytest.mark.parametrize("calls", [0.02, 0.05, 0.08])
def test_the_two_ways_to_compute_erlang_a_agree(calls: float) -> None:
    """By the states of the queue, and by the wait a patient caller would have."""
    model = ErlangA(agents=10, calls=calls, handle=240, patience=150)
    assert 1 - model.answered_within(5_000) == pytest.approx(model.abandons, rel=2e-3, abs=1e-6)


def _days(model: ErlangA | ErlangC, hours: float) -> list[tuple[dict[str, float], list[float]]]:
    """Of each day what was measured, and how its draws differ from what was ordered."""
    patience = Spread(mean=model.patience) if isinstance(model, ErlangA) else None
    one = LoadClass(
        name="all",
        per_hour=model.calls * 3600,
        handle=Spread(mean=model.handle),
        patience=patience,
    )
    load = Load(
        name="erlang", hours=hours, warm_up_minutes=60, classes=[one],
        teams=[Team(agents=model.agents)],
    )  # fmt: skip
    return [_day(load, seed) for seed in range(DAYS)]


def _day(load: Load, seed: int) -> tuple[dict[str, float], list[float]]:
    scene = drawn_day(load, seed)
    played = simulate(scene, fifo())
    counted = np.array([c.joined_at >= scene.counted_from for c in scene.callers])
    waits = np.array(played.waits)[counted] / SECOND
    taken = np.frombuffer(played.taken, dtype=np.uint8)[counted].astype(bool)
    measured = {
        "waits": float((waits > 0).mean()),
        "mean_wait": float(waits.mean()),
        "abandons": float((~taken).mean()),
        "answered_within": float(((waits <= TARGET) & taken).mean()),
    }
    handles = np.array([c.handle for c in scene.callers]) / SECOND / load.classes[0].handle.mean
    gaps = np.diff([c.joined_at for c in scene.callers]) * load.classes[0].per_hour / HOUR
    luck = [draws.mean() - 1 for draws in (handles, handles**2 / 2, gaps, gaps**2 / 2)]
    return measured, luck


def _without_the_luck_of_the_draw(values: Sequence[float], luck: Sequence[list[float]]) -> float:
    """The mean by regression on control variates whose true means are known to be zero."""
    ones = np.ones((len(values), 1))
    solution, *_ = np.linalg.lstsq(np.hstack((ones, np.array(luck))), np.array(values), rcond=None)
    return float(solution[0])


@pytest.mark.parametrize(
    "model",
    [
        ErlangC(agents=5, calls=3 / 20, handle=20),
        ErlangC(agents=10, calls=7 / 20, handle=20),
        ErlangA(agents=10, calls=9 / 60, handle=60, patience=45),
        ErlangA(agents=20, calls=20 / 60, handle=60, patience=30),
        ErlangA(agents=10, calls=13 / 60, handle=60, patience=45),
    ],
    ids=["C at 60 %", "C at 70 %", "A at 90 %", "A at 100 %", "A at 130 %"],
)
def test_the_simulator_does_what_erlang_says(model: ErlangA | ErlangC) -> None:
    days = _days(model, 18 if isinstance(model, ErlangC) else 7)
    luck = [one for _, one in days]
    wanted = {"waits": model.waits, "mean_wait": model.mean_wait}
    if isinstance(model, ErlangA):
        wanted |= {
            "abandons": model.abandons,
            "answered_within": model.answered_within(TARGET),
        }
    else:
        wanted |= {"answered_within": 1 - model.waits_longer(TARGET)}
    for name, expected in wanted.items():
        found = _without_the_luck_of_the_draw([day[name] for day, _ in days], luck)
        assert found == pytest.approx(expected, rel=CLOSE), name
