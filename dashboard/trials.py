"""Trials of policies that somebody began on the page: one at a time, the last few remembered."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import structlog

from callqueue.lab.process import Job, TrialFailed
from cti.clock import Now
from cti.domain.events import Micros, new_id

log = structlog.get_logger(__name__)

REMEMBERED = 8

State = Literal["running", "done", "failed", "cancelled"]
Progress = Callable[[int, int], None]
Play = Callable[[Job, Progress], Awaitable[dict[str, Any]]]
MakeJob = Callable[[], Awaitable[Job]]


class Busy(Exception):
    """Somebody else's trial is running: ``by``."""

    def __init__(self, by: str) -> None:
        super().__init__(by)
        self.by = by


@dataclass(eq=False)
class Trial:
    """One trial of the policy ``title`` against the policy ``against``.

    ``on``: which days; ``done`` of ``of`` plays; ``reason``: why it failed.
    """

    id: str
    by: str
    at: Micros
    on: str
    title: str
    against: str
    state: State = "running"
    done: int = 0
    of: int = 0
    reason: str = ""
    result: dict[str, Any] | None = None
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class Trials:
    """Begins, watches and ends trials. ``play`` does the work elsewhere."""

    def __init__(self, play: Play, now: Now) -> None:
        self._play = play
        self._now = now
        self._trials: OrderedDict[str, Trial] = OrderedDict()

    def begin(self, by: str, on: str, title: str, against: str, make_job: MakeJob) -> Trial:
        """Begin one; ``make_job`` gathers what is to be played. Raises :class:`Busy`."""
        running = next((one for one in self._trials.values() if one.state == "running"), None)
        if running is not None:
            raise Busy(running.by)
        trial = Trial(new_id(), by, self._now(), on, title, against)
        self._trials[trial.id] = trial
        while len(self._trials) > REMEMBERED:
            self._trials.popitem(last=False)
        trial.task = asyncio.create_task(self._run(trial, make_job), name="policy-trial")
        return trial

    def get(self, trial_id: str) -> Trial | None:
        """A trial that is still remembered."""
        return self._trials.get(trial_id)

    @property
    def newest(self) -> Trial | None:
        """The last one begun."""
        return next(reversed(self._trials.values()), None)

    async def cancel(self, trial: Trial) -> None:
        """End it if it still runs."""
        if trial.task is not None and not trial.task.done():
            trial.task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await trial.task

    async def close(self) -> None:
        """End whatever runs."""
        for trial in self._trials.values():
            await self.cancel(trial)

    async def _run(self, trial: Trial, make_job: MakeJob) -> None:
        def progress(done: int, of: int) -> None:
            trial.done, trial.of = done, of

        try:
            trial.result = await self._play(await make_job(), progress)
            trial.state = "done"
        except asyncio.CancelledError:
            trial.state = "cancelled"
            raise
        except TrialFailed as error:
            trial.state, trial.reason = "failed", str(error)
        except OSError as error:
            trial.state, trial.reason = "failed", f"a file cannot be read: {error.strerror}"
        except Exception:
            log.exception("trial_failed")
            trial.state, trial.reason = "failed", "Ringdesk made a mistake: the log has the details"
