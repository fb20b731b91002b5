"""A PBX in a process of its own that sends recorded calls at a steady number of events a second.

It is the demo's replay PBX with another player: it logs in whoever asks and answers every action
from the state of the calls sent so far, but sends on command only. The calls run in lanes, one
agent's phone each, and take turns event by event; each has new ids, and each event the time at
which it leaves.
"""

from __future__ import annotations

import asyncio
import re
import selectors
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, cycle
from multiprocessing.connection import Connection
from pathlib import Path

from cti.ami.codec import Message, parse
from ringdesk.demo.captures import Capture, play
from ringdesk.demo.replay import ReplayPbx

CAPTURES = Path(__file__).parents[1] / "tests" / "captures"
STREAMS: Mapping[str, Sequence[str]] = {
    "lean": (
        "22/answered_caller_hangs_up.ami",
        "22/abandoned_waiting.ami",
        "22/answered_agent_hangs_up.ami",
        "22/hold.ami",
    ),
    "full": (
        "a1_queue_answered_hold_agent_hangup.ami",
        "b1_queue_abandoned_no_agents.ami",
        "a2_queue_caller_hangup.ami",
    ),
}
"""Real calls: from a PBX with the events that `ringdesk asterisk-config` keeps, and with all."""
LANES = 6
AGENT = "PJSIP/101"
"""Whose screen is measured: the phone of the first lane."""
CALLER = "+447700900147"
_CALLERS = ("15551001", "15551002", "15552001")
_STAMP = re.compile(rb"\r\nTimestamp: [\d.]+")


@dataclass(frozen=True)
class Line:
    """One event; ``rings`` is the call for which it rings the measured phone, or empty."""

    head: bytes
    tail: bytes
    message: Message
    rings: str

    def now(self) -> bytes:
        """The event as it leaves at this moment."""
        at = time.time_ns() // 1000
        return b"%b\r\nTimestamp: %d.%06d%b" % (self.head, at // 10**6, at % 10**6, self.tail)


def line_of(raw: bytes) -> Line:
    head, tail = _STAMP.split(raw, maxsplit=1)
    message = parse(raw)
    rings = message.event == "AgentCalled" and message.get("Interface") == AGENT
    return Line(head, tail, message, message.get("Linkedid") if rings else "")


def call_only(capture: Capture) -> Capture:
    """Without what was done before and after the call: registrations, members of queues."""
    names = [parse(text.encode()).event for _, text in capture.events]
    last = len(names) - names[::-1].index("Hangup")
    return Capture(capture.name, capture.events[names.index("Newchannel") : last], capture.ids)


def lane(captures: Sequence[Capture], agent: str, numbers: Iterator[int]) -> Iterator[Line]:
    """Calls without end, one after the other, for one agent's phone."""
    rename = dict.fromkeys(("6001", "101"), agent) | dict.fromkeys(_CALLERS, CALLER)
    for capture in cycle(captures):
        starts_at = time.time_ns() // 1000
        for _, raw in play(
            capture, number=next(numbers), starts_at=starts_at, speed=1, rename=rename
        ):
            yield line_of(raw)


class PacedPbx(ReplayPbx):
    """Sends when it is told to. ``rung`` has, by call, when the measured phone was rung (ns)."""

    def __init__(self, stream: str, secret: str) -> None:
        super().__init__([CAPTURES / name for name in STREAMS[stream]], secret=secret)
        numbers = count(1)
        captures = [call_only(capture) for capture in self.captures]
        self._lanes = [
            lane(
                captures[n % len(captures) :] + captures[: n % len(captures)], str(101 + n), numbers
            )
            for n in range(LANES)
        ]
        self.rung: dict[str, int] = {}

    def start_playing(self) -> None:
        """Nothing: :meth:`send` is told when."""

    async def send(self, rate: int, seconds: float) -> float:
        """``rate`` events a second; returns the rate that was reached."""
        turns = cycle(self._lanes)
        lines = [next(next(turns)) for _ in range(round(rate * seconds))]
        self.rung.clear()
        started = time.monotonic()
        for number, line in enumerate(lines):
            ahead = started + number / rate - time.monotonic()
            await asyncio.sleep(max(0.0, ahead))
            self._send(line)
        return len(lines) / (time.monotonic() - started)

    def _send(self, line: Line) -> None:
        raw = line.now()
        if line.rings:
            self.rung.setdefault(line.rings, time.monotonic_ns())
        for session in self._sessions:
            session.send_event(raw)
        self.state.apply(line.message, 0)


def run(stream: str, secret: str, contenders: Sequence[str], orders: Connection) -> None:
    """The process: says its ports, then for each order (contender, rate, seconds) what it did."""
    # epoll counts in milliseconds, select in microseconds.
    with asyncio.Runner(
        loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())
    ) as runner:
        runner.run(_serve(stream, secret, contenders, orders))


async def _serve(stream: str, secret: str, contenders: Sequence[str], orders: Connection) -> None:
    pbxs = {name: PacedPbx(stream, secret) for name in contenders}
    for pbx in pbxs.values():
        await pbx.__aenter__()
    orders.send({name: pbx.port for name, pbx in pbxs.items()})
    while (order := await asyncio.to_thread(orders.recv)) is not None:
        name, rate, seconds = order
        reached = await pbxs[name].send(rate, seconds)
        orders.send((reached, dict(pbxs[name].rung)))
