"""What holds for any stream: cut anywhere, mixed with others, repeated for ever."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti.reducer import Reducer
from cti.reducer.state import REMEMBERED
from tests.unit.cti.reducing import (
    NAMES,
    apply_all,
    assert_whole,
    hang_up_everything,
    is_agent,
    moments,
    of_calls,
    renamed,
    run,
)

names = st.sampled_from(NAMES)


@given(st.lists(names, min_size=2, max_size=4), st.randoms(use_true_random=False))
@settings(max_examples=20, deadline=None)
def test_calls_do_not_mix(chosen: list[str], random) -> None:  # type: ignore[no-untyped-def]
    streams = [renamed(moments(name), f"{n}-") for n, name in enumerate(chosen)]
    alone = {}
    for stream in streams:
        alone.update(of_calls(run(stream)))
    order = [n for n, stream in enumerate(streams) for _ in stream]
    random.shuffle(order)
    sources = [iter(stream) for stream in streams]
    together = run(next(sources[n]) for n in order)
    assert of_calls(together) == alone
    assert_whole(together)


@pytest.mark.parametrize("name", NAMES)
def test_any_beginning_and_then_a_hang_up_of_everything(name: str) -> None:
    facts = moments(name)
    for cut in range(len(facts)):
        reducer = Reducer("pbx", is_agent)
        events = apply_all(reducer, facts[:cut])
        events += apply_all(reducer, hang_up_everything(reducer.book, facts[cut].at))
        assert_whole(events)
        assert reducer.book.is_empty


@pytest.mark.parametrize("name", NAMES)
def test_any_end_without_its_beginning(name: str) -> None:
    facts = moments(name)
    for cut in range(len(facts)):
        reducer = Reducer("pbx", is_agent)
        assert_whole(apply_all(reducer, facts[cut:]))
        assert reducer.book.is_empty


@given(names, st.lists(st.integers(0, 200), max_size=30))
@settings(max_examples=60, deadline=None)
def test_lost_facts_lose_no_ends(name: str, lost: list[int]) -> None:
    facts = [fact for n, fact in enumerate(moments(name)) if n not in lost]
    reducer = Reducer("pbx", is_agent)
    events = apply_all(reducer, facts)
    events += apply_all(reducer, hang_up_everything(reducer.book, moments(name)[-1].at))
    assert_whole(events)
    assert reducer.book.is_empty


@given(names, st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), max_size=20))
@settings(max_examples=60, deadline=None)
def test_no_order_of_facts_breaks_the_fold(name: str, swaps: list[tuple[int, int]]) -> None:
    facts = list(moments(name))
    for one, other in swaps:
        one, other = one % len(facts), other % len(facts)
        facts[one], facts[other] = facts[other], facts[one]
    reducer = Reducer("pbx", is_agent)
    events = apply_all(reducer, facts)
    events += apply_all(reducer, hang_up_everything(reducer.book, facts[-1].at))
    assert_whole(events)
    assert reducer.book.is_empty


@pytest.mark.parametrize("name", NAMES)
def test_hearing_everything_twice_tells_nothing_twice(name: str) -> None:
    reducer = Reducer("pbx", is_agent)
    first = apply_all(reducer, moments(name))
    again = of_calls(apply_all(reducer, moments(name)))
    assert first
    assert again == {}


def test_thousands_of_calls_leave_nothing_behind() -> None:
    reducer = Reducer("pbx", is_agent)
    names_of_calls = [NAMES[n % len(NAMES)] for n in range(2_100)]
    for n, name in enumerate(names_of_calls):
        apply_all(reducer, renamed(moments(name), f"{n}-"))
        assert reducer.book.is_empty
    assert len(reducer._state.gone) == REMEMBERED
    assert len(reducer._state.ended) <= REMEMBERED
    assert not any(phone.legs for phone in reducer.book.phones.values())
