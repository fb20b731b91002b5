"""What Ringdesk takes of the machine beside its Asterisk, at a given rate of calls.

    python -m bench.rate [--rate 40] [--seconds 40]

The calls of the soak (SIPp, menus, queue, customers) on a real Asterisk with lean events beside
the real ``ringdesk serve``. CPU of both processes is read from /proc over the middle of the load.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from bench.load_rig import LoadRig, load_rig, total
from bench.process_use import cpu_seconds
from bench.report import Goal, machine, print_table, settle

SHARE_WANTED = 15.0
"""Percent of Asterisk's CPU."""
REACHED_WANTED = 0.9
"""One kind of 20 calls is to no number and never reaches Ringdesk."""
WARM_UP = 8.0
"""Seconds of load before it is measured: the first calls end then."""


@dataclass(frozen=True)
class Use:
    """So far: CPU seconds, AMI events, calls ended; ``at`` is when (the loop's seconds)."""

    ringdesk: float
    asterisk: float
    events: float
    calls: float
    at: float

    def __sub__(self, before: Use) -> Use:
        pairs = zip(astuple(self), astuple(before), strict=True)
        return Use(*(now - then for now, then in pairs))


async def use(rig: LoadRig) -> Use:
    """As it is now."""
    seen = await rig.metrics()
    return Use(
        cpu_seconds(rig.ringdesk.pid),
        cpu_seconds(rig.asterisk.pid),
        total(seen, "ringdesk_ami_events_total"),
        total(seen, "ringdesk_calls_total"),
        asyncio.get_running_loop().time(),
    )


async def measure(folder: Path, rate: float, seconds: float) -> tuple[Use, int]:
    """What ``seconds`` of load took, and how many calls failed in SIPp."""
    async with load_rig(folder, seconds + WARM_UP) as rig:
        load = asyncio.create_task(rig.load(rate, seconds + WARM_UP))
        await asyncio.sleep(WARM_UP)
        before = await use(rig)
        await asyncio.sleep(seconds)
        after = await use(rig)
        await load
        return after - before, sum(sipp.counts().failed for sipp in rig.callers.values())


def tell(taken: Use) -> None:
    """The table."""
    rows = [
        (name, f"{cpu / taken.at:.1%}", f"{1000 * cpu / taken.calls:.1f}", f"{cpu:.1f}")
        for name, cpu in (("Asterisk", taken.asterisk), ("Ringdesk", taken.ringdesk))
    ]
    print_table(("process", "of a core", "CPU ms/call", "CPU s"), rows)
    calls, events = taken.calls / taken.at, taken.events / taken.at
    print(f"\n{calls:.1f} calls/s ended, {events:,.0f} AMI events/s, {events / calls:.1f} a call")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=40, help="calls a second")
    parser.add_argument("--seconds", type=float, default=40, help="measured")
    options = parser.parse_args(arguments)
    print(machine())
    print(f"{options.rate:g} calls/s, measured over {options.seconds:g} s\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="ringdesk-rate-") as folder:
        taken, failed = asyncio.run(measure(Path(folder), options.rate, options.seconds))
    tell(taken)
    share = 100 * taken.ringdesk / taken.asterisk
    reached = taken.calls / taken.at / options.rate
    settle(
        [
            Goal("Ringdesk's CPU in % of Asterisk's", share, SHARE_WANTED, at_most=True),
            Goal("part of the rate that was reached", reached, REACHED_WANTED),
            Goal("calls that failed in SIPp", failed, 0, at_most=True),
        ]
    )


if __name__ == "__main__":
    main()
