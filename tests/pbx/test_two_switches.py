"""Two Asterisks, a 22 and a 16.28, with a SIP trunk between them and one Ringdesk on both."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from pydantic import SecretStr

from cti.ami.settings import AmiSettings
from cti.domain import events as ev
from cti.interaction import whole
from ringdesk.asterisk_config import HookSettings
from ringdesk.demo.asterisk import AsteriskInstance, free_port
from ringdesk.demo.phone import Phone
from ringdesk.demo.prefix import OLD, Prefix, default_cache, ensure_prefix
from ringdesk.demo.world import demo_settings, running
from ringdesk.doctor import examine
from ringdesk.server import Server
from ringdesk.settings import HookOptions, Settings, SwitchSettings
from ringdesk.trunk_config import TrunkSnippet, render_trunk
from tests.pbx.fixtures_world import until

pytestmark = [pytest.mark.pbx, pytest.mark.asyncio(loop_scope="module")]

TRUNK_IP = "127.0.0.3"
MARINA, STRANGER = "+447700900147", "+447700900999"
EAST_MENU = """title = "East"
[step.ask]
do = "ask"
prompt = [{ sound = "beep" }]
wait = 10
on_invalid = "queue support"
on_timeout = "queue support"
[step.ask.keys]
1 = { label = "Help", go = "queue support" }
2 = { label = "West office", go = "extension 2400" }
"""
WEST_MENU = """title = "West"
[step.on]
do = "play"
prompt = { sound = "beep" }
go = "queue support"
"""


def _pjsip(own: int, other: int, context: str) -> str:
    """A trunk from ``own`` to ``other`` (UDP ports on an address that only the trunk uses)."""
    return f"""
[trunk-udp]
type = transport
protocol = udp
bind = {TRUNK_IP}:{own}

[peer]
type = endpoint
transport = trunk-udp
context = {context}
disallow = all
allow = ulaw
dtmf_mode = rfc4733
direct_media = no
send_connected_line = no
aors = peer

[peer]
type = aor
contact = sip:{TRUNK_IP}:{other}

[peer]
type = identify
endpoint = peer
match = {TRUNK_IP}
"""


# The trunk shows a number of its own: who calls is known by the join alone.
_OVER_THE_TRUNK = """
[internal]
exten => 2400,1,Set(CALLERID(num)=2000)
 same => n,Dial(PJSIP/400@peer,60,b(ringdesk-trunk-out^s^1))
"""


@dataclass
class House:
    """Both switches, the customers' line and agent 101 of each, and Ringdesk."""

    settings: Settings
    server: Server
    east: AsteriskInstance
    west: AsteriskInstance
    customers: dict[str, Phone]
    agents: dict[str, Phone]

    def book(self, switch: str) -> Any:
        return self.server.core.feeds[switch].reducer.book

    async def events(self, call_id: str, kind: type[Any]) -> list[Any]:
        told = await self.server.core.journal.written.of_call(call_id)
        return [event for event in told if isinstance(event, kind)]

    async def get(self, path: str) -> tuple[int, Any]:
        """What the page answers to anybody."""
        address = f"http://127.0.0.1:{self.settings.dashboard.port}{path}"
        async with aiohttp.ClientSession() as session, session.get(address) as answer:
            return answer.status, await answer.json()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    asterisk_prefix: Prefix, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("two")
    old = await asyncio.to_thread(ensure_prefix, default_cache(), release=OLD)
    agi, *ports = (free_port(), *(free_port(socket.SOCK_DGRAM, TRUNK_IP) for _ in range(2)))
    async with contextlib.AsyncExitStack() as stack:
        east = AsteriskInstance(
            asterisk_prefix,
            hook=HookSettings(agi_port=agi, menu="east"),
            recordings=folder / "recordings",
            variables=("RINGDESK_JOINS",),
            more_files={
                "pjsip.conf": _pjsip(ports[0], ports[1], "ringdesk-trunk-in"),
                "extensions.conf": render_trunk(TrunkSnippet("east")) + _OVER_THE_TRUNK,
            },
        )
        west = AsteriskInstance(
            old,
            hook=HookSettings(agi_port=agi, menu="west", switch="west"),
            recordings=folder / "recordings" / "west",
            variables=("RINGDESK_JOINS",),
            more_files={
                "pjsip.conf": _pjsip(ports[1], ports[0], "ringdesk-trunk-in"),
                "extensions.conf": render_trunk(TrunkSnippet("west")),
            },
        )
        for one in (east, west):
            await stack.enter_async_context(one)
        settings = _settings(folder, east, west, agi)
        server, _ = await stack.enter_async_context(running(settings))
        await server.core.accounts.add(
            "wes", "Wes", "agent", password="x" * 12, agent="west:PJSIP/101", queues=["support"]
        )
        await server.core.agents.refresh()
        customers, agents = {}, {}
        for name, one in (("east", east), ("west", west)):
            line = Phone("127.0.0.2", one.sip, local_port=one.settings.trunk_port)
            customers[name] = await stack.enter_async_context(line)
            desk = Phone("127.0.0.1", one.sip, "101", one.agent_password)
            agents[name] = await stack.enter_async_context(desk)
            await desk.register()
        yield House(settings, server, east, west, customers, agents)


