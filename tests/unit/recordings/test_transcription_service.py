from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from cti import clock
from cti.domain.events import (
    CardNumbersRemoved,
    RecordingStopped,
    TranscriptFailed,
    TranscriptReady,
)
from recordings import audio, transcription_service
from recordings.library import Library, Recording, Transcript
from recordings.places import audio_file
from recordings.settings import RecordingSettings
from recordings.tables import recordings
from recordings.transcription_service import TranscriptionService
from tests.unit.recordings.conftest import (
    Log,
    make_settings,
    read_stereo,
    silence,
    speak,
    write_stereo,
)

CUSTOMER = "hello my order number is seven two four"
AGENT = "thank you one moment please"


class Bench:
    def __init__(self, log: Log, engine: AsyncEngine, settings: RecordingSettings) -> None:
        self.log, self.engine, self.settings = log, engine, settings
        self.library = Library(engine, settings)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        service = TranscriptionService(
            self.settings, self.engine, self.log.bus, self.log.record, clock.now
        )
        task = asyncio.create_task(service.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])
        assert task.cancelled(), "the service must not end by itself"

    async def add(self, number: int, **more: Any) -> str:
        """A stored recording which waits for its transcript."""
        row = {
            "id": f"{number:032x}",
            "call_id": "pbx1-1.1",
            "talk_id": f"t{number}",
            "switch": "pbx1",
            "agent": "PJSIP/101",
            "queue": "support",
            "channel": "PJSIP/trunk-1",
            "started_at": number,
            "state": "stored",
            "seconds": 8.0,
            "language": "en",
            "transcript": "pending",
        }
        async with self.engine.begin() as connection:
            await connection.execute(insert(recordings).values(**row | more))
        return f"{number:032x}"

    def speak(self, number: int) -> Path:
        customer = np.concatenate([silence(0.5), speak(CUSTOMER), silence(4)])
        agent = np.concatenate([silence(5), speak(AGENT, "en+f2"), silence(0.5)])
        path = audio_file(self.settings.folder, f"{number:032x}", number)
        return write_stereo(path, customer, agent)

    async def recording(self, recording_id: str) -> Recording:
        recording = await self.library.get(recording_id)
        assert recording is not None
        return recording

    async def transcript(self, recording_id: str) -> Transcript:
        transcript = await self.library.transcript(recording_id)
        assert transcript is not None
        return transcript

    async def until(self, recording_id: str, state: str) -> Recording:
        async with asyncio.timeout(30):
            while (recording := await self.recording(recording_id)).transcript != state:
                await asyncio.sleep(0.02)
        return recording


@pytest.fixture
def bench(log: Log, engine: AsyncEngine, tmp_path: Path) -> Bench:
    return Bench(log, engine, make_settings(tmp_path, speech={"demo_model": True}))


def stopped(recording_id: str) -> RecordingStopped:
    return RecordingStopped(
        at=clock.now(), recording_id=recording_id, talk_id="t1", agent="", seconds=8, sha256=""
    )


async def speech_pid(other_than: int = 0) -> int:
    """The speech process among our children."""
    async with asyncio.timeout(20):
        while True:
            for pid in _children():
                if pid != other_than and b"recordings.speech_worker" in _command_line(pid):
                    return pid
            await asyncio.sleep(0.002)


def _children() -> list[int]:
    """Asyncio starts processes from the main thread, whose number is the process's."""
    return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


async def test_who_said_what_and_when(bench: Bench) -> None:
    async with bench.running():
        bench.speak(1)
        recording_id = await bench.add(1)
        bench.log.record(stopped(recording_id))
        ready = await bench.log.until(TranscriptReady)
        await bench.until(recording_id, "ready")
    transcript = await bench.transcript(recording_id)
    assert [(s.speaker, s.text) for s in transcript.segments] == [
        ("customer", CUSTOMER),
        ("agent", AGENT),
    ]
    assert [n.digits for n in transcript.segments[0].numbers] == ["724"]
    assert transcript.segments[0].start == pytest.approx(0.5, abs=0.15)
    assert transcript.segments[1].start == pytest.approx(5, abs=0.15)
    assert isinstance(ready, TranscriptReady)
    assert (ready.engine, ready.words) == ("vosk-espeak-en-8k", 13)
    assert (ready.recording_id, ready.call_id) == (recording_id, "pbx1-1.1")


