from __future__ import annotations

from typing import Any

import msgspec
import pytest
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from recordings.audio import index
from recordings.library import Library
from recordings.places import audio_file
from recordings.settings import RecordingSettings
from recordings.tables import recording_access, recordings, transcripts
from recordings.transcription import Word, conversation
from tests.unit.recordings.conftest import silence, tone, write_leg

AT = 1_795_305_600_000_000


@pytest.fixture
def library(engine: AsyncEngine, settings: RecordingSettings) -> Library:
    return Library(engine, settings)


async def add(engine: AsyncEngine, number: int, **more: Any) -> str:
    recording_id = f"{number:032x}"
    row = {
        "id": recording_id,
        "call_id": "pbx1-1.1",
        "talk_id": f"t{number}",
        "switch": "pbx1",
        "agent": "PJSIP/101",
        "queue": "support",
        "channel": "PJSIP/trunk-1",
        "started_at": AT + number,
        "state": "recording",
        "language": "en",
    }
    async with engine.begin() as connection:
        await connection.execute(insert(recordings).values(**row | more))
    return recording_id


async def store(engine: AsyncEngine, settings: RecordingSettings) -> str:
    target = audio_file(settings.folder, f"{1:032x}", AT + 1)
    caller = write_leg(target.with_name("c.wav"), tone(440, 2))
    agent = write_leg(target.with_name("a.wav"), silence(1))
    joined = index(caller, agent, target)
    return await add(engine, 1, state="stored", seconds=joined.seconds, sha256=joined.sha256)


async def test_recordings_of_calls_are_listed_oldest_first(
    library: Library, engine: AsyncEngine
) -> None:
    second = await add(engine, 2)
    first = await add(engine, 1, state="failed", reason="why")
    other = await add(engine, 3, call_id="pbx1-2.2")
    await add(engine, 4, call_id="pbx1-3.3")

    found = await library.of_calls(["pbx1-1.1", "pbx1-2.2", "pbx1-9.9"])

    assert {call: [r.id for r in listed] for call, listed in found.items()} == {
        "pbx1-1.1": [first, second],
        "pbx1-2.2": [other],
    }
    recording = await library.get(first)
    assert recording == found["pbx1-1.1"][0]
    assert recording is not None
    assert (recording.state, recording.reason, recording.transcript) == ("failed", "why", "none")


async def test_unknown_id_is_nothing(library: Library) -> None:
    assert await library.get("../../etc/passwd") is None
    assert await library.transcript("x") is None
    assert await library.of_calls([]) == {}
    with pytest.raises(LookupError):
        await library.peaks("x")


async def test_unfinished_recording_has_no_peaks(library: Library, engine: AsyncEngine) -> None:
    with pytest.raises(LookupError):
        await library.peaks(await add(engine, 1))


async def test_verify_tells_a_changed_file(
    library: Library, engine: AsyncEngine, settings: RecordingSettings
) -> None:
    recording_id = await store(engine, settings)
    assert await library.verify(recording_id)
    recording = await library.get(recording_id)
    assert recording is not None
    path = library.audio_path(recording)
    changed = bytearray(path.read_bytes())
    changed[1000] ^= 1
    path.write_bytes(changed)
    assert not await library.verify(recording_id)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        await library.verify(recording_id)


async def test_peaks_show_who_spoke(
    library: Library, engine: AsyncEngine, settings: RecordingSettings
) -> None:
    customer, agent = await library.peaks(await store(engine, settings))
    assert customer == pytest.approx([125] * 40, abs=1)
    assert agent == [0] * 40


async def test_transcript_comes_back_as_it_was_written(
    library: Library, engine: AsyncEngine
) -> None:
    recording_id = await add(engine, 1, state="stored", transcript="ready")
    words = [Word(text="hello", start=0.1, end=0.5, confidence=0.9)]
    segments = conversation(words, words)
    async with engine.begin() as connection:
        await connection.execute(
            insert(transcripts).values(
                recording_id=recording_id,
                engine="vosk-x",
                language="en",
                made_at=AT,
                words=2,
                segments=msgspec.json.encode(segments).decode(),
            )
        )
    transcript = await library.transcript(recording_id)
    assert transcript is not None
    assert (transcript.engine, transcript.words) == ("vosk-x", 2)
    assert list(transcript.segments) == segments


async def test_every_access_is_written_down_even_to_what_is_not_there(
    library: Library, engine: AsyncEngine
) -> None:
    await library.note_access("x", who="anna", what="audio", result="forbidden", at=AT)
    await library.note_access("y", who="anna", what="transcript", result="ok", at=AT + 1)
    async with engine.connect() as connection:
        rows = (await connection.execute(select(recording_access))).all()
    assert [(r.at, r.who, r.recording_id, r.what, r.result) for r in rows] == [
        (AT, "anna", "x", "audio", "forbidden"),
        (AT + 1, "anna", "y", "transcript", "ok"),
    ]