def _settings(
    folder: Path, east: AsteriskInstance, west: AsteriskInstance, agi_port: int
) -> Settings:
    settings = demo_settings(folder, _ami(east), port=0, agi_port=agi_port, espeak="espeak-ng")
    for menu in settings.ivr.menus_folder.glob("*.toml"):
        menu.unlink()
    for name, text in (("east", EAST_MENU), ("west", WEST_MENU)):
        (settings.ivr.menus_folder / f"{name}.toml").write_text(text)
    other = SwitchSettings(ami=_ami(west), hook=HookOptions(menu="west"))
    return settings.model_copy(
        update={"switch": "east", "hook": HookOptions(menu="east"), "switches": {"west": other}}
    )


def _ami(asterisk: AsteriskInstance) -> AmiSettings:
    host, port = asterisk.ami
    secret = SecretStr(asterisk.ami_secret)
    return AmiSettings(
        host=host, port=port, username=asterisk.ami_user, secret=secret, reconnect_max=1
    )


async def test_each_call_is_its_own_switchs_and_so_are_agents_and_recordings(house: House) -> None:
    set_availability = house.server.services.availability.set
    await set_availability("PJSIP/101", "available")
    await set_availability("west:PJSIP/101", "available")
    for asterisk in (house.east, house.west):
        assert "PJSIP/101" in await asterisk.cli("queue show support")

    calls = {
        name: await phone.call("400", from_user=number)
        for (name, phone), number in zip(house.customers.items(), (MARINA, STRANGER), strict=True)
    }
    await calls["east"].answered(timeout=15)
    await until(lambda: bool(calls["east"].received.any()), "the menu of the east to speak")
    await calls["east"].send_digits("1")
    rings = {name: await phone.incoming(timeout=30) for name, phone in house.agents.items()}
    assert {name: ring.caller for name, ring in rings.items()} == {
        "east": MARINA,
        "west": STRANGER,
    }
    for ring in rings.values():
        await ring.answer()

    open_calls = {name: [*house.book(name).calls.values()] for name in ("east", "west")}
    for name, agent in (("east", "PJSIP/101"), ("west", "west:PJSIP/101")):
        [call] = open_calls[name]
        assert call.id.startswith(f"{name}-")

        async def answered(call_id: str = call.id) -> bool:
            return bool(await house.events(call_id, ev.RecordingStarted))

        await until(answered, f"the recording in the {name}")
        [talk] = await house.events(call.id, ev.CallAnswered)
        assert (talk.switch, talk.agent, talk.queue) == (name, agent, "support")
        [entered] = await house.events(call.id, ev.MenuEntered)
        assert (entered.switch, entered.menu) == (name, name)
    for call in calls.values():
        await call.hangup()
    for name in ("east", "west"):
        call_id = open_calls[name][0].id

        async def stored(call_id: str = call_id) -> bool:
            assert not await house.events(call_id, ev.RecordingFailed)
            return bool(await house.events(call_id, ev.RecordingStopped))

        await until(stored, f"the recording of the {name} to be stored", 30)
    await until(lambda: all(house.book(n).is_empty for n in ("east", "west")), "both to be idle")


