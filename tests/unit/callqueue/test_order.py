from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from callqueue.order import virtual_join, wanted_order
from cti.domain.events import PriorityTerm

T = 1_800_000_000_000_000


def test_a_head_start_is_an_earlier_join() -> None:
    terms = [PriorityTerm(label="VIP", seconds=120), PriorityTerm(label="Complaint", seconds=30)]
    assert virtual_join(T, terms) == T - 150_000_000


def test_one_microsecond_decides() -> None:
    vip = virtual_join(T + 120_000_000, [PriorityTerm(label="VIP", seconds=120)])
    assert wanted_order({"standard": T + 1, "vip": vip}) == ["vip", "standard"]
    assert wanted_order({"standard": T - 1, "vip": vip}) == ["standard", "vip"]


def test_equals_keep_the_order_of_their_ids() -> None:
    assert wanted_order({"b": T, "a": T}) == ["a", "b"]


@given(st.dictionaries(st.text(min_size=1), st.tuples(st.integers(0, 2**53), st.integers(0, 900))))
def test_the_order_is_that_of_waiting_time_plus_head_start(
    callers: dict[str, tuple[int, int]],
) -> None:
    joins = {
        e: virtual_join(at, [PriorityTerm(label="", seconds=s)]) for e, (at, s) in callers.items()
    }
    worth = [(2**53 - callers[e][0]) + callers[e][1] * 1_000_000 for e in wanted_order(joins)]
    assert worth == sorted(worth, reverse=True)
