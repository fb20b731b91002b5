"""The queue service: scores every waiting caller and keeps the queues in the wanted order.

A caller is scored when they join, by what is known then (nobody waits for the CRM), and again
when the CRM answers (:class:`callqueue.scoring.Scoring`). Each queue has a mover of its own, which
brings the PBX into the wanted order; :class:`callqueue.movers.Movers` sets it to work.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator

import structlog

from callqueue.free_agents import FREE_EVENTS
from callqueue.gathering import GATHERED, Gathering
from callqueue.holding import Agents, Holding
from callqueue.join_priority import join_priority
from callqueue.kept_ages import KeptAges
from callqueue.mover import QueueMover
from callqueue.movers import Movers
from callqueue.policy import Policy
from callqueue.scored import placing_of, scored
from callqueue.scoring import Scoring
from callqueue.waiting import Placing, Waiting
from cti.bus import Bus
from cti.clock import Now
from cti.domain.commands import Perform
from cti.domain.events import (
    AgentOffered,
    CallQueued,
    CustomerIdentified,
    Event,
    OfferEnded,
    Placed,
    QueueEntryPlaced,
    QueueEntryScored,
    QueueLeft,
    SwitchConnected,
    SwitchLost,
)

log = structlog.get_logger(__name__)

READY_SECONDS = 1.0
"""For so long an agent who becomes free waits for the queues to be put in order, at the most."""


def _can_always_move(_switch: str) -> bool:
    return True


class NotWaiting(Exception):
    """The caller does not wait in any queue (any more)."""


class CannotMove(Exception):
    """The PBX cannot move a caller who waits."""


class QueueService:
    """Who is served next, in all queues.

    ``policy`` gives the policy in force (:class:`callqueue.policy_file.PolicyFile`);
    ``can_move(switch)`` is False for a PBX that cannot move a waiting caller (Asterisk before
    18.20 and 20.5): there callers are scored and explained, and stay where they joined.
    ``kept_ages`` says who waits since before they joined.
    ``first_switch`` is the one that agents' names do not name; ``agents`` gives the agents there
    are, by interface.
    """

    def __init__(
        self,
        policy: Callable[[], Policy],
        bus: Bus,
        record: Callable[[Event], Event],
        perform: Perform,
        now: Now,
        can_move: Callable[[str], bool] = _can_always_move,
        gathering: Gathering | None = None,
        kept_ages: KeptAges | None = None,
        first_switch: str = "",
        agents: Agents = dict,
    ) -> None:
        self.gathering = gathering or Gathering()
        self._first_switch = first_switch
        self._holding = Holding(agents, first_switch, now)
        self._scoring = Scoring(policy, self.gathering, self._holding)
        self._movers = Movers(perform, record, now, can_move)
        self._kept_ages = kept_ages or KeptAges()
        self._record = record
        self._now = now
        self._can_move = can_move
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waits: dict[str, tuple[QueueMover, str]] = {}
        self._scored_before: dict[str, QueueEntryScored] = {}
        self._events = bus.subscribe(
            "callqueue",
            *(CallQueued, AgentOffered, OfferEnded, SwitchConnected, SwitchLost),
            *GATHERED,
            *FREE_EVENTS,
        )

    def restore(self, events: Iterable[Event]) -> None:
        """Learn from the journal about calls that may still wait, before :meth:`run`.

        Their QueueEntryScored (the PBX remembers the time of a join only to the second), and what
        is known of the callers; other events are passed over.
        """
        for event in events:
            if isinstance(event, QueueEntryScored):
                self._scored_before[event.entry_id] = event
            else:
                self.gathering.take(event)
                self._holding.take(event)

    async def run(self) -> None:
        """Serve until cancelled."""
        self._loop = asyncio.get_running_loop()
        self._scoring.take_over()
        with self._events:
            async with asyncio.TaskGroup() as group:
                timer = self._movers.work_in(
                    group, lambda: self._holding.next_change, self._hold_and_release
                )
                async for event in self._events:
                    self._take(event)
                timer.cancel()

    def policy_changed(self) -> None:
        """Score all waiting callers anew, after another policy came into force. Any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._rescore_all)

    def place(self, call_id: str, placed: Placed, by: str, reason: str) -> QueueEntryPlaced:
        """A person puts a waiting caller to the front or the end, or (empty) takes that back.

        Recorded with ``by`` and ``reason``, and carried out like every change of the order. Raises
        :class:`NotWaiting` and :class:`CannotMove`.
        """
        mover, waiting = self._waiting_of(call_id)
        if not self._can_move(mover.switch):
            raise CannotMove(mover.switch)
        now = self._now()
        event = QueueEntryPlaced(
            at=now,
            switch=mover.switch,
            call_id=call_id,
            entry_id=waiting.entry_id,
            queue=mover.queue,
            placed=placed,
            by=by,
            reason=reason,
        )
        self._record(event)
        waiting.placing = Placing(placed, now, by, reason) if placed else Placing()
        self._scoring.judge(mover, waiting)
        self._judged(mover, waiting, cause=event.id)
        self._movers.wake(mover)
        return event

    def ahead(self, switch: str, queue: str, call_id: str) -> int:
        """How many are served before this call, which waits in the queue or would join it now."""
        mover, now = self._movers.of(switch, queue), self._now()
        waits_in, entry_id = self._waits.get(call_id, (None, ""))
        if waits_in is mover and entry_id in mover.order:
            return mover.order.rank(entry_id, now) - 1
        own = self._scoring.would_stand(call_id, queue, now).key(now)
        return sum(standing.key(now) < own for standing in mover.order.row(now))

    def join_priority(self, switch: str, call_id: str, queue: str) -> int | None:
        """QUEUE_PRIO for a caller who is about to join ``queue``, as far as they are known now.

        None where the PBX can move callers: there they join with 0 and are moved if need be.
        """
        if self._can_move(switch):
            return None
        return join_priority(self._scoring.score(call_id, queue, self._now()).virtual_join)

    def waiting(self) -> Iterator[tuple[str, str, Waiting]]:
        """Everybody who waits: switch, queue and caller; each queue in the wanted order."""
        now = self._now()
        for mover in self._movers:
            for standing in mover.order.row(now):
                yield mover.switch, mover.queue, mover.waiting[standing.entry_id]

    def first_queue(self, switch: str, queues: Collection[str]) -> str:
        """Of ``queues`` the one whose first caller comes before those of the others.

        Empty when people wait in none or in one of them. ``switch`` empty: the first one.
        """
        now = self._now()
        first = {
            mover.queue: standing.key(now)
            for mover in self._movers
            if mover.queue in queues and mover.switch == (switch or self._first_switch)
            if (standing := mover.order.first(now))
        }
        return min(first, key=first.__getitem__) if len(first) > 1 else ""

    async def make_ready(self, agent: str) -> None:
        """The agent is opened in a moment: who was held for them comes before the others first."""
        if not self._holding.about_to_be_free(agent):
            return
        self._hold_and_release()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(READY_SECONDS):
                await self._movers.settled()

    # --- events --------------------------------------------------------------------------------

    def _take(self, event: Event) -> None:
        self.gathering.take(event)
        if self._holding.take(event):
            self._hold_and_release()
        match event:
            case CallQueued():
                self._joined(event)
            case QueueLeft():
                self._left(event)
            case CustomerIdentified():
                self._customer_identified(event)
            case AgentOffered() if event.entry_id:
                self._movers.of(event.switch, event.queue).offer(event.offer_id, event.entry_id)
            case OfferEnded() if event.entry_id and event.ended != "answered":
                mover = self._movers.of(event.switch, event.queue)
                mover.end_offer(event.offer_id)
                self._movers.wake(mover)
            case SwitchLost():
                self._movers.lose(event.switch)
            case SwitchConnected():
                self._movers.regain(event.switch)

    def _joined(self, event: CallQueued) -> None:
        mover = self._movers.of(event.switch, event.queue)
        before = self._scored_before.pop(event.entry_id, None)
        since = self._kept_ages.take(event.call_id, event.queue) or event.at
        known = mover.waiting.get(event.entry_id)
        joined_at = known.joined_at if known else before.joined_at if before else since
        placing = known.placing if known else placing_of(before)
        waiting = self._scoring.joined(mover, event, joined_at, placing)
        self._waits[event.call_id] = mover, event.entry_id
        mover.join(waiting, event.position)
        if known or event.restored:
            mover.distrust()
        if known is None or known.score != waiting.score:
            self._record_score(mover, waiting)
        self._movers.wake(mover)

    def _left(self, event: QueueLeft) -> None:
        self._scored_before.pop(event.entry_id, None)
        self._holding.forget(event.entry_id)
        self._movers.of(event.switch, event.queue).leave(event.entry_id)
        if self._waits.get(event.call_id, (None, ""))[1] == event.entry_id:
            del self._waits[event.call_id]
        self._movers.changed()

    def _customer_identified(self, event: CustomerIdentified) -> None:
        with contextlib.suppress(NotWaiting):
            mover, waiting = self._waiting_of(event.call_id)
            held = waiting.held
            if self._scoring.judge(mover, waiting) or waiting.held != held:
                self._judged(mover, waiting, cause=event.id)
            self._movers.wake(mover)

    def _waiting_of(self, call_id: str) -> tuple[QueueMover, Waiting]:
        mover, entry_id = self._waits.get(call_id, (None, ""))
        if mover is None or entry_id not in mover.waiting:
            raise NotWaiting(call_id)
        return mover, mover.waiting[entry_id]

    # --- scores --------------------------------------------------------------------------------

    def _judged(self, mover: QueueMover, waiting: Waiting, cause: str) -> None:
        waiting.cause = cause
        mover.rescored(waiting)
        self._record_score(mover, waiting)

    def _hold_and_release(self) -> None:
        """Rules are relaxed, or somebody is free or not any more: who is held is told anew."""
        for mover, waiting in self._scoring.held_or_released():
            mover.rescored(waiting)
            self._record_score(mover, waiting)
            self._movers.wake(mover)

    def _rescore_all(self) -> None:
        """From here on the other policy holds."""
        self._scoring.take_over()
        for mover in self._movers:
            for waiting in mover.waiting.values():
                if self._scoring.judge(mover, waiting):
                    waiting.cause = ""
                    self._record_score(mover, waiting)
            mover.score_anew()
            self._movers.wake(mover)

    def _record_score(self, mover: QueueMover, waiting: Waiting) -> None:
        self._record(scored(mover.switch, mover.queue, waiting, self._now()))
