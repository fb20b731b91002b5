"""Calls of a real Asterisk 22, folded: each table was read off its capture by a person."""

from __future__ import annotations

import pytest

from cti.domain import events as ev
from cti.domain.events import Event
from cti.reducer.fold import fold
from tests.unit.cti.reducing import NAMES, assert_whole, is_agent, messages, of_calls

ONE, TWO, THREE = "PJSIP/6001", "PJSIP/6002", "PJSIP/6003"


def line(event: Event) -> str:
    """An event as one line of a table: what happened, without ids."""
    match event:
        case ev.CallArrived():
            return f"arrived {event.direction} {event.caller_number or '-'} for {event.did or '-'}"
        case ev.CallQueued():
            return f"queued {event.queue} at {event.position}"
        case ev.QueueLeft():
            return f"left {event.queue} {event.ended} after {event.waited}"
        case ev.AgentOffered():
            return f"offered {event.agent} {event.queue or '-'}"
        case ev.OfferEnded():
            return f"offer {event.agent} {event.ended} after {event.rang}"
        case ev.CallAnswered():
            return f"answered {event.agent} {event.queue or '-'} waited {event.waited}"
        case ev.TalkEnded():
            return f"talked {event.agent} {event.talked}"
        case ev.CallTransferred():
            return f"transferred {event.kind} to {event.to} by {event.by}"
        case ev.CallHeld():
            return f"held by {event.agent}"
        case ev.CallResumed():
            return f"resumed by {event.agent}"
        case ev.CallEnded():
            return f"ended {event.direction} {event.outcome} {event.hangup_cause} {event.lasted}"
    raise AssertionError(event)


