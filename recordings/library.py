"""Recordings for those who listen and read: by id only, after the caller checked the rights."""

from __future__ import annotations

import asyncio
import wave
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt
from sqlalchemy import Row, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.domain.events import Micros
from recordings import peaks
from recordings.audio import sha256_of
from recordings.places import audio_file
from recordings.settings import RecordingSettings
from recordings.tables import recording_access, recordings, transcripts
from recordings.transcription import Segment

RecordingState = Literal["recording", "checking", "stored", "failed"]
TranscriptState = Literal["none", "pending", "ready", "failed"]
Custody = Literal["", "intact", "changed", "missing"]
AccessKind = Literal["audio", "transcript"]

_WINDOWS_AT_ONCE = 1000


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """One talk's recording. ``started_at`` in microseconds since the epoch.

    ``checking``: it is stored, and not played before card numbers were looked for in it.
    ``custody``: what the last comparison with the checksum found, at ``verified_at`` (0: never).
    ``reason``: why it failed, or what is amiss with a stored one. ``transcript_reason``: why there
    is no transcript.
    """

    id: str
    call_id: str
    agent: str
    queue: str
    started_at: Micros
    seconds: float
    state: RecordingState
    reason: str
    transcript: TranscriptState
    transcript_reason: str
    sha256: str
    custody: Custody
    verified_at: Micros


class Transcript(msgspec.Struct, frozen=True, kw_only=True):
    """What was said. ``engine`` names the model."""

    recording_id: str
    engine: str
    language: str
    made_at: Micros
    words: int
    segments: tuple[Segment, ...]


class Library:
    """All recordings."""

    def __init__(self, engine: AsyncEngine, settings: RecordingSettings) -> None:
        self._engine = engine
        self._folder = settings.folder
        self._checks = settings.remove_card_numbers

    async def get(self, recording_id: str) -> Recording | None:
        """The recording with this id."""
        rows = await self._rows(select(recordings).where(recordings.c.id == recording_id))
        return self.recording(rows[0]) if rows else None

    async def of_calls(self, call_ids: Sequence[str]) -> dict[str, list[Recording]]:
        """The recordings of each call, oldest first; calls without any are left out."""
        query = select(recordings).where(recordings.c.call_id.in_(call_ids))
        found = defaultdict(list)
        for row in await self._rows(query.order_by(recordings.c.started_at)):
            found[row.call_id].append(self.recording(row))
        return dict(found)

    def recording(self, row: Row[Any]) -> Recording:
        """A row of the table, as those who listen see it."""
        values = {name: getattr(row, name) for name in Recording.__struct_fields__}
        if self._checks and (row.state, row.transcript) == ("stored", "pending"):
            values["state"] = "checking"
        return Recording(**values)

    def audio_path(self, recording: Recording) -> Path:
        """The stereo WAV file: left the customer, right the agent. It may be gone."""
        return audio_file(self._folder, recording.id, recording.started_at)

    async def transcript(self, recording_id: str) -> Transcript | None:
        """What was said, when it was transcribed."""
        query = select(transcripts).where(transcripts.c.recording_id == recording_id)
        rows = await self._rows(query)
        return _transcript(rows[0]) if rows else None

    async def peaks(self, recording_id: str) -> list[list[int]]:
        """The outline of each channel: 20 values a second, 0 to 255.

        Raises :class:`LookupError` when no such recording is stored, OSError when its file cannot
        be read.
        """
        recording = await self._stored(recording_id)
        return await asyncio.to_thread(_peaks, self.audio_path(recording))

    async def verify(self, recording_id: str) -> bool:
        """Whether the file is still what was stored. Raises as :meth:`peaks` does."""
        recording = await self._stored(recording_id)
        return await asyncio.to_thread(sha256_of, self.audio_path(recording)) == recording.sha256

    async def note_access(
        self, recording_id: str, *, who: str, what: AccessKind, result: str, at: Micros
    ) -> None:
        """Write down that ``who`` listened or read, or tried to: ``result`` is ok or a refusal."""
        async with self._engine.begin() as connection:
            await connection.execute(
                insert(recording_access).values(
                    at=at, who=who, recording_id=recording_id, what=what, result=result
                )
            )

    async def _stored(self, recording_id: str) -> Recording:
        recording = await self.get(recording_id)
        if recording is None or recording.state != "stored":
            raise LookupError("no such recording is stored")
        return recording

    async def _rows(self, query: Any) -> Sequence[Row[Any]]:
        async with self._engine.connect() as connection:
            rows: Sequence[Row[Any]] = (await connection.execute(query)).all()
        return rows


def _transcript(row: Row[Any]) -> Transcript:
    segments = msgspec.json.decode(row.segments, type=tuple[Segment, ...])
    columns = {name: getattr(row, name) for name in Transcript.__struct_fields__}
    return Transcript(**columns | {"segments": segments})


def _peaks(path: Path) -> list[list[int]]:
    with path.open("rb") as file, wave.open(file, "rb") as audio:
        rate, channels = audio.getframerate(), audio.getnchannels()
        return peaks.peaks_of_blocks(_blocks(audio, channels, rate), rate, channels)


def _blocks(audio: wave.Wave_read, channels: int, rate: int) -> Iterator[npt.NDArray[np.int16]]:
    while data := audio.readframes(peaks.window(rate) * _WINDOWS_AT_ONCE):
        yield np.frombuffer(data, dtype="<i2").reshape(-1, channels)
