"""Estimated waits: by hand for a few callers, and on average right for queues with random ones."""

from __future__ import annotations

import heapq
import random
from statistics import fmean

import pytest

from callqueue.wait_estimate import FEWEST, WINDOW_SECONDS, Pace
from callqueue.wait_times import WaitTimes
from cti.bus import Bus
from cti.domain import events as ev

SECOND = 1_000_000


def served_every(seconds: int, times: int = FEWEST) -> tuple[Pace, int]:
    """A queue in which somebody always waits; and the time."""
    pace, at = Pace(), 0
    for n in range(times + 20):
        pace.joined(f"e{n}", at)
    for n in range(times + 1):
        at += seconds * SECOND
        pace.answered(f"e{n}", at)
    return pace, at


def test_whoever_is_next_waits_one_interval_and_each_before_them_adds_one() -> None:
    pace, at = served_every(30)
    assert pace.estimate(0, at).seconds == pytest.approx(30)
    estimate = pace.estimate(3, at)
    assert estimate.seconds == pytest.approx(120)
    assert (estimate.ahead, estimate.position) == (3, 4)


def test_too_few_were_served_to_tell() -> None:
    pace, at = served_every(30, times=FEWEST - 1)
    assert pace.estimate(0, at).seconds is None
    assert Pace().estimate(2, 7).seconds is None


def test_what_is_long_ago_is_forgotten() -> None:
    pace, at = served_every(30)
    assert pace.estimate(0, at + (WINDOW_SECONDS + 1) * SECOND).seconds is None


def test_a_queue_that_comes_to_a_halt_is_noticed_before_the_next_is_served() -> None:
    pace, at = served_every(30)
    slower = pace.estimate(0, at + 300 * SECOND).seconds
    assert slower == pytest.approx((5 * 30 + 300) / 6)


def test_who_finds_nobody_waiting_is_told_what_such_callers_waited() -> None:
    pace = Pace()
    for n in range(FEWEST):
        pace.joined(f"e{n}", n * 100 * SECOND)
        pace.answered(f"e{n}", (n * 100 + 4) * SECOND)
    assert pace.estimate(0, 500 * SECOND).seconds == pytest.approx(4)
    pace.joined("another", 500 * SECOND)
    assert pace.estimate(1, 500 * SECOND).seconds is None


def test_those_who_give_up_make_the_wait_of_the_others_shorter() -> None:
    pace, at = served_every(30)
    for n in range(FEWEST + 1, 2 * FEWEST + 1):
        at += 10 * SECOND
        pace.abandoned(f"e{n}", at)
    next_one, fifth = pace.estimate(0, at).seconds, pace.estimate(4, at).seconds
    assert next_one is not None
    assert fifth is not None
    assert fifth < 5 * next_one


def test_who_was_sent_elsewhere_is_not_served() -> None:
    pace, at = served_every(30)
    pace.sent_on("e9", at + 1)
    assert pace.estimate(0, at + 1).seconds == pytest.approx(30)
    for n in range(40):
        pace.sent_on(f"e{n}", at + 2)
    assert pace.estimate(0, at + 2).seconds is None


def random_queue(
    agents: int, load: float, patience: float, callers: int = 20_000
) -> tuple[list[float], list[float]]:
    """The callers of an M/M/s+M queue who had to wait and were answered: the estimates, the waits.

    Seconds.
    """
    luck, pace, handle = random.Random(7), Pace(), 60.0
    free_at = [0.0] * agents
    at, joins = 0.0, list[float]()
    for _ in range(callers):
        at += luck.expovariate(load * agents / handle)
        joins.append(at)
    waiting: list[tuple[float, float, str, float | None]] = []
    estimates, waits = list[float](), list[float]()
    for number, joined_at in enumerate([*joins, float("inf")]):
        while waiting:
            gives_up = min(leaves for _, leaves, _, _ in waiting)
            serves = max(free_at[0], waiting[0][0])
            if min(gives_up, serves) > joined_at:
                break
            if serves <= gives_up:
                joined, _, entry_id, estimated = waiting.pop(0)
                heapq.heapreplace(free_at, serves + luck.expovariate(1 / handle))
                pace.answered(entry_id, round(serves * SECOND))
                if estimated is not None:
                    estimates.append(estimated)
                    waits.append(serves - joined)
            else:
                [gone] = [one for one in waiting if one[1] == gives_up]
                waiting.remove(gone)
                pace.abandoned(gone[2], round(gives_up * SECOND))
        if joined_at != float("inf"):
            micros = round(joined_at * SECOND)
            estimate = pace.estimate(len(waiting), micros) if waiting else None
            pace.joined(f"e{number}", micros)
            leaves = joined_at + luck.expovariate(1 / patience)
            seconds = estimate.seconds if estimate else None
            waiting.append((joined_at, leaves, f"e{number}", seconds))
    return estimates, waits


@pytest.mark.parametrize(("load", "patience"), [(0.9, 1e9), (1.0, 120.0), (1.5, 180.0)])
def test_on_average_the_estimates_are_right(load: float, patience: float) -> None:
    """A little high, for two reasons: where by chance service was slow the line is long, too; and
    who would have waited longest has given up.
    """
    estimates, waits = random_queue(agents=5, load=load, patience=patience)
    assert len(waits) > 5_000
    assert 0 < fmean(estimates) - fmean(waits) < 0.12 * fmean(waits)


def joins(n: int, at: int, **more: object) -> ev.CallQueued:
    return ev.CallQueued(
        at=at * SECOND, switch="pbx", call_id=f"c{n}", entry_id=f"e{n}", queue="support",
        channel="x", leg="1", position=1, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def leaves(n: int, at: int, ended: ev.WaitEnd = "connected") -> ev.QueueLeft:
    return ev.QueueLeft(
        at=at * SECOND, switch="pbx", call_id=f"c{n}", entry_id=f"e{n}", queue="support",
        ended=ended, waited=0,
    )  # fmt: skip


def test_every_estimate_is_held_against_what_became_of_it() -> None:
    line: list[str] = []
    times = WaitTimes(Bus(), lambda: 1_000 * SECOND, lambda *_: len(line))
    for n in range(FEWEST):
        times.take(joins(n, 100 * n))
        times.take(leaves(n, 100 * n + 10))
    times.take(joins(7, 600))
    times.take(leaves(7, 625))
    times.take(joins(8, 700))
    times.take(leaves(8, 702))
    times.take(joins(9, 800))
    times.take(leaves(9, 900, "abandoned"))
    errors = times.errors["pbx", "support"]
    assert sum(errors.sizes.counts) == 2
    assert errors.sizes.total == pytest.approx(15 + 10.5)
    assert errors.sum == pytest.approx(15 - 10.5)
    assert times.estimate("pbx", "support", "c10").seconds == pytest.approx(
        (40 + 25 + 2) / 6
    )  # one is too old
    assert times.estimate("pbx", "sales", "c10").seconds is None


def test_who_waited_before_we_looked_is_not_held_against_us() -> None:
    times = WaitTimes(Bus(), lambda: 0, lambda *_: 0)
    for n in range(FEWEST):
        times.take(joins(n, 10 * n))
        times.take(leaves(n, 10 * n + 5))
    times.take(joins(8, 100, restored=True))
    times.take(joins(8, 101, restored=True))
    times.take(leaves(8, 200))
    times.take(leaves(8, 201))
    assert not sum(times.errors["pbx", "support"].sizes.counts)
