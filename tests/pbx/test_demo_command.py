"""The demo as a newcomer runs it: it tells, it shows, and Ctrl-C leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest

from ringdesk.demo.prefix import Prefix
from ringdesk.demo.story import Browser

pytestmark = pytest.mark.pbx


async def demo(*options: str, **environment: str) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ringdesk", "demo", *options),
        env={**os.environ, **environment},
        stdout=PIPE,
        stderr=PIPE,
    )


async def ended(process: Process, seconds: float) -> tuple[int, str, str]:
    async with asyncio.timeout(seconds):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def processes_with(text: str) -> list[str]:
    """Command lines of running processes that hold ``text``."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in line:
            found.append(line)
    return found


async def test_once_plays_the_whole_scenario(asterisk_prefix: Prefix) -> None:
    status, out, err = await ended(await demo("--once", "--json"), 90)
    told = json.loads(out)
    assert status == 0, err
    assert told["ok"]
    assert [step["name"] for step in told["steps"]] == [
        "waiting",
        "reordered",
        "vip_first",
        "pop_before_answer",
        "talking",
        "ended",
        "history",
        "note",
        "recorded",
        "transcribed",
    ]


async def test_a_person_logs_in_and_ctrl_c_ends_it_all(
    asterisk_prefix: Prefix, tmp_path: Path
) -> None:
    process = await demo("--port", "0", TMPDIR=str(tmp_path))
    assert process.stdout is not None
    said = ""
    async with asyncio.timeout(60):
        while "Ctrl-C stops everything" not in said:
            line = await process.stdout.readline()
            assert line, "the demo ended by itself"
            said += line.decode()
    address = re.search(r"http://127\.0\.0\.1:\d+", said)
    assert address
    assert re.search(r"anna +ringdesk-demo", said)
    await a_call_pops_up(address[0])
    assert processes_with(str(tmp_path))
    process.send_signal(signal.SIGINT)
    status, out, err = await ended(process, 20)
    assert (status, err) == (0, "")
    assert "Nothing is left running" in out
    assert processes_with(str(tmp_path)) == []
    assert list(tmp_path.iterdir()) == []


async def a_call_pops_up(address: str) -> None:
    browser = Browser(address)
    try:
        await browser.log_in("anna")
        call = await browser.until(lambda view: (view.get("call") or {}).get("pop"), 60)
        assert call, "no screen-pop within a minute"
    finally:
        await browser.close()


async def test_without_an_asterisk_it_says_so_and_offers_the_replay(tmp_path: Path) -> None:
    nothing = {"RINGDESK_CACHE": str(tmp_path), "PATH": str(tmp_path)}
    status, out, err = await ended(await demo("--once", "--json", **nothing), 20)
    assert status == 1
    assert out == ""
    assert "The demo cannot run: " in err
    assert "ringdesk demo --pbx replay" in err


async def test_the_replay_needs_no_other_program(tmp_path: Path) -> None:
    options = ("--once", "--json", "--pbx", "replay")
    status, out, err = await ended(await demo(*options, PATH=str(tmp_path)), 60)
    assert status == 0, err
    assert [step["name"] for step in json.loads(out)["steps"]] == ["ringing", "talking", "ended"]


async def test_a_taken_port_is_named_with_the_cure(asterisk_prefix: Prefix) -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        status, _, err = await ended(await demo("--pbx", "replay", "--port", str(port)), 30)
    assert status == 1
    assert "address already in use" in err
    assert "--port 0" in err
