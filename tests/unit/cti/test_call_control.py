"""What an agent may do with the call in hand, what is refused, and what is sent for it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from cti.agent_names import AgentNames
from cti.control.places import Target, dialled, is_understood
from cti.control.service import CallControl, ControlRefused, InHand
from cti.domain import commands as c
from cti.domain import events as ev
from cti.domain.book import Book, Call, Leg, Offer, Phone, QueueEntry, Talk

HAND = InHand("sw1-1", "PJSIP/101", "anna")


class House:
    """One switch on which Anna (101) talks with a customer of the queue ``support``."""

    def __init__(self) -> None:
        self.sent: list[c.AnyCommand] = []
        self.events: list[ev.Event] = []
        self.answers: dict[type, c.Reply | Exception] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        call = Call(id="sw1-1", linkedid="1")
        customer = Leg(id="1", channel="PJSIP/trunk-1", call=call, started=1)
        leg = Leg(id="2", channel="PJSIP/101-2", call=call, started=2, agent="PJSIP/101")
        entry = QueueEntry("w1", "support", customer, 1)
        leg.offer = Offer("o1", "PJSIP/101", leg, 2, entry)
        leg.talk = Talk("t1", "PJSIP/101", leg, call, "PJSIP/trunk-1", 3)
        self.book = Book(phones={"PJSIP/101": Phone("PJSIP/101", legs={"2": leg})})
        self.tags: list[tuple[str, ...]] = []
        reducer = SimpleNamespace(
            book=self.book,
            tag=lambda *tag: self.tags.append(tag),
            untag=lambda *tag: self.tags.append(("undone", *tag)),
        )
        self.feed = SimpleNamespace(whole=True, names=AgentNames(), reducer=reducer)
        feeds: Any = {"sw1": self.feed}
        self.control = CallControl(
            feeds, self.perform, self.events.append, lambda: 9, lambda n: "costly" * (n == "0900")
        )

    async def perform(self, command: c.AnyCommand) -> c.Reply:
        await self.gate.wait()
        self.sent.append(command)
        answer = self.answers.get(type(command))
        if isinstance(answer, Exception):
            raise answer
        return answer or c.Reply(ok=True, fields={"Value": "1"})

    def names(self) -> list[str]:
        return [type(command).__name__ for command in self.sent]


@pytest.fixture
def house() -> House:
    return House()


async def test_a_transfer_looks_first_and_keeps_a_way_back(house: House) -> None:
    await house.control.transfer(HAND, Target("agent", "PJSIP/102"))
    assert house.names() == ["GetVariable", "SetVariable", "SetVariable", "BlindTransfer"]
    kept = {s.variable: s.value for s in house.sent if isinstance(s, c.SetVariable)}
    assert kept == {"RINGDESK_BACK_QUEUE": "support", "RINGDESK_BACK_AGENT": "PJSIP/101"}
    last = house.sent[-1]
    assert isinstance(last, c.BlindTransfer)
    assert (last.channel, last.context, last.exten) == (
        "PJSIP/101-2", "ringdesk-to-agent", "PJSIP/102",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("target", "code"),
    [
        (Target("agent", "PJSIP/101"), "no_such_target"),
        (Target("agent", "west:PJSIP/102"), "elsewhere"),
        (Target("number", "0900"), "not_allowed"),
        (Target("queue", "a,b)&System(x)"), "no_such_target"),
        (Target("number", "12;3"), "no_such_target"),
    ],
)
async def test_what_cannot_be_a_target_is_refused_before_anything_is_sent(
    house: House, target: Target, code: str
) -> None:
    with pytest.raises(ControlRefused) as refused:
        await house.control.transfer(HAND, target)
    assert refused.value.code == code
    assert refused.value.cure
    assert house.sent == []


async def test_without_the_dialplan_nobody_is_sent_anywhere(house: House) -> None:
    house.answers[c.GetVariable] = c.Reply(ok=True, fields={"Value": "0"})
    with pytest.raises(ControlRefused, match="ringdesk-to-queue") as refused:
        await house.control.transfer(HAND, Target("queue", "sales"))
    assert "asterisk-config" in refused.value.cure
    assert house.names() == ["GetVariable"]
    assert set(await house.control.why_not(HAND)) == {"transfer"}


async def test_one_command_at_a_time_for_a_call(house: House) -> None:
    house.gate.clear()
    first = asyncio.create_task(house.control.hang_up(HAND))
    await asyncio.sleep(0)
    with pytest.raises(ControlRefused, match="another command") as refused:
        await house.control.transfer(HAND, Target("queue", "sales"))
    assert refused.value.code == "busy"
    house.gate.set()
    await first
    assert house.names() == ["Hangup"]


async def test_a_lost_link_a_call_that_is_over_and_no_answer_are_told_apart(house: House) -> None:
    house.answers[c.Hangup] = c.CommandFailed("timeout", "no answer within 5 s")
    with pytest.raises(ControlRefused) as refused:
        await house.control.hang_up(HAND)
    assert refused.value.code == "timeout"
    assert "look where the call is" in refused.value.cure
    with pytest.raises(ControlRefused) as refused:
        await house.control.hang_up(InHand("sw1-2", "PJSIP/101", "anna"))
    assert refused.value.code == "not_in_call"
    house.feed.whole = False
    with pytest.raises(ControlRefused) as refused:
        await house.control.hang_up(HAND)
    assert refused.value.code == "not_connected"


async def test_a_missing_right_is_named_and_a_mute_that_failed_is_not_told(house: House) -> None:
    house.answers[c.MuteAudio] = c.Reply(ok=False, message="Permission denied")
    with pytest.raises(ControlRefused) as refused:
        await house.control.mute(HAND, muted=True)
    assert "doctor" in refused.value.cure
    assert house.events == []
    del house.answers[c.MuteAudio]
    await house.control.mute(HAND, muted=True)
    assert [(e.talk_id, e.muted) for e in house.events if isinstance(e, ev.AgentMuted)] == [
        ("t1", True)
    ]


async def test_asking_first_moves_both_at_once_and_is_taken_back_when_refused(house: House) -> None:
    house.answers[c.RedirectBoth] = c.Reply(ok=False, message="Redirect failed")
    with pytest.raises(ControlRefused, match="Redirect failed"):
        await house.control.consult(HAND, Target("agent", "PJSIP/102"))
    assert house.tags == [
        ("sw1-1", "PJSIP/trunk-1", "aside"),
        ("undone", "sw1-1", "PJSIP/trunk-1"),
    ]
    with pytest.raises(ControlRefused) as refused:
        await house.control.back(HAND)
    assert refused.value.code == "not_asking"
    assert not house.events  # nobody is being asked


def test_numbers_are_taken_as_people_write_them() -> None:
    assert dialled("+44 (20) 7946-0999") == "+442079460999"
    assert is_understood(Target("number", "+442079460999"))
    assert not is_understood(Target("number", "+"))
