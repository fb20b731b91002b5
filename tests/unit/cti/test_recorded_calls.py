"""Every kind of call, on Asterisk 22 and 16, folded to what the phones really did."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti.ami.codec import Framer
from cti.capture import calls_in
from cti.reducer import Reducer
from tests.unit.cti.reducing import (
    CAPTURES,
    RECORDED,
    apply_all,
    assert_whole,
    facts_of,
    hang_up_everything,
    is_agent,
    messages,
    moments,
    of_calls,
    renamed,
    run,
)

EXACT = 0.05
"""Seconds: the phones measure on their side of the network."""

names = st.sampled_from(RECORDED)


def without_seconds(told: Any) -> Any:
    if isinstance(told, list):
        return [without_seconds(one) for one in told]
    if isinstance(told, dict):
        return {key: without_seconds(told[key]) for key in told if key != "seconds"}
    return told


def seconds_of(calls: list[dict[str, Any]]) -> list[float]:
    kinds = ("waits", "offers", "talks")
    return [part["seconds"] for call in calls for kind in kinds for part in call[kind]]


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_call_is_what_was_done(name: str) -> None:
    truth = msgspec.json.decode((CAPTURES / f"{name}.json").read_bytes())
    told = msgspec.to_builtins(calls_in(messages(name)))
    for call in told:
        del call["linkedid"]
    assert without_seconds(told) == without_seconds(truth)
    assert seconds_of(told) == pytest.approx(seconds_of(truth), abs=EXACT)


@pytest.mark.parametrize("name", RECORDED)
def test_its_events_are_whole_and_the_book_is_empty_after_it(name: str) -> None:
    reducer = Reducer("pbx", is_agent)
    assert_whole(apply_all(reducer, facts_of(name)))
    assert reducer.book.is_empty


@pytest.mark.parametrize("name", RECORDED)
def test_cut_off_anywhere_or_begun_anywhere(name: str) -> None:
    facts = moments(name)
    for cut in range(len(facts)):
        reducer = Reducer("pbx", is_agent)
        events = apply_all(reducer, facts[:cut])
        events += apply_all(reducer, hang_up_everything(reducer.book, facts[cut].at))
        assert_whole(events)
        assert reducer.book.is_empty
        reducer = Reducer("pbx", is_agent)
        assert_whole(apply_all(reducer, facts[cut:]))
        assert reducer.book.is_empty


@given(names, st.integers(0, 2**32))
@settings(max_examples=50, deadline=None)
def test_cut_into_any_pieces_the_stream_says_the_same(name: str, seed: int) -> None:
    chance = random.Random(seed)
    raw = (CAPTURES / f"{name}.ami").read_bytes()
    framer, pieces, at = Framer(), [], 0
    while at < len(raw):
        size = chance.choice((1, 2, 7, 100, 1460, 9000))
        pieces += framer.feed(raw[at : at + size])
        at += size
    assert pieces == Framer().feed(raw)


@given(st.lists(names, min_size=2, max_size=4, unique=True), st.integers(0, 2**32))
@settings(max_examples=50, deadline=None)
def test_calls_of_several_streams_do_not_mix(chosen: list[str], seed: int) -> None:
    streams = [renamed(moments(name), f"{n}-") for n, name in enumerate(chosen)]
    alone = {}
    for stream in streams:
        alone.update(of_calls(run(stream)))
    order = [n for n, stream in enumerate(streams) for _ in stream]
    random.Random(seed).shuffle(order)
    sources = [iter(stream) for stream in streams]
    together = run(next(sources[n]) for n in order)
    assert of_calls(together) == alone
    assert_whole(together)


@given(names, st.lists(st.integers(0, 200), max_size=30))
@settings(max_examples=100, deadline=None)
def test_lost_facts_lose_no_ends(name: str, lost: list[int]) -> None:
    facts = [fact for n, fact in enumerate(moments(name)) if n not in lost]
    reducer = Reducer("pbx", is_agent)
    events = apply_all(reducer, facts)
    events += apply_all(reducer, hang_up_everything(reducer.book, moments(name)[-1].at))
    assert_whole(events)
    assert reducer.book.is_empty
