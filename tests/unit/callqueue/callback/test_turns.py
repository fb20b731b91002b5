"""Whose turn it is, and what becomes of a callback after an attempt."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callqueue.callback.settings import CallbackSettings
from callqueue.callback.turns import Callback, QueueNow, after_attempt, refused, too_old, whose_turn

HOUR = 3600 * 1_000_000
SETTINGS = CallbackSettings(enabled=True, attempts=2, pause=60, keep=1, most_open=3)


def one(name: str, joined: int, **fields: object) -> Callback:
    values = {"state": "requested", "requested_at": joined, **fields}
    return Callback(
        callback_id=name,
        key=name,
        number="+44",
        queue="q",
        switch="pbx",
        virtual_join=joined,
        changed_at=0,
        **values,  # type: ignore[arg-type]
    )


def turn(callbacks: list[Callback], waiting: list[int], free: int, now: int = 100) -> list[str]:
    return [c.callback_id for c in whose_turn(callbacks, QueueNow(waiting, free), now)]


@pytest.mark.parametrize(
    ("waiting", "free", "expected"),
    [
        ([], 0, []),
        ([], 1, ["a"]),
        ([], 2, ["a", "b"]),
        ([5], 1, []),  # somebody waits since before
        ([5], 2, ["a"]),
        ([15], 1, ["a"]),  # between the two
        ([15], 2, ["a"]),
        ([15], 3, ["a", "b"]),
        ([25, 26], 1, ["a"]),  # behind both
    ],
)
def test_a_callback_stands_where_its_customer_would(
    waiting: list[int], free: int, expected: list[str]
) -> None:
    assert turn([one("b", 20), one("a", 10)], waiting, free) == expected


def test_who_is_being_called_needs_an_agent_too() -> None:
    calling = one("c", 1, state="calling")
    assert turn([calling, one("a", 10)], [], 1) == []
    assert turn([calling, one("a", 10)], [], 2) == ["a"]


def test_a_pause_is_nobody_elses() -> None:
    paused = one("a", 10, not_before=101)
    assert turn([paused, one("b", 20)], [], 1) == ["b"]
    assert turn([paused, one("b", 20)], [], 1, now=101) == ["a"]


def test_what_is_over_has_no_turn() -> None:
    assert turn([one("a", 1, state="done"), one("b", 2, state="cancelled")], [], 5) == []


joins = st.integers(0, 50)


@given(
    st.lists(st.tuples(joins, st.sampled_from(["requested", "due", "calling"])), max_size=8),
    st.lists(joins, max_size=8),
    st.integers(0, 8),
)
def test_never_more_calls_than_agents_and_nobody_is_passed_over(
    given_ones: list[tuple[int, str]], waiting: list[int], free: int
) -> None:
    callbacks = [one(str(n), join, state=state) for n, (join, state) in enumerate(given_ones)]
    found = whose_turn(callbacks, QueueNow(waiting, free), 100)
    calling = sum(c.state == "calling" for c in callbacks)
    assert len(found) <= max(0, free - calling)
    idle = [c for c in callbacks if c.state != "calling" and c not in found]
    assert all(c.virtual_join >= f.virtual_join for c in idle for f in found)
    for callback in found:  # an agent is left for each caller before them
        ahead = sum(join < callback.virtual_join for join in waiting)
        assert ahead + found.index(callback) + calling < free


def test_attempts_have_a_limit_and_a_pause() -> None:
    tried = one("a", 1, attempts=1)
    assert after_attempt(tried, "busy", SETTINGS, 5) == ("requested", "busy", 60_000_005)
    last = after_attempt(replace(tried, attempts=2), "busy", SETTINGS, 5)
    assert (last.state, last.reason) == ("failed", "busy; attempt 2 was the last")


def test_nobody_is_called_for_ever() -> None:
    assert not too_old(one("a", 0), SETTINGS, HOUR)
    assert too_old(one("a", 0), SETTINGS, HOUR + 1)


@pytest.mark.parametrize(
    ("number", "open_ones", "settings", "reason"),
    [
        ("+44", 0, SETTINGS, ""),
        ("", 0, SETTINGS, "there is no number that could be called"),
        ("+44", 3, SETTINGS, "3 callbacks are open already"),
        ("+44", 0, CallbackSettings(), "callbacks are switched off"),
        (
            "+881",
            0,
            CallbackSettings(enabled=True, prefixes=("+44", "+49")),
            "numbers outside of +44, +49 are not called",
        ),
    ],
)
def test_what_is_refused(
    number: str, open_ones: int, settings: CallbackSettings, reason: str
) -> None:
    assert refused(number, open_ones, settings) == reason
