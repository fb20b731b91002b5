"""Ringdesk down, killed in mid menu, hung: every caller reaches the queue and is answered.

The server is the real ``ringdesk serve`` in a process of its own, with a settings file.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ringdesk.asterisk_config import HookSettings
from ringdesk.demo.asterisk import AsteriskInstance, free_port
from ringdesk.demo.call import Call
from ringdesk.demo.phone import Phone
from ringdesk.demo.prefix import Prefix
from ringdesk.demo.robots import DID
from ringdesk.demo.rtp import tone, tone_share
from ringdesk.demo.world import CONFIG, write_calendars
from tests.pbx.fixtures_world import call_in, until

pytestmark = pytest.mark.pbx

CALLERS = ("+447700900147", "+447700900152", "+447700900199")


@pytest.fixture
async def asterisk(asterisk_prefix: Prefix) -> AsyncIterator[AsteriskInstance]:
    """Its hook leads to a port where the test's own Ringdesk will, or will not, listen."""
    async with AsteriskInstance(asterisk_prefix, hook=HookSettings(agi_port=free_port())) as made:
        yield made


def settings_file(asterisk: AsteriskInstance, folder: Path, http_port: int) -> Path:
    write_calendars(folder / "calendars")
    file = folder / "ringdesk.toml"
    file.write_text(
        f"""
database = "sqlite+aiosqlite:///{folder}/ringdesk.db"
data_folder = "{folder}"
[ami]
port = {asterisk.ami[1]}
[ivr]
port = {asterisk.settings.hook.agi_port}
menus_folder = "{CONFIG}/menus"
calendars_folder = "{folder}/calendars"
speech.cache_folder = "{folder}/prompts"
[queue]
policy = "{CONFIG}/policies/default.toml"
[recordings]
folder = "{asterisk.recordings}"
[dashboard]
port = {http_port}
"""
    )
    return file


@asynccontextmanager
async def ringdesk(
    asterisk: AsteriskInstance, folder: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    """``ringdesk serve``, ready to take callers."""
    http_port = free_port()
    file = settings_file(asterisk, folder, http_port)
    with (folder / "ringdesk.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ringdesk", "serve", "--config", str(file)),
            env={**os.environ, "RINGDESK_AMI_SECRET": asterisk.ami_secret},
            stdout=log,
            stderr=log,
        )
    try:
        await until(lambda: _listens(asterisk.settings.hook.agi_port), "FastAGI to listen", 45)
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        await process.wait()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


@asynccontextmanager
async def phones(asterisk: AsteriskInstance) -> AsyncIterator[tuple[Phone, list[Phone]]]:
    """The trunk, and three agents who are members of the queue without any Ringdesk."""
    secret, port = asterisk.agent_password, asterisk.settings.trunk_port
    async with (
        Phone("127.0.0.2", asterisk.sip, local_port=port) as trunk,
        Phone("127.0.0.1", asterisk.sip, "101", secret) as one,
        Phone("127.0.0.1", asterisk.sip, "102", secret) as two,
        Phone("127.0.0.1", asterisk.sip, "103", secret) as three,
    ):
        agents = [one, two, three]
        for agent in agents:
            await agent.register()
            await asterisk.cli(f"queue add member PJSIP/{agent.user} to support")
        yield trunk, agents


async def in_the_menu(trunk: Phone) -> list[Call]:
    """Three callers who hear the menu speak."""
    calls = [await trunk.call(DID, from_user=number) for number in CALLERS]
    for call in calls:
        await call.answered(timeout=10)
    for call in calls:
        await until(lambda call=call: bool(call.received.any()), "the menu to speak")
    return calls


async def all_are_answered(calls: list[Call], agents: list[Phone], seconds: float) -> None:
    """Each agent gets one caller, and they hear each other."""
    offers = await asyncio.gather(*(agent.incoming(timeout=seconds) for agent in agents))
    for offer in offers:
        await offer.answer()
    assert sorted(offer.caller for offer in offers) == sorted(CALLERS)
    for call in calls:
        call.play(tone(660, 3))
    for offer in offers:
        await until(lambda offer=offer: tone_share(offer.media.heard(0.3), 660) > 0.9, "the tone")
    for call in calls:
        assert not call.is_ended
        await call.hangup()


async def test_down(asterisk: AsteriskInstance) -> None:
    async with phones(asterisk) as (trunk, agents):
        calls = [await trunk.call(DID, from_user=number) for number in CALLERS]
        await all_are_answered(calls, agents, seconds=5)


async def test_killed_in_mid_menu(asterisk: AsteriskInstance, tmp_path: Path) -> None:
    async with phones(asterisk) as (trunk, agents), ringdesk(asterisk, tmp_path) as process:
        calls = await in_the_menu(trunk)
        process.kill()
        await all_are_answered(calls, agents, seconds=15)


async def test_hung_in_mid_menu(asterisk: AsteriskInstance, tmp_path: Path) -> None:
    async with phones(asterisk) as (trunk, agents), ringdesk(asterisk, tmp_path) as process:
        calls = await in_the_menu(trunk)
        process.send_signal(signal.SIGSTOP)
        await all_are_answered(calls, agents, seconds=30)


async def test_hung_before_the_menu(asterisk: AsteriskInstance, tmp_path: Path) -> None:
    async with phones(asterisk) as (trunk, agents), ringdesk(asterisk, tmp_path) as process:
        process.send_signal(signal.SIGSTOP)
        calls = [await trunk.call(DID, from_user=number) for number in CALLERS]
        await all_are_answered(calls, agents, seconds=12)


async def first_ringing(agents: list[Phone]) -> Call:
    waiting = [asyncio.ensure_future(agent.incoming(timeout=15)) for agent in agents]
    done, rest = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    return done.pop().result()


async def test_killed_while_people_talk(asterisk: AsteriskInstance, tmp_path: Path) -> None:
    async with phones(asterisk) as (trunk, agents), ringdesk(asterisk, tmp_path) as process:
        customer = await call_in(trunk, CALLERS[0], press="1")
        first = await first_ringing(agents)
        await first.answer()
        process.kill()
        customer.play(tone(660, 3))
        await until(lambda: tone_share(first.media.heard(0.3), 660) > 0.9, "the tone")
        await first.hangup()
        await customer.ended(timeout=5)
