"""Our link and our spellings of actions against a real Asterisk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from cti.ami.client import AmiClient, ConnectionInfo
from cti.ami.codec import MAX_HEADERS, MAX_LINE, Message, parse
from cti.ami.settings import AmiSettings
from cti.domain.commands import (
    AddQueueMember,
    GetVariable,
    Hangup,
    MoveInQueue,
    Originate,
    PauseQueueMember,
    ReadQueues,
    Redirect,
    RemoveQueueMember,
    StartRecording,
    StopRecording,
)
from cti.switch import Switch
from ringdesk.demo.asterisk import AsteriskInstance

pytestmark = pytest.mark.pbx


class Linked:
    """A client on a real Asterisk and what it was told."""

    def __init__(self, asterisk: AsteriskInstance) -> None:
        host, port = asterisk.ami
        self.events: list[Message] = []
        self.connections: list[ConnectionInfo] = []
        self.losses: list[str] = []
        settings = AmiSettings(
            host=host,
            port=port,
            username=asterisk.ami_user,
            secret=asterisk.ami_secret,  # type: ignore[arg-type]
            reconnect_min=0.05,
        )
        self.client = AmiClient(
            settings,
            lambda _line, raw: self.events.append(parse(raw)),
            on_connected=self.connections.append,
            on_lost=self.losses.append,
        )
        self.perform = Switch("real", self.client).perform

    async def until(self, condition: Callable[[], bool], seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.01)

    async def heard(self, name: str) -> Message:
        await self.until(lambda: any(event.event == name for event in self.events))
        return next(event for event in self.events if event.event == name)


@asynccontextmanager
async def linked(asterisk: AsteriskInstance) -> AsyncIterator[Linked]:
    link = Linked(asterisk)
    run = asyncio.create_task(link.client.run())
    try:
        await link.until(lambda: link.client.connected)
        yield link
    finally:
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)


async def a_waiting_call(link: Linked, asterisk: AsteriskInstance, **variables: str) -> str:
    """The name of a channel with Uniqueid ``probe-1`` that waits in the dialplan."""
    await asterisk.cli("dialplan add extension 900,1,Answer into probe")
    await asterisk.cli("dialplan add extension 900,2,Wait,30 into probe")
    originate = Originate(
        channel="Local/900@probe", context="probe", exten="900", leg="probe-1", variables=variables
    )
    assert (await link.perform(originate)).ok
    await link.heard("OriginateResponse")
    rows = (await link.client.send("CoreShowChannels", as_list=True)).rows
    [name] = [row["Channel"] for row in rows if row["Uniqueid"] == "probe-1"]
    return name


async def test_who_answered_and_members_of_a_queue(asterisk: AsteriskInstance) -> None:
    async with linked(asterisk) as link:
        [info] = link.connections
        assert info.ami_version.split(".")[0].isdecimal()
        assert info.asterisk_version[0].isdecimal()
        assert info.started_at > 0
        add = AddQueueMember(queue="support", agent="PJSIP/101", name="Zoë", penalty=2)
        assert (await link.perform(add)).ok
        assert not (await link.perform(add)).ok
        pause = PauseQueueMember(agent="PJSIP/101", paused=True, reason="lunch, tea")
        assert (await link.perform(pause)).ok
        rows = (await link.perform(ReadQueues(queue="support"))).rows
        [member] = [row for row in rows if row["Event"] == "QueueMember"]
        assert (member["Name"], member["Location"], member["Penalty"]) == ("Zoë", "PJSIP/101", "2")
        assert (member["Paused"], member["PausedReason"]) == ("1", "lunch, tea")
        assert (await link.perform(ReadQueues(queue="no such queue"))).rows == ()
        assert (await link.perform(RemoveQueueMember(queue="support", agent="PJSIP/101"))).ok
        assert (await link.heard("QueueMemberAdded")).get("MemberName") == "Zoë"


async def test_variables_reach_the_channel_whatever_they_hold(asterisk: AsteriskInstance) -> None:
    odd = 'x,C=2 "q" \\ (y) [z] ${EXTEN} ü'
    async with linked(asterisk) as link:
        channel = await a_waiting_call(link, asterisk, ODD=odd, __PLAIN="2")
        for name, value in (("ODD", odd), ("PLAIN", "2"), ("C", "")):
            reply = await link.perform(GetVariable(channel=channel, variable=name))
            assert reply.fields["Value"] == value


async def test_a_call_is_recorded_redirected_and_hung_up(asterisk: AsteriskInstance) -> None:
    files = [asterisk.recordings / name for name in ("caller.wav", "agent.wav")]
    async with linked(asterisk) as link:
        channel = await a_waiting_call(link, asterisk)
        caller, agent = map(str, files)
        record = StartRecording(channel=channel, caller_file=caller, agent_file=agent)
        mixmonitor_id = (await link.perform(record)).fields["MixMonitorID"]
        await link.until(lambda: all(file.exists() for file in files))
        stop = StopRecording(channel=channel, mixmonitor_id=mixmonitor_id)
        assert (await link.perform(stop)).ok
        move = await link.perform(MoveInQueue(queue="support", channel=channel, priority=3))
        assert "No such caller" in move.message
        assert (await link.perform(Redirect(channel=channel, context="probe", exten="900"))).ok
        assert (await link.perform(Hangup(channel=channel))).ok
        await link.until(
            lambda: any(
                event.event == "Hangup" and event.get("Uniqueid") == "probe-1"
                for event in link.events
            )
        )
        assert not (await link.perform(Hangup(channel=channel))).ok


async def test_the_longest_line_and_the_most_headers_are_taken(asterisk: AsteriskInstance) -> None:
    """One more of either would be dropped, or end the link: the codec refuses it."""
    async with linked(asterisk) as link:
        channel = await a_waiting_call(link, asterisk)
        long = "v" * (MAX_LINE - len("Value: "))
        head = [("Channel", channel), ("Variable", "LONG"), ("Value", long)]
        filling = [("Filling", str(n)) for n in range(MAX_HEADERS - len(head) - 2)]
        assert (await link.client.send("Setvar", [*filling, *head])).ok
        reply = await link.perform(GetVariable(channel=channel, variable="LONG"))
        assert reply.fields["Value"] == long
        assert link.losses == []


async def test_a_restarted_asterisk_is_told_from_a_broken_link(asterisk: AsteriskInstance) -> None:
    async with linked(asterisk) as link:
        link.client._link.end("the cable was pulled")  # type: ignore[union-attr]
        await link.until(lambda: len(link.connections) == 2)
        before, again = link.connections
        assert not again.restarted_since(before)
        await asyncio.sleep(max(0, before.started_at / 1e6 + 4 - time.time()))
        await asterisk.kill()
        await asterisk.start()
        await link.until(lambda: len(link.connections) == 3, seconds=30)
        assert link.connections[2].restarted_since(again)
        assert len(link.losses) == 2
