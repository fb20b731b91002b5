"""Small days whose every minute can be followed by hand, and what holds on all days."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callqueue.facts import CallerFacts
from callqueue.lab.disciplines import ByKey, fifo, score_and_age, strict_priority
from callqueue.lab.scene import NEVER, Caller, Scene, Seat
from callqueue.lab.simulator import Discipline, Played, Stopped, simulate

RANKS = {"gold": 1, "standard": 0}
STARTS = {"gold": 60, "standard": 0}


def callers(*rows: tuple[float, float, float, str]) -> list[Caller]:
    """Each: joins at, handle, patience (seconds), class."""
    return [
        Caller(number, *(round(seconds * 1e6) for seconds in times), kind=kind)
        for number, (*times, kind) in enumerate(rows)
    ]


def seats(count: int, begin: int = 0, end: int = NEVER) -> list[Seat]:
    return [Seat(f"a{n}", ((begin, end),)) for n in range(count)]


def day(people: Sequence[Caller], agents: Sequence[Seat], end: float = 1_000) -> Scene:
    return Scene(people, agents, 0, round(end * 1e6))


def waits(played: Played) -> list[float]:
    return [wait / 1e6 for wait in played.waits]


LONG = NEVER / 1e6
BUSY = callers(
    (0, 100, LONG, "standard"),
    (10, 50, LONG, "standard"),
    (20, 50, LONG, "gold"),
    (30, 50, 40, "standard"),
    (100, 50, LONG, "gold"),
)


@pytest.mark.parametrize(
    ("discipline", "expected"),
    [
        (fifo(), [0, 90, 130, 40, 100]),
        (strict_priority(lambda c: RANKS[c.kind]), [0, 190, 80, 40, 50]),
        (score_and_age(lambda c: STARTS[c.kind]), [0, 140, 80, 40, 100]),
    ],
    ids=["first come", "by rank", "score and age"],
)
def test_who_is_served_when(discipline: Discipline, expected: list[float]) -> None:
    played = simulate(day(BUSY, seats(1)), discipline)
    assert waits(played) == expected
    assert list(played.taken) == [1, 1, 1, 0, 1]


def test_agents_come_finish_their_call_and_go() -> None:
    people = callers((0, 30, LONG, ""), (5, 30, LONG, ""), (6, 30, LONG, ""), (80, 1, LONG, ""))
    agent = Seat("a", ((10_000_000, 50_000_000),))
    played = simulate(day(people, [agent], end=100), fifo())
    assert waits(played) == [10, 35, 94, 20]  # the third and fourth are still there at the end
    assert list(played.taken) == [1, 1, 0, 0]
    assert (played.busy / 1e6, played.on_duty / 1e6) == (60, 40)


def test_an_agent_who_becomes_free_in_time_serves_who_would_hang_up_just_then() -> None:
    people = callers((0, 30, LONG, ""), (10, 5, 20, ""))
    assert list(simulate(day(people, seats(1)), fifo()).taken) == [1, 1]


def test_an_agent_serves_their_own_queues_only() -> None:
    people = [
        Caller(0, 0, 10_000_000, NEVER, facts=CallerFacts(queue="sales")),
        Caller(1, 1, 10_000_000, NEVER, facts=CallerFacts(queue="sales")),
        Caller(2, 2, 10_000_000, NEVER, facts=CallerFacts(queue="support")),
    ]
    two = [
        Seat("s", ((0, NEVER),), frozenset({"sales"})),
        Seat("b", ((0, NEVER),), frozenset({"support", "billing"})),
    ]
    played = simulate(day(people, two), fifo())
    assert played.waits == [0, 9_999_999, 0]


def test_who_has_been_free_the_longest_is_asked_first() -> None:
    asked: list[str] = []

    class Noting(ByKey):
        def take(self, seat: Seat, at: int) -> Caller | None:
            asked.append(seat.name)
            return super().take(seat, at)

    people = callers((0, 10, LONG, ""), (1, 2, LONG, ""), (5, 2, LONG, ""), (20, 1, LONG, ""))
    simulate(day(people, seats(2)), Noting(lambda c: c.joined_at))
    assert asked == ["a0", "a1", "a1", "a1"]  # at 20 s a0 has been free since 10 s, a1 since 7 s


def test_a_simulation_stops_when_told() -> None:
    with pytest.raises(Stopped):
        simulate(day(BUSY, seats(1)), fifo(), lambda: True)


PEOPLE = st.lists(
    st.tuples(
        st.integers(0, 300), st.integers(1, 90), st.integers(0, 120), st.sampled_from(sorted(RANKS))
    ),
    max_size=30,
)


@given(PEOPLE, st.integers(1, 3))
def test_nobody_is_forgotten_and_no_agent_is_idle_while_somebody_waits(
    rows: list[tuple[int, int, int, str]], agents: int
) -> None:
    people = callers(*sorted(rows))
    for discipline in (fifo(), strict_priority(lambda c: RANKS[c.kind])):
        played = simulate(day(people, seats(agents)), discipline)
        for caller, wait, taken in zip(people, played.waits, played.taken, strict=True):
            assert wait <= caller.patience
            assert taken or wait == caller.patience
        talks = [
            (c.joined_at + wait, c.joined_at + wait + c.handle)
            for c, wait, taken in zip(people, played.waits, played.taken, strict=True)
            if taken
        ]
        for caller, wait in zip(people, played.waits, strict=True):
            if wait:
                instant = caller.joined_at + wait - 1
                assert sum(begin <= instant < end for begin, end in talks) == agents


@given(PEOPLE, st.integers(1, 3))
def test_nobody_is_overtaken_when_served_by_arrival(
    rows: list[tuple[int, int, int, str]], agents: int
) -> None:
    people = callers(*sorted(rows))
    played = simulate(day(people, seats(agents)), fifo())
    served = [
        c.joined_at + w for c, w, ok in zip(people, played.waits, played.taken, strict=True) if ok
    ]
    assert served == sorted(served)
