"""AMI bytes to domain events, against panoramisk: CPU, memory, cuts, and at a steady pace.

    python -m bench.ami [--events 20000] [--rounds 9] [--memory 1000000] [--seconds 10]

The contenders get the same bytes in the same pieces, in turns, in one process; medians of the CPU
of an event are compared. The peer is panoramisk 1.4 as it is used: its protocol, its Message, one
callback for all events ("*") that only counts. Ringdesk runs the code that `ringdesk serve` runs,
from ``data_received`` to the facts, and on to the domain events; there is no journal behind them.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import multiprocessing
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager

from bench import ami_paced
from bench.ami_stream import BANNER, FOLDERS, events, is_agent, pieces
from bench.paced_pbx import CAPTURES
from bench.report import Goal, machine, print_table, settle
from cti.ami.client import AmiClient
from cti.ami.codec import Framer, first_line, parse
from cti.ami.facts import WANTED
from cti.ami.link import Link
from cti.ami.reader import FactReader
from cti.ami.settings import AmiSettings
from cti.clock import now
from cti.domain.events import Event
from cti.feed import SwitchFeed
from cti.reducer import Reducer

Feed = Callable[[bytes], object]
"""What a read from the socket is given to."""

SPLIT = "split at the blank lines only"
FACTS = "Ringdesk, to facts"
OURS = "Ringdesk, to domain events"
PEER = "panoramisk, to its messages"
PEER_ON = "panoramisk, then our facts and reducer"
WARM_UP = 50_000
MEGABYTE = 1 << 20
CUT = CAPTURES / "22" / "message_left.ami"


def split() -> Feed:
    return Framer().feed


def to_facts() -> Feed:
    """The link and the client as in the server, and the reader behind them."""
    return linked(AmiClient(AmiSettings(), FactReader().read, wanted_events=WANTED))


def to_events(record: Callable[[Event], Event] = lambda event: event) -> Feed:
    """All that a server does with the bytes of one Asterisk, up to the journal."""
    return linked(SwitchFeed("pbx", AmiSettings(), record, now, is_agent).client)


def linked(client: AmiClient) -> Feed:
    """The client's own link, logged in without a socket."""
    link = Link(AmiSettings(), client._take_event, client.counters)
    client._link = link
    link.connection_made(NoSocket())  # type: ignore[arg-type]
    return link.data_received


class NoSocket:
    """What a protocol writes to, closes and would have rest."""

    def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...

    def is_closing(self) -> bool:
        return True


def panoramisk(callback: Callable[[Manager, Any], None] = lambda manager, event: None) -> Feed:
    manager = Manager(loop=asyncio.get_running_loop())
    manager.register_event("*", callback)
    protocol = AMIProtocol()
    protocol.connection_made(NoSocket())
    protocol.factory, protocol.encoding = manager, "utf8"
    feed: Feed = protocol.data_received
    return feed


def panoramisk_on() -> Feed:
    """The peer with what it leaves to be done."""
    reader, reducer = FactReader(), Reducer("pbx", is_agent)

    def callback(_manager: Manager, event: Any) -> None:
        fact = reader.to_fact(event)
        if fact is not None:
            reducer.apply(fact)

    return panoramisk(callback)


CONTENDERS: Mapping[str, Callable[[], Feed]] = {
    SPLIT: split,
    FACTS: to_facts,
    OURS: to_events,
    PEER: panoramisk,
    PEER_ON: panoramisk_on,
}


def race(stream: str, number: int, rounds: int) -> dict[str, float]:
    """Median CPU µs an event; each round is other calls, and who begins changes."""
    feeds = {name: make() for name, make in CONTENDERS.items()}
    for feed in feeds.values():
        feed(BANNER)
    source, names = events(stream), list(feeds)
    costs: dict[str, list[float]] = defaultdict(list)
    for turn in range(rounds + 1):
        stretch = pieces(source, number)
        for step in range(len(names)):
            name = names[(turn + step) % len(names)]
            cost = cpu_of(feeds[name], stretch) / number
            if turn:  # the first one warms up
                costs[name].append(1e6 * cost)
    return {name: median(costs[name]) for name in names}


