from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from callqueue.join_priority import join_priority

T = 1_800_000_000_000_000
times = st.integers(T, T + 30 * 365 * 86_400 * 1_000_000)


@given(times, times)
def test_the_later_the_virtual_join_the_lower_and_never_behind_who_has_none(a: int, b: int) -> None:
    assert (join_priority(a) > join_priority(b)) is (a // 1_000_000 < b // 1_000_000)
    assert 0 < join_priority(a) < 2**31


def test_it_stays_a_number_that_app_queue_holds() -> None:
    assert [join_priority(at) for at in (-(10**18), 10**20)] == [2**31 - 1, 1]
