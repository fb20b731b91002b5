"""The raw AMI messages behind each call, kept for some hours, for whoever must know why.

One file an hour in the form of a capture (messages with their blank lines), so that what replays
captures reads it too. The way of an event only appends to a bounded list; a task writes twice a
second, in a thread. A full hour, a full disk or a slow one loses lines of the tape and nothing
else: calls go on, and the log says it once.

The files hold callers' numbers: only Ringdesk's user may read them, and they go after ``hours``.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterable, Iterator, Sequence, Set
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import structlog

from cti.ami.codec import parse
from cti.ami.facts import UnreadableMessage, parse_timestamp
from cti.ami.settings import TapeSettings
from cti.clock import Now
from cti.domain.events import Micros

log = structlog.get_logger(__name__)

WRITE_SECONDS = 0.5
MOST_WAITING = 50_000
"""Messages that may wait for the disk."""
MOST_FOUND = 2_000
"""Messages of one call that are given."""

_HOUR = 3_600_000_000
_MINUTE = 60_000_000
_END = b"\r\n\r\n"
_PIECE = 1 << 20
_IDS = re.compile(rb"\r\n\w*(?i:linkedid|uniqueid): ([^\r\n]+)")


class TapedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message as it came. ``at`` is its Timestamp (0: it had none)."""

    at: Micros
    text: str


class AmiTape:
    """Keeps the messages of one Asterisk in ``folder``."""

    def __init__(self, folder: Path, settings: TapeSettings, now: Now) -> None:
        self.dropped = 0
        self._folder = folder
        self._settings = settings
        self._now = now
        self._waiting: list[bytes] = []
        self._hour = ""
        self._ailing = False

    @property
    def hours(self) -> int:
        """How long messages are kept; 0: not at all."""
        return self._settings.hours

    def take(self, raw: bytes) -> None:
        """One message, without its blank line. Never blocks."""
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append(raw)
        else:
            self.dropped += 1

    async def run(self) -> None:
        """Write until cancelled; what waits then is written too."""
        await self._sweep()
        if not self.hours:
            return
        try:
            while True:
                await asyncio.sleep(WRITE_SECONDS)
                await self.flush()
        finally:
            await asyncio.shield(self.flush())

    async def flush(self) -> None:
        """Write what waits."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        hour = _hour_of(self._now())
        if hour != self._hour:
            self._hour = hour
            await self._sweep()
        written = await asyncio.to_thread(self._write, self._file(hour), waiting)
        self.dropped += len(waiting) - written

    def _write(self, file: Path, messages: Sequence[bytes]) -> int:
        """Append what fits; how many did."""
        limit = self._settings.megabytes_an_hour * 1_000_000
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(file, "ab", opener=_private) as tape:
                if tape.tell() >= limit:
                    self._ail("the hour's file is full", "raise ami_tape.megabytes_an_hour")
                    return 0
                tape.write(b"".join(raw + _END for raw in messages))
        except OSError as error:
            self._ail(error.strerror or type(error).__name__, "check the disk of data_folder")
            return 0
        self._ailing = False
        return len(messages)

    def _ail(self, reason: str, cure: str) -> None:
        if not self._ailing:
            self._ailing = True
            log.warning("ami_tape_not_written", reason=reason, cure=cure)

    async def _sweep(self) -> None:
        oldest = _hour_of(self._now() - self.hours * _HOUR)
        try:
            await asyncio.to_thread(
                _remove_before, self._folder, oldest, all_of_them=not self.hours
            )
        except OSError as error:
            log.warning("ami_tape_not_removed", reason=error.strerror or type(error).__name__)

    def _file(self, hour: str) -> Path:
        return self._folder / f"{hour}.ami"

    async def of_call(self, linkedid: str, began: Micros, ended: Micros) -> list[TapedMessage]:
        """The messages about the legs of a call, in order, at most :data:`MOST_FOUND`.

        Files that are not there (any more) hold none. Raises OSError when one cannot be read.
        """
        await self.flush()
        hours = range((began - _MINUTE) // _HOUR, (ended + _MINUTE) // _HOUR + 1)
        files = [self._file(_hour_of(hour * _HOUR)) for hour in hours]
        return await asyncio.to_thread(_find, files, linkedid.encode())


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _hour_of(at: Micros) -> str:
    return datetime.fromtimestamp(at // 1_000_000, UTC).strftime("%Y-%m-%dT%H")


def _remove_before(folder: Path, oldest: str, *, all_of_them: bool) -> None:
    for file in folder.glob("*.ami"):
        if all_of_them or file.stem < oldest:
            file.unlink(missing_ok=True)


def _find(files: Iterable[Path], linkedid: bytes) -> list[TapedMessage]:
    """Messages with the Linkedid, and those with the Uniqueid of a leg that once had it."""
    legs = {linkedid}
    found: list[TapedMessage] = []
    for raw in _messages(files, legs):
        ids = set(_IDS.findall(raw))
        if ids.isdisjoint(legs):
            continue
        if linkedid in ids:
            legs |= _legs_of(raw, linkedid.decode())
        found.append(_taped(raw))
        if len(found) == MOST_FOUND:
            break
    return found


def _messages(files: Iterable[Path], legs: Set[bytes]) -> Iterator[bytes]:
    """The messages of every piece of the files in which one of ``legs`` (it may grow) is named."""
    for file in files:
        if not file.exists():
            continue
        rest = b""
        with file.open("rb") as tape:
            while read := tape.read(_PIECE):
                piece, _, rest = (rest + read).rpartition(_END)
                if any(leg in piece for leg in legs):
                    yield from piece.split(_END)


def _legs_of(raw: bytes, linkedid: str) -> set[bytes]:
    """The Uniqueids in a message that stand beside this Linkedid (``DestUniqueid``...)."""
    message = parse(raw)
    return {
        message.get(f"{name[:-8]}uniqueid").encode()
        for name, value in message.headers
        if value == linkedid and name.lower().endswith("linkedid")
    } - {b""}


def _taped(raw: bytes) -> TapedMessage:
    message = parse(raw)
    try:
        at = parse_timestamp(message.get("Timestamp"))
    except UnreadableMessage:
        at = 0
    lines = (f"{name}: {value}" for name, value in message.headers)
    return TapedMessage(at=at, text="\n".join(lines))