async def test_a_call_that_crosses_by_the_trunk_is_one_interaction(house: House) -> None:
    # Off the queue in the east, and out of wrap-up in the west.
    await house.server.services.availability.set("PJSIP/101", "offline")
    await house.server.services.availability.set("west:PJSIP/101", "available")
    call = await house.customers["east"].call("400", from_user=MARINA)
    await call.answered(timeout=15)
    await until(lambda: bool(call.received.any()), "the menu of the east to speak")
    await call.send_digits("2")
    ring = await house.agents["west"].incoming(timeout=30)
    assert ring.caller == "2000"
    [first], [second] = ([*house.book(name).calls] for name in ("east", "west"))
    first, second = f"east-{first}", f"west-{second}"

    [joined] = await house.events(second, ev.CallJoined)
    assert joined.to_call_id == first
    desk = house.server.page.dashboard.desk

    def knows_who() -> bool:
        pop = (shown := desk.call_on_desk("west:PJSIP/101")) and shown.pop
        return bool(pop and pop.customer)

    await until(knows_who, "the screen-pop with the customer")
    shown = desk.call_on_desk("west:PJSIP/101")
    assert shown is not None
    assert shown.pop is not None
    assert shown.pop.customer is not None
    assert shown.pop.customer.name == "Marina Ivanova"
    assert shown.path == ["West office"]

    await ring.answer()
    await until(lambda: house.book("west").calls != {} and ring.is_answered, "the talk")
    await call.hangup()
    await until(lambda: all(house.book(n).is_empty for n in ("east", "west")), "the end of both")
    await house.server.core.journal.flush()
    history = house.server.core.history
    newest = (await history.newest())[0]
    assert newest.call_id == first
    parts = (await history.interactions([second]))[second]
    assert [part.call_id for part in parts] == [first, second]
    told = whole(newest, parts)
    assert (told.outcome, told.agent, told.menu_path) == (
        "answered",
        "west:PJSIP/101",
        "West office",
    )
    assert told.customer_id == shown.pop.customer.id


async def test_the_doctor_names_the_switch_in_each_line(house: House) -> None:
    checks = await examine(house.settings, listen_seconds=0)
    broken = [(check.title, check.said) for check in checks if check.state == "fail"]
    assert broken == []
    for name in ("east", "west"):
        seen = {check.name for check in checks if check.switch == name}
        assert {"AMI", "dialplan hook", "FastAGI", "recording by the PBX"} <= seen
    said = {check.switch: check.said for check in checks if check.name == "trunks"}
    assert said["east"].startswith("calls out are marked in context")
    assert said["west"].startswith("calls that come in are joined; no Dial() here names")


async def test_one_switch_dies_and_the_other_works_on(house: House) -> None:
    await house.server.services.availability.set("PJSIP/101", "available")
    call = await house.customers["east"].call("400", from_user=MARINA)
    await call.answered(timeout=15)
    await house.west.kill()
    feeds = house.server.core.feeds
    await until(lambda: not feeds["west"].whole, "the loss of the west to be seen")

    status, health = await house.get("/api/health")
    assert (status, health["status"]) == (200, "degraded")
    assert health["switches"] == {"east": "up", "west": "down"}
    status, ready = await house.get("/api/ready")
    assert status == 503
    assert ready["error"]["message"] == "switch west: no link to Asterisk"

    await until(lambda: bool(call.received.any()), "the menu of the east to speak")
    await call.send_digits("1")
    ring = await house.agents["east"].incoming(timeout=30)
    await ring.answer()
    [linkedid] = house.book("east").calls
    call_id = f"east-{linkedid}"

    async def talked() -> bool:
        return bool(await house.events(call_id, ev.CallAnswered))

    await until(talked, "the talk in the east")
    await house.server.services.availability.set("PJSIP/101", "break", "lunch")
    await call.hangup()

    await house.west.start()
    await until(lambda: feeds["west"].whole, "the west to be back", 60)
    assert (await house.get("/api/ready"))[0] == 200
