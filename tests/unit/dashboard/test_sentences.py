"""Every event has a sentence of its own."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti.domain import events as ev
from dashboard.sentences import length, sentence, told
from tests.unit.dashboard.test_projections import _made


@pytest.mark.parametrize("kind", get_args(ev.AnyEvent))
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_every_event_is_said_in_one_line(kind: type[ev.Event], data: st.DataObject) -> None:
    event = data.draw(_made(kind))
    said = sentence(event, lambda agent: f"<{agent}>")
    assert said
    assert said != kind.__name__


def test_agents_are_called_by_their_names() -> None:
    event = ev.OfferEnded(at=1, offer_id="o", agent="PJSIP/101", ended="no_answer", rang=15_000_000)
    assert sentence(event, {"PJSIP/101": "Anna"}.__getitem__) == "Anna did not answer after 0:15"


def test_a_class_says_its_head_start_and_no_zeros() -> None:
    standard = ev.QueueEntryScored(
        at=1, call_id="c1", entry_id="e1", queue="support", joined_at=1, virtual_join=1,
        label="Standard", policy="default@1",
        terms=(ev.PriorityTerm(label="Standard", seconds=0),),
    )  # fmt: skip
    said = [
        sentence(event, str)
        for event in (
            standard,
            msgspec.structs.replace(
                standard, label="VIP", target=20, terms=(ev.PriorityTerm(label="VIP", seconds=120),)
            ),
        )
    ]
    assert said == [
        "Belongs to class Standard: no head start (policy default@1)",
        "Belongs to class VIP: head start 120 s, target 20 s (policy default@1)",
    ]


def test_lengths_read_as_on_a_clock() -> None:
    assert [length(s * 1_000_000) for s in (-1, 0, 102, 3723)] == [
        "0:00",
        "0:00",
        "1:42",
        "1:02:03",
    ]


def test_a_story_begins_with_the_arrival_even_when_the_menu_was_told_first() -> None:
    menu = ev.MenuEntered(at=1, call_id="c1", menu="main", version="1")
    rings = ev.AgentActivityChanged(at=3, agent="PJSIP/101", activity="ringing")
    arrival = ev.CallArrived(
        at=2, call_id="c1", direction="inbound", channel="PJSIP/trunk-1", leg="1.1",
        caller_number="", caller_name="", did="",
    )  # fmt: skip
    assert told([menu, arrival, rings]) == [arrival, menu]
