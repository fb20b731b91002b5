"""The queue service: scores every waiting caller and keeps the queues in the wanted order.

A caller is scored when they join, by what is known then (nobody waits for the CRM), and again
when the CRM answers. Each queue has its own :class:`callqueue.mover.QueueMover`; moves of one
queue are sent one after the other, queues do not wait for each other. Where urgency or a ceiling
changes the order while nothing happens, the time of the next change is known and one timer waits
for it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator

import structlog

from callqueue.curve import NEVER, Standing
from callqueue.free_agents import FREE_EVENTS
from callqueue.gathering import GATHERED, Gathering
from callqueue.holding import Agents, Holding
from callqueue.join_priority import join_priority
from callqueue.kept_ages import KeptAges
from callqueue.mover import Placing, QueueMover, Waiting
from callqueue.policy import Policy, Score
from callqueue.scored import placing_of, scored
from cti.bus import Bus
from cti.clock import Now
from cti.domain.commands import Perform
from cti.domain.events import (
    AgentOffered,
    CallQueued,
    CustomerIdentified,
    Event,
    Micros,
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
TOGETHER = 250_000
"""Microseconds: changes of the order that come by time alone within this long are one plan."""


_LAST = "\uffff"
"""An entry that stands behind all others that joined at the same time."""


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
        self._policy = policy
        self._in_force = policy()
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
        self._waits: dict[str, tuple[tuple[str, str], str]] = {}
        self._scored_before: dict[str, QueueEntryScored] = {}
        self._changed = asyncio.Event()
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
        self._in_force = self._policy()
        with self._events:
            async with asyncio.TaskGroup() as self._group:
                timer = self._group.create_task(self._watch_the_time(), name="queue-times")
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
        self._score_again(mover, waiting, cause=event.id)
        self._wake((mover.switch, mover.queue))
        return event

    def ahead(self, switch: str, queue: str, call_id: str) -> int:
        """How many are served before this call, which waits in the queue or would join it now."""
        mover, now = self._mover(switch, queue), self._now()
        key, entry_id = self._waits.get(call_id, (("", ""), ""))
        if key == (switch, queue) and entry_id in mover.order:
            return mover.order.rank(entry_id, now) - 1
        policy, score = self._in_force, self._score(call_id, queue, now)
        own = policy.stand(_LAST, score, now).key(now)
        return sum(standing.key(now) < own for standing in mover.order.row(now))

    def join_priority(self, switch: str, call_id: str, queue: str) -> int | None:
        """QUEUE_PRIO for a caller who is about to join ``queue``, as far as they are known now.

        None where the PBX can move callers: there they join with 0 and are moved if need be.
        """
        if self._can_move(switch):
            return None
        return join_priority(self._score(call_id, queue, self._now()).virtual_join)

    def waiting(self) -> Iterator[tuple[str, str, Waiting]]:
        """Everybody who waits: switch, queue and caller; each queue in the wanted order."""
        now = self._now()
        for (switch, queue), mover in self._movers.items():
            for standing in mover.order.row(now):
                yield switch, queue, mover.waiting[standing.entry_id]

    def first_queue(self, switch: str, queues: Collection[str]) -> str:
        """Of ``queues`` the one whose first caller comes before those of the others.

        Empty when people wait in none or in one of them. ``switch`` empty: the first one.
        """
        now = self._now()
        first = {
            queue: standing.key(now)
            for (at, queue), mover in self._movers.items()
            if queue in queues and at == (switch or self._first_switch)
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
                while self._tasks:
                    await asyncio.wait(set(self._tasks.values()))

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
                self._mover(event.switch, event.queue).offer(event.offer_id, event.entry_id)
            case OfferEnded() if event.entry_id and event.ended != "answered":
                self._mover(event.switch, event.queue).end_offer(event.offer_id)
                self._wake((event.switch, event.queue))
            case SwitchLost():
                self._switch_lost(event.switch)
            case SwitchConnected():
                self._switch_connected(event.switch)

    def _joined(self, event: CallQueued) -> None:
        mover = self._mover(event.switch, event.queue)
        before = self._scored_before.pop(event.entry_id, None)
        since = self._kept_ages.take(event.call_id, event.queue) or event.at
        known = mover.waiting.get(event.entry_id)
        joined_at = known.joined_at if known else before.joined_at if before else since
        placing = known.placing if known else placing_of(before)
        facts = self.gathering.facts(event.call_id, event.queue, joined_at)
        score = self._in_force.score(facts, joined_at)
        waiting = Waiting(
            entry_id=event.entry_id,
            call_id=event.call_id,
            channel=event.channel,
            leg=event.leg,
            joined_at=joined_at,
            score=score,
            standing=self._in_force.stand(
                event.entry_id, score, joined_at, placing.placed, placing.at
            ),
            cause=event.id,
            placing=placing,
        )
        rule = self._in_force.eligibility(facts, joined_at)
        self._holding.keep(mover, waiting, rule, self._in_force)
        waiting.standing = self._standing(waiting)
        self._waits[event.call_id] = (event.switch, event.queue), event.entry_id
        mover.join(waiting, event.position)
        if known or event.restored:
            mover.distrust()
        if known is None or known.score != waiting.score:
            self._record_score(mover, waiting)
        self._wake((event.switch, event.queue))

    def _left(self, event: QueueLeft) -> None:
        self._scored_before.pop(event.entry_id, None)
        self._holding.forget(event.entry_id)
        self._mover(event.switch, event.queue).leave(event.entry_id)
        if self._waits.get(event.call_id, ("", ""))[1] == event.entry_id:
            del self._waits[event.call_id]
        self._changed.set()

    def _customer_identified(self, event: CustomerIdentified) -> None:
        with contextlib.suppress(NotWaiting):
            mover, waiting = self._waiting_of(event.call_id)
            if self._score(event.call_id, mover.queue, waiting.joined_at) != waiting.score:
                self._score_again(mover, waiting, cause=event.id)
            self._wake((mover.switch, mover.queue))

    def _waiting_of(self, call_id: str) -> tuple[QueueMover, Waiting]:
        key, entry_id = self._waits.get(call_id, (("", ""), ""))
        mover = self._movers.get(key)
        if mover is None or entry_id not in mover.waiting:
            raise NotWaiting(call_id)
        return mover, mover.waiting[entry_id]

    # --- scores --------------------------------------------------------------------------------

    def _score(self, call_id: str, queue: str, joined_at: Micros) -> Score:
        return self._in_force.score(self.gathering.facts(call_id, queue, joined_at), joined_at)

    def _score_again(self, mover: QueueMover, waiting: Waiting, cause: str) -> None:
        facts = self.gathering.facts(waiting.call_id, mover.queue, waiting.joined_at)
        waiting.score = self._in_force.score(facts, waiting.joined_at)
        rule = self._in_force.eligibility(facts, waiting.joined_at)
        self._holding.keep(mover, waiting, rule, self._in_force)
        waiting.cause = cause
        waiting.standing = self._standing(waiting)
        mover.rescored(waiting)
        self._record_score(mover, waiting)

    def _standing(self, waiting: Waiting) -> Standing:
        return self._in_force.stand(
            waiting.entry_id,
            waiting.score,
            waiting.joined_at,
            waiting.placing.placed,
            waiting.placing.at,
            held=bool(waiting.held),
        )

    def _hold_and_release(self) -> None:
        """Rules are relaxed, or somebody is free or not any more: who is held is told anew."""
        for mover, waiting in self._holding.changed(self._in_force):
            waiting.standing = self._standing(waiting)
            mover.rescored(waiting)
            self._record_score(mover, waiting)
            self._wake((mover.switch, mover.queue))

    def _rescore_all(self) -> None:
        """From here on the other policy holds: standings of two policies do not compare."""
        self._in_force = self._policy()
        for key, mover in self._movers.items():
            for waiting in mover.waiting.values():
                facts = self.gathering.facts(waiting.call_id, mover.queue, waiting.joined_at)
                score = self._in_force.score(facts, waiting.joined_at)
                rule = self._in_force.eligibility(facts, waiting.joined_at)
                self._holding.keep(mover, waiting, rule, self._in_force)
                if score != waiting.score:
                    waiting.score, waiting.cause = score, ""
                    self._record_score(mover, waiting)
            mover.score_anew({w.entry_id: self._standing(w) for w in mover.waiting.values()})
            self._wake(key)

    def _record_score(self, mover: QueueMover, waiting: Waiting) -> None:
        self._record(scored(mover.switch, mover.queue, waiting, self._now()))

    # --- movers and their times ----------------------------------------------------------------

    def _mover(self, switch: str, queue: str) -> QueueMover:
        key = (switch, queue)
        if key not in self._movers:
            self._movers[key] = QueueMover(switch, queue, self._perform, self._record, self._now)
        return self._movers[key]

    def _switch_lost(self, switch: str) -> None:
        self._lost.add(switch)
        for key, mover in self._movers.items():
            if key[0] == switch:
                mover.disconnect()

    def _switch_connected(self, switch: str) -> None:
        self._lost.discard(switch)
        for key, mover in self._movers.items():
            if key[0] == switch:
                mover.distrust()
                self._wake(key)

    async def _watch_the_time(self) -> None:
        """Settle each queue when its order changes by time alone."""
        while True:
            self._changed.clear()
            due = min((m.order.next_change for m in self._movers.values()), default=NEVER)
            due = min(due, self._holding.next_change)
            if not await self._is_due(due):
                continue
            now = self._now()
            self._hold_and_release()
            for key, mover in self._movers.items():
                if mover.order.next_change <= now:
                    mover.time_came()
                    self._wake(key)
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

    def _wake(self, key: tuple[str, str]) -> None:
        """See to it that the queue is settled, by one task at a time."""
        self._changed.set()
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
