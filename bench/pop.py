"""Screen-pop: from the AMI line that rings the agent's phone to the message in their browser.

    python -m bench.pop [--stream lean] [--rates 1000 5000] [--rounds 6] [--seconds 6]

Three contenders get the same stream at the same pace, in turns, each in a process of its own, and
the PBX and the browser are processes, too. The floor is a relay that passes on bytes and looks at
none; the peer is panoramisk with aiohttp on asyncio. Ringdesk is the whole server, and its pop
counts when the customer is in it: the others send the caller's number.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import re
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import inf
from multiprocessing.connection import Connection
from statistics import median, quantiles
from typing import Any

from bench import paced_pbx, pop_browser
from bench.pop_browser import Frames
from bench.pop_contenders import CONTENDERS, Door
from bench.report import Goal, machine, print_table, settle
from dashboard.merge_patch import apply

FLOOR, OURS, PEER = CONTENDERS
WARM_UP = 0.5
SETTLE_SECONDS = 1.0
_FIRST_ANSWER = 60.0
_spawn = multiprocessing.get_context("spawn")

Arrivals = dict[str, int]
"""By call: when its pop was in the browser (ns)."""


def relayed(frames: Frames) -> Arrivals:
    """The AgentCalled of the measured phone, in frames that may cut it anywhere."""
    seen: Arrivals = {}
    text = b""
    for at, data in frames:
        text += data
        *whole, text = text.split(b"\r\n\r\n")
        for raw in whole:
            if raw.startswith(b"Event: AgentCalled") and b"\r\nInterface: PJSIP/101\r" in raw:
                found = re.search(rb"\r\nLinkedid: ([^\r]+)", raw)
                assert found is not None
                seen.setdefault(found[1].decode(), at)
    return seen


def told(frames: Frames) -> Arrivals:
    """The peer's messages."""
    messages = ((at, json.loads(data)) for at, data in frames)
    return {message["call_id"]: at for at, message in messages if message}


def popped(frames: Frames) -> Arrivals:
    """Ringdesk's view after each frame: the call on the desk, with its customer."""
    seen: Arrivals = {}
    view: dict[str, Any] = {}
    seq = 0
    for at, data in frames:
        frame = json.loads(data)
        if frame["type"] == "snapshot":
            view = frame["view"]
        elif frame["prev"] == seq:
            view = apply(view, frame["patch"])
        else:
            raise SystemExit(f"a delta follows {frame['prev']}, the browser has {seq}")
        seq = frame["seq"]
        call = view.get("call", {})
        if call.get("phase") == "ringing" and "customer" in call.get("pop", {}):
            seen.setdefault(call["call_id"].removeprefix("pbx-"), at)
    return seen


READERS: Mapping[str, Callable[[Frames], Arrivals]] = {FLOOR: relayed, OURS: popped, PEER: told}


@dataclass
class Tally:
    """What one contender did at one rate. Latencies in seconds."""

    latencies: list[float] = field(default_factory=list)
    rung: int = 0
    rates: list[float] = field(default_factory=list)

    def add(self, rung: Mapping[str, int], arrived: Arrivals) -> None:
        counted = [call for call, at in rung.items() if at - min(rung.values()) > WARM_UP * 1e9]
        self.rung += len(counted)
        self.latencies += [(arrived[c] - rung[c]) / 1e9 for c in counted if c in arrived]

    @property
    def p50(self) -> float:
        return median(self.latencies or [inf])

    @property
    def p99(self) -> float:
        return quantiles(self.latencies, n=100)[98] if len(self.latencies) > 1 else inf


