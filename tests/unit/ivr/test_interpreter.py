from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ivr.dialogue import (
    AskCustomer,
    AskWait,
    Chosen,
    CustomerKnown,
    Entered,
    Happening,
    HungUp,
    Leave,
    Play,
    Pressed,
    ReadDigits,
    SetVariable,
    Silence,
    Told,
    WaitKnown,
    WaitUnknown,
)
from ivr.interpreter import MAX_STEPS, MenuError, Turn, advance, start
from ivr.loading import load_menus
from ivr.menus import Menus
from ivr.sounds import PlayableSound, SpokenText

from .conftest import Write

MAIN = """\
title = "Main"
[step.hours]
do = "hours"
calendar = "office"
open = "step who"
closed = "step closed"
[step.who]
do = "branch"
rules = [
  { when = { tier = ["VIP", "gold"], status = "current" }, go = "menu vip" },
  { when = { known = "no" }, go = "step ask" },
]
otherwise = "step ask"
[step.ask]
do = "ask"
prompt = { sound = "hello" }
invalid_prompt = { sound = "again" }
tries = 2
on_invalid = "queue support"
on_timeout = "extension 100"
keys.1 = { label = "Sales", go = "queue sales" }
keys.22 = { label = "Again", go = "step hours" }
keys."*" = { label = "Repeat", go = "step ask" }
[step.closed]
do = "play"
prompt = { sound = "bye" }
go = "voicemail 100"
"""
VIP = """\
title = "VIP"
[step.mark]
do = "set"
variables = { CLASS = "vip", QUEUE_PRIO = "5" }
go = "queue support"
"""


def micros(local: str) -> int:
    moment = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("Europe/London"))
    return round(moment.timestamp() * 1_000_000)


NOON = micros("2026-11-23T12:00")
NIGHT = micros("2026-11-23T23:00")


@pytest.fixture
def menus(write: Write) -> Menus:
    return load_menus(write(main=MAIN, vip=VIP))


def asked(menus: Menus) -> Turn:
    """An unknown caller at the question, in business hours."""
    return advance(start(menus, "main", NOON).state, CustomerKnown(None), NOON)


def test_outside_of_business_hours(menus: Menus) -> None:
    entered, play, leave = start(menus, "main", NIGHT).instructions
    assert entered == Entered("main", menus.versions["main"])
    assert isinstance(play, Play)
    assert [sound.file for sound in play.sounds] == ["bye"]
    assert leave == Leave("main", "voicemail", "100", "after closed")


def test_a_branch_asks_who_calls_once(menus: Menus) -> None:
    first = start(menus, "main", NOON)
    assert first.instructions[-1] == AskCustomer()
    turn = advance(first.state, CustomerKnown({"tier": "vip ", "status": "Current"}), NOON)
    assert turn.instructions == (
        Entered("vip", menus.versions["vip"]),
        SetVariable("CLASS", "vip"),
        SetVariable("QUEUE_PRIO", "5"),
        Leave("vip", "queue", "support", "after mark"),
    )
    again = advance(asked(menus).state, Pressed("22"), NOON)
    assert isinstance(again.instructions[-1], ReadDigits)


@pytest.mark.parametrize(
    "fields", [None, {}, {"tier": "vip"}, {"tier": "vip", "status": "former"}, {"status": "vip"}]
)
def test_a_rule_needs_all_its_fields(menus: Menus, fields: dict[str, str] | None) -> None:
    turn = advance(start(menus, "main", NOON).state, CustomerKnown(fields), NOON)
    assert isinstance(turn.instructions[-1], ReadDigits)


def test_a_key_leads_where_it_says(menus: Menus) -> None:
    turn = asked(menus)
    read = turn.instructions[-1]
    assert isinstance(read, ReadDigits)
    assert (read.most, read.wait, read.wait_between) == (2, 5.0, 2.0)
    assert advance(turn.state, Pressed("1"), NOON).instructions == (
        Chosen("main", "1", "Sales", valid=True),
        Leave("main", "queue", "sales", "pressed 1: Sales"),
    )


def test_a_wrong_key_is_told_and_asked_again_then_given_up(menus: Menus) -> None:
    turn = advance(asked(menus).state, Pressed("9"), NOON)
    chosen, read = turn.instructions
    assert chosen == Chosen("main", "9", "", valid=False)
    assert isinstance(read, ReadDigits)
    assert [sound.file for sound in read.sounds] == ["again", "hello"]
    assert advance(turn.state, Pressed("8"), NOON).instructions[-1] == Leave(
        "main", "queue", "support", "a wrong key was pressed 2 times"
    )


