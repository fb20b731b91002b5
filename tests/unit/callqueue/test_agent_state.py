from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callqueue.agent_state import (
    AgentProfile,
    AgentState,
    Membership,
    adopted,
    after,
    chosen,
    commands_for,
    members_of,
)
from cti.domain.commands import AddQueueMember, PauseQueueMember, RemoveQueueMember
from cti.domain.events import Availability

AGENT = "PJSIP/101"
ADA = AgentProfile(name="Ada", queues={"support": 0, "sales": 2})
T = 1_800_000_000_000_000

READY = Membership(paused=False, reason="")
LUNCH = Membership(paused=True, reason="lunch")


def test_available_joins_every_queue_with_its_penalty() -> None:
    assert commands_for(AGENT, ADA, AgentState("available"), {}) == [
        AddQueueMember(queue="support", agent=AGENT, name="Ada", penalty=0),
        AddQueueMember(queue="sales", agent=AGENT, name="Ada", penalty=2),
    ]


def test_a_break_pauses_all_queues_with_one_command() -> None:
    state, actual = AgentState("break", "lunch"), {"support": READY, "sales": READY}
    assert commands_for(AGENT, ADA, state, actual) == [
        PauseQueueMember(agent=AGENT, paused=True, reason="lunch")
    ]


def test_queues_outside_the_profile_are_left_alone() -> None:
    state, actual = AgentState("break", "lunch"), {"support": READY, "sales": READY, "other": READY}
    queues = [c.queue for c in commands_for(AGENT, ADA, state, actual)]  # type: ignore[union-attr]
    assert queues == ["support", "sales"]
    left = commands_for(AGENT, ADA, AgentState(), {"other": READY})
    assert left == []


def test_a_break_from_nowhere_joins_paused_and_says_why() -> None:
    one = AgentProfile(name="Ada", queues={"support": 0})
    assert commands_for(AGENT, one, AgentState("break", "lunch"), {}) == [
        AddQueueMember(queue="support", agent=AGENT, name="Ada", paused=True),
        PauseQueueMember(agent=AGENT, queue="support", paused=True, reason="lunch"),
    ]


def test_offline_leaves_and_only_pauses_who_cannot_be_removed() -> None:
    static = Membership(paused=False, reason="", dynamic=False)
    assert commands_for(AGENT, ADA, AgentState(), {"support": READY, "sales": static}) == [
        RemoveQueueMember(queue="support", agent=AGENT),
        PauseQueueMember(agent=AGENT, queue="sales", paused=True, reason="offline"),
    ]


def test_a_wrap_up_ends_by_itself_and_a_break_does_not() -> None:
    wrap_up = chosen("wrap_up", "ignored", T, wrap_up=20)
    assert wrap_up == AgentState("wrap_up", "", T + 20_000_000)
    assert (wrap_up.is_over(T + 19_999_999), wrap_up.is_over(T + 20_000_000)) == (False, True)
    assert not chosen("break", "lunch", T, wrap_up=20).is_over(2 * T)


@pytest.mark.parametrize(
    ("found", "state"),
    [
        ([], None),
        ([LUNCH], AgentState("break", "lunch")),
        ([READY, LUNCH], AgentState("available")),
    ],
)
def test_what_the_pbx_has_for_who_never_chose(
    found: list[Membership], state: AgentState | None
) -> None:
    assert adopted(found) == state


def test_members_are_read_from_the_rows_of_queue_status() -> None:
    rows = [
        {"Event": "QueueParams", "Queue": "support"},
        {
            "Event": "QueueMember",
            "Queue": "support",
            "Location": AGENT,
            "Membership": "static",
            "Paused": "1",
            "PausedReason": "lunch",
        },
    ]
    assert members_of(rows) == {
        AGENT: {"support": Membership(paused=True, reason="lunch", dynamic=False)}
    }


memberships = st.dictionaries(
    st.sampled_from(["support", "sales", "other"]),
    st.builds(Membership, paused=st.booleans(), reason=st.sampled_from(["", "lunch"])),
)
availabilities: st.SearchStrategy[Availability] = st.sampled_from(
    ["available", "break", "wrap_up", "offline"]
)


@given(memberships, availabilities, st.sampled_from(["", "lunch"]))
def test_carried_out_it_holds_and_nothing_is_left_to_do(
    actual: dict[str, Membership], availability: Availability, reason: str
) -> None:
    state = chosen(availability, reason, T, wrap_up=20)
    result = dict(actual)
    for command in commands_for(AGENT, ADA, state, actual):
        result = after(command, result)
    assert commands_for(AGENT, ADA, state, result) == []
    assert result.get("other") == actual.get("other")
    inside = [member for queue, member in result.items() if queue != "other"]
    assert len(inside) == (0 if availability == "offline" else 2)
    assert all(member.paused == state.is_paused for member in inside)
