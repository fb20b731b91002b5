"""A program to be killed: journals a stream of numbered events and says what it kept.

    python -m tests.contract.journal_child URL SPOOL FIRST [MEGABYTES]

Each line of its output is the highest number n of an event that is on a disk: the events are
MenuChosen with digits n, counted up from FIRST. With MEGABYTES no file may grow longer than that
until a line comes in.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from pathlib import Path

from cti.bus import Bus
from cti.clock import now
from cti.domain.events import MenuChosen
from cti.journal import Journal
from cti.storage import open_engine

PER_TURN = 5


def limit_files(megabytes: float) -> None:
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    soft = int(megabytes * 1024**2) if megabytes else resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def told() -> None:
    await asyncio.to_thread(sys.stdin.readline)


async def main() -> None:
    url, spool, first, *megabytes = sys.argv[1:]
    journal = Journal(open_engine(url), Bus(), now, Path(spool))
    await journal.open("child")
    limit_files(float(megabytes[0]) if megabytes else 0)
    asyncio.create_task(journal.run())  # noqa: RUF006 - until the end of the program
    listener = asyncio.create_task(told())
    numbers: dict[int, int] = {}
    n = int(first)
    while True:
        for _ in range(PER_TURN):
            event = MenuChosen(at=n, call_id="pbx-1", menu="m", digits=str(n), label="x" * 200)
            numbers[journal.record(event).seq] = n
            n += 1
        kept = [seq for seq in numbers if seq <= journal.kept_up_to]
        if kept:
            print(numbers[kept[-1]], flush=True)
            for seq in kept:
                del numbers[seq]
        if journal.trouble.spool_refused and megabytes:
            print("full", flush=True)
        if listener.done():
            limit_files(0)
        await asyncio.sleep(0.002)


if __name__ == "__main__":
    asyncio.run(main())
