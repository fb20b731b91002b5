from __future__ import annotations

import asyncio
import contextlib
import resource
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from cti import clock
from cti.domain.commands import (
    CommandFailed,
    GetVariable,
    MuteRecording,
    StartRecording,
    StopRecording,
)
from cti.domain.events import (
    CallEnded,
    RecordingFailed,
    RecordingPaused,
    RecordingResumed,
    RecordingStarted,
    RecordingStopped,
    SwitchConnected,
    TalkEnded,
)
from cti.journal import JournalUnavailable
from cti.tables import journal
from recordings import service, settling
from recordings.pauses import PauseRefused
from recordings.service import RecordingService
from recordings.settings import DEMO_MODEL, RecordingSettings
from recordings.tables import recordings
from tests.unit.recordings.conftest import (
    Log,
    Pbx,
    answered,
    loudest_hertz,
    make_settings,
    read_stereo,
)

CALL = "pbx1-1700000000.1"
CHANNEL = "PJSIP/trunk-00000001"


def talk_ended(talk: str = "t1") -> TalkEnded:
    return TalkEnded(
        at=clock.now(), switch="pbx1", call_id=CALL, talk_id=talk, agent="PJSIP/101", talked=1
    )


def call_ended(call: str = CALL) -> CallEnded:
    return CallEnded(
        at=clock.now(),
        switch="pbx1",
        call_id=call,
        direction="inbound",
        outcome="answered",
        lasted=1,
    )


def connected(*, restarted: bool = False) -> SwitchConnected:
    return SwitchConnected(
        at=clock.now(), switch="pbx1", asterisk_version="22.10.1", restarted=restarted
    )


class Bench:
    """Runs the service, as often as a test wants."""

    def __init__(self, log: Log, engine: AsyncEngine, pbx: Pbx, settings: RecordingSettings):
        self.log, self.engine, self.pbx, self.settings = log, engine, pbx, settings

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        log = self.log
        recorder = RecordingService(
            self.settings, self.engine, log.bus, log.record, self.pbx.perform, clock.now
        )
        self.pauses = recorder.pauses
        task = asyncio.create_task(recorder.run())
        try:
            yield
        finally:
            task.cancel()
            done, _ = await asyncio.wait([task])
            with contextlib.suppress(JournalUnavailable):  # as when Ringdesk is stopped
                await log.journal.flush(1)
        assert done.pop().cancelled(), "the service must not end by itself"

    async def rows(self) -> list[Any]:
        async with self.engine.connect() as connection:
            query = select(recordings).order_by(recordings.c.started_at)
            return list((await connection.execute(query)).all())

    async def until_row(self, wanted: Callable[[Any], bool]) -> Any:
        async with asyncio.timeout(10):
            while not (found := [row for row in await self.rows() if wanted(row)]):
                await asyncio.sleep(0.02)
        return found[0]

    def wav_files(self) -> list[str]:
        folder = self.settings.folder
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*"))


@pytest.fixture
def bench(log: Log, engine: AsyncEngine, pbx: Pbx, settings: RecordingSettings) -> Bench:
    return Bench(log, engine, pbx, settings)


async def test_a_talk_becomes_one_stereo_file_and_its_row(bench: Bench) -> None:
    log, pbx = bench.log, bench.pbx
    async with bench.running():
        cause = log.record(answered())
        started = await log.until(RecordingStarted)
        pbx.hang_up()
        log.record(talk_ended())
        log.record(call_ended())
        stopped = await log.until(RecordingStopped)
        row = await bench.until_row(lambda row: row.state == "stored")
        async with asyncio.timeout(2):
            while len(bench.wav_files()) > 1:
                await asyncio.sleep(0.01)

    recording_id = row.id
    (command,) = pbx.commands(StartRecording)
    assert command.channel == CHANNEL
    day = command.caller_file.removeprefix("/pbx/")[:10]
    assert command.caller_file == f"/pbx/{day}/{recording_id}-caller.wav"
    assert command.agent_file == f"/pbx/{day}/{recording_id}-agent.wav"
    assert bench.wav_files() == [f"{day}/{recording_id}.wav"]
    stereo = read_stereo(bench.settings.folder / bench.wav_files()[0])
    assert loudest_hertz(stereo[:, 0]) == pytest.approx(440, abs=1)
    assert loudest_hertz(stereo[:4000, 1]) == pytest.approx(1000, abs=1)
    assert isinstance(started, RecordingStarted)
    assert isinstance(stopped, RecordingStopped)
    assert started.cause == stopped.cause == cause.id
    assert (stopped.seconds, stopped.agent, stopped.call_id) == (1.0, "PJSIP/101", CALL)
    assert (row.seconds, row.sha256, row.retry) == (1.0, stopped.sha256, False)
    assert (row.talk_id, row.queue, row.switch) == ("t1", "support", "pbx1")
    assert row.transcript == "none"
    assert "no transcription engine configured" in row.transcript_reason
    assert not log.of(RecordingFailed)


