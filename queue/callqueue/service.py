"""The queue service: scores every waiting caller and keeps the queues in the wanted order.

A caller is scored when they join, by what is known then (nobody waits for the CRM), and again
when the CRM answers. Each queue has its own :class:`callqueue.mover.QueueMover`; moves of one
queue are sent one after the other, queues do not wait for each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import structlog

from callqueue.kept_ages import KeptAges
from callqueue.mover import QueueMover, Waiting
from callqueue.policy import Policy, Score
from cti.bus import Bus
from cti.clock import Now
from cti.domain.commands import Perform
from cti.domain.events import (
    AgentOffered,
    CallEnded,
    CallQueued,
    CustomerIdentified,
    Event,
    Micros,
    OfferEnded,
    QueueEntryScored,
    QueueLeft,
    SwitchConnected,
    SwitchLost,
)

log = structlog.get_logger(__name__)

_REMEMBERED = 10_000
"""Calls whose customer is remembered before the oldest is forgotten."""


def _can_always_move(_switch: str) -> bool:
    return True


class QueueService:
    """Who is served next, in all queues.

    ``policy`` gives the policy in force (:class:`callqueue.policy_file.PolicyFile`);
    ``can_move(switch)`` is False for a PBX that cannot move a waiting caller (Asterisk before
    18.20 and 20.5): there callers are scored and explained, and stay where they joined.
    ``kept_ages`` says who waits since before they joined.
    """

    def __init__(
        self,
        policy: Callable[[], Policy],
        bus: Bus,
        record: Callable[[Event], Event],
        perform: Perform,
        now: Now,
        can_move: Callable[[str], bool] = _can_always_move,
        kept_ages: KeptAges | None = None,
    ) -> None:
        self._policy = policy
        self._kept_ages = kept_ages or KeptAges()
        self._record = record
        self._perform = perform
        self._now = now
        self._can_move = can_move
        self._movers: dict[tuple[str, str], QueueMover] = {}
        self._woken: set[tuple[str, str]] = set()
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lost: set[str] = set()
        self._identified: dict[str, CustomerIdentified] = {}
        self._joined_before: dict[str, Micros] = {}
        self._events = bus.subscribe(
            "callqueue",
            *(CallQueued, QueueLeft, CallEnded, CustomerIdentified),
            *(AgentOffered, OfferEnded, SwitchConnected, SwitchLost),
        )

    def restore(self, events: Iterable[Event]) -> None:
        """Learn from the journal about calls that may still wait, before :meth:`run`.

        Their QueueEntryScored (the PBX remembers the time of a join only to the second) and
        CustomerIdentified; other events are passed over.
        """
        for event in events:
            if isinstance(event, QueueEntryScored):
                self._joined_before[event.entry_id] = event.joined_at
            elif isinstance(event, CustomerIdentified):
                self._remember(event)

    async def run(self) -> None:
        """Serve until cancelled."""
        self._loop = asyncio.get_running_loop()
        with self._events:
            async with asyncio.TaskGroup() as self._group:
                async for event in self._events:
                    self._take(event)

    def policy_changed(self) -> None:
        """Score all waiting callers anew, after another policy came into force. Any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._rescore_all)

    def _rescore_all(self) -> None:
        for key, mover in self._movers.items():
            for waiting in mover.waiting.values():
                self._rescore(mover, waiting, cause="")
            self._wake(key)

    def _take(self, event: Event) -> None:
        match event:
            case CallQueued():
                self._joined(event)
            case QueueLeft():
                self._left(event)
            case CustomerIdentified():
                self._customer_identified(event)
            case AgentOffered() if event.entry_id:
                self._mover(event.switch, event.queue).offer(event.offer_id, event.entry_id)
            case OfferEnded() if event.entry_id and event.ended != "answered":
                self._mover(event.switch, event.queue).end_offer(event.offer_id)
                self._wake((event.switch, event.queue))
            case CallEnded():
                self._identified.pop(event.call_id, None)
            case SwitchLost():
                self._switch_lost(event.switch)
            case SwitchConnected():
                self._switch_connected(event.switch)

    def _joined(self, event: CallQueued) -> None:
        mover = self._mover(event.switch, event.queue)
        since = self._kept_ages.take(event.call_id, event.queue)
        joined_at = self._joined_before.pop(event.entry_id, since or event.at)
        known = mover.waiting.get(event.entry_id)
        waiting = Waiting(
            entry_id=event.entry_id,
            call_id=event.call_id,
            channel=event.channel,
            leg=event.leg,
            joined_at=known.joined_at if known else joined_at,
            score=self._score(event.call_id, event.queue, known.joined_at if known else joined_at),
            cause=event.id,
        )
        mover.join(waiting, event.position)
        if known or event.restored:
            mover.distrust()
        if known is None or known.score != waiting.score:
            self._record_score(mover, waiting)
        self._wake((event.switch, event.queue))

    def _left(self, event: QueueLeft) -> None:
        self._joined_before.pop(event.entry_id, None)
        self._mover(event.switch, event.queue).leave(event.entry_id)

    def _customer_identified(self, event: CustomerIdentified) -> None:
        self._remember(event)
        for key, mover in self._movers.items():
            for waiting in mover.waiting.values():
                if waiting.call_id == event.call_id:
                    self._rescore(mover, waiting, cause=event.id)
                    self._wake(key)

    def _remember(self, event: CustomerIdentified) -> None:
        self._identified[event.call_id] = event
        if len(self._identified) > _REMEMBERED:
            del self._identified[next(iter(self._identified))]

    def _score(self, call_id: str, queue: str, joined_at: Micros) -> Score:
        return self._policy().score(self._identified.get(call_id), queue, joined_at)

    def _rescore(self, mover: QueueMover, waiting: Waiting, cause: str) -> None:
        score = self._score(waiting.call_id, mover.queue, waiting.joined_at)
        if score != waiting.score:
            waiting.score, waiting.cause = score, cause
            self._record_score(mover, waiting)

    def _record_score(self, mover: QueueMover, waiting: Waiting) -> None:
        self._record(
            QueueEntryScored(
                at=self._now(),
                switch=mover.switch,
                call_id=waiting.call_id,
                cause=waiting.cause,
                entry_id=waiting.entry_id,
                queue=mover.queue,
                joined_at=waiting.joined_at,
                virtual_join=waiting.score.virtual_join,
                label=waiting.score.label,
                terms=waiting.score.terms,
                policy=waiting.score.policy,
            )
        )

    def _mover(self, switch: str, queue: str) -> QueueMover:
        key = (switch, queue)
        if key not in self._movers:
            self._movers[key] = QueueMover(switch, queue, self._perform, self._record, self._now)
        return self._movers[key]

    def _switch_lost(self, switch: str) -> None:
        self._lost.add(switch)
        for key, mover in self._movers.items():
            if key[0] == switch:
                mover.distrust()

    def _switch_connected(self, switch: str) -> None:
        self._lost.discard(switch)
        for key, mover in self._movers.items():
            if key[0] == switch:
                mover.distrust()
                self._wake(key)

    def _wake(self, key: tuple[str, str]) -> None:
        """See to it that the queue is settled, by one task at a time."""
        if self._group is None or key[0] in self._lost or not self._can_move(key[0]):
            return
        self._woken.add(key)
        if key not in self._tasks:
            name = f"queue-{key[1]}"
            self._tasks[key] = self._group.create_task(self._settle(key), name=name)

    async def _settle(self, key: tuple[str, str]) -> None:
        try:
            while key in self._woken:
                self._woken.discard(key)
                await self._movers[key].settle()
        finally:
            del self._tasks[key]
