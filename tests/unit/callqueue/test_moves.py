"""The planner against the line's own rules: always right, and never a move too many."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import cache
from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callqueue.moves import GAP, HIGHEST, Move, plan_moves
from callqueue.waiting_line import Place, WaitingLine

State = tuple[tuple[str, int], ...]


def carried_out(line: list[Place], moves: list[Move]) -> WaitingLine:
    result = WaitingLine(line)
    for move in moves:
        result.move(move.entry_id, move.priority)
    return result


def places(*pairs: tuple[str, int]) -> list[Place]:
    return [Place(entry_id, priority) for entry_id, priority in pairs]


@st.composite
def lines(draw: st.DrawFn, priorities: st.SearchStrategy[int]) -> list[Place]:
    """A line as joins leave it: sorted by priority, highest first."""
    values = sorted(draw(st.lists(priorities, min_size=1, max_size=12)), reverse=True)
    ids = draw(st.permutations([f"e{i:02}" for i in range(len(values))]))
    return [Place(entry_id, value) for entry_id, value in zip(ids, values, strict=True)]


crowded = st.integers(-3, 3)
anything = st.one_of(crowded, st.integers(-(2**31), 2**31 - 1))


@given(lines(anything))
def test_the_plan_reaches_the_wanted_order(line: list[Place]) -> None:
    wanted = sorted(place.entry_id for place in line)
    after = carried_out(line, plan_moves(line, wanted))
    assert after.entry_ids == wanted


@given(lines(crowded), st.data())
def test_it_does_so_around_callers_whose_agent_rings(
    line: list[Place], data: st.DataObject
) -> None:
    wanted = sorted(place.entry_id for place in line)
    fixed = frozenset(data.draw(st.sets(st.sampled_from(wanted))))
    moves = plan_moves(line, wanted, fixed)
    after = carried_out(line, moves)
    assert not fixed & {move.entry_id for move in moves}
    assert [e for e in after.entry_ids if e not in fixed] == [e for e in wanted if e not in fixed]
    assert all(after.find(place.entry_id) == place for place in line if place.entry_id in fixed)


@given(lines(crowded), st.data())
def test_somebody_ringing_never_costs_the_others_a_move(
    line: list[Place], data: st.DataObject
) -> None:
    wanted = sorted(place.entry_id for place in line)
    fixed = frozenset(data.draw(st.sets(st.sampled_from(wanted))))
    without = [place for place in line if place.entry_id not in fixed]
    assert len(plan_moves(line, wanted, fixed)) == len(plan_moves(without, wanted))


@given(st.lists(st.integers(-5, 10**9), min_size=1, max_size=12), st.randoms())
def test_a_line_somebody_left_unsorted_is_put_right(values: list[int], random: object) -> None:
    line = [Place(f"e{i:02}", value) for i, value in enumerate(values)]
    wanted = [place.entry_id for place in line]
    random.shuffle(wanted)  # type: ignore[attr-defined]
    assert carried_out(line, plan_moves(line, wanted)).entry_ids == wanted


@given(lines(anything))
def test_a_line_in_order_is_left_alone(line: list[Place]) -> None:
    assert plan_moves(line, [place.entry_id for place in line]) == []


@given(lines(st.integers(0, 10)))
def test_who_joins_next_comes_last(line: list[Place]) -> None:
    wanted = sorted(place.entry_id for place in line)
    after = carried_out(line, plan_moves(line, wanted))
    assert after.join("new") == len(line) + 1


def test_a_vip_who_joins_last_takes_one_move() -> None:
    line = places(("a", 0), ("b", 0), ("c", 0), ("d", 0), ("e", 0), ("f", 0), ("vip", 0))
    assert plan_moves(line, ["vip", "a", "b", "c", "d", "e", "f"]) == [Move("vip", GAP)]


def test_one_who_belongs_just_before_the_last_takes_one_move() -> None:
    line = places(("a", 0), ("b", 0), ("c", 0), ("silver", 0))
    assert plan_moves(line, ["a", "b", "silver", "c"]) == [Move("c", 0)]


def test_without_room_between_two_the_front_one_s_priority_is_shared() -> None:
    line = places(("a", 6), ("b", 5), ("c", 5), ("d", 0))
    assert plan_moves(line, ["a", "d", "b", "c"]) == [Move("d", 6)]


def test_of_two_equal_plans_the_one_that_moves_forward() -> None:
    assert plan_moves(places(("a", 0), ("vip", 0)), ["vip", "a"]) == [Move("vip", GAP)]
    assert plan_moves(places(("a", 5), ("vip", 0)), ["vip", "a"]) == [Move("vip", 5 + GAP)]


def test_an_offered_caller_who_stands_right_bounds_the_new_priority() -> None:
    line = places(("ringing", GAP), ("a", 0), ("b", 0))
    moves = plan_moves(line, ["ringing", "b", "a"], fixed={"ringing"})
    assert carried_out(line, moves).entry_ids == ["ringing", "b", "a"]


def test_a_caller_the_plan_does_not_know_is_left_alone() -> None:
    line = places(("stranger", 0), ("a", 0), ("b", 0))
    moves = plan_moves(line, ["b", "a", "gone"])
    assert [e for e in carried_out(line, moves).entry_ids if e != "stranger"] == ["b", "a"]


def test_priorities_that_grew_too_high_are_numbered_anew() -> None:
    line = places(("a", HIGHEST), ("b", 0))
    assert plan_moves(line, ["b", "a"]) == [Move("b", 2 * GAP), Move("a", GAP)]
    line = places(("a", HIGHEST), ("b", 0), ("c", 0))
    assert plan_moves(line, ["c", "a", "b"]) == [
        Move("c", 3 * GAP),
        Move("a", 2 * GAP),
        Move("b", GAP),
    ]


def dense(line: WaitingLine) -> State:
    """The line with its priorities as 0, 2, 4...: all that matters when gaps never run out."""
    values = sorted({place.priority for place in line.places})
    return tuple((place.entry_id, 2 * values.index(place.priority)) for place in line.places)


def all_lines(count: int) -> list[State]:
    """Every line of ``count`` callers: each order, with each pattern of equal priorities."""
    found = []
    for ids, steps in product(permutations(range(count)), product((0, 2), repeat=count - 1)):
        values = [sum(steps[i:]) for i in range(count)]
        found.append(tuple((f"e{i}", value) for i, value in zip(ids, values, strict=True)))
    return found


def one_move_on(state: State) -> Iterator[State]:
    top = state[0][1]
    for entry_id, _ in state:
        for priority in range(-1, top + 2):
            line = WaitingLine(places(*state))
            line.move(entry_id, priority)
            yield dense(line)


@cache
def fewest_moves(count: int) -> dict[State, int]:
    """For every line, how few moves reach e0, e1, e2...: breadth first, backwards."""
    origins: dict[State, set[State]] = {}
    for state in all_lines(count):
        for following in one_move_on(state):
            origins.setdefault(following, set()).add(state)
    wanted = [f"e{i}" for i in range(count)]
    fewest = {state: 0 for state in all_lines(count) if [e for e, _ in state] == wanted}
    frontier = deque(fewest)
    while frontier:
        state = frontier.popleft()
        for origin in origins.get(state, ()):
            if origin not in fewest:
                fewest[origin] = fewest[state] + 1
                frontier.append(origin)
    return fewest


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("scale", [1, 1000], ids=["no gaps", "wide gaps"])
def test_no_sequence_of_moves_is_shorter(count: int, scale: int) -> None:
    """All lines of up to five callers, against a search through all sequences of moves."""
    wanted = [f"e{i}" for i in range(count)]
    for state, fewest in fewest_moves(count).items():
        line = [Place(entry_id, value // 2 * scale) for entry_id, value in state]
        moves = plan_moves(line, wanted)
        assert carried_out(line, moves).entry_ids == wanted
        assert len(moves) == fewest, state
