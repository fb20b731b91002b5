"""A burst of real SIP calls by SIPp: every call is in the history exactly once, with its wait."""

from __future__ import annotations

import asyncio
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from collections import Counter
from pathlib import Path

import pytest

from cti.domain.events import CallArrived, CallEnded, CallQueued, Event, QueueLeft
from ringdesk.demo.world import World
from tests.pbx.fixtures_world import until

pytestmark = pytest.mark.pbx

CALLS, RATE = 30, 6
STRAIGHT = """title = "Straight to the queue"
[step.hello]
do = "play"
prompt = { sound = "beep" }
go = "queue support"
"""
SCENARIO = Path(__file__).with_name("sipp_caller.xml")


async def sipp(world: World, folder: Path) -> None:
    """Play the scenario CALLS times, RATE a second. Fails when one call failed."""
    program = shutil.which("sipp")
    assert program, "SIPp is missing (cure: apt-get install sip-tester)"
    assert world.asterisk is not None
    host, port = world.asterisk.sip
    process = await asyncio.create_subprocess_exec(
        *(program, f"{host}:{port}", "-sf", str(SCENARIO), "-s", "+442079460100"),
        *("-i", "127.0.0.2", "-m", str(CALLS), "-r", str(RATE), "-l", str(CALLS), "-nostdin"),
        cwd=folder,
        stdout=DEVNULL,
        stderr=PIPE,
    )
    _, said = await process.communicate()
    assert process.returncode == 0, f"SIPp: some calls failed: {said.decode()[-500:]}"


async def straight_to_the_queue(world: World) -> None:
    """Another main menu, without a restart."""
    menus = world.server.services.menus
    before = menus.current
    (world.settings.ivr.menus_folder / "main.toml").write_text(STRAIGHT)
    await until(lambda: menus.current is not before, "the new menu to be in force")


async def test_every_call_of_a_burst_is_in_the_history_once(world: World, tmp_path: Path) -> None:
    await straight_to_the_queue(world)
    await sipp(world, tmp_path)
    book = world.server.core.feed.reducer.book
    await until(lambda: book.is_empty, "the book to be empty")
    await world.server.core.journal.flush()
    rows = await world.server.core.history.newest(limit=1000)
    assert len(rows) == CALLS
    assert {row.outcome for row in rows} == {"abandoned"}
    assert len({row.caller_number for row in rows}) == CALLS
    events: list[Event] = []
    for row in rows:
        events += await world.server.core.journal.written.of_call(row.call_id)
    counts = Counter(type(event) for event in events)
    once = (CallArrived, CallQueued, QueueLeft, CallEnded)
    assert [counts[kind] for kind in once] == [CALLS] * len(once)
    assert {event.ended for event in events if isinstance(event, QueueLeft)} == {"abandoned"}
    seqs = [event.seq for event in events]
    assert len(set(seqs)) == len(seqs)
