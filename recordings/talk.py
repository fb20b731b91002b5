"""One talk that is being recorded, and what is said about it in events and rows."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from cti.domain.commands import StartRecording, StopRecording
from cti.domain.events import (
    CallAnswered,
    Micros,
    RecordingFailed,
    RecordingStarted,
    RecordingStopped,
    new_id,
)
from recordings.places import audio_file, leg_file
from recordings.rows import Values


@dataclass(kw_only=True)
class Talk:
    """What is known of the recording of one talk. ``ended`` is set when the talk is over."""

    recording_id: str
    call_id: str
    talk_id: str
    switch: str
    agent: str
    queue: str
    channel: str
    language: str
    started_at: Micros
    stopped_at: Micros | None = None
    mixmonitor_id: str = ""
    cause: str = ""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    channel_gone: bool = False
    begun: bool = False
    """Asterisk records (or may be recording)."""
    paused_until: Micros | None = None
    pausing: asyncio.Lock = field(default_factory=asyncio.Lock)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it ended, or when its pause began, ended or became longer."""

    @classmethod
    def of_event(cls, event: CallAnswered, language: str, now: Micros) -> Talk:
        """A new recording of the talk that began."""
        return cls(
            recording_id=new_id(),
            call_id=event.call_id,
            talk_id=event.talk_id,
            switch=event.switch,
            agent=event.agent,
            queue=event.queue,
            channel=event.caller_channel,
            language=language,
            started_at=now,
            cause=event.id,
        )

    @classmethod
    def of_row(cls, row: Any) -> Talk:
        """The recording as it was written down."""
        return cls(
            recording_id=row.id,
            call_id=row.call_id,
            talk_id=row.talk_id,
            switch=row.switch,
            agent=row.agent,
            queue=row.queue,
            channel=row.channel,
            language=row.language,
            started_at=row.started_at,
            stopped_at=row.stopped_at,
            mixmonitor_id=row.mixmonitor_id,
            begun=True,
            paused_until=row.paused_until,
        )

    def is_told_by(self, event: CallAnswered) -> bool:
        """Whether ``event`` is about this very talk."""
        same_channel = event.restored and event.caller_channel == self.channel
        return event.switch == self.switch and (same_channel or event.talk_id == self.talk_id)

    def row(self, **more: Any) -> Values:
        """All columns, in state recording unless ``more`` says otherwise."""
        return {
            "call_id": self.call_id,
            "talk_id": self.talk_id,
            "switch": self.switch,
            "agent": self.agent,
            "queue": self.queue,
            "channel": self.channel,
            "language": self.language,
            "started_at": self.started_at,
            "stopped_at": self.stopped_at,
            "mixmonitor_id": self.mixmonitor_id,
            "paused_until": self.paused_until,
            "state": "recording",
        } | more

    def end(self, *, channel_gone: bool = False) -> None:
        """The talk is over; ``channel_gone``: the customer's channel too."""
        self.channel_gone = self.channel_gone or channel_gone
        self.ended.set()
        self.changed.set()

    def pause(self, until: Micros | None) -> None:
        """It is paused until then; None: it is recorded."""
        self.paused_until = until
        self.changed.set()

    def start_command(self, root: PurePosixPath) -> StartRecording:
        """``root``: the recordings folder as Asterisk sees it."""
        return StartRecording(
            call_id=self.call_id,
            switch=self.switch,
            channel=self.channel,
            caller_file=str(leg_file(root, self.recording_id, self.started_at, "caller")),
            agent_file=str(leg_file(root, self.recording_id, self.started_at, "agent")),
        )

    def stop_command(self) -> StopRecording:
        """Stops this recording and no other one on the channel."""
        return StopRecording(
            call_id=self.call_id,
            switch=self.switch,
            channel=self.channel,
            mixmonitor_id=self.mixmonitor_id,
        )

    def legs(self, root: Path) -> tuple[Path, Path]:
        """Asterisk's two files (caller, agent), as Ringdesk sees them."""
        return (
            leg_file(root, self.recording_id, self.started_at, "caller"),
            leg_file(root, self.recording_id, self.started_at, "agent"),
        )

    def audio(self, root: Path) -> Path:
        """The joined file."""
        return audio_file(root, self.recording_id, self.started_at)

    def started(self, at: Micros) -> RecordingStarted:
        """Asterisk records."""
        return RecordingStarted(
            **self.about(at), id=f"{self.recording_id}-started", agent=self.agent
        )

    def stopped(self, at: Micros, seconds: float, sha256: str) -> RecordingStopped:
        """The audio is stored."""
        return RecordingStopped(
            **self.about(at),
            id=f"{self.recording_id}-stored",
            agent=self.agent,
            seconds=seconds,
            sha256=sha256,
        )

    def failed(self, at: Micros, reason: str) -> RecordingFailed:
        """There is no audio, and why."""
        return RecordingFailed(**self.about(at), id=f"{self.recording_id}-failed", reason=reason)

    def about(self, at: Micros) -> dict[str, Any]:
        """What the events share. Ids of those told once are the same in each run."""
        return {
            "at": at,
            "switch": self.switch,
            "call_id": self.call_id,
            "cause": self.cause,
            "recording_id": self.recording_id,
            "talk_id": self.talk_id,
        }
