"""The two files Asterisk writes, and the one stereo file that is kept.

Asterisk writes the lengths into a WAV header only when it closes the file. A header that says 0
therefore means: still being written, or never closed (Asterisk died, its disk is full).
"""

from __future__ import annotations

import hashlib
import math
import os
import struct
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]

_BLOCK = 64_000
"""Frames handled at a time: 8 seconds at 8 kHz."""
_SAMPLE = 2
_PCM = 1
_HEADER = 44
_FILE_MODE = 0o640


class BrokenAudio(Exception):
    """There is no usable audio, and why (with the cure)."""


@dataclass(frozen=True, kw_only=True)
class Leg:
    """One mono WAV file of 16 bit samples. ``size`` and ``declared`` count bytes of audio."""

    path: Path
    rate: int
    offset: int
    size: int
    declared: int

    @property
    def closed(self) -> bool:
        """Its writer has put the true length into the header."""
        return 0 < self.declared == self.size

    @property
    def frames(self) -> int:
        """Whole samples."""
        return self.size // _SAMPLE

    def blocks(self) -> Iterator[Samples]:
        """The samples, piece by piece."""
        with self.path.open("rb") as file:
            file.seek(self.offset)
            left = self.frames * _SAMPLE
            while left and (data := file.read(min(left, _BLOCK * _SAMPLE))):
                left -= len(data)
                yield np.frombuffer(data[: len(data) // _SAMPLE * _SAMPLE], dtype="<i2")


@dataclass(frozen=True, kw_only=True)
class Joined:
    """What was stored. ``note`` says what is amiss with it (empty: nothing)."""

    seconds: float
    sha256: str
    note: str = ""


def read_leg(path: Path) -> Leg | None:
    """What is in the file so far; None when there is no file.

    Raises :class:`BrokenAudio` for what is no mono 16 bit WAV file, OSError when unreadable.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            head = file.read(4096)
    except FileNotFoundError:
        return None
    if len(head) < _HEADER:
        return Leg(path=path, rate=0, offset=0, size=0, declared=0)
    return _parse(path, head, size)


def _parse(path: Path, head: bytes, size: int) -> Leg:
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        raise BrokenAudio("Asterisk's file is not a WAV file: check the disk it is on")
    rate, at = 0, 12
    while at + 8 <= len(head):
        name, length = struct.unpack_from("<4sI", head, at)
        at += 8
        if name == b"data":
            return Leg(path=path, rate=rate, offset=at, size=size - at, declared=length)
        if name == b"fmt " and at + 16 <= len(head):
            rate = _sample_rate(head, at)
        at += length + length % 2
    return Leg(path=path, rate=rate, offset=size, size=0, declared=0)  # the header is cut


def _sample_rate(head: bytes, at: int) -> int:
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", head, at)
    if (kind, channels, bits) != (_PCM, 1, 8 * _SAMPLE):
        raise BrokenAudio("Asterisk's file is not mono 16 bit PCM: record to .wav files")
    return int(rate)


def index(caller: Path, agent: Path, target: Path) -> Joined:
    """Join the files of both sides into ``target``: left the customer, right the agent.

    The shorter side is padded with silence. ``target`` appears whole or not at all. Raises
    :class:`BrokenAudio` when there is nothing to keep, OSError when the disk refuses.
    """
    sides = (read_leg(caller), read_leg(agent))
    legs = [leg for leg in sides if leg and leg.frames]
    if not legs:
        raise BrokenAudio(_nothing(sides, caller.parent))
    if len({leg.rate for leg in legs}) > 1:
        raise BrokenAudio("the two sides have different sample rates: record both to .wav files")
    _write_stereo(sides, legs[0].rate, target)
    with target.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    seconds = max(leg.frames for leg in legs) / legs[0].rate
    return Joined(seconds=seconds, sha256=digest, note=_note(*sides))


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def silenced(path: Path, spans: Sequence[tuple[float, float]]) -> tuple[Path, str]:
    """A copy of a joined file with silence on both channels in ``spans`` (seconds).

    Returns the copy, which is to replace the file, and its SHA-256. Raises :class:`BrokenAudio` for
    what :func:`index` did not write, OSError when the disk refuses.
    """
    part = path.with_suffix(".silenced")
    try:
        with wave.open(str(path), "rb") as old, part.open("wb") as file:
            with wave.open(file, "wb") as new:
                new.setparams(old.getparams())
                _copy_without(old, new, spans)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(_FILE_MODE)
        with part.open("rb") as file:
            return part, hashlib.file_digest(file, "sha256").hexdigest()
    except (EOFError, wave.Error) as error:
        part.unlink(missing_ok=True)
        raise BrokenAudio(f"the recording cannot be read: {error}") from None
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _copy_without(
    old: wave.Wave_read, new: wave.Wave_write, spans: Sequence[tuple[float, float]]
) -> None:
    rate, at = old.getframerate(), 0
    frames = [(int(start * rate), math.ceil(end * rate)) for start, end in spans]
    while data := old.readframes(_BLOCK):
        block = np.frombuffer(data, dtype="<i2").reshape(-1, old.getnchannels()).copy()
        for first, last in frames:
            block[max(0, first - at) : max(0, last - at)] = 0
        new.writeframesraw(block.tobytes())
        at += len(block)


def _nothing(sides: Sequence[Leg | None], folder: Path) -> str:
    if all(leg is None for leg in sides):
        return (
            f"Asterisk's files did not appear in {folder}: check that recordings.folder and"
            " recordings.pbx_folder are the same folder, and that Asterisk's user may write there"
        )
    return (
        "the recording is empty: no audio passed through Asterisk (set direct_media=no on the"
        " trunk and the agents), or Asterisk's disk is full"
    )


def _note(customer: Leg | None, agent: Leg | None) -> str:
    notes = []
    for name, leg in (("customer", customer), ("agent", agent)):
        if leg is None or not leg.frames:
            notes.append(f"the {name}'s side is missing")
        elif not leg.closed:
            notes.append(f"Asterisk did not finish the {name}'s side: kept what was written")
    return "; ".join(notes)


def _write_stereo(sides: Sequence[Leg | None], rate: int, target: Path) -> None:
    part = target.with_suffix(".part")
    try:
        with part.open("wb") as file:
            with wave.open(file, "wb") as out:
                out.setnchannels(2)
                out.setsampwidth(_SAMPLE)
                out.setframerate(rate)
                out.setnframes(max(leg.frames for leg in sides if leg))
                for block in _stereo_blocks(sides):
                    out.writeframesraw(block.tobytes())
            file.flush()
            os.fsync(file.fileno())
        part.chmod(_FILE_MODE)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _stereo_blocks(sides: Sequence[Leg | None]) -> Iterator[Samples]:
    nothing = np.zeros(0, dtype="<i2")
    readers = [leg.blocks() if leg else iter(()) for leg in sides]
    while True:
        pieces = [next(reader, nothing) for reader in readers]
        length = max(len(piece) for piece in pieces)
        if not length:
            return
        stereo = np.zeros((length, 2), dtype="<i2")
        for channel, piece in enumerate(pieces):
            stereo[: len(piece), channel] = piece
        yield stereo
