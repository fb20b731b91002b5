"""An AMI stream without end, made of the calls that were recorded on a real Asterisk.

Every recording of a folder is played in turn, from its first Newchannel to its last Hangup: without
registrations, log-in and rows that somebody asked for. Some calls go on at a time and take turns
event by event. Each has ids, channel names, agents' phones and times of its own; all else is byte
for byte as Asterisk sent it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count, cycle, islice
from pathlib import Path

from bench.paced_pbx import CAPTURES, call_only
from ringdesk.demo.captures import Capture, load_capture, play

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
FOLDERS: Mapping[str, Path] = {"full": CAPTURES, "lean": CAPTURES / "22"}
"""A PBX that sends everything, and one with the events that `ringdesk asterisk-config` keeps."""
NO_CALLS = "f5_snapshot_actions.ami"
AT_ONCE = 6
PIECE = 16384
"""What one read from the socket brings: the events of 4 ms at 8,000 a second."""


def calls_of(stream: str) -> Sequence[Capture]:
    files = sorted(FOLDERS[stream].glob("*.ami"))
    return [call_only(load_capture(file)) for file in files if file.name != NO_CALLS]


def events(stream: str) -> Iterator[bytes]:
    """Events with their blank lines."""
    numbers = count(1)
    captures = calls_of(stream)
    lanes = [_lane([*captures[n:], *captures[:n]], n, numbers) for n in range(AT_ONCE)]
    for lane in cycle(lanes):
        yield next(lane)


def _lane(captures: Sequence[Capture], lane: int, numbers: Iterator[int]) -> Iterator[bytes]:
    rename = {f"10{n}": f"10{lane}{n}" for n in range(1, 7)}
    rename |= {f"600{n}": f"60{lane}{n}" for n in range(1, 7)}
    for capture in cycle(captures):
        at = capture.events[0][0]
        for _, raw in play(capture, number=next(numbers), starts_at=at, speed=1, rename=rename):
            yield raw + b"\r\n\r\n"


def pieces(events: Iterator[bytes], number: int) -> Sequence[bytes]:
    """The next ``number`` events as reads from a socket, which cut them anywhere."""
    data = b"".join(islice(events, number))
    return [data[at : at + PIECE] for at in range(0, len(data), PIECE)]


def is_agent(interface: str) -> bool:
    """In the recordings ``PJSIP/trunk`` is the outside; agents' phones are 101... and 6001..."""
    return interface.startswith(("PJSIP/10", "PJSIP/6"))