async def test_what_waited_before_the_start_is_done_oldest_first(bench: Bench) -> None:
    for number in (2, 1):
        bench.speak(number)
        await bench.add(number)
    async with bench.running():
        await bench.log.until(TranscriptReady, 2)
    done = [event.recording_id for event in bench.log.of(TranscriptReady)]  # type: ignore[attr-defined]
    assert done == [f"{1:032x}", f"{2:032x}"]


async def test_two_workers_share_the_queue_and_do_nothing_twice(
    log: Log, engine: AsyncEngine, tmp_path: Path
) -> None:
    speech = {"demo_model": True, "workers": 2}
    bench = Bench(log, engine, make_settings(tmp_path, speech=speech))
    for number in range(4):
        bench.speak(number)
        await bench.add(number)
    async with bench.running():
        await log.until(TranscriptReady, 4)
        await asyncio.sleep(0.1)
    done = [event.recording_id for event in log.of(TranscriptReady)]  # type: ignore[attr-defined]
    assert sorted(done) == [f"{number:032x}" for number in range(4)]


async def test_recording_whose_process_was_killed_is_tried_again(bench: Bench) -> None:
    bench.speak(1)
    recording_id = await bench.add(1)
    async with bench.running():
        os.kill(await speech_pid(), signal.SIGKILL)
        await bench.log.until(TranscriptReady)
    assert (await bench.transcript(recording_id)).segments[0].text == CUSTOMER


async def test_recording_that_costs_two_processes_is_given_up(bench: Bench) -> None:
    bench.speak(1)
    bench.speak(2)
    poison = await bench.add(1)
    async with bench.running():
        first = await speech_pid()
        os.kill(first, signal.SIGKILL)
        os.kill(await speech_pid(other_than=first), signal.SIGKILL)
        failed = await bench.log.until(TranscriptFailed)
        good = await bench.add(2)
        bench.log.record(stopped(good))
        await bench.until(good, "ready")
    assert isinstance(failed, TranscriptFailed)
    assert "died 2 times" in failed.reason
    assert (await bench.recording(poison)).transcript_reason == failed.reason


async def test_crashes_are_counted_through_restarts(bench: Bench) -> None:
    bench.speak(1)
    recording_id = await bench.add(1)
    async with bench.running():
        os.kill(await speech_pid(), signal.SIGKILL)
        async with asyncio.timeout(10):
            while not await _crashes(bench.engine):
                await asyncio.sleep(0.001)
    if not bench.log.of(TranscriptReady):
        async with bench.running():
            await bench.until(recording_id, "ready")
    assert await _crashes(bench.engine) == 1


