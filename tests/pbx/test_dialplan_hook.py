"""The printed dialplan hook on a real Asterisk: no caller is lost, whatever FastAGI does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from ringdesk.asterisk_config import HOOK_CONTEXT, HOOK_VARIABLE, HOOK_VERSION, HookSettings
from ringdesk.demo.asterisk import AsteriskInstance
from ringdesk.demo.phone import Call, Phone
from ringdesk.demo.prefix import Prefix

pytestmark = pytest.mark.pbx

SILENCE_TIMEOUT = 2
"""Seconds, as module_asterisk has it."""
Session = Callable[["Agi"], Awaitable[None]]


@dataclass
class Agi:
    """One FastAGI connection, in the raw: independent of Ringdesk's own server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    environment: dict[str, str] = field(default_factory=dict)

    async def read_environment(self) -> None:
        while line := (await self.reader.readline()).decode().strip():
            name, _, value = line.partition(": ")
            self.environment[name] = value

    async def command(self, text: str) -> str:
        self.writer.write(f"{text}\n".encode())
        return (await self.reader.readline()).decode()

    async def decide(self, decision: str, target: str, priority: int | None = None) -> None:
        if priority is not None:
            await self.command(f"SET VARIABLE QUEUE_PRIO {priority}")
        await self.command(f'SET VARIABLE RINGDESK_TARGET "{target}"')
        await self.command(f"SET VARIABLE RINGDESK_NEXT {decision}")


