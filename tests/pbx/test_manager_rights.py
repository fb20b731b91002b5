"""The printed AMI user has the rights Ringdesk uses, and none that would open the machine."""

import asyncio
from dataclasses import dataclass

import pytest

from ringdesk.asterisk_config import DOCTOR_CONTEXT, HOOK_CONTEXT
from ringdesk.demo.asterisk import AsteriskInstance
from ringdesk.demo.phone import Phone

pytestmark = pytest.mark.pbx

# Wrong arguments on purpose: a right that is missing says so before they are looked at.
ALLOWED = """
CoreShowChannels CoreSettings CoreStatus QueueStatus QueueSummary QueueAdd QueuePause QueueRemove
QueueChangePriorityCaller QueueWithdrawCaller MixMonitor MixMonitorMute StopMixMonitor Redirect
Originate Setvar Getvar Hangup BlindTransfer UserEvent ShowDialPlan PJSIPShowContacts
PJSIPShowEndpoints BridgeList Filter Ping
"""
REFUSED = "Command UpdateConfig CreateConfig"


@dataclass
class Ami:
    """A raw AMI connection, independent of Ringdesk's own client."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def message(self) -> dict[str, str]:
        async with asyncio.timeout(5):
            text = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        lines = (line.partition(": ") for line in text.strip().splitlines())
        return {name: value for name, _, value in lines}

    async def until(self, key: str, value: str) -> dict[str, str]:
        while True:
            message = await self.message()
            if message.get(key) == value:
                return message

    async def action(self, name: str, **fields: str) -> dict[str, str]:
        sent = {"Action": name, "ActionID": name, **fields}
        self.writer.write("".join(f"{k}: {v}\r\n" for k, v in sent.items()).encode() + b"\r\n")
        while True:
            message = await self.until("ActionID", name)
            if "Response" in message:
                return message


async def log_in(asterisk: AsteriskInstance) -> Ami:
    reader, writer = await asyncio.open_connection(*asterisk.ami)
    assert (await reader.readline()).startswith(b"Asterisk Call Manager/")
    ami = Ami(reader, writer)
    answer = await ami.action("Login", Username=asterisk.ami_user, Secret=asterisk.ami_secret)
    assert answer["Response"] == "Success"
    return ami


async def test_rights_are_sufficient_and_no_more(asterisk: AsteriskInstance) -> None:
    ami = await log_in(asterisk)
    answers = {name: await ami.action(name) for name in (ALLOWED + REFUSED).split()}
    denied = {n for n, a in answers.items() if a.get("Message") == "Permission denied"}
    unknown = {n for n, a in answers.items() if "Invalid/unknown" in a.get("Message", "")}
    assert denied == set(REFUSED.split())
    assert unknown == set()
    ami.writer.close()


async def test_show_dial_plan_tells_doctor_of_the_hook(asterisk: AsteriskInstance) -> None:
    ami = await log_in(asterisk)
    assert (await ami.action("ShowDialPlan", Context=HOOK_CONTEXT))["Response"] == "Success"
    first = await ami.until("Event", "ListDialplan")
    while first.get("AppData") != "RINGDESK_HOOK=2":
        first = await ami.until("Event", "ListDialplan")
    ami.writer.close()


async def test_doctor_learns_whether_fastagi_is_reachable(asterisk: AsteriskInstance) -> None:
    ami = await log_in(asterisk)
    await ami.action(
        "Originate",
        Channel=f"Local/agi@{DOCTOR_CONTEXT}",
        Application="Wait",
        Data="1",
        Async="true",
    )
    event = await ami.until("UserEvent", "RingdeskDoctor")
    assert event["AGIStatus"] == "FAILURE"  # nobody listens there in this test
    ami.writer.close()


async def test_a_call_gives_the_events_and_variables_ringdesk_reads(
    asterisk: AsteriskInstance,
) -> None:
    ami = await log_in(asterisk)
    async with Phone("127.0.0.2", asterisk.sip) as customer:
        call = await customer.call("400", from_user="+447700900147")
        await call.answered(timeout=5)
        await asyncio.sleep(0.5)
        await call.hangup()
        events = []
        while (event := await ami.message()).get("Event") != "Hangup":
            events.append(event)
    names = {event.get("Event") for event in events}
    assert {"Newchannel", "QueueCallerJoin", "QueueCallerAbandon"} <= names
    assert not {"VarSet", "Newexten", "RTCPSent", "CEL", "TestEvent"} & names
    assert event["ChanVariable"]  # channelvars ride on every event
    assert event["SystemName"] == "demo"
    assert len(event["Timestamp"].partition(".")[2]) == 6
    ami.writer.close()