async def _crashes(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return int((await connection.execute(select(recordings.c.transcript_crashes))).scalar_one())


async def test_restart_goes_on_with_the_queue(bench: Bench) -> None:
    bench.speak(1)
    recording_id = await bench.add(1)
    async with bench.running():
        await speech_pid()  # at work, and stopped in the middle of it
    assert (await bench.recording(recording_id)).transcript == "pending"
    async with bench.running():
        await bench.until(recording_id, "ready")


async def test_vanished_audio_is_a_failed_transcript(bench: Bench) -> None:
    recording_id = await bench.add(1)
    async with bench.running():
        failed = await bench.log.until(TranscriptFailed)
    assert isinstance(failed, TranscriptFailed)
    assert "cannot be read" in failed.reason
    assert (await bench.recording(recording_id)).transcript == "failed"


async def test_language_without_a_model_says_how_to_add_one(bench: Bench) -> None:
    recording_id = await bench.add(1, language="de")
    async with bench.running():
        recording = await bench.until(recording_id, "none")
    assert "no transcription engine configured" in recording.transcript_reason
    assert "[recordings.speech.models]" in recording.transcript_reason
    assert not bench.log.of(TranscriptFailed, TranscriptReady)


async def test_silence_has_a_transcript_without_words(bench: Bench) -> None:
    path = audio_file(bench.settings.folder, f"{1:032x}", 1)
    write_stereo(path, silence(3), silence(3))
    recording_id = await bench.add(1)
    async with bench.running():
        await bench.until(recording_id, "ready")
    assert (await bench.transcript(recording_id)).segments == ()


CARD = "four one one one, one one one one, one one one one, one one one one"


def speak_card(bench: Bench, number: int) -> Path:
    """The customer says a card number from 1.0 s on; the agent speaks at the end."""
    said = np.concatenate([silence(1), speak("my card number is " + CARD, speed=140), silence(3)])
    agent = np.concatenate([silence(len(said) / 8000 - 2), speak(AGENT, "en+f2")])
    path = audio_file(bench.settings.folder, f"{number:032x}", number)
    return write_stereo(path, said, agent)


async def test_a_card_number_is_nowhere_and_its_seconds_are_silent(bench: Bench) -> None:
    path = speak_card(bench, 1)
    recording_id = await bench.add(1)
    assert (await bench.recording(recording_id)).state == "checking"
    with pytest.raises(LookupError):
        await bench.library.peaks(recording_id)
    before = read_stereo(path)
    async with bench.running():
        removed = await bench.log.until(CardNumbersRemoved)
        recording = await bench.until(recording_id, "ready")
    transcript = await bench.transcript(recording_id)
    customer = [s.text for s in transcript.segments if s.speaker == "customer"]
    assert customer[0] == "my card number is [card number]"
    assert set(" ".join(customer).split()) <= {"my", "card", "number", "is", "[card", "number]"}
    assert transcript.segments[-1].text.endswith("moment please")
    assert isinstance(removed, CardNumbersRemoved)
    assert (removed.numbers, removed.sha256) == (1, recording.sha256)
    assert recording.state == "stored"
    assert await bench.library.verify(recording_id)
    after = read_stereo(path)
    assert after.shape == before.shape
    words = [word for segment in transcript.segments for word in segment.words]
    marked = [word for word in words if word.text == "[card number]"]
    first, last = int(marked[0].start * 8000), int(marked[-1].end * 8000)
    assert np.abs(before[first:last, 0]).max() > 1000
    assert not after[first - 800 : last + 800].any()
    assert (after[: first - 801] == before[: first - 801]).all()
    assert list(path.parent.iterdir()) == [path]


async def test_a_crash_between_checksum_and_file_is_made_good(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    speak_card(bench, 1)
    recording_id = await bench.add(1)

    def crash(_self: Path, _target: Path) -> Path:
        raise SystemError("killed here")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", crash)
        with pytest.RaisesGroup(pytest.RaisesExc(SystemError)):
            await _service(bench).run()
    assert not await _is_ready(bench, recording_id)
    async with bench.running():
        await bench.until(recording_id, "ready")
    assert await bench.library.verify(recording_id)
    assert "[card number]" in (await bench.transcript(recording_id)).segments[0].text


async def _is_ready(bench: Bench, recording_id: str) -> bool:
    return (await bench.recording(recording_id)).transcript == "ready"


def _service(bench: Bench) -> TranscriptionService:
    return TranscriptionService(
        bench.settings, bench.engine, bench.log.bus, bench.log.record, clock.now
    )


async def test_a_full_disk_holds_the_transcript_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcription_service, "_RETRY_SECONDS", 0.05)
    speak_card(bench, 1)
    recording_id = await bench.add(1)
    refused = 0

    def full(file: Path, spans: Any) -> tuple[Path, str]:
        nonlocal refused
        refused += 1
        if refused < 3:
            raise OSError(28, "No space left on device")
        return silenced(file, spans)

    silenced = audio.silenced
    monkeypatch.setattr(audio, "silenced", full)
    async with bench.running():
        await bench.until(recording_id, "ready")
    assert refused == 3
    assert await bench.library.verify(recording_id)


async def test_who_does_not_want_it_keeps_the_words(
    log: Log, engine: AsyncEngine, tmp_path: Path
) -> None:
    settings = make_settings(tmp_path, speech={"demo_model": True}, remove_card_numbers=False)
    bench = Bench(log, engine, settings)
    speak_card(bench, 1)
    recording_id = await bench.add(1)
    assert (await bench.recording(recording_id)).state == "stored"
    async with bench.running():
        await bench.until(recording_id, "ready")
    assert "four one one one" in (await bench.transcript(recording_id)).segments[0].text
