"""Records talks: tells Asterisk to, waits for its files, joins them and writes down what came.

Each talk has a task of its own, from CallAnswered until its recording is stored or failed. What
is unfinished when Ringdesk stops stands in the database and is taken up at the next start: the
call goes on, and so does Asterisk's recording of it.

Nothing here can hold up a call: Asterisk records by itself, and a disk or a database that fails
makes a RecordingFailed or a later retry.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.bus import Bus
from cti.clock import Now
from cti.domain.commands import CommandFailed, GetVariable, Perform, Reply
from cti.domain.events import (
    CallAnswered,
    CallEnded,
    Event,
    Micros,
    SwitchConnected,
    TalkEnded,
)
from recordings import audio, rows
from recordings.disk import disk_reason, make_folder, remove
from recordings.pauses import Pauses
from recordings.places import day_folder
from recordings.settings import RecordingSettings, no_engine
from recordings.settling import settled
from recordings.talk import Talk

log = structlog.get_logger(__name__)

_JOIN_AT_ONCE = 2
_HANGUP_SECONDS = 0.25  # a hang-up is told so much later than the end of the talk, at most
_CLOCK_SKEW = 60_000_000
_DATABASE_RETRY_SECONDS = 5.0


class RecordingService:
    """Follows the bus from its construction on; :meth:`run` does the work.

    ``elsewhere``: the settings of further switches, whose Asterisks write into other folders.
    """

    def __init__(
        self,
        settings: RecordingSettings,
        engine: AsyncEngine,
        bus: Bus,
        record: Callable[[Event], Event],
        perform: Perform,
        now: Now,
        elsewhere: Mapping[str, RecordingSettings] | None = None,
    ) -> None:
        self._settings = settings
        self._elsewhere = elsewhere or {}
        self._engine = engine
        self._record = record
        self._perform = perform
        self._now = now
        self._events = bus.subscribe(
            "recordings", CallAnswered, TalkEnded, CallEnded, SwitchConnected
        )
        self._talks: dict[str, Talk] = {}
        self._joining = asyncio.Semaphore(_JOIN_AT_ONCE)
        self.pauses = Pauses(
            settings.pause_seconds, self._talks, perform, record, self._try_to_write, now
        )

    async def run(self) -> None:
        """Record until cancelled."""
        with self._events:
            async with asyncio.TaskGroup() as tasks:
                await self._take_up(tasks)
                tasks.create_task(self._retry(), name="recordings-retry")
                async for event in self._events:
                    self._handle(event, tasks)

    def _handle(self, event: Event, tasks: asyncio.TaskGroup) -> None:
        match event:
            case CallAnswered():
                self._answered(event, tasks)
            case TalkEnded():
                self._end(lambda talk: talk.talk_id == event.talk_id)
            case CallEnded():
                self._end(lambda talk: talk.call_id == event.call_id, channel_gone=True)
            case SwitchConnected(restarted=True):
                self._end(lambda talk: talk.switch == event.switch, channel_gone=True)
            case SwitchConnected():
                tasks.create_task(self._look_for_ended(event.switch), name="recordings-look")

    def _answered(self, event: CallAnswered, tasks: asyncio.TaskGroup) -> None:
        if known := self._recording_of(event):
            known.talk_id = event.talk_id
        elif self._settings.records(event.queue):
            language = self._settings.speech.language_of(event.queue)
            self._follow(Talk.of_event(event, language, self._now()), tasks)

    def _recording_of(self, event: CallAnswered) -> Talk | None:
        """The talk, when it is told of again after a restart or a lost link."""
        going_on = (talk for talk in self._talks.values() if not talk.ended.is_set())
        return next((talk for talk in going_on if talk.is_told_by(event)), None)

    def _end(self, matches: Callable[[Talk], bool], *, channel_gone: bool = False) -> None:
        for talk in self._talks.values():
            if matches(talk):
                talk.end(channel_gone=channel_gone)

    def _follow(self, talk: Talk, tasks: asyncio.TaskGroup, *, begun: bool = False) -> None:
        self._talks[talk.recording_id] = talk
        tasks.create_task(self._record_talk(talk, begun), name=f"recording-{talk.recording_id}")

    async def _record_talk(self, talk: Talk, begun: bool) -> None:
        structlog.contextvars.bind_contextvars(
            call_id=talk.call_id, recording_id=talk.recording_id
        )  # for all that this task logs
        try:
            if begun or await self._begin(talk):
                await self.pauses.until_ended(talk)
                await self._close(talk)
                await self._keep(talk)
        finally:
            del self._talks[talk.recording_id]

    def _at(self, talk: Talk) -> RecordingSettings:
        return self._elsewhere.get(talk.switch, self._settings)

    def _legs(self, talk: Talk) -> tuple[Path, Path]:
        return talk.legs(self._at(talk).folder)

    # --- the beginning ------------------------------------------------------------------------

    async def _begin(self, talk: Talk) -> bool:
        """Whether Asterisk records now (or may be recording)."""
        if talk.ended.is_set():
            await self._fail(talk, "the talk was over before Ringdesk heard of it")
            return False
        await self._make_folder(talk)
        try:
            reply = await self._perform(talk.start_command(self._at(talk).pbx_root))
        except CommandFailed as failure:
            if failure.kind not in {"timeout", "lost"}:
                await self._fail(talk, f"Asterisk could not be told to record: {failure.reason}")
                return False
            reply = Reply(ok=True)  # it may have been carried out: the files will tell
        if not reply.ok:
            await self._fail(talk, _refusal(reply.message))
            return False
        talk.mixmonitor_id, talk.begun = reply.fields.get("MixMonitorID", ""), True
        await self._try_to_write(talk)
        self._record(talk.started(self._now()))
        return True

    async def _make_folder(self, talk: Talk) -> None:
        roots = dict.fromkeys((self._settings.folder, self._at(talk).folder))
        try:
            for root in roots:
                await asyncio.to_thread(make_folder, root, day_folder(root, talk.started_at))
        except OSError as error:  # Asterisk makes missing folders too, if it may
            log.warning("recording_folder_not_made", reason=disk_reason(error))

    # --- the end ------------------------------------------------------------------------------

    async def _close(self, talk: Talk) -> None:
        if talk.stopped_at is not None:
            return
        if talk.mixmonitor_id:
            await asyncio.sleep(_HANGUP_SECONDS)
            if not talk.channel_gone:
                await self._stop(talk)
        talk.stopped_at = self._now()
        await self._try_to_write(talk)

    async def _stop(self, talk: Talk) -> None:
        """MixMonitor outlives a transfer; at a hang-up it has stopped by itself."""
        try:
            await self._perform(talk.stop_command())
        except CommandFailed as failure:
            log.warning("recording_not_stopped", recording_id=talk.recording_id, kind=failure.kind)

    async def _keep(self, talk: Talk) -> None:
        try:
            await settled(self._legs(talk), self._settings.close_seconds)
            joined = await self._join(talk)
        except audio.BrokenAudio as broken:
            await self._fail(talk, str(broken))
        except OSError as error:
            await self._fail(talk, disk_reason(error), retry=True)
        else:
            await self._store(talk, joined)

    async def _join(self, talk: Talk) -> audio.Joined:
        root = self._settings.folder
        async with self._joining:
            return await asyncio.to_thread(audio.index, *self._legs(talk), talk.audio(root))

    async def _store(self, talk: Talk, joined: audio.Joined) -> None:
        known = self._settings.speech.model_for(talk.language) is not None
        await self._write(
            talk,
            state="stored",
            reason=joined.note,
            retry=False,
            seconds=joined.seconds,
            sha256=joined.sha256,
            transcript="pending" if known else "none",
            transcript_reason="" if known else no_engine(talk.language),
        )
        self._record(talk.stopped(self._now(), joined.seconds, joined.sha256))
        await asyncio.to_thread(remove, self._legs(talk))

    async def _fail(self, talk: Talk, reason: str, *, retry: bool = False) -> None:
        log.warning("recording_failed", recording_id=talk.recording_id, reason=reason, retry=retry)
        talk.stopped_at = talk.stopped_at or self._now()
        await self._write(talk, state="failed", reason=reason, retry=retry)
        self._record(talk.failed(self._now(), reason))

    # --- after a restart or a lost link -------------------------------------------------------

    async def _take_up(self, tasks: asyncio.TaskGroup) -> None:
        """Go on where the run before stopped."""
        for row in await rows.unfinished(self._engine):
            talk = Talk.of_row(row)
            if talk.stopped_at is not None:
                talk.end()
            self._follow(talk, tasks, begun=True)
        for row in await rows.untold(self._engine, self._now()):
            self._tell(Talk.of_row(row), row)
        for switch in {talk.switch for talk in self._talks.values()}:
            tasks.create_task(self._look_for_ended(switch), name="recordings-look")

    def _tell(self, talk: Talk, row: Row[Any]) -> None:
        """Say what the run before wrote down but did not get into the journal."""
        if row.state == "stored":
            self._record(talk.stopped(self._now(), row.seconds, row.sha256))
        else:
            self._record(talk.failed(self._now(), row.reason))

    async def _look_for_ended(self, switch: str) -> None:
        """Find the calls that ended while we did not look: their channels are gone."""
        for talk in [talk for talk in self._talks.values() if talk.switch == switch]:
            if not talk.ended.is_set() and await self._is_gone(talk):
                talk.end(channel_gone=True)

    async def _is_gone(self, talk: Talk) -> bool:
        ask = GetVariable(
            call_id=talk.call_id,
            switch=talk.switch,
            channel=talk.channel,
            variable="CHANNEL(linkedid)",
        )
        try:
            reply = await self._perform(ask)
        except CommandFailed:
            return False  # asked again when the link is back
        if not reply.ok:
            return "no such channel" in reply.message.lower()
        return _is_later_call(reply.fields.get("Value", ""), talk.started_at)

    async def _retry(self) -> None:
        """Try again what the disk refused, for as long as it takes."""
        while True:
            try:
                for row in await rows.refused(self._engine):
                    await self._keep_again(Talk.of_row(row))
            except SQLAlchemyError as error:
                log.warning("recordings_not_read", reason=_first_line(error))
            await asyncio.sleep(self._settings.retry_seconds)

    async def _keep_again(self, talk: Talk) -> None:
        try:
            joined = await self._join(talk)
        except audio.BrokenAudio as broken:
            await self._write(talk, state="failed", reason=str(broken), retry=False)
        except OSError as error:
            log.warning("recording_refused_again", reason=disk_reason(error))
        else:
            await self._store(talk, joined)

    # --- the database -------------------------------------------------------------------------

    async def _try_to_write(self, talk: Talk) -> bool:
        """Write the row; without a database the recording goes on."""
        return await self._wrote(talk, talk.row())

    async def _write(self, talk: Talk, **values: Any) -> None:
        """Write the row, however long the database is away."""
        while not await self._wrote(talk, talk.row(**values)):  # noqa: ASYNC110
            await asyncio.sleep(_DATABASE_RETRY_SECONDS)

    async def _wrote(self, talk: Talk, values: rows.Values) -> bool:
        try:
            await rows.save(self._engine, talk.recording_id, values)
        except SQLAlchemyError as error:
            log.error(
                "recording_row_not_written",
                recording_id=talk.recording_id,
                reason=_first_line(error),
                cure="the audio is kept and the row written later; check the database",
            )
            return False
        return True


def _refusal(message: str) -> str:
    said = f"Asterisk refused to record: {message or 'no reason given'}"
    if "no such channel" in message.lower():
        return f"{said} (the caller hung up first)"
    if "permission" in message.lower():
        return f"{said} (give the AMI user write = system)"
    return f"{said} (is app_mixmonitor loaded? see Asterisk's log)"


def _is_later_call(linkedid: str, started_at: Micros) -> bool:
    """Names of channels come again after a restart of Asterisk; a Linkedid holds its epoch."""
    epoch = linkedid.rpartition("-")[2].partition(".")[0]
    return epoch.isdecimal() and int(epoch) * 1_000_000 > started_at + _CLOCK_SKEW


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
