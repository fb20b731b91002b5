"""The API of recordings: by id, after a rights check; every listen and read is written down."""

from __future__ import annotations

from aiohttp import web

from dashboard.call_rows import recording_row
from dashboard.errors import ApiError, not_found
from dashboard.routes import Ask, Routes
from dashboard.schemas import (
    PauseAnswer,
    PeaksAnswer,
    RecordingAnswer,
    RecordingPath,
    SegmentRow,
    TranscriptAnswer,
    WordRow,
)
from dashboard.scope import may_hear, may_pause
from recordings.library import AccessKind, Recording
from recordings.pauses import PauseRefused
from recordings.peaks import PER_SECOND
from recordings.transcription import Segment

routes = Routes()


async def _audible(ask: Ask, recording_id: str, what: AccessKind | None = None) -> Recording:
    """The recording, when the user may hear it; a refusal is written down too."""
    recording = await ask.dashboard.deps.library.get(recording_id)
    allowed = recording is not None and may_hear(ask, recording)
    if recording is not None and what is not None:
        result = await _result(ask, recording, what) if allowed else "refused"
        await ask.dashboard.listens.note(ask, recording.id, what, result)
    if recording is None or not allowed:
        raise not_found("recording")
    return recording


async def _result(ask: Ask, recording: Recording, what: AccessKind) -> str:
    """What is written down of a listen: ok, or what is amiss with the sound."""
    begins = ask.dashboard.listens.begins(ask, recording.id, what)
    if what != "audio" or recording.state != "stored" or not begins:
        return "ok"
    found = await ask.dashboard.deps.custody.check(recording.id)
    return "ok" if found == "intact" else found


@routes.get("/api/recordings/{recording_id}", errors=(404,))
async def read_recording(ask: Ask, path: RecordingPath) -> RecordingAnswer:
    """One recording's data."""
    return RecordingAnswer(recording=recording_row(await _audible(ask, path.recording_id)))


@routes.get("/api/recordings/{recording_id}/audio", errors=(404,), media="audio/wav")
async def hear_recording(ask: Ask, path: RecordingPath) -> web.FileResponse:
    """The sound: stereo WAV, left the customer, right the agent; ranges are served."""
    recording = await _audible(ask, path.recording_id, "audio")
    file = ask.dashboard.deps.library.audio_path(recording)
    if recording.state != "stored" or not file.is_file():
        raise _no_sound(recording)
    return web.FileResponse(file, headers={"Content-Type": "audio/wav"})


@routes.get("/api/recordings/{recording_id}/transcript", errors=(404,))
async def read_transcript(ask: Ask, path: RecordingPath) -> TranscriptAnswer:
    """What was said, with the time of each word."""
    recording = await _audible(ask, path.recording_id, "transcript")
    transcript = await ask.dashboard.deps.library.transcript(recording.id)
    if transcript is None:
        raise _no_transcript(recording)
    return TranscriptAnswer(
        recording_id=recording.id,
        engine=transcript.engine,
        language=transcript.language,
        segments=[_segment(segment) for segment in transcript.segments],
    )


@routes.get("/api/recordings/{recording_id}/peaks", errors=(404,))
async def read_peaks(ask: Ask, path: RecordingPath) -> PeaksAnswer:
    """The outline of both channels for the player."""
    recording = await _audible(ask, path.recording_id)
    try:
        custody = await ask.dashboard.deps.custody.check(recording.id)
        customer, agent = await ask.dashboard.deps.library.peaks(recording.id)
    except (LookupError, OSError, ValueError, EOFError):
        raise _no_sound(recording) from None
    return PeaksAnswer(
        custody=custody,
        seconds=recording.seconds,
        peaks_per_second=PER_SECOND,
        customer=customer,
        agent=agent,
    )


@routes.post("/api/recordings/{recording_id}/pause", errors=(404, 409))
async def pause_recording(ask: Ask, path: RecordingPath) -> PauseAnswer:
    """Record silence from now on; the pause ends by itself, and asking again makes it longer."""
    await _pausable(ask, path.recording_id)
    try:
        until = await ask.dashboard.deps.pauses.pause(path.recording_id, ask.user.username)
    except PauseRefused as error:
        raise ApiError(409, "refused", error.reason, error.cure) from None
    await ask.dashboard.audit.note(
        ask.user.username, "pause_recording", path.recording_id, ask.address
    )
    return PauseAnswer(until=until)


@routes.post("/api/recordings/{recording_id}/resume", status=204, errors=(404, 409))
async def resume_recording(ask: Ask, path: RecordingPath) -> None:
    """Record again what is said."""
    await _pausable(ask, path.recording_id)
    try:
        await ask.dashboard.deps.pauses.resume(path.recording_id, ask.user.username)
    except PauseRefused as error:
        raise ApiError(409, "refused", error.reason, error.cure) from None
    await ask.dashboard.audit.note(
        ask.user.username, "resume_recording", path.recording_id, ask.address
    )


async def _pausable(ask: Ask, recording_id: str) -> None:
    recording = await ask.dashboard.deps.library.get(recording_id)
    if recording is None or not may_pause(ask, recording):
        raise not_found("recording")


def _segment(segment: Segment) -> SegmentRow:
    words = [
        WordRow(word=word.text, start=word.start, end=word.end, confidence=word.confidence)
        for word in segment.words
    ]
    return SegmentRow(
        speaker=segment.speaker,
        start=segment.start,
        end=segment.end,
        text=segment.text,
        words=words,
    )


def _no_sound(recording: Recording) -> ApiError:
    if recording.state == "recording":
        return ApiError(404, "not_yet", "the call is still being recorded", "wait for its end")
    if recording.state == "checking":
        return ApiError(
            404, "not_yet", "card numbers are looked for before it is played", "wait a minute"
        )
    reason = recording.reason or "the file is not where it was stored"
    return ApiError(404, "no_sound", reason, "check the recordings folder, or its backup")


def _no_transcript(recording: Recording) -> ApiError:
    if recording.transcript == "pending" or recording.state == "recording":
        return ApiError(404, "not_yet", "the transcript is not ready yet", "look again in a minute")
    reason = recording.transcript_reason or "this recording is not transcribed"
    return ApiError(404, "no_transcript", reason, "ringdesk doctor checks the speech model")
