"""Calls told as events, for the journal and the history."""

from __future__ import annotations

from typing import Any

from cti.domain import events as ev

AT = 1_795_298_491_000_000
CALL = "pbx-1795298491.1"
ANNA, BORIS = "PJSIP/101", "PJSIP/102"
NUMBER = "+447700900147"


def now() -> int:
    return AT


def arrived(call_id: str = CALL, at: int = AT, **more: Any) -> ev.CallArrived:
    values = {
        "switch": "pbx",
        "direction": "inbound",
        "channel": "PJSIP/trunk-1",
        "leg": "1795298491.1",
        "caller_number": NUMBER,
        "caller_name": "Марина Ивáнова",
        "did": "400",
    }
    return ev.CallArrived(at=at, call_id=call_id, **values | more)


def identified(customer: int | None, call_id: str = CALL) -> ev.CustomerIdentified:
    ref = ev.CustomerRef(id=customer, name="Marina Ivanova") if customer else None
    match: ev.Match = "one" if customer else "none"
    return ev.CustomerIdentified(
        at=AT + 1, call_id=call_id, number=NUMBER, match=match, customer=ref
    )


def chosen(label: str, call_id: str = CALL) -> ev.MenuChosen:
    return ev.MenuChosen(at=AT + 1, call_id=call_id, menu="main", digits="1", label=label)


def answered(agent: str, talk: str, at: int, queue: str = "") -> ev.CallAnswered:
    return ev.CallAnswered(
        at=at,
        call_id=CALL,
        talk_id=talk,
        agent=agent,
        agent_channel=f"{agent}-1",
        caller_channel="PJSIP/trunk-1",
        queue=queue,
    )


def talk_ended(agent: str, talk: str, at: int, talked: int) -> ev.TalkEnded:
    return ev.TalkEnded(at=at, call_id=CALL, talk_id=talk, agent=agent, talked=talked)


def a_transferred_call() -> list[ev.Event]:
    """From the menu over a queue to Anna, who hands the caller to Boris."""
    return [
        arrived(),
        identified(7),
        chosen("1 Billing"),
        chosen("2 Refund"),
        ev.CallQueued(
            at=AT + 2, call_id=CALL, entry_id="e1", queue="support", channel="PJSIP/trunk-1",
            leg="1795298491.1", position=1,
        ),
        ev.QueueLeft(
            at=AT + 32, call_id=CALL, entry_id="e1", queue="support", ended="connected", waited=30
        ),
        answered(ANNA, "t1", AT + 32, "support"),
        talk_ended(ANNA, "t1", AT + 72, 40),
        ev.CallTransferred(at=AT + 72, call_id=CALL, kind="blind", to="102", by=ANNA),
        answered(BORIS, "t2", AT + 80),
        talk_ended(BORIS, "t2", AT + 100, 20),
        ev.CallEnded(
            at=AT + 101, call_id=CALL, direction="inbound", outcome="answered", lasted=101
        ),
        ev.DispositionSet(
            at=AT + 150, call_id=CALL, agent=BORIS, author="boris", note="Обещан возврат «завтра»",
            topic="Billing", result="Solved",
        ),
    ]  # fmt: skip
