"""Several switches: who is meant by an agent's name, and who gets a command."""

from __future__ import annotations

import pytest

from cti.agent_names import AgentNames, split
from cti.ami.joins import JoinReader
from cti.domain.commands import (
    AnyCommand,
    CommandFailed,
    MoveInQueue,
    PauseQueueMember,
    ReadQueues,
    Reply,
)
from cti.domain.events import AgentOffered, CallJoined, CallTransferred, SwitchLost
from cti.domain.facts import LegJoins, LegStarted
from cti.reducer import Reducer
from cti.switch import Switch, Switches

WEST = AgentNames("west")
OFFER = AgentOffered(at=1, switch="west", offer_id="o", agent="PJSIP/101", channel="PJSIP/101-1")


class Client:
    """Stands for the AMI client of one switch, and keeps what it was sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, str]]] = []

    async def send(self, name: str, headers: tuple[tuple[str, str], ...], **_: object) -> Reply:
        self.sent.append((name, dict(headers)))
        member = {"Event": "QueueMember", "Queue": "support", "Location": "PJSIP/101"}
        return Reply(ok=True, rows=(member,) if name == "QueueStatus" else ())


class House:
    """Two switches, the first one being ``east``."""

    def __init__(self) -> None:
        self.east, self.west = Client(), Client()
        switches = {
            "east": Switch("east", self.east, AgentNames()),  # type: ignore[arg-type]
            "west": Switch("west", self.west, WEST),  # type: ignore[arg-type]
        }
        self.switches = Switches(switches)


def test_an_agent_on_a_further_switch_is_called_with_its_name() -> None:
    assert WEST.of_switch(OFFER).agent == "west:PJSIP/101"
    assert WEST.to_switch(WEST.of_switch(OFFER)) == OFFER
    assert AgentNames().of_switch(OFFER) is OFFER
    moved = CallTransferred(at=1, kind="blind", to="102", by="PJSIP/101")
    assert WEST.of_switch(moved).by == "west:PJSIP/101"
    lost = SwitchLost(at=1, reason="x")
    assert WEST.of_switch(lost) is lost
    assert split("west:PJSIP/101") == ("west", "PJSIP/101")
    assert split("PJSIP/101") == ("", "PJSIP/101")


@pytest.mark.parametrize(
    ("command", "switch"),
    [
        (ReadQueues(), "east"),
        (ReadQueues(switch="west"), "west"),
        (MoveInQueue(call_id="west-1.2", queue="q", channel="c", priority=1), "west"),
        (MoveInQueue(call_id="east-1.2", queue="q", channel="c", priority=1), "east"),
        (PauseQueueMember(agent="west:PJSIP/101", paused=True), "west"),
        (PauseQueueMember(agent="PJSIP/101", paused=True), "east"),
    ],
)
async def test_a_command_goes_to_its_switch_and_to_no_other(
    command: AnyCommand, switch: str
) -> None:
    house = House()
    assert (await house.switches.perform(command)).ok
    assert (len(house.east.sent), len(house.west.sent)) == ((1, 0) if switch == "east" else (0, 1))


async def test_asterisk_hears_and_says_its_own_interfaces() -> None:
    house = House()
    await house.switches.perform(PauseQueueMember(agent="west:PJSIP/101", paused=True))
    assert house.west.sent[0][1]["Interface"] == "PJSIP/101"
    rows = (await house.switches.perform(ReadQueues(switch="west"))).rows
    assert rows[0]["Location"] == "west:PJSIP/101"
    assert (await house.switches.perform(ReadQueues())).rows[0]["Location"] == "PJSIP/101"


async def test_a_command_for_a_switch_that_is_gone_from_the_settings_says_so() -> None:
    with pytest.raises(CommandFailed, match="there is no switch north") as caught:
        await House().switches.perform(ReadQueues(switch="north"))
    assert caught.value.kind == "not_connected"


ROW = {"Uniqueid": "1.1", "ChanVariable": "RINGDESK_NEXT=\nRINGDESK_JOINS=east-5.1"}


def newstate(value: str, event: str = "Newstate") -> tuple[bytes, bytes]:
    line = f"Event: {event}"
    headers = ("Uniqueid: 1.1", "ChanVariable: A=1", f"ChanVariable: RINGDESK_JOINS={value}")
    return line.encode(), "\r\n".join((line, *headers)).encode()


def test_the_variable_of_a_trunk_tells_which_call_goes_on() -> None:
    reader = JoinReader("RINGDESK_JOINS", ["east", "west"])
    joins = LegJoins(at=7, leg="1.1", call_id="east-5.1")
    assert reader.in_event(*newstate("east-5.1"), 7) == joins
    assert reader.in_event(*newstate("east-5.1", "Hangup"), 7) is None
    assert list(reader.in_rows([ROW, {"Uniqueid": "2.1"}], 7)) == [joins]
    assert reader.in_event(*newstate(""), 7) is None
    assert reader.refused == 0


@pytest.mark.parametrize("value", ["north-5.1", "east", "east-", "-5.1", "east-5.1;x", "e" * 300])
def test_what_is_no_call_of_ours_is_counted_and_joins_nothing(value: str) -> None:
    reader = JoinReader("RINGDESK_JOINS", ["east", "west"])
    assert reader.in_event(*newstate(value), 7) is None
    assert reader.refused == 1


def test_a_call_is_joined_once_and_remembers_it_after_a_restart() -> None:
    reducer = Reducer("west")
    started = LegStarted(at=1, leg="2.1", linkedid="2.1", channel="PJSIP/peer-1")
    told = reducer.apply(started)
    joins = LegJoins(at=2, leg="2.1", call_id="east-5.1")
    told += reducer.apply(joins)
    [_, joined] = told
    assert isinstance(joined, CallJoined)
    assert (joined.call_id, joined.to_call_id, joined.switch) == ("west-2.1", "east-5.1", "west")
    assert reducer.apply(joins) == []
    again = Reducer("west")
    again.restore(told)
    assert again.apply(joins) == []
    assert again.apply(LegJoins(at=3, leg="9.9", call_id="east-5.1")) == []


def test_a_call_does_not_go_on_with_itself() -> None:
    reducer = Reducer("east")
    reducer.apply(LegStarted(at=1, leg="5.1", linkedid="5.1", channel="PJSIP/peer-1"))
    assert reducer.apply(LegJoins(at=2, leg="5.1", call_id="east-5.1")) == []