TABLES: dict[str, dict[str, list[str]]] = {
    "a1_queue_answered_hold_agent_hangup": {
        "1795298470.113": [
            "arrived inbound 15551001 for 200",
            "queued support at 1",
            "offered PJSIP/6001 support",
            "offer PJSIP/6001 answered after 311602",
            "left support connected after 312832",
            "answered PJSIP/6001 support waited 312832",
            "held by PJSIP/6001",
            "resumed by PJSIP/6001",
            "talked PJSIP/6001 3410787",
            "ended inbound answered 16 3731991",
        ]
    },
    "a2_queue_caller_hangup": {
        "1795298475.117": [
            "arrived inbound 15551002 for 200",
            "queued support at 1",
            "offered PJSIP/6001 support",
            "offer PJSIP/6001 answered after 313154",
            "left support connected after 314208",
            "answered PJSIP/6001 support waited 314208",
            "talked PJSIP/6001 1007282",
            "ended inbound answered 16 1327378",
        ]
    },
    "a3_queue_ringnoanswer_then_answer": {
        "1795298953.308": [
            "arrived inbound 15551003 for 200",
            "queued support at 1",
            "offered PJSIP/6003 support",
            "offer PJSIP/6003 no_answer after 4000418",
            "offered PJSIP/6003 support",
            "offer PJSIP/6003 no_answer after 4002257",
            "offered PJSIP/6001 support",
            "offer PJSIP/6001 answered after 312291",
            "left support connected after 10324104",
            "answered PJSIP/6001 support waited 10324104",
            "talked PJSIP/6001 505855",
            "ended inbound answered 16 10848007",
        ]
    },
    "b1_queue_abandoned_no_agents": {
        "1795298485.132": [
            "arrived inbound 15552001 for 200",
            "queued support at 1",
            "left support abandoned after 2012554",
            "ended inbound abandoned 0 2016255",
        ]
    },
    "c1_ivr_dtmf_then_queue": {
        "1795298491.137": [
            "arrived inbound 15553001 for 400",
            "queued support at 1",
            "offered PJSIP/6001 support",
            "offer PJSIP/6001 answered after 304820",
            "left support connected after 308192",
            "answered PJSIP/6001 support waited 308192",
            "talked PJSIP/6001 1002698",
            "ended inbound answered 16 2596313",
        ]
    },
    "d1_blind_sip_refer": {
        "1795298494.140": [
            "arrived inbound 15554001 for 200",
            "queued support at 1",
            "offered PJSIP/6001 support",
            "offer PJSIP/6001 answered after 317777",
            "left support connected after 319896",
            "answered PJSIP/6001 support waited 319896",
            "transferred blind to 6002 by PJSIP/6001",
            "talked PJSIP/6001 704084",
            "offered PJSIP/6002 -",
            "offer PJSIP/6002 answered after 308123",
            "answered PJSIP/6002 - waited 0",
            "talked PJSIP/6002 1004199",
            "ended inbound answered 16 2352038",
        ]
    },
    "d2_blind_ami_BlindTransfer": {
        "1795298498.145": [
            "arrived inbound 15554002 for 200",
            "queued support at 1",
            "offered PJSIP/6001 support",
            "offer PJSIP/6001 answered after 317835",
            "left support connected after 319612",
            "answered PJSIP/6001 support waited 319612",
            "transferred blind to 6002 by PJSIP/6001",
            "talked PJSIP/6001 701259",
            "offered PJSIP/6002 -",
            "offer PJSIP/6002 answered after 303813",
            "answered PJSIP/6002 - waited 0",
            "talked PJSIP/6002 1009213",
            "ended inbound answered 16 2344292",
        ]
    },
    # The consultation is a call of its own; its far end then moves into the customer's call.
    "d4_attended_sip_refer_replaces": {
        "1795298504.155": [
            "arrived inbound 15554004 for 200",
            "queued support at 1",
            "offered PJSIP/6001 support",
            "offer PJSIP/6001 answered after 308827",
            "left support connected after 309809",
            "answered PJSIP/6001 support waited 309809",
            "held by PJSIP/6001",
            "resumed by PJSIP/6001",
            "talked PJSIP/6001 2226096",
            "answered PJSIP/6002 - waited 0",
            "transferred attended to 6002 by PJSIP/6001",
            "talked PJSIP/6002 1505299",
            "ended inbound answered 16 4047074",
        ],
        "1795298506.157": [
            "arrived internal 6001 for 6002",
            "offered PJSIP/6002 -",
            "offer PJSIP/6002 answered after 305163",
            "answered PJSIP/6002 - waited 0",
            "talked PJSIP/6002 1002206",
            "ended internal answered 16 1315521",
        ],
    },
    "e_originate_answered": {
        "out-answered": [
            "arrived outbound - for 15550001",
            "queued support at 1",
            "offered PJSIP/6001 support",
            "offer PJSIP/6001 answered after 307178",
            "left support connected after 308749",
            "answered PJSIP/6001 support waited 308749",
            "talked PJSIP/6001 1015592",
            "ended outbound answered 16 1836972",
        ]
    },
    "e_originate_busy": {
        "out-busy": ["arrived outbound - for 15550002", "ended outbound busy 17 502677"]
    },
    "e_originate_noanswer": {
        "out-noanswer": ["arrived outbound - for 15550003", "ended outbound no_answer 19 4006027"]
    },
    "e_originate_unknown": {
        "out-unknown": ["arrived outbound - for 15550004", "ended outbound failed 1 503766"]
    },
    # Nobody tagged this redirect: the caller's place in the dialplan gives it away.
    "f2_redirect_waiting_caller_to_other_queue": {
        "1795300780.6": [
            "arrived inbound 15950010 for 200",
            "queued support at 1",
            "left support redirected after 504890",
            "queued sales at 1",
            "left sales abandoned after 498232",
            "ended inbound abandoned 0 1014790",
        ]
    },
    # A supervisor who listens talks with nobody.
    "f4_mixmonitor_mute_chanspy": {
        "1795300783.8": [
            "arrived inbound 15950020 for 500",
            "queued support at 1",
            "offered PJSIP/6001 support",
            "offer PJSIP/6001 answered after 310496",
            "left support connected after 318577",
            "answered PJSIP/6001 support waited 318577",
            "talked PJSIP/6001 1806033",
            "ended inbound answered 16 2146858",
        ],
        "1795300784.10": [
            "arrived outbound 6002 for -",
            "ended internal answered 0 1025176",
        ],
    },
    "f5_snapshot_actions": {
        "1795300787.13": [
            "arrived inbound 15950030 for 200",
            "queued support at 1",
            "offered PJSIP/6001 support",
            "offer PJSIP/6001 answered after 310433",
            "left support connected after 313029",
            "answered PJSIP/6001 support waited 313029",
            "talked PJSIP/6001 414813",
            "ended inbound answered 16 733133",
        ],
        "1795300787.15": [
            "arrived inbound 15950031 for 200",
            "queued support at 2",
            "left support abandoned after 724251",
            "ended inbound abandoned 0 726604",
        ],
        "1795300787.16": [
            "arrived inbound 15950032 for 200",
            "queued support at 3",
            "left support abandoned after 718203",
            "ended inbound abandoned 0 721586",
        ],
    },
}


