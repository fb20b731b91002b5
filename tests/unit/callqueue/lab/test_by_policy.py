"""The lab serves in the very order in which production does."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callqueue.facts import CallerFacts
from callqueue.lab.by_policy import ByPolicy
from callqueue.lab.scene import NEVER, Caller, Scene, Seat
from callqueue.lab.simulator import simulate
from callqueue.policy import Policy
from callqueue.policy_file import load_policy
from callqueue.waiting_order import WaitingOrder

SECOND = 1_000_000
CONFIG = Path(__file__).parents[4] / "config"
POLICY = Policy.model_validate(
    {
        "name": "steep",
        "default": "standard",
        "class": [
            {"name": "vip", "label": "V", "head_start": 60, "when": 'tier == "vip"'},
            {
                "name": "gold", "label": "G", "head_start": 20, "target": 30, "urgency": 500,
                "when": {"tier": ["gold"]},
            },
            {
                "name": "standard", "label": "S", "ceiling": 90, "target": 60, "urgency": 40,
            },
        ],
    }
)  # fmt: skip
JOINS = st.lists(
    st.tuples(st.integers(0, 200), st.sampled_from(["vip", "gold", ""])), min_size=1, max_size=25
)


@given(JOINS, st.lists(st.integers(0, 60), max_size=25), st.sampled_from([POLICY, "default"]))
def test_the_order_is_the_one_of_the_queues(
    joins: list[tuple[int, str]], gaps: list[int], policy: Policy | str
) -> None:
    used = policy if isinstance(policy, Policy) else load_policy(CONFIG / "policies/default.toml")
    discipline, order = ByPolicy(used), WaitingOrder()
    callers = [
        Caller(n, at * SECOND, 1, NEVER, facts=CallerFacts(match="one", tier=tier))
        for n, (at, tier) in enumerate(sorted(joins))
    ]
    for caller in callers:
        discipline.join(caller, caller.joined_at)
        order.add(
            used.standing(f"{caller.number:09}", caller.facts, caller.joined_at), caller.joined_at
        )
    now = callers[-1].joined_at
    for gap in gaps:
        now += gap * SECOND
        first = order.first(now)
        taken = discipline.take(Seat("a", ()), now)
        assert (first and int(first.entry_id)) == (taken and taken.number)
        if first:
            order.discard(first.entry_id, now)


def seats(*skills: str) -> list[Seat]:
    return [
        Seat(f"PJSIP/{n}", ((0, NEVER),), skills=frozenset(own.split()))
        for n, own in enumerate(skills)
    ]


SKILLED = Policy.model_validate(
    {
        "name": "skilled",
        "default": "standard",
        "class": [
            {
                "name": "german", "label": "German", "when": 'language == "de"',
                "rings": [{"after": 0, "skills": ["german"]}, {"after": 30, "skills": []}],
            },
            {
                "name": "kept", "label": "Kept", "when": "open_deal",
                "reserve": {"manager": 40},
            },
            {"name": "standard", "label": "Standard"},
        ],
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "waited"),
    [
        (CallerFacts(match="one", language="de"), 30),
        (CallerFacts(match="one", open_deal=True, owner="PJSIP/1"), 40),
        (CallerFacts(match="one", open_deal=True, owner="PJSIP/0"), 0),
        (CallerFacts(match="one", language="fr"), 0),
    ],
    ids=["until the ring widens", "until the reservation ends", "the manager", "anybody"],
)
def test_a_free_agent_waits_for_the_rule_to_be_relaxed(facts: CallerFacts, waited: int) -> None:
    """Nothing happens at that instant: the simulator wakes by itself."""
    people = [Caller(0, 5 * SECOND, SECOND, NEVER, facts=facts)]
    played = simulate(Scene(people, seats("english"), 0, 100 * SECOND), ByPolicy(SKILLED))
    assert (played.waits, list(played.taken)) == ([waited * SECOND], [1])


def test_whoever_has_the_skill_is_given_the_call_past_those_free_for_longer() -> None:
    people = [
        Caller(0, 0, 50 * SECOND, NEVER, facts=CallerFacts(match="one", language="de")),
        Caller(1, 1, 50 * SECOND, NEVER, facts=CallerFacts(match="one", language="de")),
        Caller(2, 2, 50 * SECOND, NEVER),
    ]
    played = simulate(Scene(people, seats("", "german"), 0, 100 * SECOND), ByPolicy(SKILLED))
    assert played.waits == [0, 30 * SECOND + 20 * SECOND - 1, 0]
