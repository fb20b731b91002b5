"""Nobody's number or name stands in the log, whatever the level and whoever talks nonsense."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
import structlog
from aiohttp import ClientSession, CookieJar

from cti.domain.commands import GetVariable
from ringdesk import logs
from ringdesk.demo.world import PASSWORD, World
from tests.unit.ringdesk.observed import ANSWERED, observed_world, played

NUMBER = "07700900147"
CUSTOMER = ("Marina", "Ivanova", "Sever Logistics", "7700900147", "2079460147")
"""The sample customer with this number."""
CALLER_NAME = "Zerafina"
NOTE = "promised a refund of ninety"
DIGITS = "918273"
PERSONAL = (*CUSTOMER, CALLER_NAME, NOTE, DIGITS)


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level


@pytest.mark.parametrize("style", ["json", "text"])
async def test_a_call_of_a_known_customer_leaves_no_trace_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], style: Literal["json", "text"]
) -> None:
    logging.getLogger().handlers.clear()
    logs.set_up(style, "debug")
    rename = {"15551001": NUMBER, "Cust": CALLER_NAME}
    async with observed_world(tmp_path, ANSWERED, rename=rename) as world:
        await played(world)
        await _save_a_note(world)
        await _walk_the_menu(world)
        await _talk_nonsense(world)
        _break_the_reader(world)
        await _ask_in_vain(world)
        known = await world.server.core.journal.written.of_call(await _call_id(world))
    assert any(CALLER_NAME in str(event) for event in known), "the call was not that of the test"
    assert any("Ivanova" in str(event) for event in known), "the customer was not recognised"
    written = "".join(capsys.readouterr())
    assert "agi_session_over" in written, "nothing was logged at level debug"
    assert "ami_callback_failed" in written
    telling = [line for line in written.splitlines() if any(word in line for word in PERSONAL)]
    assert telling == []


async def test_lines_about_a_call_say_which(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.set_up("json", "debug")
    async with observed_world(tmp_path) as world:
        await _walk_the_menu(world)
        with pytest.raises(RuntimeError):
            await _fail_in_a_call(world)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line[0] == "{"]
    about: dict[str, Any] = {line["event"]: line.get("call_id") for line in lines}
    assert about["agi_session_over"] == "pbx-1795298470.77"
    assert about["command_refused"] == "pbx-1.5"


async def _fail_in_a_call(world: World) -> None:
    ask = GetVariable(call_id="pbx-1.5", channel="PJSIP/none-1", variable="X")
    reply = await world.server.core.feed.switch.perform(ask)
    raise RuntimeError(reply.message)


async def _call_id(world: World) -> str:
    return str((await world.server.core.history.newest(limit=1))[0].call_id)


async def _save_a_note(world: World) -> None:
    headers = {"X-Ringdesk": "1"}
    async with ClientSession(
        world.address, headers=headers, cookie_jar=CookieJar(unsafe=True)
    ) as browser:
        login = {"username": "admin", "password": PASSWORD}
        assert (await browser.post("/api/login", json=login)).status == 200
        call_id = await _call_id(world)
        saved = await browser.put(f"/api/calls/{call_id}/disposition", json={"note": NOTE})
        assert saved.status == 200
        await browser.get("/api/calls", params={"q": NUMBER})
        await browser.get(f"/api/nothing/{NUMBER}")
        await browser.post("/api/login", json=login | {"username": CALLER_NAME})


async def _agi(world: World, *lines: str) -> None:
    """A call put into our hands, that is gone after some lines."""
    async with asyncio.timeout(30):
        while not world.server.services.ivr.server.listening:
            await asyncio.sleep(0.01)
    _, writer = await asyncio.open_connection("127.0.0.1", world.server.services.ivr.server.port)
    writer.write("".join(f"{line}\n" for line in lines).encode())
    await asyncio.sleep(0.1)
    writer.close()
    await writer.wait_closed()
    await asyncio.sleep(0.05)


async def _walk_the_menu(world: World) -> None:
    environment = (
        "agi_network: yes",
        "agi_network_script: menu/main",
        "agi_request: agi://127.0.0.1/menu/main",
        "agi_channel: PJSIP/trunk-00000001",
        "agi_uniqueid: 1795298470.77",
        f"agi_callerid: {NUMBER}",
        f"agi_calleridname: {CALLER_NAME} Ivanova",
        "",
    )
    await _agi(world, *environment, "200 result=1")
    await _agi(world, *environment, f"200 result=1 ({NUMBER})", f"5 {CALLER_NAME}")


async def _talk_nonsense(world: World) -> None:
    await _agi(world, f"GET /{NUMBER} HTTP/1.1", f"Host: {CALLER_NAME}", "")
    await _agi(world, f"agi_callerid: {NUMBER}", f"{CALLER_NAME} without a colon", "")


def _break_the_reader(world: World) -> None:
    """Events no Asterisk sends, and a part of ours that fails at a good one."""
    client = world.server.core.feed.client
    who = f"\r\nCallerIDNum: {NUMBER}\r\nCallerIDName: {CALLER_NAME}"
    client._take_event(f"Event: Newchannel{who}".encode())
    client._take_event(f"Event: Hangup\r\nUniqueid: 1.1\r\nCause: {NUMBER}x{who}".encode())

    def fail(line: bytes, raw: bytes) -> None:
        raise ValueError("a bug")

    client._on_event = fail
    client._take_event(f"Event: Newchannel{who}".encode())


async def _ask_in_vain(world: World) -> None:
    ask = GetVariable(call_id="pbx-1.5", channel=f"PJSIP/{NUMBER}-1", variable=DIGITS)
    await world.server.core.feed.switch.perform(ask)