class Bench:
    """The processes, and one round after the other."""

    def __init__(self, stream: str, stack: ExitStack) -> None:
        secret = secrets.token_hex(8)
        self._stack = stack
        self._pbx = self._start(paced_pbx.run, stream, secret, list(CONTENDERS), end=None)
        ports: dict[str, int] = self._pbx.recv()
        self._browser = self._start(pop_browser.run, end=False)
        self._doors: dict[str, Door] = {}
        for name, contender in CONTENDERS.items():
            ready = self._start(contender, ports[name], secret, end=None)
            if not ready.poll(_FIRST_ANSWER):
                raise SystemExit(f"{name} did not come up within {_FIRST_ANSWER:g} s")
            self._doors[name] = ready.recv()

    def _start(self, target: Callable[..., None], *args: Any, end: Any) -> Connection:
        ours, theirs = _spawn.Pipe()
        process = _spawn.Process(target=target, args=(*args, theirs), daemon=True)
        process.start()
        theirs.close()
        self._stack.callback(process.join, 15)
        self._stack.callback(ours.send, end)
        return ours

    def round(
        self, name: str, rate: int, seconds: float
    ) -> tuple[float, Mapping[str, int], Arrivals]:
        """The rate that was reached, when the phone was rung, when the pop was there."""
        self._browser.send(self._doors[name])
        self._browser.recv()
        self._pbx.send((name, rate, seconds))
        reached, rung = self._pbx.recv()
        time.sleep(SETTLE_SECONDS)
        self._browser.send(None)
        return reached, rung, READERS[name](self._browser.recv())


def race(
    stream: str, rates: Sequence[int], rounds: int, seconds: float
) -> dict[int, dict[str, Tally]]:
    """Who begins changes with every round."""
    tallies: dict[int, dict[str, Tally]] = {rate: defaultdict(Tally) for rate in rates}
    names = list(CONTENDERS)
    with ExitStack() as stack:
        bench = Bench(stream, stack)
        for name in names:
            bench.round(name, rates[0], 2)
        for turn in range(rounds):
            for rate in rates:
                for step in range(len(names)):
                    name = names[(turn + step) % len(names)]
                    reached, rung, arrived = bench.round(name, rate, seconds)
                    tallies[rate][name].add(rung, arrived)
                    tallies[rate][name].rates.append(reached)
    return tallies


def table(rate: int, tallies: Mapping[str, Tally]) -> None:
    """One rate's figures."""
    floor, peer = tallies[FLOOR], tallies[PEER]
    rows = [
        (
            name,
            f"{1000 * tally.p50:.2f}",
            f"{1000 * tally.p99:.2f}",
            f"{tally.p50 / floor.p50:.2f}",
            f"{peer.p50 / tally.p50:.1f}",
            f"{peer.p99 / tally.p99:.1f}",
            f"{len(tally.latencies)} of {tally.rung}",
            f"{median(tally.rates):,.0f}",
        )
        for name, tally in tallies.items()
    ]
    print(f"\n{rate:,} events/s")
    head = ("", "p50 ms", "p99 ms", "p50 / floor", "x p50", "x p99", "pops", "events/s reached")
    print_table(head, rows)


def goals(rate: int, tallies: Mapping[str, Tally]) -> list[Goal]:
    ours, floor, peer = tallies[OURS].p50, tallies[FLOOR].p50, tallies[PEER].p50
    name = f"screen-pop p50 at {rate:,} events/s"
    arrived = len(tallies[OURS].latencies) / max(1, tallies[OURS].rung)
    return [
        Goal(f"screen-pops that arrived while it rang at {rate:,} events/s", arrived, 1),
        Goal(f"{name}, times the byte relay", ours / floor, 1.25, at_most=True),
        Goal(f"{name}, better than panoramisk + aiohttp", peer / ours, 2.5),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stream", choices=paced_pbx.STREAMS, default="lean")
    parser.add_argument("--rates", type=int, nargs="+", default=[1000, 5000])
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=6)
    chosen = parser.parse_args()
    print(machine())
    found = race(chosen.stream, chosen.rates, chosen.rounds, chosen.seconds)
    print(f"\nstream: {chosen.stream} (calls recorded on a real Asterisk)")
    for rate, tallies in found.items():
        table(rate, tallies)
    settle([goal for rate, tallies in found.items() for goal in goals(rate, tallies)])


if __name__ == "__main__":
    main()