def cpu_of(feed: Feed, stretch: Sequence[bytes]) -> float:
    gc.collect()
    started = time.process_time()
    for piece in stretch:
        feed(piece)
    return time.process_time() - started


def table(stream: str, costs: Mapping[str, float]) -> None:
    print(f"\n{stream} stream: {FOLDERS[stream].relative_to(CAPTURES.parents[1])}")
    rows = [
        (name, f"{cost:.2f}", f"{costs[PEER] / cost:.1f}", f"{costs[PEER_ON] / cost:.1f}")
        for name, cost in costs.items()
    ]
    print_table(("", "CPU µs/event", f"x {PEER}", f"x {PEER_ON}"), rows)


def memory_growth(number: int) -> tuple[float, int]:
    """MB that a process takes more after so many events than after the warm-up, and events told."""
    return asyncio.run(_memory_growth(number))


async def _memory_growth(number: int) -> tuple[float, int]:
    told = 0

    def record(event: Event) -> Event:
        nonlocal told
        told += 1
        return event

    feed, source = to_events(record), events("lean")
    feed(BANNER)
    _feed_on(feed, source, WARM_UP)
    before = _resident()
    _feed_on(feed, source, number)
    return (_resident() - before) / MEGABYTE, told


def _feed_on(feed: Feed, source: Iterator[bytes], number: int) -> None:
    while number > 0:
        for piece in pieces(source, min(number, 1000)):
            feed(piece)
        number -= 1000
    gc.collect()


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


def lost_by_cuts(file: Path) -> int:
    """How many cuts of the recording, one at each byte, do not give what the whole gives."""
    data = file.read_bytes()
    generic, reader = FactReader(), FactReader()
    whole = [generic.to_fact(parse(raw)) for raw in Framer().feed(data)]
    lost = 0
    for place in range(len(data) + 1):
        framer = Framer()
        raws = framer.feed(data[:place]) + framer.feed(data[place:])
        lost += [reader.read(first_line(raw), raw) for raw in raws] != whole
    print(f"{file.name} cut at each of {len(data):,} bytes: {lost} cuts with another outcome")
    return lost


async def compare(number: int, rounds: int) -> list[Goal]:
    costs = {stream: race(stream, number, rounds) for stream in FOLDERS}
    for stream, found in costs.items():
        table(stream, found)
    full, lean = costs["full"], costs["lean"]
    return [
        Goal("AMI full stream, CPU to domain events, times less", full[PEER] / full[OURS], 7),
        Goal(
            "AMI full stream by allow-list, CPU to facts, times less", full[PEER] / full[FACTS], 10
        ),
        Goal("AMI lean stream, CPU to facts, times less", lean[PEER] / lean[FACTS], 10),
    ]


def endure(number: int) -> Goal:
    """In a process of its own, where nothing that was used before hides what grows."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        growth, told = pool.submit(memory_growth, number).result()
    print(f"\n{number:,} lean events, {told:,} domain events: {growth:+.1f} MB")
    return Goal("AMI memory growth, MB", growth, 10, at_most=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=20_000, help="in each round")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--memory", type=int, default=1_000_000, help="events for the memory")
    parser.add_argument("--seconds", type=float, default=10, help="of each turn at a steady pace")
    chosen = parser.parse_args()
    print(machine())
    goals = asyncio.run(compare(chosen.events, chosen.rounds))
    goals.append(endure(chosen.memory))
    goals.append(Goal("AMI cuts that lose something", lost_by_cuts(CUT), 0, at_most=True))
    goals.append(ami_paced.compare(chosen.seconds))
    settle(goals)


if __name__ == "__main__":
    main()
