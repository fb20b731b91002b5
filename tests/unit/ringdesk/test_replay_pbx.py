"""The replay PBX, seen by the real client: calls are new each time, snapshot and events agree."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cti.ami.client import AmiClient
from cti.ami.codec import Framer, Message, parse
from cti.ami.settings import AmiSettings
from cti.domain.commands import (
    AddQueueMember,
    GetVariable,
    MoveInQueue,
    PauseQueueMember,
    ReadQueues,
    RemoveQueueMember,
    RunCli,
    StartRecording,
)
from cti.switch import Switch
from ringdesk.demo.captures import load_capture, play
from ringdesk.demo.replay import ReplayPbx

CAPTURES = Path(__file__).parents[2] / "captures"
ANSWERED = CAPTURES / "a1_queue_answered_hold_agent_hangup.ami"
ABANDONED = CAPTURES / "b1_queue_abandoned_no_agents.ami"
BUSY = CAPTURES / "e_originate_busy.ami"
WAITING = CAPTURES / "f2_redirect_waiting_caller_to_other_queue.ami"
SNAPSHOT = CAPTURES / "f5_snapshot_actions.ami"


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def connected(
    pbx: ReplayPbx, on_event: Callable[[Message], Any] = lambda event: None
) -> AsyncIterator[AmiClient]:
    settings = AmiSettings(host=pbx.host, port=pbx.port, secret="s3cret", reconnect_min=0.01)
    client = AmiClient(settings, lambda _line, raw: on_event(parse(raw)))
    run = asyncio.create_task(client.run())
    try:
        await until(lambda: client.connected)
        yield client
    finally:
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)


async def test_a_played_call_arrives_whole_with_times_of_now() -> None:
    events: list[Message] = []
    before = time.time()
    async with (
        ReplayPbx([ANSWERED], secret="s3cret", speed=200) as pbx,
        connected(pbx, events.append),
    ):
        await pbx.played.wait()
        captured = len(load_capture(ANSWERED).events)
        await until(lambda: len(events) == captured + 1)
    assert events[0].event == "FullyBooted"
    names = [event.event for event in events]
    assert names.count("QueueCallerJoin") == names.count("QueueCallerLeave") == 1
    stamps = [float(event.get("Timestamp")) for event in events[1:]]
    assert stamps == sorted(stamps)
    assert before <= stamps[0] <= stamps[-1] <= time.time() + 1


async def test_each_round_brings_new_calls() -> None:
    events: list[Message] = []
    async with (
        ReplayPbx([BUSY, ABANDONED], secret="s3cret", speed=500, loop=True) as pbx,
        connected(pbx, events.append),
    ):
        await until(lambda: sum(e.event == "Hangup" for e in events) >= 5)
    ended = [event.get("Uniqueid") for event in events if event.event == "Hangup"]
    channels = [event.get("Channel") for event in events if event.event == "Hangup"]
    assert len(set(ended)) == len(ended)
    assert len(set(channels)) == len(channels)


def test_ids_stay_consistent_within_a_play_and_words_are_renamed() -> None:
    capture = load_capture(ANSWERED)
    rename = {"15551001": "447700900101", "PJSIP/6001": "PJSIP/101", "support": "helpdesk"}
    played = list(play(capture, number=3, starts_at=2_000_000_000_000_000, speed=1, rename=rename))
    text = b"\r\n\r\n".join(raw for _, raw in played).decode()
    assert not [old for old in capture.ids if f" {old}\r\n" in text]
    assert "15551001" not in text
    assert "Queue: support\r\n" not in text
    join = next(parse(raw) for _, raw in played if raw.startswith(b"Event: QueueCallerJoin"))
    assert (join.get("Queue"), join.get("CallerIDNum")) == ("helpdesk", "447700900101")
    assert join.get("Uniqueid") == join.get("Linkedid") == join.all("ChanVariable")[0][11:]
    assert join.get("Uniqueid").startswith("rig1-1999999999.3")
    hung_up = {parse(raw).get("Channel") for _, raw in played if raw.startswith(b"Event: Hangup")}
    started = {parse(r).get("Channel") for _, r in played if r.startswith(b"Event: Newchannel")}
    assert hung_up == started
    lengths = [due for due, _ in played]
    assert lengths[-1] - lengths[0] == capture.events[-1][0] - capture.events[0][0]


def test_only_what_is_renewed_differs_from_the_capture() -> None:
    """Every message keeps its type and its headers' names, in order."""
    capture = load_capture(SNAPSHOT)
    played = play(capture, number=1, starts_at=2_000_000_000_000_000, speed=1, rename={})
    for (_, text), (_, raw) in zip(capture.events, played, strict=True):
        old, new = parse(text.encode()), parse(raw)
        assert old.event == new.event
        assert len(old.headers) == len(new.headers)


def test_a_file_without_timed_events_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty.ami"
    empty.write_bytes(b"Response: Success\r\n\r\n")
    with pytest.raises(ValueError, match="timestampevents"):
        load_capture(empty)