async def test_transfer_stops_this_recording_and_begins_another(bench: Bench) -> None:
    log, pbx = bench.log, bench.pbx
    async with bench.running():
        log.record(answered("t1"))
        await log.until(RecordingStarted)
        log.record(talk_ended("t1"))
        log.record(answered("t2", agent="PJSIP/102"))
        await log.until(RecordingStopped)
        await log.until(RecordingStarted, 2)
        pbx.hang_up()
        log.record(call_ended())
        await log.until(RecordingStopped, 2)
    first, second = await bench.rows()
    (stop,) = pbx.commands(StopRecording)
    assert (stop.channel, stop.mixmonitor_id) == (CHANNEL, first.mixmonitor_id)
    assert (first.agent, second.agent) == ("PJSIP/101", "PJSIP/102")
    assert {row.state for row in (first, second)} == {"stored"}


async def test_transcript_waits_in_the_queue_where_an_engine_is_configured(
    log: Log, engine: AsyncEngine, pbx: Pbx, tmp_path: Path
) -> None:
    settings = make_settings(tmp_path, speech={"models": {"en": DEMO_MODEL}})
    bench = Bench(log, engine, pbx, settings)
    async with bench.running():
        log.record(answered())
        await log.until(RecordingStarted)
        pbx.hang_up()
        log.record(call_ended())
        row = await bench.until_row(lambda row: row.state == "stored")
    assert (row.transcript, row.transcript_reason) == ("pending", "")


@pytest.mark.parametrize("wish", [{"enabled": False}, {"queues": ["sales"]}])
async def test_unwanted_talks_are_left_alone(
    log: Log, engine: AsyncEngine, pbx: Pbx, tmp_path: Path, wish: dict[str, Any]
) -> None:
    bench = Bench(log, engine, pbx, make_settings(tmp_path, **wish))
    async with bench.running():
        log.record(answered(queue="support"))
        log.record(call_ended())
        await asyncio.sleep(0.1)
    assert pbx.said == []
    assert await bench.rows() == []


@pytest.mark.parametrize(
    ("message", "cure"),
    [
        ("No such channel", "the caller hung up first"),
        ("Permission denied", "write = system"),
        ("Could not create", "app_mixmonitor"),
    ],
)
async def test_refusal_of_asterisk_is_told_with_its_cure(
    bench: Bench, message: str, cure: str
) -> None:
    bench.pbx.refuse_with = message
    async with bench.running():
        bench.log.record(answered())
        failed = await bench.log.until(RecordingFailed)
    (row,) = await bench.rows()
    assert isinstance(failed, RecordingFailed)
    assert message in failed.reason
    assert cure in failed.reason
    assert (row.state, row.reason, row.retry) == ("failed", failed.reason, False)
    assert not bench.log.of(RecordingStarted)


async def test_command_that_was_not_sent_is_a_failed_recording(bench: Bench) -> None:
    bench.pbx.fail_with = CommandFailed("not_connected", "no link to the PBX")
    async with bench.running():
        bench.log.record(answered())
        failed = await bench.log.until(RecordingFailed)
    assert isinstance(failed, RecordingFailed)
    assert "no link to the PBX" in failed.reason


