"""A trial in a process of its own: the event loop, and the calls, never wait for it."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from callqueue.lab.load import Load
from callqueue.lab.recorded import RecordedDay
from callqueue.lab.records import NothingRecorded, read_day
from callqueue.lab.report import Plain, plain
from callqueue.lab.trial import Baseline, Reference, as_it_was, try_out
from callqueue.policy_file import policy_of
from cti.calendars import Calendar
from cti.config_files import TomlDocument
from cti.domain.events import Micros
from cti.storage import open_engine
from cti.worker import Worker

TOLD_EVERY = 0.2
"""Seconds between two words of progress."""


@dataclass(frozen=True, kw_only=True)
class RecordedTime:
    """The time from ``begin`` to ``end`` (microseconds) in the database at ``url``."""

    url: URL
    begin: Micros
    end: Micros


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to play. ``policies``: name to the text of a file that was checked; the reference first.

    A load, or recorded time, which the other process reads itself: a day of 20,000 calls is more
    than an event loop should decode.
    """

    policies: Mapping[str, str]
    calendars: Mapping[str, Calendar]
    baselines: Sequence[Baseline]
    days: Load | RecordedTime
    count: int


class TrialFailed(Exception):
    """There is no result; the message says why."""


async def play(job: Job, progress: Callable[[int, int], None], nice: int = 10) -> Plain:
    """The comparison as :func:`callqueue.lab.report.plain` gives it.

    ``nice``: how much the process stands back. Cancelling kills it. Raises :class:`TrialFailed`.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, nice), name="policy-lab", daemon=True)
    thread = Worker("policy-lab")

    def begin() -> None:
        process.start()
        theirs.close()
        ours.send(job)

    def end() -> None:
        process.kill()
        process.join()
        ours.close()

    try:
        await thread.do(begin)
        while True:
            kind, told = await thread.do(ours.recv)
            if kind == "done":
                answer: Plain = told
                return answer
            if kind == "failed":
                raise TrialFailed(told)
            progress(*told)
    except (EOFError, OSError):
        raise TrialFailed("the process of the trial ended by itself") from None
    finally:
        if process.pid is not None:
            process.kill()  # frees the thread from what it waits for
        with contextlib.suppress(ValueError):
            await thread.do(end)
        thread.stop()


def _work(connection: Connection, nice: int) -> None:
    """The other process."""
    os.nice(nice)
    with contextlib.suppress(EOFError, OSError):  # whoever asked is gone
        job: Job = connection.recv()
        try:
            connection.send(("done", played(job, _teller(connection))))
        except NothingRecorded as error:
            connection.send(("failed", str(error)))
        except SQLAlchemyError:
            connection.send(("failed", "the database does not answer: try again"))


def _teller(connection: Connection) -> Callable[[int, int], None]:
    told = 0.0

    def tell(done: int, of: int) -> None:
        nonlocal told
        if time.monotonic() - told >= TOLD_EVERY or done == of:
            told = time.monotonic()
            connection.send(("progress", (done, of)))

    return tell


def played(job: Job, progress: Callable[[int, int], None]) -> Plain:
    """The job, done here and now. Raises :class:`callqueue.lab.records.NothingRecorded`."""
    policies = {
        name: policy_of(TomlDocument(text, name), job.calendars)
        for name, text in job.policies.items()
    }
    recorded = [] if isinstance(job.days, Load) else [asyncio.run(_read(job.days))]
    days = job.days if isinstance(job.days, Load) else recorded
    comparison = try_out(policies, job.baselines, days, job.count, progress=progress)
    reference = Reference(next(iter(policies.values())))
    return plain(comparison, as_it_was(recorded, reference))


async def _read(time: RecordedTime) -> RecordedDay:
    engine = open_engine(time.url.render_as_string(hide_password=False))
    try:
        return await read_day(engine, "the time asked for", time.begin, time.end)
    finally:
        await engine.dispose()
