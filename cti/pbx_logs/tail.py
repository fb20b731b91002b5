"""The end of a file that grows, from a moment on: read backwards, so that its size costs nothing.

A file that was rotated meanwhile goes on in the one it was renamed to (``queue_log.1``,
``Master.csv-20261125``), if that is not compressed yet. A last line without its end is half
written and left out. Everything here blocks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, TypeVar

import structlog

from cti.domain.events import Micros
from cti.pbx_logs.rows import UnreadableRow

log = structlog.get_logger(__name__)

BLOCK = 1 << 17
MOST_BYTES = 1 << 28
"""What is read of one file at most: a day of the busiest PBX."""
_COMPRESSED = (".gz", ".xz", ".bz2", ".zst")


class Timed(Protocol):
    """A line that was read."""

    @property
    def at(self) -> Micros:
        """When it was written, at the earliest."""


Line = TypeVar("Line", bound=Timed)


def read_since(path: Path, since: Micros, read: Callable[[str], Line]) -> list[Line]:
    """The lines of ``path`` that are no older than ``since``, oldest first.

    ``read`` makes something of a line or raises :class:`UnreadableRow`; such lines are left out.
    Lines are in the order of their writing, give or take a block of :data:`BLOCK` bytes. Raises
    OSError.
    """
    found: list[Line] = []
    for file in (path, *_rotated(path, since)):
        lines, reached = _read_back(file, since, read)
        found = lines + found
        if reached:
            break
    return found


def last_lines(path: Path) -> list[str]:
    """The last of its lines, oldest first. Raises OSError."""
    return next(_blocks_backwards(path), [])


def _rotated(path: Path, since: Micros) -> list[Path]:
    """What the file was before, newest first."""
    names = (path.name + ".", path.name + "-")
    old = [
        (file.stat().st_mtime, file)
        for file in path.parent.iterdir()
        if file.name.startswith(names) and file.suffix not in _COMPRESSED
    ]
    return [file for changed, file in sorted(old, reverse=True) if changed * 1e6 >= since]


def _read_back(path: Path, since: Micros, read: Callable[[str], Line]) -> tuple[list[Line], bool]:
    """The lines, and whether older ones were met: then nothing is in the file before."""
    blocks: list[list[Line]] = []
    unreadable = 0
    for lines in _blocks_backwards(path):
        read_lines, bad = _readable(lines, read)
        unreadable += bad
        young = [line for line in read_lines if line.at >= since]
        blocks.append(young)
        if read_lines and not young:
            break
    else:
        return _joined(path, blocks, unreadable), False
    return _joined(path, blocks, unreadable), True


def _joined(path: Path, blocks: list[list[Line]], unreadable: int) -> list[Line]:
    if unreadable:
        log.warning("pbx_log_lines_unreadable", file=path.name, lines=unreadable)
    return [line for block in reversed(blocks) for line in block]


def _readable(lines: list[str], read: Callable[[str], Line]) -> tuple[list[Line], int]:
    found, unreadable = [], 0
    for line in lines:
        try:
            found.append(read(line))
        except UnreadableRow:
            unreadable += 1
    return found, unreadable


def _blocks_backwards(path: Path) -> Iterator[list[str]]:
    """Whole lines, block by block from the end."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        begin = max(0, end - MOST_BYTES)
        rest, place, last = b"", end, True
        while place > begin:
            size = min(BLOCK, place - begin)
            place -= size
            file.seek(place)
            data = file.read(size) + rest
            rest, *whole = data.split(b"\n")
            if last and whole:
                whole.pop()  # what is behind the last line's end
                last = False
            if place == 0:
                whole.insert(0, rest)
            if lines := [line.decode("utf-8", "replace") for line in whole if line.strip()]:
                yield lines