async def test_command_without_an_answer_may_have_been_carried_out(bench: Bench) -> None:
    log, pbx = bench.log, bench.pbx
    pbx.fail_with = CommandFailed("timeout", "no answer within 5 s")
    async with bench.running():
        log.record(answered())
        await log.until(RecordingStarted)
        (start,) = pbx.commands(StartRecording)
        pbx.open["0x1"] = start
        pbx.hang_up()
        log.record(talk_ended())
        await log.until(RecordingStopped)
    assert not pbx.commands(StopRecording)  # without its id it would stop other recordings too


async def test_files_that_never_come_are_told_with_the_folder(
    log: Log, engine: AsyncEngine, pbx: Pbx, tmp_path: Path
) -> None:
    bench = Bench(log, engine, pbx, make_settings(tmp_path, close_seconds=0.5))
    bench.pbx.writes = False
    async with bench.running():
        bench.log.record(answered())
        await bench.log.until(RecordingStarted)
        bench.log.record(call_ended())
        failed = await bench.log.until(RecordingFailed)
    assert isinstance(failed, RecordingFailed)
    assert "recordings.pbx_folder" in failed.reason
    assert str(bench.settings.folder) in failed.reason


async def test_late_files_are_waited_for(bench: Bench) -> None:
    bench.pbx.writes = False
    async with bench.running():
        bench.log.record(answered())
        await bench.log.until(RecordingStarted)
        bench.log.record(call_ended())
        await asyncio.sleep(0.5)
        bench.pbx.writes = True
        bench.pbx.hang_up()
        await bench.log.until(RecordingStopped)
    assert not bench.log.of(RecordingFailed)


async def test_recording_of_an_asterisk_that_died_is_kept_as_far_as_it_goes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "STILL_SECONDS", 0.3)
    async with bench.running():
        bench.log.record(answered())
        await bench.log.until(RecordingStarted)
        bench.log.record(connected(restarted=True))
        stopped = await bench.log.until(RecordingStopped)
    (row,) = await bench.rows()
    assert isinstance(stopped, RecordingStopped)
    assert stopped.seconds == pytest.approx(0.1)
    assert "Asterisk did not finish the customer's side" in row.reason


async def test_full_disk_is_told_once_and_tried_until_there_is_room(bench: Bench) -> None:
    log, pbx = bench.log, bench.pbx
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with bench.running():
        log.record(answered())
        await log.until(RecordingStarted)
        pbx.hang_up(seconds=60)  # a stereo file of 1.9 MB
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, hard))
        try:
            log.record(call_ended())
            failed = await log.until(RecordingFailed)
            row = await bench.until_row(lambda row: row.retry)
            log.record(answered("t2", call_id="pbx1-2.2", caller_channel="PJSIP/trunk-00000009"))
            await log.until(RecordingStarted, 2)  # calls go on
            await asyncio.sleep(0.3)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        stopped = await log.until(RecordingStopped)
        stored = await bench.until_row(lambda row: row.state == "stored")
    assert isinstance(failed, RecordingFailed)
    assert isinstance(stopped, RecordingStopped)
    assert "free some space" in failed.reason
    assert len(log.of(RecordingFailed)) == 1
    assert stored.id == row.id == stopped.recording_id
    assert (stored.reason, stored.retry, stored.seconds) == ("", False, 60)


async def test_call_that_ended_while_ringdesk_was_down_is_stored_once(bench: Bench) -> None:
    async with bench.running():
        bench.log.record(answered())
        await bench.log.until(RecordingStarted)
    assert [row.state for row in await bench.rows()] == ["recording"]
    bench.pbx.hang_up()
    async with bench.running():
        await bench.log.until(RecordingStopped)
    await bench.log.journal.flush()
    async with bench.running():
        await asyncio.sleep(0.2)
    assert len(bench.log.of(RecordingStopped)) == 1
    assert [row.state for row in await bench.rows()] == ["stored"]


