"""The plan that looks at few, against the plan that looks at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callqueue import near_moves
from callqueue.curve import SECOND, Curve, stand
from callqueue.moves import GAP, HIGHEST, Move, plan_moves
from callqueue.near_moves import plan_near
from callqueue.waiting_line import Place, WaitingLine
from callqueue.waiting_order import WaitingOrder

T0 = 1_800_000_000_000_000
PLAIN = Curve()
priorities = st.one_of(st.integers(-2, 4), st.integers(0, 10**6))


def order_of(ids: list[str]) -> WaitingOrder:
    """These callers, to be served in this order."""
    return WaitingOrder(stand(e, T0 + i * SECOND, PLAIN, 1) for i, e in enumerate(ids))


@st.composite
def disturbed(draw: st.DrawFn) -> tuple[WaitingLine, list[str], set[str]]:
    """A line in which only some few are out of place, the wanted order, and these few."""
    wanted = [f"e{i:02}" for i in range(draw(st.integers(1, 9)))]
    values = sorted((draw(priorities) for _ in wanted), reverse=True)
    line = WaitingLine(Place(e, v) for e, v in zip(wanted, values, strict=True))
    suspects = draw(st.sets(st.sampled_from(wanted), max_size=3))
    for who in sorted(suspects):
        if draw(st.booleans()):
            line.move(who, draw(priorities))
    return line, wanted, suspects


@given(disturbed(), st.data())
def test_it_reaches_the_order_with_as_few_moves_as_the_whole_plan(
    case: tuple[WaitingLine, list[str], set[str]], data: st.DataObject
) -> None:
    line, wanted, suspects = case
    fixed = frozenset(data.draw(st.sets(st.sampled_from(wanted), max_size=2)))
    moves = plan_near(line, order_of(wanted), suspects, fixed, T0)
    if moves is None:
        return
    assert len(moves) == len(plan_moves(line.places, wanted, fixed))
    after = WaitingLine(line.places)
    for move in moves:
        assert move.entry_id not in fixed
        after.move(move.entry_id, move.priority)
    assert [e for e in after.entry_ids if e not in fixed] == [e for e in wanted if e not in fixed]


@given(disturbed())
def test_a_long_line_is_put_right_by_moving_only_who_is_out_of_place(
    case: tuple[WaitingLine, list[str], set[str]],
) -> None:
    line, wanted, suspects = case
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near_moves, "ALL_LOOKED_AT", 0)
        moves = plan_near(line, order_of(wanted), suspects, frozenset(), T0)
    if moves is None:
        return
    for move in moves:
        line.move(move.entry_id, move.priority)
    assert len({move.entry_id for move in moves}) == len(moves)
    assert line.entry_ids == wanted


def line_of(*pairs: tuple[str, int]) -> WaitingLine:
    return WaitingLine(Place(entry_id, priority) for entry_id, priority in pairs)


def test_a_vip_behind_a_thousand_takes_one_move() -> None:
    callers = [f"e{i:04}" for i in range(5_000)]
    line = line_of(*((e, 0) for e in [*callers, "vip", "new"]))
    order = order_of(["vip", *callers, "new"])
    assert plan_near(line, order, {"vip", "new"}, frozenset(), T0) == [Move("vip", GAP)]


def test_where_it_cannot_be_sure_the_whole_line_is_looked_at() -> None:
    order = order_of(["a", "s", "b"])
    no_room = line_of(("a", 0), ("b", 0), ("s", 0))
    moves = plan_near(no_room, order, {"s"}, frozenset(), T0)
    assert moves == plan_moves(no_room.places, ["a", "s", "b"])
    unsorted = line_of(("a", 0), ("b", 5), ("s", 0))
    assert plan_near(unsorted, order, {"s"}, frozenset(), T0) is None
    too_high = line_of(("a", HIGHEST), ("b", 0), ("s", 0))
    assert plan_near(too_high, order_of(["s", "a", "b"]), {"s"}, frozenset(), T0) is None
    two = line_of(("a", 9), ("b", 8), ("s", 7), ("t", 6))
    order = order_of(["s", "a", "t", "b"])
    assert plan_near(two, order, {"s", "t"}, frozenset(), T0) is None


def test_of_several_who_joined_only_the_one_out_of_place_is_moved() -> None:
    line = line_of(("a", 0), ("b", 0), ("new", 0), ("vip", 0), ("newer", 0))
    order = order_of(["vip", "a", "b", "new", "newer"])
    assert plan_near(line, order, {"new", "vip", "newer"}, frozenset(), T0) == [Move("vip", GAP)]


def test_room_between_equals_stays_above_who_stands_behind() -> None:
    line = line_of(("a", 5), ("b", 5), ("s", 4), ("c", 3))
    order = order_of(["a", "s", "b", "c"])
    moves = plan_near(line, order, {"s"}, frozenset(), T0)
    assert moves is not None
    assert len(moves) == 1
    for move in moves:
        line.move(move.entry_id, move.priority)
    assert line.entry_ids == ["a", "s", "b", "c"]
