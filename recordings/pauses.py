"""Pauses of recordings: Asterisk writes silence meanwhile, so that the timeline stays.

A pause ends by itself: an agent who forgets it loses no more than its length. How long it lasts
stands in the recording's row, so that a restart ends it, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from cti.clock import Now
from cti.domain.commands import CommandFailed, MuteRecording, Perform
from cti.domain.events import Event, Micros, RecordingPaused, RecordingResumed
from recordings.talk import Talk

log = structlog.get_logger(__name__)

_RETRY = 2_000_000
"""Microseconds until a resumption that failed is tried again."""


class PauseRefused(Exception):
    """It cannot be paused or resumed now: ``reason`` and ``cure``."""

    def __init__(self, reason: str, cure: str) -> None:
        super().__init__(reason)
        self.reason, self.cure = reason, cure


class Pauses:
    """Pauses what is being recorded. ``talks`` by recording; ``write`` keeps a talk's row."""

    def __init__(
        self,
        seconds: float,
        talks: Mapping[str, Talk],
        perform: Perform,
        record: Callable[[Event], Event],
        write: Callable[[Talk], Awaitable[bool]],
        now: Now,
    ) -> None:
        self._length = int(seconds * 1_000_000)
        self._talks = talks
        self._perform = perform
        self._record = record
        self._write = write
        self._now = now

    async def pause(self, recording_id: str, by: str) -> Micros:
        """Pause, or pause for longer; until when. ``by`` is a user. Raises PauseRefused."""
        talk = self._recorded(recording_id)
        async with talk.pausing:
            until = self._now() + self._length
            try:
                await self._mute(talk, muted=True)
            except PauseRefused:
                talk.pause(talk.paused_until or self._now())  # it may be silent: made good at once
                raise
            talk.pause(until)
            await self._write(talk)
            self._record(
                RecordingPaused(**talk.about(self._now()), agent=talk.agent, by=by, until=until)
            )
        return until

    async def resume(self, recording_id: str, by: str) -> None:
        """Record again. ``by`` empty: the time was over. Raises PauseRefused."""
        talk = self._recorded(recording_id)
        async with talk.pausing:
            if talk.paused_until is None:
                return
            await self._mute(talk, muted=False)
            talk.pause(None)
            await self._write(talk)
            self._record(RecordingResumed(**talk.about(self._now()), agent=talk.agent, by=by))

    async def until_ended(self, talk: Talk) -> None:
        """Wait for the end of the talk, and end each pause in time."""
        while not talk.ended.is_set():
            talk.changed.clear()
            try:
                async with asyncio.timeout(self._left(talk)):
                    await talk.changed.wait()
            except TimeoutError:
                await self._end_in_time(talk)

    def _left(self, talk: Talk) -> float | None:
        until = talk.paused_until
        return None if until is None else max(0.0, (until - self._now()) / 1_000_000)

    async def _end_in_time(self, talk: Talk) -> None:
        try:
            await self.resume(talk.recording_id, "")
        except PauseRefused as refused:
            if not talk.ended.is_set():
                log.warning("recording_not_resumed", reason=refused.reason)
                talk.pause(self._now() + _RETRY)

    def _recorded(self, recording_id: str) -> Talk:
        talk = self._talks.get(recording_id)
        if talk is None or talk.ended.is_set():
            raise PauseRefused("this talk is not being recorded", "it is over, or failed to begin")
        if not talk.begun:
            raise PauseRefused("the recording has not begun yet", "try again in a moment")
        return talk

    async def _mute(self, talk: Talk, *, muted: bool) -> None:
        command = MuteRecording(
            call_id=talk.call_id,
            switch=talk.switch,
            channel=talk.channel,
            mixmonitor_id=talk.mixmonitor_id,
            muted=muted,
        )
        try:
            reply = await self._perform(command)
        except CommandFailed as failure:
            raise PauseRefused(
                f"Asterisk does not answer: {failure.reason}",
                "it may still be recording: ask the caller to wait with what must not be recorded",
            ) from None
        if not reply.ok:
            raise PauseRefused(
                f"Asterisk refused: {reply.message or 'no reason given'}",
                "give the AMI user write = system, and see whether the call goes on",
            )
