"""The soak: every call right, memory flat, over many calls on a real Asterisk.

    python -m bench.soak [--minutes 20] [--rate 20]

SIPp calls with mixed ends into a real Asterisk 22 beside the real ``ringdesk serve`` (SQLite,
recording off). Ends with status 1 when a count differs or memory grows beyond the limit.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from bench.load_rig import LoadRig, Samples, load_rig, total
from bench.process_use import cpu_seconds, resident_megabytes
from bench.report import Goal, machine, print_table, settle
from bench.soak_counts import Line, compare, read_database

GROWTH_LIMIT = 10.0
"""Megabytes that Ringdesk may hold more at the end than after the warm-up."""
WARM_UP = 60.0
"""Seconds (at most a third of the soak): caches fill, the first prompts are read."""
_LOST = (
    "ringdesk_journal_dropped_total",
    "ringdesk_ami_faults_total",
    "ringdesk_ami_unreadable_total",
)


async def sample_memory(pid: int, samples: list[float]) -> None:
    """Megabytes held, once a second, until cancelled."""
    while True:
        samples.append(resident_megabytes(pid))
        await asyncio.sleep(1)


def _tenths(samples: Sequence[float]) -> str:
    part = max(1, len(samples) // 10)
    parts = (samples[at : at + part] for at in range(0, len(samples), part))
    return ", ".join(f"{median(part):.0f}" for part in parts)


def growth(samples: Sequence[float]) -> float:
    """From the first to the last tenth (megabytes, medians)."""
    part = max(1, len(samples) // 10)
    return median(samples[-part:]) - median(samples[:part])


def lag_bound(before: Samples, after: Samples, share: float) -> float:
    """The upper bound (seconds) of the bucket below which ``share`` of the events lagged."""
    counts = {
        float(dict(labels)["le"]): value - before.get((name, labels), 0)
        for (name, labels), value in after.items()
        if name == "ringdesk_event_lag_seconds_bucket"
    }
    wanted = share * max(counts.values())
    return min(bound for bound, count in counts.items() if count >= wanted)


async def soak(folder: Path, minutes: float, rate: float) -> tuple[list[Line], list[str], float]:
    """The comparison, the calls that differ, and by how many megabytes Ringdesk has grown."""
    seconds = minutes * 60
    async with load_rig(folder, seconds) as rig:
        before, memory = await rig.metrics(), list[float]()
        sampler = asyncio.create_task(sample_memory(rig.ringdesk.pid, memory))
        await rig.load(rate, seconds)
        sampler.cancel()
        after = await rig.quiet()
        lines, different = compare(
            {name: sipp.counts() for name, sipp in rig.callers.items()},
            rig.queue_log,
            read_database(rig.database),
        )
        warm = memory[round(min(WARM_UP, seconds / 3)) :]
        print(_figures(rig, before, after, warm))
        _tell_of_sipp(rig)
    lost = round(sum(total(after, name) for name in _LOST))
    return (
        [*lines, Line("events lost, dropped or unreadable", None, 0, lost)],
        different,
        growth(warm),
    )


def _figures(rig: LoadRig, before: Samples, after: Samples, warm: Sequence[float]) -> str:
    events = total(after, "ringdesk_ami_events_total") - total(before, "ringdesk_ami_events_total")
    p50, p99 = (1000 * lag_bound(before, after, share) for share in (0.5, 0.99))
    ours, theirs = cpu_seconds(rig.ringdesk.pid), cpu_seconds(rig.asterisk.pid)
    return f"""{events:,.0f} AMI events; lag from the PBX's timestamp to the bus: \
p50 at most {p50:g} ms, p99 at most {p99:g} ms
memory of ringdesk after the warm-up, by tenths of the time (MB): {_tenths(warm)}
CPU since the start: Ringdesk {ours:.1f} s, Asterisk {theirs:.1f} s
"""


def _tell_of_sipp(rig: LoadRig) -> None:
    for name, sipp in {**rig.callers, **rig.phones}.items():
        if failed := sipp.counts().failed:
            print(f"SIPp ({name}): {failed} failed\n{sipp.errors()}\n")


def tell(lines: Sequence[Line], different: Sequence[str]) -> None:
    """The table, and what differs in words."""
    head = ("compared", "SIPp", "Asterisk", "Ringdesk", "")
    print_table(head, [line.cells() for line in lines])
    for call in different:
        print(call)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--rate", type=float, default=20, help="calls a second")
    options = parser.parse_args(arguments)
    print(machine())
    print(f"{options.minutes:g} minutes of {options.rate:g} calls/s\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="ringdesk-soak-") as folder:
        lines, different, grown = asyncio.run(soak(Path(folder), options.minutes, options.rate))
    tell(lines, different)
    unequal = sum(not line.equal for line in lines)
    settle(
        [
            Goal("counts that differ", unequal, 0, at_most=True),
            Goal("growth of memory in MB", grown, GROWTH_LIMIT, at_most=True),
        ]
    )


if __name__ == "__main__":
    main()
