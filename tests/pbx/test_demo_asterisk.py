"""The demo's own Asterisk with real SIP callers: tones prove who hears whom."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from ringdesk.demo.asterisk import AsteriskFailed, AsteriskInstance
from ringdesk.demo.phone import Call, Phone, RegistrationFailed
from ringdesk.demo.prefix import Prefix
from ringdesk.demo.rtp import load_wav, tone, tone_share

pytestmark = pytest.mark.pbx


@dataclass
class Floor:
    """Two registered agents, 101 in queue `support`, and a customer."""

    asterisk: AsteriskInstance
    agent: Phone
    colleague: Phone
    customer: Phone

    async def connect(self) -> tuple[Call, Call]:
        """The customer's call to a DID, answered by 101, whose 1000 Hz the customer hears.

        Without the tone a transfer may come before the two are bridged: Asterisk refuses it.
        """
        call = await self.customer.call("400", from_user="+447700900147")
        offered = await self.agent.incoming(timeout=10)
        await offered.answer()
        offered.play(tone(1000), loop=True)
        assert await hears(call, 1000)
        return call, offered


@pytest_asyncio.fixture
async def floor(module_asterisk: AsteriskInstance) -> AsyncIterator[Floor]:
    asterisk = module_asterisk
    secret = asterisk.agent_password
    async with (
        Phone("127.0.0.1", asterisk.sip, "101", secret) as agent,
        Phone("127.0.0.1", asterisk.sip, "102", secret) as colleague,
        Phone("127.0.0.2", asterisk.sip, local_port=asterisk.settings.trunk_port) as customer,
    ):
        await agent.register()
        await colleague.register()
        await asterisk.cli("queue add member PJSIP/101 to support")
        yield Floor(asterisk, agent, colleague, customer)
        await asterisk.cli("queue remove member PJSIP/101 from support")
        await asterisk.hangup_all()


async def hears(call: Call, frequency: float, within: float = 3.0) -> bool:
    """Whether this tone fills 200 ms at some time within so many seconds."""
    for _ in range(round(within / 0.05)):
        if tone_share(call.media.heard(0.2), frequency) > 0.9:
            return True
        await asyncio.sleep(0.05)
    return False


async def no_channel_is_left(asterisk: AsteriskInstance) -> bool:
    for _ in range(40):
        if not await asterisk.channels():
            return True
        await asyncio.sleep(0.05)
    return False


async def test_without_ringdesk_a_caller_reaches_an_agent_of_queue_support(floor: Floor) -> None:
    call, offered = await floor.connect()
    assert offered.caller == "+447700900147"
    call.play(tone(440), loop=True)
    assert await hears(offered, 440)
    await call.send_digits("12#")
    await asyncio.sleep(0.3)
    assert offered.digits == "12#"
    await call.hangup()
    await offered.ended(timeout=2)
    assert offered.ended_by == "remote"
    assert await no_channel_is_left(floor.asterisk)


async def test_hold_gives_the_customer_music_and_unhold_the_agent_again(floor: Floor) -> None:
    call, offered = await floor.connect()
    await offered.hold()
    await asyncio.sleep(0.5)
    assert tone_share(call.media.heard(0.3), 1000) < 0.1
    assert call.media.heard(0.3).any()  # music (it begins softly), not digital silence
    await offered.unhold()
    assert await hears(call, 1000)
    await offered.hangup()
    await call.ended(timeout=2)
    assert call.ended_by == "remote"


async def test_a_blind_transfer_connects_the_customer_with_the_colleague(floor: Floor) -> None:
    call, offered = await floor.connect()
    call.play(tone(440), loop=True)
    transfer = asyncio.create_task(offered.transfer("102"))
    taken = await floor.colleague.incoming(timeout=5)
    await taken.answer()
    taken.play(tone(700), loop=True)
    assert await transfer == 200
    assert offered.is_ended
    assert await hears(call, 700)
    assert await hears(taken, 440)
    await taken.hangup()
    await call.ended(timeout=2)


async def test_an_attended_transfer_after_asking_the_colleague(floor: Floor) -> None:
    call, offered = await floor.connect()
    call.play(tone(440), loop=True)
    await offered.hold()
    asking = await floor.agent.call("102")
    asked = await floor.colleague.incoming(timeout=5)
    await asked.answer()
    await asking.answered(timeout=2)
    asked.play(tone(700), loop=True)
    assert await hears(asking, 700)
    assert await offered.transfer_to(asking) == 200
    await asking.ended(timeout=3)
    assert await hears(call, 700)
    assert await hears(asked, 440)
    await call.hangup()
    await asked.ended(timeout=2)
    assert await no_channel_is_left(floor.asterisk)


async def test_an_agent_dials_out_over_the_trunk(floor: Floor) -> None:
    call = await floor.agent.call("+447700900999")
    taken = await floor.customer.incoming(timeout=5)
    assert taken.invite is not None
    assert taken.invite.uri.startswith("sip:+447700900999@")
    await taken.answer()
    await call.answered(timeout=2)
    taken.play(tone(440), loop=True)
    assert await hears(call, 440)


async def test_an_agent_who_refuses_is_asked_again_until_answering(floor: Floor) -> None:
    call = await floor.customer.call("400", from_user="anonymous")
    await (await floor.agent.incoming(timeout=5)).reject(486)
    again = await floor.agent.incoming(timeout=10)
    await again.answer()
    assert call.is_answered


async def test_a_customer_who_gives_up_stops_the_ringing(floor: Floor) -> None:
    call = await floor.customer.call("400")
    offered = await floor.agent.incoming(timeout=5)
    await call.hangup()
    await offered.ended(timeout=2)
    assert offered.status == 487


async def test_a_wrong_password_does_not_register(module_asterisk: AsteriskInstance) -> None:
    async with Phone("127.0.0.1", module_asterisk.sip, "101", "wrong") as phone:
        with pytest.raises(RegistrationFailed, match="101 cannot register"):
            await phone.register()


async def test_twenty_customers_wait_and_hear_music(floor: Floor) -> None:
    await floor.asterisk.cli("queue remove member PJSIP/101 from support")
    calls = [await floor.customer.call("400", from_user=f"07700900{n:03}") for n in range(20)]
    await asyncio.gather(*(call.answered(timeout=5) for call in calls))
    await asyncio.sleep(1)
    assert "support has 20 calls" in await floor.asterisk.cli("queue show support")
    assert all(len(call.received) > 2000 for call in calls)
    await floor.asterisk.hangup_all()
    await asyncio.gather(*(call.ended(timeout=2) for call in calls))


async def test_the_instance_leaves_nothing(asterisk_prefix: Prefix) -> None:
    async with AsteriskInstance(asterisk_prefix) as instance:
        work, pid = instance.work, instance.pid
        assert "uptime" in await instance.cli("core show uptime")
    assert not work.exists()
    assert not Path(f"/proc/{pid}").exists()


async def test_a_killed_instance_says_so_and_boots_again(asterisk: AsteriskInstance) -> None:
    await asterisk.kill()
    with pytest.raises(AsteriskFailed, match="not running"):
        await asterisk.cli("core show uptime")
    await asterisk.start()
    assert "support" in await asterisk.cli("queue show")


async def test_asterisk_boots_without_a_complaint(asterisk: AsteriskInstance) -> None:
    complaints = [x for x in asterisk.log().splitlines() if "WARNING[" in x or "ERROR[" in x]
    assert complaints == []


async def test_a_configuration_asterisk_dies_of_is_reported_with_its_log(
    asterisk_prefix: Prefix,
) -> None:
    instance = AsteriskInstance(asterisk_prefix)
    instance._write()
    stasis = instance.work / "etc" / "stasis.conf"
    stasis.write_text(stasis.read_text() + "decline = ast_channel_dtmf_begin_type\n")
    instance._write = lambda: None  # type: ignore[method-assign]
    with pytest.raises(AsteriskFailed, match="died at boot"):
        async with instance:
            raise AssertionError("this Asterisk must not boot")
    assert not instance.work.exists()


SCRIPT = """
import asyncio, os, signal, sys
from pathlib import Path
from ringdesk.demo.asterisk import AsteriskInstance
from ringdesk.demo.prefix import Prefix

async def main():
    async with AsteriskInstance(Prefix(Path(sys.argv[1]))) as instance:
        print(instance.pid, instance.work, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def _runs(pid: str) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def test_asterisk_dies_with_a_program_killed_by_9(asterisk_prefix: Prefix) -> None:
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, asterisk_prefix.path],
        capture_output=True,
        text=True,
        timeout=20,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert run.returncode == -signal.SIGKILL, run.stderr
    pid, work = run.stdout.split()
    deadline = time.monotonic() + 10
    while _runs(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(pid)
    subprocess.run(["rm", "-r", work], check=True)


def test_menus_can_be_spoken_without_root(asterisk_prefix: Prefix, tmp_path: Path) -> None:
    spoken = tmp_path / "hello.wav"
    text = "Welcome. For support, press one."
    subprocess.run([asterisk_prefix.espeak_ng, "-w", spoken, text], check=True, env={})
    samples = load_wav(spoken)
    assert 1.5 < len(samples) / 8000 < 5
    assert abs(samples).max() > 5000
