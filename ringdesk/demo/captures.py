"""Captured AMI streams, made new each time they are played. Pure.

A capture is what one real Asterisk sent while a few calls were made. Played again as it is, the
same calls would happen twice; so each play gives every Uniqueid, Linkedid and channel name a new
value of the same form, and moves each ``Timestamp`` to the moment it is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cti.ami.codec import Framer, parse
from cti.domain.events import Micros

_ASTERISK_ID = re.compile(r"(.*?)(\d{9,})\.(\d+)")
_CHANNEL = re.compile(r"\b([A-Za-z][A-Za-z0-9]*/[\w@.-]+-)([0-9a-f]{8})(?![0-9a-f])")
_TIMESTAMP = re.compile(r"^Timestamp: [^\r\n]*", re.MULTILINE)
_SECOND: Final = 1_000_000
_IDS_PER_PLAY: Final = 100_000
_CHANNELS_PER_PLAY: Final = 0x1000


@dataclass(frozen=True)
class Capture:
    """Events in order, each with its time in microseconds since the epoch, and the ids in them.

    Answers to the actions of whoever captured the stream are left out: they carry no Timestamp.
    """

    name: str
    events: tuple[tuple[Micros, str], ...]
    ids: frozenset[str]


def load_capture(path: Path) -> Capture:
    """Read a capture. Raises :class:`OSError`, and ValueError for a file without timed events."""
    parsed = [(raw, parse(raw)) for raw in Framer().feed(path.read_bytes())]
    timed = [(raw, message) for raw, message in parsed if message.event and "Timestamp" in message]
    if not timed:
        raise ValueError(f"{path}: no AMI event with a Timestamp; set timestampevents = yes")
    ids = {
        value
        for _, message in timed
        for name, value in message.headers
        if value and name.lower().endswith(("uniqueid", "linkedid"))
    }
    events = ((_micros(m.get("Timestamp")), raw.decode("utf-8", "replace")) for raw, m in timed)
    return Capture(path.name, tuple(events), frozenset(ids))


def play(
    capture: Capture, *, number: int, starts_at: Micros, speed: float, rename: Mapping[str, str]
) -> Iterator[tuple[Micros, bytes]]:
    """When to send (microseconds since the epoch) and what, for play ``number`` (0, 1, 2...).

    ``rename`` replaces whole words: numbers of callers, extensions, queues.
    """
    first = capture.events[0][0]
    shift = starts_at - first
    words = dict(rename) | {old: _fresh_id(old, number, shift) for old in capture.ids}
    pattern = _any_of(words)
    due = starts_at
    for at, text in capture.events:
        due = max(due, starts_at + round((at - first) / speed))
        renewed = pattern.sub(lambda found: words[found.group()], text)
        renewed = _CHANNEL.sub(lambda found: _fresh_channel(found, number), renewed)
        yield due, _TIMESTAMP.sub(f"Timestamp: {_seconds(due)}", renewed, count=1).encode()


def _any_of(words: Mapping[str, str]) -> re.Pattern[str]:
    """Any of the words, whole, longest first."""
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")


def _fresh_id(old: str, number: int, shift: Micros) -> str:
    """Asterisk's own ids keep their form, with the new epoch in them; others get a suffix."""
    parts = _ASTERISK_ID.fullmatch(old)
    if parts is None:
        return f"{old}-{shift // _SECOND}-{number}"
    prefix, epoch, sequence = parts.groups()
    moved = int(epoch) + shift // _SECOND
    return f"{prefix}{moved}.{number * _IDS_PER_PLAY + int(sequence)}"


def _fresh_channel(found: re.Match[str], number: int) -> str:
    serial = (int(found[2], 16) + number * _CHANNELS_PER_PLAY) % 2**32
    return f"{found[1]}{serial:08x}"


def _micros(timestamp: str) -> Micros:
    seconds, _, fraction = timestamp.partition(".")
    return int(seconds) * _SECOND + int(fraction.ljust(6, "0")[:6] or 0)


def _seconds(at: Micros) -> str:
    return f"{at // _SECOND}.{at % _SECOND:06d}"