def test_silence_is_asked_again_without_reproach_then_given_up(menus: Menus) -> None:
    turn = advance(asked(menus).state, Silence(), NOON)
    (read,) = turn.instructions
    assert isinstance(read, ReadDigits)
    assert [sound.file for sound in read.sounds] == ["hello"]
    assert advance(turn.state, Silence(), NOON).instructions == (
        Leave("main", "extension", "100", "nothing was pressed 2 times"),
    )


def test_a_new_visit_counts_its_tries_anew(menus: Menus) -> None:
    turn = advance(asked(menus).state, Silence(), NOON)
    turn = advance(turn.state, Pressed("*"), NOON)
    assert turn.state.tries == 1


def test_the_office_closes_while_the_caller_is_in_the_menu(menus: Menus) -> None:
    turn = advance(asked(menus).state, Pressed("22"), NIGHT)
    assert turn.instructions[-1] == Leave("main", "voicemail", "100", "after closed")


def test_a_caller_who_never_stops_is_given_back(menus: Menus) -> None:
    state = replace(asked(menus).state, walked=MAX_STEPS)
    with pytest.raises(MenuError, match=f'{MAX_STEPS} steps; the last was "main.ask"'):
        advance(state, Pressed("*"), NOON)


def test_an_unknown_menu_and_an_answer_nobody_asked_for(menus: Menus) -> None:
    with pytest.raises(MenuError, match='no menu "mian"'):
        start(menus, "mian", NOON)
    with pytest.raises(MenuError, match="Pressed is no answer to a step branch"):
        advance(start(menus, "main", NOON).state, Pressed("1"), NOON)


CUSTOMER = st.none() | st.dictionaries(
    st.sampled_from(["tier", "status", "known"]), st.sampled_from(["vip", "current", "yes", ""])
)
ANSWER = st.just(Silence()) | st.sampled_from(["1", "22", "2", "*", "#", ""]).map(Pressed)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), answers=st.lists(ANSWER, max_size=250), at=st.sampled_from([NOON, NIGHT]))
def test_every_call_comes_to_one_end(
    menus: Menus, data: st.DataObject, answers: list[Happening], at: int
) -> None:
    """Whatever a caller does, each turn asks one thing last, and the end comes once, last."""
    turn = start(menus, "main", at)
    for answer in [*answers, HungUp()]:
        *before, last = turn.instructions
        assert not any(isinstance(one, Leave | ReadDigits | AskCustomer) for one in before)
        if isinstance(last, Leave):
            return
        asks_customer = isinstance(last, AskCustomer) and answer != HungUp()
        happened = CustomerKnown(data.draw(CUSTOMER)) if asks_customer else answer
        try:
            turn = advance(turn.state, happened, at)
        except MenuError:
            assert turn.state.walked >= MAX_STEPS - 2
            return
    assert turn.instructions == (Leave(turn.state.menu, "hangup", "", "the caller hung up"),)


ANNOUNCE = """\
title = "Wait"
voice = "de"
[step.tell]
do = "announce"
queue = "support"
prompt = [
  { sound = "hello" },
  { say = "You are number {position}, about {minutes} minutes.", voice = "en-gb" },
]
short_prompt = { say = "Nummer {position}, gleich." }
unknown_prompt = []
go = "queue support"
"""


def announced(menus: Menus, known: Happening) -> tuple[object, ...]:
    turn = start(menus, "wait", 0)
    assert turn.instructions[-1] == AskWait("support")
    return advance(turn.state, known, 0).instructions


@pytest.fixture
def waits(write: Write) -> Menus:
    return load_menus(write(wait=ANNOUNCE))


@pytest.mark.parametrize(("seconds", "minutes"), [(60.0, 1), (60.1, 2), (119.0, 2), (3_600.0, 60)])
def test_the_place_and_the_minutes_are_said(waits: Menus, seconds: float, minutes: int) -> None:
    told, play, leave = announced(waits, WaitKnown(3, seconds))
    assert told == Told("support", 3, seconds)
    assert isinstance(play, Play)
    hello, text = play.sounds
    assert isinstance(hello, PlayableSound)
    assert text == SpokenText(f"You are number 3, about {minutes} minutes.", "en-gb")
    assert leave == Leave("wait", "queue", "support", "after tell")


def test_a_short_wait_has_words_of_its_own(waits: Menus) -> None:
    _, play, _ = announced(waits, WaitKnown(1, 20.0))
    assert play == Play((SpokenText("Nummer 1, gleich.", "de"),))


@pytest.mark.parametrize("known", [WaitKnown(2, None), WaitUnknown()])
def test_nothing_is_said_of_what_nobody_knows(waits: Menus, known: Happening) -> None:
    [leave] = announced(waits, known)
    assert isinstance(leave, Leave)
    assert (leave.next, leave.target) == ("queue", "support")
