"""Turns stored recordings into transcripts, one job after the other, behind the calls.

The queue is the database: recordings whose transcript is pending. A restart goes on with it. A
recording at which the speech process dies is tried once more in a fresh one, and then given up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
import structlog
from sqlalchemy import Row, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.bus import Bus
from cti.clock import Now
from cti.domain.events import (
    CardNumbersRemoved,
    Event,
    RecordingStopped,
    TranscriptFailed,
    TranscriptReady,
)
from recordings import audio, rows
from recordings.cards import Redacted, redact
from recordings.disk import disk_reason
from recordings.places import audio_file
from recordings.search_index import try_to_index_missing
from recordings.settings import RecordingSettings, no_engine
from recordings.speech_process import SpeechProcess, SpeechProcessDied
from recordings.speech_worker import Heard, Job, Refused
from recordings.tables import recordings
from recordings.transcription import Segment, Word, conversation

log = structlog.get_logger(__name__)

CRASHES = 2
"""How many speech processes a recording may cost."""
_LOAD_SECONDS = 300.0
_RETRY_SECONDS = 5.0
_POLL_SECONDS = 60.0


class TranscriptionService:
    """Follows the bus from its construction on; :meth:`run` does the work.

    ``heard_seconds`` is the audio read so far, ``work_seconds`` how long that took: their quotient
    is the real-time factor.
    """

    def __init__(
        self,
        settings: RecordingSettings,
        engine: AsyncEngine,
        bus: Bus,
        record: Callable[[Event], Event],
        now: Now,
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._record = record
        self._now = now
        self._stopped = bus.subscribe("transcription", RecordingStopped)
        self._wake = asyncio.Event()
        self._picking = asyncio.Lock()
        self._in_work: set[str] = set()
        self.heard_seconds = 0.0
        self.work_seconds = 0.0

    async def run(self) -> None:
        """Transcribe until cancelled."""
        with self._stopped:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._index_old_ones(), name="transcripts-index")
                for number in range(self._settings.speech.workers):
                    tasks.create_task(self._work(), name=f"transcription-{number}")
                async for _ in self._stopped:
                    self._wake.set()

    async def _index_old_ones(self) -> None:
        """Make the transcripts from before there was an index searchable."""
        while error := await try_to_index_missing(self._engine):
            log.warning("transcripts_not_indexed", reason=str(error).partition("\n")[0])
            await asyncio.sleep(_POLL_SECONDS)

    async def _work(self) -> None:
        async with SpeechProcess() as speech:
            while True:
                row = await self._next()
                about = {"call_id": row.call_id, "recording_id": row.id}
                with structlog.contextvars.bound_contextvars(**about):
                    await self._transcribe(row, speech)
                self._in_work.discard(row.id)

    async def _next(self) -> Row[Any]:
        """The oldest pending recording that nobody works on; waits for one."""
        async with self._picking:
            while True:
                self._wake.clear()
                if row := await self._oldest_pending():
                    self._in_work.add(row.id)
                    return row
                await self._until_woken()

    async def _until_woken(self) -> None:
        try:
            async with asyncio.timeout(_POLL_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            pass  # the database may have been away: look again

    async def _oldest_pending(self) -> Row[Any] | None:
        query = (
            select(recordings)
            .where(recordings.c.transcript == "pending", recordings.c.id.not_in(self._in_work))
            .order_by(recordings.c.started_at)
            .limit(1)
        )
        try:
            async with self._engine.connect() as connection:
                return (await connection.execute(query)).first()
        except SQLAlchemyError as error:
            log.warning("pending_transcripts_not_read", reason=str(error).partition("\n")[0])
            return None

    async def _transcribe(self, row: Row[Any], speech: SpeechProcess) -> None:
        model = self._settings.speech.model_for(row.language)
        if model is None:
            await self._write(row, transcript="none", transcript_reason=no_engine(row.language))
            return
        file = audio_file(self._settings.folder, row.id, row.started_at)
        answer = await self._read(row, Job(audio=str(file), model=str(model)), speech)
        match answer:
            case Heard(channels=(customer, agent)):
                await self._heard(row, model.name, customer, agent)
            case Heard():
                await self._failed(row, "the recording is not stereo: it was not made by Ringdesk")
            case Refused(reason=reason):
                await self._failed(row, reason)

    async def _read(self, row: Row[Any], job: Job, speech: SpeechProcess) -> Heard | Refused:
        """Read the audio, at the cost of at most ``CRASHES`` processes over all runs."""
        crashes, why = row.transcript_crashes, ""
        while crashes < CRASHES:
            try:
                return await self._timed(speech.read(job, _LOAD_SECONDS + 2 * row.seconds), row)
            except SpeechProcessDied as death:
                crashes, why = crashes + 1, str(death)
                log.warning("speech_process_died", reason=why)
                await self._write(row, transcript_crashes=crashes)
        return Refused(
            reason=f"the speech process died {crashes} times at this recording; at last {why}"
            " (check the model with ringdesk doctor, and the memory of this machine)"
        )

    async def _timed(self, reading: Awaitable[Heard | Refused], row: Row[Any]) -> Heard | Refused:
        started = time.perf_counter()
        answer = await reading
        if isinstance(answer, Heard):
            self.heard_seconds += row.seconds
            self.work_seconds += time.perf_counter() - started
        return answer

    async def _heard(
        self, row: Row[Any], engine: str, customer: Sequence[Word], agent: Sequence[Word]
    ) -> None:
        """From here on no card number goes anywhere: not into the database, a log or an event."""
        if self._settings.remove_card_numbers:
            redacted = await asyncio.to_thread(redact, customer, agent, row.language)
            customer, agent = redacted.customer, redacted.agent
            if redacted.numbers:
                await self._silence(row, redacted)
        await self._ready(row, engine, conversation(customer, agent))

    async def _silence(self, row: Row[Any], redacted: Redacted) -> None:
        """Replace the audio. The new checksum comes first: a crash between is made good by the
        next try, which makes the same file.
        """
        file = audio_file(self._settings.folder, row.id, row.started_at)
        while True:
            try:
                part, sha256 = await asyncio.to_thread(audio.silenced, file, redacted.spans)
                await self._write(row, sha256=sha256)
                await asyncio.to_thread(part.replace, file)
                break
            except OSError as error:
                log.error("card_numbers_not_silenced", reason=disk_reason(error))
                await asyncio.sleep(_RETRY_SECONDS)
        self._record(
            CardNumbersRemoved(
                **self._about(row),
                id=f"{row.id}-cards",
                recording_id=row.id,
                numbers=redacted.numbers,
                silent=int(sum(end - start for start, end in redacted.spans) * 1_000_000),
                sha256=sha256,
            )
        )

    async def _ready(self, row: Row[Any], engine: str, segments: list[Segment]) -> None:
        words = sum(len(segment.words) for segment in segments)
        await self._write(
            row,
            {
                "engine": engine,
                "language": row.language,
                "made_at": self._now(),
                "words": words,
                "segments": msgspec.json.encode(segments).decode(),
            },
            transcript="ready",
            transcript_reason="",
        )
        self._record(
            TranscriptReady(**self._about(row), recording_id=row.id, engine=engine, words=words)
        )

    async def _failed(self, row: Row[Any], reason: str) -> None:
        log.warning("transcript_failed", reason=reason)
        await self._write(row, transcript="failed", transcript_reason=reason)
        self._record(TranscriptFailed(**self._about(row), recording_id=row.id, reason=reason))

    def _about(self, row: Row[Any]) -> dict[str, Any]:
        return {
            "at": self._now(),
            "switch": row.switch,
            "call_id": row.call_id,
            "cause": f"{row.id}-stored",
        }

    async def _write(
        self, row: Row[Any], transcript: rows.Values | None = None, /, **more: Any
    ) -> None:
        """Write down how far it came, however long the database is away."""
        while True:
            try:
                return await rows.save_transcript(self._engine, row.id, transcript, more)
            except SQLAlchemyError as error:
                log.error("transcript_not_written", reason=str(error).partition("\n")[0])
                await asyncio.sleep(_RETRY_SECONDS)
