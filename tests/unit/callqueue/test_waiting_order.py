"""The order against its definition: sorting everybody anew, at every time."""

from __future__ import annotations

import math
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from callqueue.crossing import next_crossing
from callqueue.curve import NEVER, SECOND, Curve, Standing, scale_of, stand
from callqueue.waiting_order import WaitingOrder
from cti.domain.events import Placed

T0 = 1_800_000_000_000_000

curves = st.builds(
    Curve,
    head_start=st.sampled_from([0, 0, 5, 30, 120]),
    urgency=st.sampled_from([0, 0, 7, 30, 300]),
    target=st.sampled_from([0, 10, 20, 45, 90]),
    ceiling=st.sampled_from([0, 100, 101, 300]),
)
joins = st.one_of(
    st.integers(0, 200).map(lambda seconds: T0 + seconds * SECOND),
    st.integers(0, 200 * SECOND).map(lambda micros: T0 + micros),
)
placings: st.SearchStrategy[Placed] = st.sampled_from(["", "", "", "", "front", "end"])


@st.composite
def crowds(draw: st.DrawFn, most: int = 10) -> list[Standing]:
    """Callers of a few classes."""
    classes = draw(st.lists(curves, min_size=1, max_size=4))
    scale = scale_of(classes)
    count = draw(st.integers(1, most))
    return [
        stand(
            f"e{i:02}",
            draw(joins),
            draw(st.sampled_from(classes)),
            scale,
            draw(placings),
            T0 + draw(st.integers(200, 210)) * SECOND,
            held=draw(st.integers(0, 4)) == 0,
        )
        for i in range(count)
    ]


def by_sorting(standings: list[Standing], now: int) -> list[str]:
    return [s.entry_id for s in sorted(standings, key=lambda s: s.key(now))]


def exactly(standing: Standing, now: int) -> Fraction:
    """The formula of the documentation, in fractions of a second."""
    curve, waited = standing.curve, Fraction(now - standing.joined_at, SECOND)
    worth = curve.head_start + waited
    if curve.urgency and curve.target:
        late = max(Fraction(0), waited - Fraction(4, 5) * curve.target)
        worth += curve.urgency * late**2 / Fraction(curve.target) ** 2
    return worth


@given(crowds(), st.integers(200 * SECOND, 500 * SECOND))
def test_the_key_is_the_formula_without_any_rounding(crowd: list[Standing], micros: int) -> None:
    now = T0 + micros
    usual = [s for s in crowd if not (s.placed or s.held or s.must_be_served(now))]
    wanted = sorted(usual, key=lambda s: (-exactly(s, now), s.joined_at, s.entry_id))
    assert by_sorting(usual, now) == [s.entry_id for s in wanted]
    for s in usual:
        assert -s.key(now)[1] == exactly(s, now) * SECOND * s.scale
        parts = s.curve.head_start, math.floor(Fraction(now - s.joined_at, SECOND))
        assert s.worth(now) == sum(parts) + s.curve.urgent_seconds(now - s.joined_at)


