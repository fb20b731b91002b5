"""At a steady pace, wake-ups cost more than parsing: CPU of whole processes on a real connection.

The PBX of :mod:`bench.paced_pbx` sends each event when it is due, over TCP on the loopback; the
contenders are processes, log in as they always do, and take turns. panoramisk runs on asyncio,
Ringdesk's feed on uvloop, as `ringdesk serve` does.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from multiprocessing.connection import Connection
from statistics import median
from typing import Any

import uvloop
from panoramisk import Manager
from pydantic import SecretStr

from bench import paced_pbx
from bench.ami_stream import is_agent
from bench.report import Goal, print_table
from cti.ami.settings import AmiSettings
from cti.clock import now
from cti.feed import SwitchFeed

RATE = 2000
ROUNDS = 4
USER = "ringdesk"
_spawn = multiprocessing.get_context("spawn")

Count = Callable[[], int]


def ringdesk(port: int, secret: str, orders: Connection) -> None:
    """From the socket to the domain events, on the loop of the server."""
    uvloop.run(_ringdesk(port, secret, orders))


async def _ringdesk(port: int, secret: str, orders: Connection) -> None:
    settings = AmiSettings(port=port, username=USER, secret=SecretStr(secret))
    feed = SwitchFeed("pbx", settings, lambda event: event, now, is_agent)
    seen = feed.client.counters
    task = asyncio.create_task(feed.run())
    await _obey(orders, lambda: feed.whole, lambda: seen.events + seen.unwanted_events)
    task.cancel()


def panoramisk(port: int, secret: str, orders: Connection) -> None:
    """One callback for everything, on asyncio's own loop."""
    asyncio.run(_panoramisk(port, secret, orders))


async def _panoramisk(port: int, secret: str, orders: Connection) -> None:
    manager = Manager(
        loop=asyncio.get_running_loop(), host="127.0.0.1", port=port, username=USER, secret=secret
    )
    seen = 0

    def count(_manager: Manager, _event: Any) -> None:
        nonlocal seen
        seen += 1

    manager.register_event("*", count)
    await manager.connect()
    await _obey(orders, lambda: manager.authenticated, lambda: seen)


async def _obey(orders: Connection, ready: Callable[[], bool], count: Count) -> None:
    """Say when it can begin; then answer each order with the CPU seconds and the events so far."""
    while not ready():  # noqa: ASYNC110 - the peer has nothing to wait for
        await asyncio.sleep(0.01)
    orders.send(None)
    while await asyncio.to_thread(orders.recv):
        orders.send((time.process_time(), count()))


CONTENDERS: Mapping[str, Callable[[int, str, Connection], None]] = {
    "Ringdesk, to domain events, uvloop": ringdesk,
    "panoramisk, to its messages, asyncio": panoramisk,
}


class Bench:
    """The processes, and one turn after the other."""

    def __init__(self, stream: str, stack: ExitStack) -> None:
        secret = secrets.token_hex(8)
        self._stack = stack
        self._pbx = self._start(paced_pbx.run, stream, secret, list(CONTENDERS), end=None)
        ports = self._pbx.recv()
        self._runners = {
            name: self._start(runner, ports[name], secret, end=False)
            for name, runner in CONTENDERS.items()
        }
        for runner in self._runners.values():
            runner.recv()

    def _start(self, target: Callable[..., None], *args: Any, end: Any) -> Connection:
        ours, theirs = _spawn.Pipe()
        process = _spawn.Process(target=target, args=(*args, theirs), daemon=True)
        process.start()
        theirs.close()
        self._stack.callback(process.join, 15)
        self._stack.callback(ours.send, end)
        return ours

    def turn(self, name: str, seconds: float) -> tuple[float, float]:
        """CPU seconds of each event, and the rate that was reached."""
        cpu, seen = self._ask(name)
        self._pbx.send((name, RATE, seconds))
        reached, _ = self._pbx.recv()
        wanted = round(RATE * seconds)
        while (after := self._ask(name))[1] - seen < wanted:
            time.sleep(0.05)
        return (after[0] - cpu) / wanted, reached

    def _ask(self, name: str) -> tuple[float, int]:
        self._runners[name].send(True)
        answer: tuple[float, int] = self._runners[name].recv()
        return answer


def compare(seconds: float) -> Goal:
    """Who begins changes with every round."""
    costs: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    rates: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    names = list(CONTENDERS)
    with ExitStack() as stack:
        bench = Bench("full", stack)
        for name in names:
            bench.turn(name, 2)
        for number in range(ROUNDS):
            for name in names[:: 1 if number % 2 else -1]:
                cost, rate = bench.turn(name, seconds)
                costs[name].append(cost)
                rates[name].append(rate)
    ours, peer = (median(costs[name]) for name in names)
    print(f"\n{RATE:,} events/s of the full stream, one by one, over TCP")
    rows = [
        (
            name,
            f"{1e6 * median(costs[name]):.1f}",
            f"{100 * RATE * median(costs[name]):.1f}",
            f"{peer / median(costs[name]):.1f}",
            f"{median(rates[name]):,.0f}",
        )
        for name in names
    ]
    print_table(("", "CPU µs/event", "% of a core", "x panoramisk", "events/s reached"), rows)
    return Goal(f"AMI at {RATE:,} events/s, CPU, times less", peer / ours, 3)