def test_every_capture_has_its_table() -> None:
    assert set(TABLES) == set(NAMES)


@pytest.mark.parametrize("name", TABLES)
def test_a_capture_folds_to_its_calls(name: str) -> None:
    events = fold(messages(name), is_agent=is_agent)
    told = {
        call_id.removeprefix("pbx-").removeprefix("rig1-"): [line(event) for event in call]
        for call_id, call in of_calls(events).items()
    }
    assert told == TABLES[name]
    assert_whole(events)


def test_ids_are_the_same_each_time_and_name_the_leg() -> None:
    name = "a1_queue_answered_hold_agent_hangup"
    once = fold(messages(name), is_agent=is_agent)
    assert once == fold(messages(name), is_agent=is_agent)
    answered = next(event for event in once if isinstance(event, ev.CallAnswered))
    assert answered.call_id == "pbx-rig1-1795298470.113"
    assert answered.entry_id == "pbx-rig1-1795298470.113-w1"
    assert answered.talk_id == "pbx-rig1-1795298470.114-t1"
    assert answered.agent_channel == "PJSIP/6001-0000003b"
    assert answered.caller_channel == "PJSIP/trunk-0000003a"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "a1_queue_answered_hold_agent_hangup",
            {ONE: ["ringing", "talking", "on_hold", "talking", "idle"]},
        ),
        (
            "a3_queue_ringnoanswer_then_answer",
            {
                THREE: ["ringing", "idle", "ringing", "idle"],
                ONE: ["ringing", "talking", "idle"],
            },
        ),
        (
            "d4_attended_sip_refer_replaces",
            {
                ONE: ["ringing", "talking", "on_hold", "dialling", "talking", "idle"],
                TWO: ["ringing", "talking", "idle"],
            },
        ),
        (
            "f4_mixmonitor_mute_chanspy",
            {ONE: ["ringing", "talking", "idle"], TWO: ["dialling", "idle"]},
        ),
    ],
)
def test_agents_phones(name: str, expected: dict[str, list[str]]) -> None:
    told: dict[str, list[str]] = {}
    for event in fold(messages(name), is_agent=is_agent):
        if isinstance(event, ev.AgentActivityChanged):
            told.setdefault(event.agent, []).append(event.activity)
    assert told == expected


def test_without_a_list_of_agents_the_queue_still_names_its_members() -> None:
    events = fold(messages("d1_blind_sip_refer"))
    talks = [event for event in events if isinstance(event, ev.CallAnswered)]
    assert [talk.agent for talk in talks] == [ONE, TWO]
    assert [event.agent for event in events if isinstance(event, ev.AgentOffered)] == [ONE]
    assert_whole(events)