@given(crowds(2), st.integers(200 * SECOND, 260 * SECOND))
def test_a_crossing_is_the_first_microsecond_of_the_new_order(
    crowd: list[Standing], micros: int
) -> None:
    now = T0 + micros
    if len(crowd) < 2:
        return
    ahead, behind = sorted(crowd, key=lambda s: s.key(now))
    at = next_crossing(ahead, behind, now)
    if at == NEVER:
        for later in range(now, now + 400 * SECOND, SECOND // 4):
            assert ahead.key(later) < behind.key(later)
        return
    assert at > now
    assert behind.key(at) < ahead.key(at)
    assert ahead.key(at - 1) < behind.key(at - 1)
    for between in range(now, at, max(1, (at - now) // 300)):
        assert ahead.key(between) < behind.key(between)


@given(crowds(), st.lists(st.integers(0, 40 * SECOND), min_size=1, max_size=12), st.data())
def test_the_order_is_right_at_every_time_as_people_come_and_go(
    crowd: list[Standing], steps: list[int], data: st.DataObject
) -> None:
    now = T0 + 200 * SECOND
    order = WaitingOrder(now=now)
    there: dict[str, Standing] = {}
    for step in steps:
        now += step
        who = data.draw(st.sampled_from(crowd))
        if who.entry_id in there and data.draw(st.booleans()):
            order.discard(who.entry_id, now)
            del there[who.entry_id]
        else:
            there[who.entry_id] = who
            rank = order.add(who, now)
            assert by_sorting([*there.values()], now)[rank - 1] == who.entry_id
        wanted = by_sorting([*there.values()], now)
        assert order.order(now) == wanted
        assert [order.rank(entry_id, now) for entry_id in wanted] == [*range(1, len(wanted) + 1)]
        first = order.first(now)
        assert (first.entry_id if first else "") == (wanted[0] if wanted else "")


@given(crowds())
def test_between_two_changes_nothing_changes(crowd: list[Standing]) -> None:
    now = T0 + 200 * SECOND
    order = WaitingOrder(crowd, now)
    for _ in range(40):
        following = order.next_change
        if following == NEVER:
            break
        assert following > now
        assert by_sorting(crowd, following - 1) == order.order(now)
        order.advance(following)
        assert order.went_past()
        now = following
        assert order.order(now) == by_sorting(crowd, now)
    else:
        return
    assert by_sorting(crowd, now + 10_000 * SECOND) == order.order(now)


@given(crowds(), st.data())
def test_a_better_class_never_worsens_the_rank(crowd: list[Standing], data: st.DataObject) -> None:
    who = data.draw(st.sampled_from(crowd))
    old = who.curve
    better = Curve(
        head_start=old.head_start + data.draw(st.integers(0, 100)),
        urgency=old.urgency + data.draw(st.integers(0, 50)),
        target=data.draw(st.integers(1, old.target)) if old.target else 0,
        ceiling=data.draw(st.integers(1, old.ceiling)) if old.ceiling else 0,
    )
    scale = scale_of([better, *(s.curve for s in crowd)])
    others = [s for s in crowd if s is not who]

    def rank(curve: Curve, now: int) -> int:
        everybody = [(s, s.curve) for s in others] + [(who, curve)]
        made = [
            stand(s.entry_id, s.joined_at, c, scale, s.placed, s.placed_at, held=s.held)
            for s, c in everybody
        ]
        return by_sorting(made, now).index(who.entry_id)

    for micros in data.draw(st.lists(st.integers(200 * SECOND, 600 * SECOND), max_size=8)):
        assert rank(better, T0 + micros) <= rank(old, T0 + micros)


def test_equal_worth_is_settled_by_the_join_and_stays_so() -> None:
    early, late = Curve(), Curve(head_start=10)
    crowd = [stand("b", T0, early, 1), stand("a", T0 + 10 * SECOND, late, 1)]
    assert {tuple(by_sorting(crowd, T0 + s * SECOND)) for s in range(10, 1000)} == {("b", "a")}
    same = [stand("b", T0, early, 1), stand("a", T0, early, 1)]
    assert by_sorting(same, T0) == ["a", "b"]


def test_who_is_held_stands_behind_those_who_are_not_until_the_ceiling() -> None:
    curve = Curve(head_start=500, ceiling=100)
    held = stand("held", T0, curve, 1, held=True)
    later = stand("later", T0 + 9 * SECOND, curve, 1, held=True)
    other = stand("other", T0 + 50 * SECOND, Curve(ceiling=100), 1)
    end = stand("end", T0, curve, 1, "end", T0 + 60 * SECOND)
    crowd = [held, later, other, end]
    assert by_sorting(crowd, T0 + 99 * SECOND) == ["other", "held", "later", "end"]
    assert by_sorting(crowd, T0 + 100 * SECOND) == ["held", "other", "later", "end"]


def test_who_is_sent_to_the_end_waits_for_the_ceiling_anew() -> None:
    curve = Curve(ceiling=100)
    sent = stand("sent", T0, curve, 1, "end", T0 + 90 * SECOND)
    new = stand("new", T0 + 150 * SECOND, curve, 1)
    assert by_sorting([sent, new], T0 + 189 * SECOND) == ["new", "sent"]
    assert by_sorting([sent, new], T0 + 190 * SECOND) == ["sent", "new"]


def test_the_last_one_moved_to_the_front_is_first() -> None:
    curve = Curve(ceiling=10)
    crowd = [
        stand("must", T0, curve, 1),
        stand("one", T0 + 1, curve, 1, "front", T0 + 5),
        stand("two", T0 + 2, curve, 1, "front", T0 + 6),
    ]
    assert by_sorting(crowd, T0 + 20 * SECOND) == ["two", "one", "must"]


@given(
    st.lists(st.tuples(st.integers(0, 20 * SECOND), st.integers(0, 3)), min_size=1, max_size=60),
    st.integers(SECOND, 15 * SECOND),
    st.lists(curves, min_size=4, max_size=4),
)
def test_nobody_starves(arrivals: list[tuple[int, int]], every: int, classes: list[Curve]) -> None:
    """Who is served before a caller has joined before that caller's ceiling (docs/priority.md).

    One caller is served ``every`` so often, for ever; more and more people call in.
    """
    curves_used = [Curve(c.head_start, c.urgency, c.target, c.ceiling or 300) for c in classes]
    scale, at = scale_of(curves_used), T0
    coming: list[Standing] = []
    for i, (gap, kind) in enumerate(arrivals):
        at += gap
        coming.append(stand(f"e{i:02}", at, curves_used[kind], scale))
    order, now, served = WaitingOrder(now=T0), T0, list[str]()
    left = list(coming)
    while left or len(order):
        while left and left[0].joined_at <= now:
            order.add(left.pop(0), now)
        first = order.first(now)
        if first:
            order.discard(first.entry_id, now)
            served.append(first.entry_id)
        now += every
    for who in coming:
        bound = sum(1 for other in coming if other.joined_at < who.must_at)
        assert served.index(who.entry_id) < bound


@given(crowds(), st.integers(0, 300))
def test_head_starts_alone_bound_the_wait_without_a_ceiling(
    crowd: list[Standing], seconds: int
) -> None:
    """Nobody who joined later than by the difference of the head starts comes before."""
    plain = [stand(s.entry_id, s.joined_at, Curve(head_start=s.curve.head_start), 1) for s in crowd]
    now, most = T0 + (200 + seconds) * SECOND, max(s.curve.head_start for s in plain)
    for who in plain:
        latest = who.joined_at + (most - who.curve.head_start) * SECOND
        before = [s for s in plain if s.key(now) < who.key(now)]
        assert all(s.joined_at <= latest for s in before)
