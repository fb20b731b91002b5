from __future__ import annotations

from typing import Any

import pytest

from callqueue import gathering
from callqueue.curve import SECOND
from callqueue.gathering import DAY, HOUR, Gathering
from cti.domain.events import (
    CallAnswered,
    CallArrived,
    CallEnded,
    CallJoined,
    CustomerIdentified,
    CustomerRef,
    MenuChosen,
    QueueLeft,
)

T = 1_800_000_000_000_000


def arrived(call_id: str, at: int = T, number: str = "+4930", **more: Any) -> CallArrived:
    return CallArrived(
        at=at, call_id=call_id, channel="c", leg="l", caller_number=number, caller_name="",
        did=more.pop("did", "400"), direction=more.pop("direction", "inbound"),
    )  # fmt: skip


def left(call_id: str, at: int, ended: Any = "abandoned") -> QueueLeft:
    return QueueLeft(at=at, call_id=call_id, entry_id="e", queue="q", ended=ended, waited=0)


def after(*events: Any) -> Gathering:
    gathered = Gathering(lambda extension: f"PJSIP/{extension}" if extension == "107" else "")
    gathered.restore(events)
    return gathered


def test_the_way_through_the_menus_and_the_customer() -> None:
    ada = CustomerRef(
        id=1, name="Ada", tier="VIP", language="de", value=5, open_deal=True, owner_name="Bo",
        owner_extension="107",
    )  # fmt: skip
    gathered = after(
        arrived("a"),
        MenuChosen(at=T, call_id="a", menu="m", digits="1", label="Sales"),
        MenuChosen(at=T, call_id="a", menu="m", digits="9", label="", valid=False),
        MenuChosen(at=T, call_id="a", menu="m", digits="3", label="New contract"),
        CustomerIdentified(at=T, call_id="a", number="+4930", match="one", customer=ada),
    )
    facts = gathered.facts("a", "support", T)
    assert (facts.did, facts.keys, facts.choice) == ("400", "1-3", "new contract")
    assert (facts.tier, facts.language, facts.value, facts.open_deal) == ("vip", "de", 5, True)
    assert (facts.queue, facts.manager, facts.owner) == ("support", "bo", "PJSIP/107")
    unknown = gathered.facts("b", "support", T)
    assert (unknown.is_late, unknown.did, unknown.last_call) == (True, "", -1)


def test_earlier_calls_count_and_this_one_does_not() -> None:
    gathered = after(
        arrived("old", T - DAY - 1),
        arrived("a", T - HOUR - 60 * SECOND),
        left("a", T - HOUR - 1),
        arrived("b", T - 600 * SECOND),
        left("b", T - 500 * SECOND),
        CallEnded(at=T, call_id="b", direction="inbound", outcome="abandoned", lasted=1),
        arrived("c", T - 60 * SECOND, number="+49999"),
        arrived("d", T),
        left("d", T + 1),
    )
    facts = gathered.facts("d", "q", T)
    assert (facts.calls_last_day, facts.abandoned_last_hour) == (2, 1)
    assert (facts.last_call, facts.last_abandoned) == (600, 500)


def test_who_talked_last_and_who_was_connected_did_not_give_up() -> None:
    talk = CallAnswered(
        at=T - 9, call_id="a", talk_id="t", agent="PJSIP/1", agent_channel="x", caller_channel="y"
    )
    gathered = after(arrived("a", T - 99), left("a", T - 10, "connected"), talk, arrived("b"))
    facts = gathered.facts("b", "q", T)
    assert (facts.last_agent, facts.abandoned_last_hour) == ("PJSIP/1", 0)


def test_internal_and_withheld_calls_are_nobody_s_earlier_calls() -> None:
    gathered = after(
        arrived("a", T - 9, direction="internal"), arrived("b", T - 9, number=""),
        arrived("c"), arrived("d", number=""),
    )  # fmt: skip
    assert gathered.facts("c", "q", T).last_call == -1
    assert gathered.facts("d", "q", T).last_call == -1


def test_over_a_trunk_number_and_menus_go_with_the_caller() -> None:
    gathered = after(
        arrived("before", T - 600 * SECOND),
        arrived("first", T),
        MenuChosen(at=T, call_id="first", menu="m", digits="1", label="Sales"),
        arrived("second", T + SECOND, number="trunk", did="9"),
        CallJoined(at=T + SECOND, call_id="second", to_call_id="first"),
    )
    facts = gathered.facts("second", "q", T + SECOND)
    assert (facts.keys, facts.did, facts.last_call) == ("1", "400", 601)


def test_what_the_history_remembers() -> None:
    gathered = Gathering()
    gathered.remember_call("+4930", "a", T - 120 * SECOND, T - 60 * SECOND, "PJSIP/1")
    gathered.remember_call("", "b", T - 120 * SECOND)
    gathered.take(arrived("now"))
    facts = gathered.facts("now", "q", T)
    assert (facts.last_call, facts.last_abandoned, facts.last_agent) == (120, 60, "PJSIP/1")


def test_only_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "REMEMBERED", 3)
    gathered = Gathering()
    for i in range(9):
        gathered.take(arrived(f"a{i}", T + i, number=f"n{i}"))
    assert len(gathered._calls) == len(gathered._callers) == 3
    for i in range(gathering.MOST_CALLS + 9):
        gathered.remember_call("n", f"b{i}", T)
    assert len(gathered._callers["n"].calls) == gathering.MOST_CALLS