@dataclass
class Place:
    """An Asterisk, a customer, an agent, and a FastAGI server that runs `session`."""

    asterisk: AsteriskInstance
    customer: Phone
    agent: Phone
    session: Session | None = None
    seen: list[dict[str, str]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        agi = Agi(reader, writer)
        try:
            await agi.read_environment()
            self.seen.append(agi.environment)
            if self.session:
                await self.session(agi)
        finally:
            writer.close()

    async def dial(self, number: str = "400") -> Call:
        call = await self.customer.call(number, from_user="+447700900147")
        await call.answered(timeout=5)
        return call

    async def waits_in(self, queue: str, within: float = 2.0) -> bool:
        """Whether the only caller comes to wait in that queue in so many seconds."""
        for _ in range(round(within / 0.1)):
            if f"{queue} has 1 calls" in await self.asterisk.cli(f"queue show {queue}"):
                return True
            await asyncio.sleep(0.1)
        return False


@pytest_asyncio.fixture
async def place(module_asterisk: AsteriskInstance) -> AsyncIterator[Place]:
    asterisk = module_asterisk
    async with (
        Phone("127.0.0.2", asterisk.sip) as customer,
        Phone("127.0.0.1", asterisk.sip, "101", asterisk.agent_password) as agent,
    ):
        await agent.register()
        place = Place(asterisk, customer, agent)
        server = await asyncio.start_server(
            place.serve, "127.0.0.1", asterisk.settings.hook.agi_port
        )
        yield place
        await asterisk.hangup_all()
        server.close()


async def test_doctor_can_find_the_hook(place: Place) -> None:
    shown = await place.asterisk.cli(f"dialplan show {HOOK_CONTEXT}")
    assert f"Set({HOOK_VARIABLE}={HOOK_VERSION})" in shown


async def test_the_decision_for_a_queue_is_followed_with_its_priority(place: Place) -> None:
    place.session = lambda agi: agi.decide("queue", "sales", 7)
    await place.dial("+442079460000")
    assert await place.waits_in("sales")
    assert "prio: 7" in await place.asterisk.cli("queue show sales")
    assert place.seen[0]["agi_network_script"] == "menu/main"
    assert place.seen[0]["agi_extension"] == "+442079460000"
    assert place.seen[0]["agi_callerid"] == "+447700900147"


async def test_the_decision_for_an_extension_is_followed(place: Place) -> None:
    place.session = lambda agi: agi.decide("extension", "101")
    call = await place.dial()
    offered = await place.agent.incoming(timeout=5)
    assert offered.caller == "+447700900147"
    await offered.answer()
    await asyncio.sleep(0.5)  # connected through: the Local channel is gone
    assert await place.asterisk.channels() == 2
    await offered.hangup()
    await call.ended(timeout=2)


async def test_an_extension_that_does_not_answer_leads_to_the_fallback_queue(place: Place) -> None:
    place.session = lambda agi: agi.decide("extension", "101")
    await place.dial()
    await place.agent.incoming(timeout=5)
    assert await place.waits_in("support", within=5)


async def test_the_decision_for_voicemail_is_followed(place: Place) -> None:
    place.session = lambda agi: agi.decide("voicemail", "100")
    await place.dial()
    await asyncio.sleep(0.5)
    assert "VoiceMail" in await place.asterisk.cli("core show channels")


async def test_the_decision_to_hang_up_is_followed(place: Place) -> None:
    place.session = lambda agi: agi.decide("hangup", "")
    call = await place.dial()
    await call.ended(timeout=2)
    assert call.ended_by == "remote"


NOT_TO_BE_FOLLOWED = [
    ("", "sales"),
    ("queue", ""),
    ("queue", "nosuchqueue"),
    ("queue", "closed"),
    ("extension", "999@nowhere"),
    ("voicemail", "4711"),
    ("teleport", "sales"),
    ('a\\"b', "sales"),
    ("queue", "${SHELL(id)},c,,,1)"),
]
CLOSED_QUEUE = "\n[closed](ringdesk-lean)\njoinempty = no\n"


async def test_what_cannot_be_followed_leads_to_the_fallback_queue(place: Place) -> None:
    queues = place.asterisk.work / "etc" / "queues.conf"
    queues.write_text(queues.read_text() + CLOSED_QUEUE)
    assert "closed has 0 calls" in await reloaded_queues(place.asterisk)
    for decision, target in NOT_TO_BE_FOLLOWED:
        place.session = lambda agi, d=decision, t=target: agi.decide(d, t)  # type: ignore[misc]
        await place.dial()
        assert await place.waits_in("support", within=4), (decision, target)
        await place.asterisk.hangup_all()


async def reloaded_queues(asterisk: AsteriskInstance) -> str:
    await asterisk.cli("queue reload all")
    return await asterisk.cli("queue show")


async def test_a_fastagi_server_that_dies_before_deciding(place: Place) -> None:
    async def die(agi: Agi) -> None:
        await agi.command("SET VARIABLE RINGDESK_TARGET sales")
        agi.writer.transport.abort()

    place.session = die
    await place.dial()
    assert await place.waits_in("support", within=1.5)


async def test_a_fastagi_server_that_dies_in_mid_playback(place: Place) -> None:
    async def die(agi: Agi) -> None:
        agi.writer.write(b'STREAM FILE tt-weasels ""\n')
        await asyncio.sleep(0.5)
        agi.writer.transport.abort()

    place.session = die
    await place.dial()
    assert await place.waits_in("support", within=6)


async def test_a_fastagi_server_that_hangs(place: Place) -> None:
    hung = asyncio.Event()

    async def hang(_: Agi) -> None:
        await hung.wait()

    place.session = hang
    await place.dial()
    assert await place.waits_in("support", within=SILENCE_TIMEOUT + 1)
    hung.set()


async def test_a_live_menu_may_take_longer_than_the_silence_time_out(place: Place) -> None:
    async def think(agi: Agi) -> None:
        await agi.command("SET VARIABLE TIMEOUT(absolute) 30")
        await asyncio.sleep(SILENCE_TIMEOUT + 0.7)
        await agi.decide("queue", "sales")

    place.session = think
    call = await place.dial()
    assert await place.waits_in("sales", within=5)
    await asyncio.sleep(0.3)
    assert call.is_answered


async def test_a_caller_who_hangs_up_in_the_menu_leaves_no_channel(place: Place) -> None:
    async def prompt(agi: Agi) -> None:
        await agi.command('STREAM FILE tt-weasels ""')

    place.session = prompt
    call = await place.dial()
    await asyncio.sleep(0.3)
    await call.hangup()
    await asyncio.sleep(0.3)
    assert await place.asterisk.channels() == 0


async def test_after_the_queue_time_out_the_caller_reaches_the_mailbox(
    asterisk_prefix: Prefix,
) -> None:
    hook = HookSettings(agi_port=1, queue_timeout=1, mailbox="100")
    async with (
        AsteriskInstance(asterisk_prefix, hook=hook) as asterisk,
        Phone("127.0.0.2", asterisk.sip) as customer,
    ):
        await (await customer.call("400")).answered(timeout=5)
        await asyncio.sleep(2.5)
        assert "VoiceMail" in await asterisk.cli("core show channels")