async def test_talk_that_lives_on_through_a_restart_keeps_its_one_recording(bench: Bench) -> None:
    log, pbx = bench.log, bench.pbx
    pbx.channels[CHANNEL] = "1700000000.1"
    async with bench.running():
        log.record(answered())
        await log.until(RecordingStarted)
    async with bench.running():
        log.record(connected())
        log.record(answered("t-after-restart", restored=True))
        await asyncio.sleep(0.2)
        assert [row.state for row in await bench.rows()] == ["recording"]
        log.record(talk_ended("t-after-restart"))
        await log.until(RecordingStopped)
    (stop,) = pbx.commands(StopRecording)
    (row,) = await bench.rows()
    assert stop.mixmonitor_id == row.mixmonitor_id
    assert len(pbx.commands(StartRecording)) == 1
    assert pbx.commands(GetVariable)


async def test_restored_talk_without_a_recording_is_recorded_from_now_on(bench: Bench) -> None:
    async with bench.running():
        bench.log.record(answered(restored=True))
        await bench.log.until(RecordingStarted)


async def test_link_lost_at_the_question_is_asked_again_when_it_is_back(bench: Bench) -> None:
    log, pbx = bench.log, bench.pbx
    async with bench.running():
        log.record(answered())
        await log.until(RecordingStarted)
    pbx.hang_up()
    pbx.fail_with = CommandFailed("not_connected", "no link")
    async with bench.running():
        await asyncio.sleep(0.1)
        assert not log.of(RecordingStopped)
        pbx.fail_with = None
        log.record(connected())
        await log.until(RecordingStopped)


async def test_channel_name_that_came_again_is_another_call(bench: Bench) -> None:
    log, pbx = bench.log, bench.pbx
    async with bench.running():
        log.record(answered())
        await log.until(RecordingStarted)
    pbx.hang_up()
    later = clock.now() // 1_000_000 + 3600
    pbx.channels[CHANNEL] = f"site-{later}.7"
    async with bench.running():
        await log.until(RecordingStopped)


async def test_crash_between_row_and_journal_is_made_good_at_the_next_start(bench: Bench) -> None:
    log = bench.log
    async with bench.running():
        log.record(answered())
        await log.until(RecordingStarted)
        bench.pbx.hang_up()
        log.record(call_ended())
        first = await log.until(RecordingStopped)
    await log.journal.flush()
    async with bench.engine.begin() as connection:
        await connection.execute(delete(journal).where(journal.c.id == first.id))
    async with bench.running():
        again = await log.until(RecordingStopped, 2)
    assert isinstance(first, RecordingStopped)
    assert isinstance(again, RecordingStopped)
    assert (again.id, again.sha256, again.seconds) == (first.id, first.sha256, first.seconds)


async def test_database_away_costs_no_recording(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_DATABASE_RETRY_SECONDS", 0.05)
    log = bench.log

    async def rename(old: str, new: str) -> None:
        async with bench.engine.begin() as connection:
            await connection.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))

    async with bench.running():
        log.record(answered("t0", call_id="pbx1-2.2", caller_channel="PJSIP/trunk-00000009"))
        await log.until(RecordingStarted)
        await rename("recordings", "away")
        log.record(answered())
        await log.until(RecordingStarted, 2)
        bench.pbx.hang_up()
        log.record(call_ended())
        await asyncio.sleep(0.8)
        await rename("away", "recordings")
        await log.until(RecordingStopped)
        row = await bench.until_row(lambda row: row.state == "stored")
    assert row.seconds == 1.0


async def test_new_folders_take_the_mode_of_the_recordings_folder(bench: Bench) -> None:
    bench.settings.folder.mkdir(mode=0o770)
    bench.settings.folder.chmod(0o2770)
    async with bench.running():
        bench.log.record(answered())
        await bench.log.until(RecordingStarted)
    folders = [path for path in bench.settings.folder.rglob("*") if path.is_dir()]
    assert len(folders) == 3
    assert {path.stat().st_mode & 0o7777 for path in folders} == {0o2770}


async def test_folder_that_cannot_be_made_is_left_to_asterisk(
    log: Log, engine: AsyncEngine, tmp_path: Path
) -> None:
    (tmp_path / "recordings").write_text("a file is in the way")
    pbx = Pbx(tmp_path / "elsewhere")
    bench = Bench(log, engine, pbx, make_settings(tmp_path))
    async with bench.running():
        log.record(answered())
        await log.until(RecordingStarted)
        log.record(call_ended())
        failed = await log.until(RecordingFailed)
    (row,) = await bench.rows()
    assert isinstance(failed, RecordingFailed)
    assert "the recordings folder refused" in failed.reason
    assert row.retry