async def test_snapshots_tell_the_calls_played_so_far() -> None:
    seen: asyncio.Queue[Message] = asyncio.Queue()
    async with (
        ReplayPbx([WAITING], secret="s3cret", speed=1) as pbx,
        connected(pbx, seen.put_nowait) as client,
    ):
        async with asyncio.timeout(10):
            while (join := await seen.get()).event != "QueueCallerJoin":
                pass
        channels = await client.send("CoreShowChannels", as_list=True)
        [row] = [r for r in channels.rows if r["Uniqueid"] == join.get("Uniqueid")]
        assert row["Channel"] == join.get("Channel")
        assert row["Application"] == "Queue"
        status = await Switch("pbx", client).perform(ReadQueues(queue=join.get("Queue")))
        [entry] = [r for r in status.rows if r["Event"] == "QueueEntry"]
        assert (entry["Position"], entry["Uniqueid"]) == ("1", join.get("Uniqueid"))
        await pbx.played.wait()
        assert (await client.send("CoreShowChannels", as_list=True)).rows == ()
        status = await Switch("pbx", client).perform(ReadQueues())
        assert [r["Queue"] for r in status.rows] == ["sales", "support"]
        assert {r["Event"] for r in status.rows} == {"QueueParams"}


async def test_members_follow_the_actions() -> None:
    events: list[Message] = []
    async with (
        ReplayPbx([ABANDONED], secret="s3cret") as pbx,
        connected(pbx, events.append) as client,
    ):
        perform = Switch("pbx", client).perform
        add = AddQueueMember(queue="support", agent="PJSIP/101", name="Ann", penalty=2)
        assert (await perform(add)).ok
        again = await perform(add)
        assert (again.ok, again.message) == (False, "Unable to add interface: Already there")
        assert (await perform(PauseQueueMember(agent="PJSIP/101", paused=True, reason="x"))).ok
        rows = (await perform(ReadQueues())).rows
        [member] = [row for row in rows if row["Event"] == "QueueMember"]
        assert (member["Location"], member["Name"]) == ("PJSIP/101", "Ann")
        assert (member["Penalty"], member["Paused"], member["PausedReason"]) == ("2", "1", "x")
        assert (await perform(RemoveQueueMember(queue="support", agent="PJSIP/101"))).ok
        gone = await perform(PauseQueueMember(agent="PJSIP/101", paused=False))
        assert (gone.ok, gone.message) == (False, "Interface not found")
        changes = [e.event for e in events if e.event.startswith("QueueMember")]
        assert changes == ["QueueMemberAdded", "QueueMemberPause", "QueueMemberRemoved"]


async def test_a_waiting_caller_is_moved_and_a_channel_recorded() -> None:
    async with ReplayPbx([], secret="s3cret") as pbx:
        for position, name in enumerate(("a", "b", "c"), start=1):
            channel = f"PJSIP/trunk-0000000{name}"
            head = f"Channel: {channel}\r\nUniqueid: 1.{name}".encode()
            pbx._publish(b"Event: Newchannel\r\n" + head, 0)
            join = f"\r\nQueue: support\r\nPosition: {position}".encode()
            pbx._publish(b"Event: QueueCallerJoin\r\n" + head + join, 0)
        async with connected(pbx) as client:
            perform = Switch("pbx", client).perform
            move = MoveInQueue(queue="support", channel="PJSIP/trunk-0000000c", priority=9)
            assert (await perform(move)).ok
            rows = (await perform(ReadQueues(queue="support"))).rows
            entries = [row for row in rows if row["Event"] == "QueueEntry"]
            assert [row["Uniqueid"] for row in entries] == ["1.c", "1.a", "1.b"]
            record = StartRecording(
                channel="PJSIP/trunk-0000000a", caller_file="/var/a.wav", agent_file="/var/b.wav"
            )
            started = await perform(record)
            assert (started.ok, started.fields["MixMonitorID"]) == (True, "0x1")
            value = await perform(GetVariable(channel="PJSIP/trunk-0000000a", variable="UNIQUEID"))
            assert value.fields["Value"] == "1.a"
            nobody = MoveInQueue(queue="support", channel="PJSIP/trunk-ffffffff", priority=9)
            assert not (await perform(nobody)).ok
            assert "replay" in (await perform(RunCli(line="core show version"))).fields["Output"]
            assert not (await client.send("NoSuchAction")).ok
            assert "QueueChangePriorityCaller" in pbx.actions


async def test_a_cut_link_comes_back_and_the_calls_went_on() -> None:
    events: list[Message] = []
    async with (
        ReplayPbx([ANSWERED], secret="s3cret", speed=4) as pbx,
        connected(pbx, events.append) as client,
    ):
        await until(lambda: any(e.event == "QueueCallerJoin" for e in events))
        pbx.drop_clients()
        await until(lambda: client.counters.links == 2)
        await pbx.played.wait()
        await until(lambda: sum(e.event == "Hangup" for e in events) == 2)


async def test_a_wrong_secret_is_refused() -> None:
    async with ReplayPbx([], secret="another") as pbx:
        reader, writer = await asyncio.open_connection(pbx.host, pbx.port)
        writer.write(b"Action: QueueStatus\r\nActionID: 1\r\n\r\n")
        writer.write(b"Action: Login\r\nActionID: 2\r\nUsername: ringdesk\r\nSecret: s\r\n\r\n")
        answers = [parse(raw) for raw in Framer().feed(await reader.read())]
        writer.close()
    assert [answer.get("Message") for answer in answers] == [
        "Permission denied",
        "Authentication failed",
    ]
