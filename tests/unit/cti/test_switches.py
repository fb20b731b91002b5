"""Several switches: who is meant by an agent's name, and who gets a command."""

from __future__ import annotations

import pytest

from cti.agent_names import AgentNames, split
from cti.domain.commands import (
    AnyCommand,
    CommandFailed,
    MoveInQueue,
    PauseQueueMember,
    ReadQueues,
    Reply,
)
from cti.domain.events import AgentOffered, CallTransferred, SwitchLost
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
