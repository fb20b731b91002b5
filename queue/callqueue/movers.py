"""The queues of all switches, each with its mover: when each is put in order.

A queue is settled after something happened in it, and when its order changes by the time alone:
the time of the next change is known and one timer waits for it. Each queue is settled by one task
at a time; queues do not wait for each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from callqueue.curve import NEVER
from callqueue.mover import QueueMover
from cti.clock import Now
from cti.domain.commands import Perform
from cti.domain.events import Event, Micros

TOGETHER = 250_000
"""Microseconds: changes of the order that come by time alone within this long are one plan."""

Queue = tuple[str, str]
"""A switch and the name of a queue on it."""


class Movers:
    """Makes the mover of a queue when it is asked for, and sets it to work.

    Nothing is settled before :meth:`work_in`, where ``can_move(switch)`` is False, and while the
    link to the switch is lost.
    """

    def __init__(
        self,
        perform: Perform,
        record: Callable[[Event], Event],
        now: Now,
        can_move: Callable[[str], bool],
    ) -> None:
        self._perform = perform
        self._record = record
        self._now = now
        self._can_move = can_move
        self._movers: dict[Queue, QueueMover] = {}
        self._woken: set[Queue] = set()
        self._tasks: dict[Queue, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._lost: set[str] = set()
        self._changed = asyncio.Event()

    def __iter__(self) -> Iterator[QueueMover]:
        return iter(self._movers.values())

    def of(self, switch: str, queue: str) -> QueueMover:
        """The mover of this queue."""
        key = (switch, queue)
        if key not in self._movers:
            self._movers[key] = QueueMover(switch, queue, self._perform, self._record, self._now)
        return self._movers[key]

    def work_in(
        self,
        group: asyncio.TaskGroup,
        next_change: Callable[[], Micros],
        time_came: Callable[[], None],
    ) -> asyncio.Task[None]:
        """From now on settle, in ``group``, the queues that are woken; gives the timer's task.

        The timer is to be cancelled at the end. ``next_change`` says when time alone changes
        something that the orders do not know of; ``time_came`` sees to it.
        """
        self._group = group
        times = self._watch_the_time(next_change, time_came)
        return group.create_task(times, name="queue-times")

    async def _watch_the_time(
        self, next_change: Callable[[], Micros], time_came: Callable[[], None]
    ) -> None:
        """Settle each queue when its order changes by time alone."""
        while True:
            self._changed.clear()
            due = min((mover.order.next_change for mover in self), default=NEVER)
            if not await self._is_due(min(due, next_change())):
                continue
            now = self._now()
            time_came()
            for mover in self:
                if mover.order.next_change <= now:
                    mover.time_came()
                    self.wake(mover)
            await asyncio.sleep(TOGETHER / 1e6)

    async def _is_due(self, due: Micros) -> bool:
        """Wait until ``due``; False when something changed before."""
        try:
            seconds = max(0, due - self._now()) / 1e6
            async with asyncio.timeout(seconds if due < NEVER else None):
                await self._changed.wait()
        except TimeoutError:
            return self._now() >= due
        return False

    def changed(self) -> None:
        """The order may change at another time than it would have."""
        self._changed.set()

    def wake(self, mover: QueueMover) -> None:
        """See to it that the queue is settled."""
        self.changed()
        key = (mover.switch, mover.queue)
        if self._group is None or mover.switch in self._lost or not self._can_move(mover.switch):
            return
        self._woken.add(key)
        if key not in self._tasks:
            task = self._group.create_task(self._settle(key, mover), name=f"queue-{mover.queue}")
            self._tasks[key] = task

    async def _settle(self, key: Queue, mover: QueueMover) -> None:
        try:
            while key in self._woken:
                self._woken.discard(key)
                await mover.settle()
        finally:
            del self._tasks[key]

    async def settled(self) -> None:
        """Return when no queue is being put in order."""
        while self._tasks:
            await asyncio.wait(set(self._tasks.values()))

    def lose(self, switch: str) -> None:
        """The link to the switch is lost: nobody sees its queues."""
        self._lost.add(switch)
        for mover in self:
            if mover.switch == switch:
                mover.disconnect()

    def regain(self, switch: str) -> None:
        """The link to the switch is back: its queues are read anew."""
        self._lost.discard(switch)
        for mover in self:
            if mover.switch == switch:
                mover.distrust()
                self.wake(mover)
