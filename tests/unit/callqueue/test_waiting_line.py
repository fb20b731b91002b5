from __future__ import annotations

from callqueue.waiting_line import Place, WaitingLine


def line_of(*pairs: tuple[str, int]) -> WaitingLine:
    return WaitingLine(Place(entry_id, priority) for entry_id, priority in pairs)


def test_who_joins_stands_behind_all_equals() -> None:
    line = line_of(("a", 5), ("b", 0), ("c", -3))
    assert line.join("new", 0) == 3
    assert line.entry_ids == ["a", "b", "new", "c"]


def test_a_higher_priority_stands_nearer_to_the_front() -> None:
    line = line_of(("a", 5), ("b", 0))
    assert [line.join("new", 9), line.join("newer", 1)] == [1, 3]


def test_a_resent_priority_falls_behind_its_equals() -> None:
    line = line_of(("a", 0), ("b", 0), ("c", -1))
    line.move("a", 0)
    assert line.entry_ids == ["b", "a", "c"]


def test_moving_and_leaving_do_nothing_for_somebody_who_is_not_there() -> None:
    line = line_of(("a", 0))
    line.move("x", 5)
    line.leave("x")
    assert line.places == [Place("a", 0)]
    assert (line.rank("x"), line.find("x")) == (0, None)


def test_a_priority_changed_without_moving_shows() -> None:
    line = line_of(("a", 0), ("b", 9), ("c", 0))
    assert not line.is_sorted_around("b")
    assert not line.is_sorted_around("a")
    assert line.is_sorted_around("c")
