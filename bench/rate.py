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
from dataclasses import dataclass
from pathlib import Path

from bench.load_rig import LoadRig, load_rig, total
from bench.process_use import cpu_seconds
from bench.report import Goal, machine, print_table, settle

SHARE_WANTED = 15.0
"""Percent of Asterisk's CPU."""
WARM_UP = 8.0
"""Seconds of load before it is measured: the first calls end then."""


@dataclass(frozen=True)
class Use:
    """CPU seconds and AMI events so far, and when (the loop's seconds)."""

    ringdesk: float
    asterisk: float
    events: float
    at: float


async def use(rig: LoadRig) -> Use:
    """As it is now."""
    events = total(await rig.metrics(), "ringdesk_ami_events_total")
    now = asyncio.get_running_loop().time()
    return Use(cpu_seconds(rig.ringdesk.pid), cpu_seconds(rig.asterisk.pid), events, now)


async def measure(folder: Path, rate: float, seconds: float) -> tuple[Use, Use, int]:
    """Use at both ends of ``seconds`` under load, and how many calls failed in SIPp."""
    async with load_rig(folder, seconds + WARM_UP) as rig:
        load = asyncio.create_task(rig.load(rate, seconds + WARM_UP))
        await asyncio.sleep(WARM_UP)
        before = await use(rig)
        await asyncio.sleep(seconds)
        after = await use(rig)
        await load
        return before, after, sum(sipp.counts().failed for sipp in rig.callers.values())


def tell(before: Use, after: Use, rate: float) -> float:
    """The table; returns Ringdesk's CPU in percent of Asterisk's."""
    seconds = after.at - before.at
    calls = rate * seconds
    rows = [
        (name, f"{cpu / seconds:.0%}", f"{1000 * cpu / calls:.1f}", f"{cpu:.1f}")
        for name, cpu in (
            ("Asterisk", after.asterisk - before.asterisk),
            ("Ringdesk", after.ringdesk - before.ringdesk),
        )
    ]
    print_table(("process", "of a core", "CPU ms/call", "CPU s"), rows)
    events = after.events - before.events
    print(f"\n{events / seconds:,.0f} AMI events/s, {events / calls:.1f} a call")
    return 100 * (after.ringdesk - before.ringdesk) / (after.asterisk - before.asterisk)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=40, help="calls a second")
    parser.add_argument("--seconds", type=float, default=40, help="measured")
    options = parser.parse_args(arguments)
    print(machine())
    print(f"{options.rate:g} calls/s, measured over {options.seconds:g} s\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="ringdesk-rate-") as folder:
        before, after, failed = asyncio.run(measure(Path(folder), options.rate, options.seconds))
    share = tell(before, after, options.rate)
    settle(
        [
            Goal("Ringdesk's CPU in % of Asterisk's", share, SHARE_WANTED, at_most=True),
            Goal("calls that failed in SIPp", failed, 0, at_most=True),
        ]
    )


if __name__ == "__main__":
    main()
