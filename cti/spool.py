"""Events on disk while the database does not take them: a file of JSON lines, in order.

Every append is synced to the disk (``fdatasync``), so what was appended survives ``kill -9`` and a
power cut. A line that a crash tore is cut off at the next start. Readers say from which number on
they want to read; when everything is in the database the file goes. The file holds personal data:
only its owner may read it. Everything here blocks: call it from one thread (:mod:`cti.worker`).
"""

from __future__ import annotations

import bisect
import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import structlog

from cti.domain.events import Event, decode, encode

log = structlog.get_logger(__name__)

LONGEST = 1024**3
"""Bytes: more than ten minutes at 1,000 events a second."""
_INDEX_EVERY = 500


class Spool:
    """The file. Errors are OSError; a spool at its limit says ``ENOSPC``, as a full disk does."""

    def __init__(self, path: Path, longest: int = LONGEST) -> None:
        self._path = path
        self._longest = longest
        self._size = 0
        self._index: list[tuple[int, int]] = []
        """Number and offset of some lines, so that a reader need not begin at the first."""
        self.first_seq = 0
        self.last_seq = 0
        """The numbers of the first and the last event; 0 when there is none."""
        self.count = 0

    def open(self) -> None:
        """Take in what a run before left. Lines that cannot be read are logged and passed over."""
        if not self._path.exists():
            return
        offset = 0
        with self._path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    log.error("journal_spool_torn", bytes=len(line), cure="none: cut off")
                    break
                if event := _event(line):
                    self._note(event.seq, offset)
                offset += len(line)
        self._size = offset
        if self.count:
            os.truncate(self._path, offset)
        else:
            self.clear()

    def append(self, events: Sequence[Event]) -> None:
        """Write and sync. After an error nothing of ``events`` is in the file."""
        lines = [encode(event) + b"\n" for event in events]
        data = b"".join(lines)
        if self._size + len(data) > self._longest:
            raise OSError(errno.ENOSPC, f"the spool has reached its limit of {self._longest} bytes")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            self._append(file, data)
        finally:
            os.close(file)
        for event, line in zip(events, lines, strict=True):
            self._note(event.seq, self._size)
            self._size += len(line)

    def _append(self, file: int, data: bytes) -> None:
        try:
            view, at = memoryview(data), self._size
            while view:
                written = os.pwrite(file, view, at)
                view, at = view[written:], at + written
            os.fdatasync(file)
        except OSError:
            os.ftruncate(file, self._size)
            raise
        if self._size == 0:
            _sync_folder(self._path.parent)

    def _note(self, seq: int, offset: int) -> None:
        if self.count % _INDEX_EVERY == 0:
            self._index.append((seq, offset))
        self.first_seq = self.first_seq or seq
        self.last_seq = seq
        self.count += 1

    def after(self, seq: int, limit: int) -> list[Event]:
        """At most ``limit`` events with a number above ``seq``, in order."""
        if seq >= self.last_seq:
            return []
        found: list[Event] = []
        for line in self._lines_from(seq):
            event = _event(line)
            if event and event.seq > seq:
                found.append(event)
                if len(found) == limit:
                    break
        return found

    def _lines_from(self, seq: int) -> Iterator[bytes]:
        place = max(0, bisect.bisect_right(self._index, (seq, self._size)) - 1)
        at = self._index[place][1]
        with self._path.open("rb") as file:
            file.seek(at)
            while at < self._size:
                line = file.readline()
                at += len(line)
                yield line

    def clear_up_to(self, seq: int) -> None:
        """Forget everything, if none of it is newer than ``seq``."""
        if self.count and self.last_seq <= seq:
            self.clear()

    def clear(self) -> None:
        """Forget everything: it is in the database."""
        self._path.unlink(missing_ok=True)
        self._index.clear()
        self._size = self.first_seq = self.last_seq = self.count = 0


def _event(line: bytes) -> Event | None:
    try:
        return decode(line)
    except msgspec.DecodeError as error:
        log.error("journal_spool_line_unreadable", reason=str(error))
        return None


def _sync_folder(folder: Path) -> None:
    """So that the name of a new file survives a power cut too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
