"""The desk: what is folded, and that deltas and snapshots never disagree."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from cti.domain import events as ev
from dashboard.fold import FOLDS
from dashboard.merge_patch import apply
from dashboard.picture import AgentCard
from dashboard.projections import Change, Desk, Viewer

ANNA, BORIS = "PJSIP/101", "PJSIP/102"
CARDS = {
    ANNA: AgentCard("Anna", frozenset({"support"})),
    BORIS: AgentCard("Boris", frozenset({"sales"})),
}
VIP = ev.CustomerRef(id=7, name="Marina Ivanova", tier="VIP", company="Sever Logistics")


def agent(interface: str, *queues: str) -> Viewer:
    return Viewer("agent", interface, frozenset(queues), {"username": interface, "role": "agent"})


VIEWERS = [
    agent(ANNA, "support"),
    agent(BORIS),
    agent(""),
    Viewer("supervisor", "", frozenset({"support"}), {"username": "sofia"}),
    Viewer("supervisor", BORIS, frozenset(), {"username": "stefan"}),
    Viewer("manager", "", frozenset(), {"username": "maria"}),
]


def desk_of(*events: ev.Event) -> Desk:
    desk = Desk(at=0)
    desk.enrol(CARDS)
    told(desk, *events)
    return desk


def told(desk: Desk, *events: ev.Event) -> list[Change]:
    """What changed by all of them."""
    for event in events:
        desk.apply(event)
    return desk.changes()


def waiting(at: int = 1_000) -> list[ev.Event]:
    return [
        ev.CallArrived(
            at=at, call_id="c1", direction="inbound", channel="PJSIP/trunk-1", leg="1.1",
            caller_number="07700900123", caller_name="", did="+442079460100",
        ),
        ev.MenuChosen(at=at + 1, call_id="c1", menu="main", digits="1", label="Billing"),
        ev.CallQueued(
            at=at + 2, call_id="c1", entry_id="e1", queue="support", channel="x", leg="1.1",
            position=1,
        ),
        ev.CustomerIdentified(
            at=at + 3, call_id="c1", number="+447700900123", match="one", customer=VIP
        ),
        ev.QueueEntryScored(
            at=at + 4, call_id="c1", entry_id="e1", queue="support", joined_at=at + 2,
            virtual_join=at - 120_000_000, label="VIP",
            terms=(ev.PriorityTerm(label="VIP", seconds=120),), policy="p1",
        ),
    ]  # fmt: skip


def ringing() -> list[ev.Event]:
    pop = ev.ScreenPopReady(
        at=2_000, call_id="c1", number="+447700900123", match="one", customer=VIP
    )
    offer = ev.AgentOffered(
        at=2_001, call_id="c1", offer_id="o1", agent=ANNA, channel="y", entry_id="e1",
        queue="support",
    )  # fmt: skip
    return [*waiting(), pop, offer]


def talking() -> list[ev.Event]:
    return [
        *ringing(),
        ev.QueueLeft(
            at=3_000, call_id="c1", entry_id="e1", queue="support", ended="connected", waited=1_998
        ),
        ev.OfferEnded(at=3_000, call_id="c1", offer_id="o1", agent=ANNA, ended="answered", rang=1),
        ev.CallAnswered(
            at=3_000, call_id="c1", talk_id="t1", agent=ANNA, agent_channel="y",
            caller_channel="x", queue="support", entry_id="e1", waited=1_998,
        ),
        ev.RecordingStarted(at=3_001, call_id="c1", recording_id="r1", talk_id="t1", agent=ANNA),
    ]  # fmt: skip


def over() -> list[ev.Event]:
    return [
        *talking(),
        ev.TalkEnded(at=9_000, call_id="c1", talk_id="t1", agent=ANNA, talked=6_000),
        ev.CallEnded(at=9_001, call_id="c1", direction="inbound", outcome="answered", lasted=8_001),
        ev.AgentAvailabilityChanged(at=9_002, agent=ANNA, availability="wrap_up", until=99_000),
    ]


def test_a_waiting_caller_is_shown_with_class_and_terms() -> None:
    row = desk_of(*waiting()).view(VIEWERS[0])["queues"]["support"]["waiting"]["e1"]
    assert row == {
        "call_id": "c1",
        "joined_at": 1_002,
        "virtual_join": 1_000 - 120_000_000,
        "label": "VIP",
        "terms": [{"label": "VIP", "seconds": 120}],
        "number": "+447700900123",
        "name": "Marina Ivanova",
        "tier": "VIP",
        "match": "one",
        "offered": False,
    }


def test_the_pop_is_on_the_desk_while_the_phone_rings() -> None:
    desk = desk_of(*ringing())
    call = desk.view(VIEWERS[0])["call"]
    assert (call["phase"], call["offered_at"], call["path"]) == ("ringing", 2_001, ["Billing"])
    assert call["pop"]["customer"]["name"] == "Marina Ivanova"
    assert desk.view(VIEWERS[0])["queues"]["support"]["waiting"]["e1"]["offered"] is True
    assert "call" not in desk.view(VIEWERS[1])


def test_a_talk_holds_and_goes_on() -> None:
    desk = desk_of(*talking())
    call = desk.view(VIEWERS[0])["call"]
    assert (call["phase"], call["answered_at"], call["waited"]) == ("talking", 3_000, 1_998)
    assert call["recording"] == {"id": "r1", "state": "recording", "reason": ""}
    told(desk, ev.CallHeld(at=4_000, call_id="c1", channel="y", agent=ANNA))
    assert desk.view(VIEWERS[0])["call"]["phase"] == "on_hold"
    told(desk, ev.CallResumed(at=5_000, call_id="c1", channel="y", agent=ANNA))
    assert (desk.view(VIEWERS[0])["call"]["phase"], desk.view(VIEWERS[0])["queues"]) == (
        "talking",
        {"support": {"waiting": {}}},
    )


def test_a_call_stays_on_the_desk_until_wrap_up_is_left() -> None:
    desk = desk_of(*over())
    view = desk.view(VIEWERS[0])
    assert (view["call"]["phase"], view["call"]["ended_at"]) == ("ended", 9_000)
    assert view["me"]["until"] == 99_000
    assert view["today"] == {"calls": 1, "talked": 6_000, "missed": 0}
    told(
        desk,
        ev.DispositionSet(
            at=9_500, call_id="c1", agent=ANNA, author="anna", note="refund promised"
        ),
    )
    assert desk.view(VIEWERS[0])["call"]["disposition"]["saved_at"] == 9_500
    told(desk, ev.AgentAvailabilityChanged(at=9_600, agent=ANNA, availability="available"))
    assert "call" not in desk.view(VIEWERS[0])
    assert desk.call("c1") is None


def test_a_missed_offer_leaves_the_desk_and_counts() -> None:
    desk = desk_of(*ringing())
    told(
        desk,
        ev.OfferEnded(
            at=2_500, call_id="c1", offer_id="o1", agent=ANNA, ended="no_answer", rang=499
        ),
    )
    view = desk.view(VIEWERS[0])
    assert "call" not in view
    assert view["today"]["missed"] == 1
    assert view["queues"]["support"]["waiting"]["e1"]["offered"] is False


def test_supervisors_see_their_teams_and_agents_see_no_agents() -> None:
    desk = desk_of(*talking())
    assert desk.view(VIEWERS[0])["agents"] == {}
    assert desk.view(VIEWERS[3])["agents"].keys() == {ANNA}
    assert desk.view(VIEWERS[5])["agents"].keys() == {ANNA, BORIS}
    assert desk.view(VIEWERS[5])["agents"][ANNA]["name_of_customer"] == "Marina Ivanova"
    assert desk.view(VIEWERS[1])["queues"] == {}


def test_midnight_begins_a_new_day_and_yesterday_does_not_count() -> None:
    desk = desk_of(*over())
    desk.begin_day(10_000)
    told(desk, ev.TalkEnded(at=9_999, call_id="c9", talk_id="t9", agent=ANNA, talked=5))
    assert desk.view(VIEWERS[0])["today"] == {"calls": 0, "talked": 0, "missed": 0}


# --- any sequence of events --------------------------------------------------------------------

_calls = st.sampled_from(["c1", "c2", "c3", ""])
_agents = st.sampled_from([ANNA, BORIS, "PJSIP/999"])
_BY_NAME = {
    "at": st.integers(0, 100_000),
    "call_id": _calls,
    "agent": _agents,
    "entry_id": st.sampled_from(["e1", "e2", ""]),
    "queue": st.sampled_from(["support", "sales", ""]),
    "offer_id": st.sampled_from(["o1", "o2"]),
    "talk_id": st.sampled_from(["t1", "t2"]),
    "recording_id": st.sampled_from(["r1", "r2"]),
    "reason": st.sampled_from(["", "lunch"]),
    "talked": st.integers(0, 1_000),
    "seconds": st.floats(0, 1e6),
    "customer": st.sampled_from([None, VIP]),
    "candidates": st.sampled_from([(), (VIP,)]),
    "label": st.sampled_from(["VIP", "Billing"]),
    "terms": st.sampled_from([(), (ev.PriorityTerm(label="VIP", seconds=120),)]),
    "contacts": st.just(()),
    "notes": st.just(()),
    "id": st.just("x"),
    "switch": st.just("sw1"),
    "seq": st.just(0),
    "cause": st.just(""),
}


def _made(kind: type[ev.Event]) -> st.SearchStrategy[ev.Event]:
    fields = {
        field.name: _BY_NAME.get(field.name, st.from_type(field.type))
        for field in msgspec.structs.fields(kind)
    }
    return st.builds(kind, **fields)


any_event = st.one_of([_made(kind) for kind in FOLDS])
sequences = st.lists(any_event, max_size=40)


@given(sequences, st.integers(0, 40))
@settings(max_examples=300, deadline=None)
def test_snapshot_and_deltas_equal_a_fresh_snapshot(events: list[ev.Event], cut: int) -> None:
    desk = desk_of(*events[:cut])
    views = [desk.view(viewer) for viewer in VIEWERS]
    for event in events[cut:]:
        changes = told(desk, event)
        patches = [desk.delta(viewer, changes) for viewer in VIEWERS]
        views = [apply(view, patch) for view, patch in zip(views, patches, strict=True)]
    assert views == [desk.view(viewer) for viewer in VIEWERS]


@given(sequences)
@settings(max_examples=300, deadline=None)
def test_no_row_is_stale(events: list[ev.Event]) -> None:
    desk = desk_of(*events)
    assert {place: desk._row(place) for place in desk._shown} == desk._shown
    for interface in desk._picture.agents:
        shown = desk._shown.get(("call", interface))
        assert shown == desk._row(("call", interface))


@given(sequences)
@settings(max_examples=100, deadline=None)
def test_ended_calls_are_not_kept_but_on_desks(events: list[ev.Event]) -> None:
    desk = desk_of(*events)
    for call_id, call in desk._picture.calls.items():
        assert call.ended_at is None or desk._picture.desks_with(call_id)


@given(sequences)
@settings(max_examples=50, deadline=None)
def test_views_hold_no_null_which_a_merge_patch_could_not_say(events: list[ev.Event]) -> None:
    for viewer in VIEWERS:
        assert b":null" not in msgspec.json.encode(desk_of(*events).view(viewer))


def test_past_contacts_name_the_agent_and_a_withheld_number_is_no_name() -> None:
    contact = ev.PastContact(
        call_id="c0", at=1, direction="inbound", outcome="answered", agent=BORIS
    )
    pop = ev.ScreenPopReady(
        at=2_000, call_id="c1", number="", match="anonymous", contacts=(contact,)
    )
    arrival, *rest = waiting()
    hidden = msgspec.structs.replace(arrival, caller_number="anonymous")
    desk = desk_of(hidden, rest[1], pop, ringing()[-1])
    call = desk.view(VIEWERS[0])["call"]
    assert [one["agent"] for one in call["pop"]["contacts"]] == ["Boris"]
    assert call["number"] == ""
    assert desk.view(VIEWERS[0])["queues"]["support"]["waiting"]["e1"]["number"] == ""


def test_each_switch_has_its_link_and_its_own_line_of_a_queue() -> None:
    desk = Desk(at=5, switches=["east", "west"])
    viewer = Viewer("manager", "", frozenset(), {})
    starting = {"up": False, "since": 5, "reason": "Ringdesk is starting"}
    assert desk.view(viewer)["links"] == {
        "east": starting | {"first": True},
        "west": starting | {"first": False},
    }
    changes = told(desk, ev.SwitchConnected(at=6, switch="west", asterisk_version="22"))
    assert desk.delta(viewer, changes) == {
        "links": {"west": {"up": True, "since": 6, "reason": ""}}
    }
    assert not desk.link_up
    told(desk, ev.SwitchConnected(at=7, switch="east", asterisk_version="22"))
    assert desk.link_up
    for switch in ("east", "west"):
        told(
            desk,
            ev.CallQueued(
                at=8, switch=switch, call_id=f"{switch}-1", entry_id=f"{switch}-1-w1",
                queue="support", channel="x", leg="1", position=1,
            )
        )  # fmt: skip
    rows = desk.view(viewer)["queues"]["support"]["waiting"].values()
    assert [row["switch"] for row in rows] == ["east", "west"]


def test_the_way_through_the_menus_goes_with_the_caller_over_a_trunk() -> None:
    joined = ev.CallJoined(at=1_990, call_id="c2", to_call_id="c1")
    offer = ev.AgentOffered(at=2_001, call_id="c2", offer_id="o1", agent=ANNA, channel="y")
    desk = desk_of(*waiting(), joined, offer)
    assert desk.view(VIEWERS[0])["call"]["path"] == ["Billing"]
    assert desk.view(VIEWERS[0])["call"]["did"] == "+442079460100"