# --- pauses ------------------------------------------------------------------------------------


def mutes(pbx: Pbx) -> list[bool]:
    return [command.muted for command in pbx.commands(MuteRecording)]  # type: ignore[union-attr]


async def recording_id(bench: Bench) -> str:
    bench.log.record(answered())
    started = await bench.log.until(RecordingStarted)
    assert isinstance(started, RecordingStarted)
    return started.recording_id


async def test_a_pause_is_kept_told_and_resumed(bench: Bench) -> None:
    async with bench.running():
        one = await recording_id(bench)
        until = await bench.pauses.pause(one, "anna")
        (row,) = await bench.rows()
        assert (row.paused_until, row.state) == (until, "recording")
        await bench.pauses.resume(one, "anna")
        await bench.pauses.resume(one, "anna")  # nothing is paused: nothing happens
        (row,) = await bench.rows()
        assert row.paused_until is None
    (mute,) = bench.pbx.commands(MuteRecording)[:1]
    assert isinstance(mute, MuteRecording)
    assert (mute.channel, mute.mixmonitor_id) == (CHANNEL, row.mixmonitor_id)
    assert mutes(bench.pbx) == [True, False]
    paused, resumed = bench.log.of(RecordingPaused, RecordingResumed)
    assert isinstance(paused, RecordingPaused)
    assert isinstance(resumed, RecordingResumed)
    assert (paused.by, paused.until, resumed.by) == ("anna", until, "anna")


async def test_a_pause_ends_by_itself_and_a_second_one_makes_it_longer(
    log: Log, engine: AsyncEngine, pbx: Pbx, tmp_path: Path
) -> None:
    bench = Bench(log, engine, pbx, make_settings(tmp_path, pause_seconds=0.4))
    async with bench.running():
        one = await recording_id(bench)
        first = await bench.pauses.pause(one, "anna")
        await asyncio.sleep(0.2)
        assert await bench.pauses.pause(one, "anna") > first
        resumed = await log.until(RecordingResumed)
    assert isinstance(resumed, RecordingResumed)
    assert (resumed.by, resumed.at >= first + 150_000) == ("", True)
    assert mutes(pbx) == [True, True, False]


async def test_a_restart_ends_a_pause_in_time(
    log: Log, engine: AsyncEngine, pbx: Pbx, tmp_path: Path
) -> None:
    bench = Bench(log, engine, pbx, make_settings(tmp_path, pause_seconds=0.5))
    pbx.channels[CHANNEL] = "1700000000.1"
    async with bench.running():
        await bench.pauses.pause(await recording_id(bench), "anna")
    assert mutes(pbx) == [True]
    async with bench.running():
        await log.until(RecordingResumed)
    assert mutes(pbx) == [True, False]


async def test_a_pause_that_asterisk_refuses_says_so_and_is_taken_back(bench: Bench) -> None:
    async with bench.running():
        one = await recording_id(bench)
        bench.pbx.fail_with = CommandFailed("timeout", "no answer within 5 s")
        with pytest.raises(PauseRefused, match="no answer") as refused:
            await bench.pauses.pause(one, "anna")
        assert "may still be recording" in refused.value.cure
        assert not bench.log.of(RecordingPaused)
        bench.pbx.fail_with = None
        await bench.log.until(RecordingResumed)  # it may have been carried out all the same
    assert mutes(bench.pbx)[-1] is False


async def test_what_is_not_recorded_is_not_paused(bench: Bench) -> None:
    async with bench.running():
        with pytest.raises(PauseRefused, match="not being recorded"):
            await bench.pauses.pause("0" * 32, "anna")
        one = await recording_id(bench)
        await bench.pauses.pause(one, "anna")
        bench.pbx.hang_up()
        bench.log.record(call_ended())
        await bench.log.until(RecordingStopped)
        with pytest.raises(PauseRefused, match="not being recorded"):
            await bench.pauses.resume(one, "anna")
    assert mutes(bench.pbx) == [True]
