from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dashboard.outbox import Outbox


def test_a_new_browser_needs_a_snapshot_first() -> None:
    outbox = Outbox(100, 10)
    outbox.offer(b"lost in the snapshot to come")
    assert outbox.stale
    assert outbox.take() is None
    outbox.snapshot_taken()
    outbox.offer(b"a")
    outbox.offer(b"b")
    assert [outbox.take(), outbox.take(), outbox.take()] == [b"a", b"b", None]
    assert not outbox


@given(st.lists(st.one_of(st.none(), st.integers(0, 60)), max_size=50))
def test_what_waits_is_bounded_in_order_and_whole_or_replaced(steps: list[int | None]) -> None:
    outbox, waiting = Outbox(100, 5), list[bytes]()
    outbox.snapshot_taken()
    for step in steps:
        if step is None:
            assert outbox.take() == (waiting.pop(0) if waiting else None)
            continue
        frame = b"x" * step
        outbox.offer(frame)
        waiting.append(frame)
        if outbox.stale:
            assert len(waiting) > 5 or sum(map(len, waiting)) > 100
            waiting.clear()
            outbox.snapshot_taken()
        assert len(waiting) <= 5
        assert sum(map(len, waiting)) <= 100
