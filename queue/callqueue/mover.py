"""Brings one queue of the PBX into the wanted order, with the fewest moves, and says so.

The mover keeps the line of the PBX in mind (:class:`callqueue.waiting_line.WaitingLine`), so that
a caller who joins where they belong costs nothing, and one who does not is moved at once. After
moves it reads the queue back: app_queue says nothing of them by itself. What is read is believed,
a wrong idea of the line is put right by the next plan. What another program changed meanwhile is
told (:class:`callqueue.contest.Contest`), put right once, and then left alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

import structlog

from callqueue.contest import Contest
from callqueue.moves import Move, plan_moves
from callqueue.near_moves import plan_near
from callqueue.sent_move import SentMove
from callqueue.waiting import Waiting
from callqueue.waiting_line import Place, WaitingLine
from callqueue.waiting_order import WaitingOrder
from cti.clock import Now
from cti.domain.commands import CommandFailed, MoveInQueue, Perform, ReadQueues, Reply
from cti.domain.events import Event, QueueMoved, QueueMoveFailed

log = structlog.get_logger(__name__)

ROUNDS = 3
"""Plans in a row that may not have reached the wanted order, before the next event is awaited."""
RETRY_SECONDS = 1.0


class QueueMover:
    """One queue of one switch."""

    def __init__(
        self,
        switch: str,
        queue: str,
        perform: Perform,
        record: Callable[[Event], Event],
        now: Now,
    ) -> None:
        self.switch = switch
        self.queue = queue
        self.waiting: dict[str, Waiting] = {}
        self.order = WaitingOrder()
        self._perform = perform
        self._record = record
        self._now = now
        self._line: WaitingLine | None = None
        self._suspects: set[str] | None = None
        self._joined_meanwhile: set[str] = set()
        self._offers: dict[str, str] = {}
        self._contest = Contest(switch, queue, record, now)

    # --- what happens --------------------------------------------------------------------------

    def join(self, waiting: Waiting, position: int) -> None:
        """The caller stands in the queue, at ``position`` (from 1) as the PBX said."""
        self.waiting[waiting.entry_id] = waiting
        self._joined_meanwhile.add(waiting.entry_id)
        if self._line is None and len(self.waiting) == 1 and position == 1:
            self._line, self._suspects = WaitingLine(), set()
        if self._line is not None and self._line.join(waiting.entry_id) != position:
            self.distrust()
        self.rescored(waiting)

    def rescored(self, waiting: Waiting) -> None:
        """The caller has another standing."""
        self.order.add(waiting.standing, self._now())
        self._suspect(waiting.entry_id)

    def leave(self, entry_id: str) -> None:
        """The caller is not in the queue any more."""
        self.waiting.pop(entry_id, None)
        self.order.discard(entry_id, self._now())
        self._contest.forget(entry_id)
        if self._suspects is not None:
            self._suspects.discard(entry_id)
        self._offers = {o: e for o, e in self._offers.items() if e != entry_id}
        if self._line is not None:
            self._line.leave(entry_id)

    def offer(self, offer_id: str, entry_id: str) -> None:
        """An agent's phone rings for the caller, who is not moved until it is over.

        Asterisk offers those in front; somebody else being offered tells that the line is not
        what we take it for.
        """
        self._offers[offer_id] = entry_id
        ringing = len(set(self._offers.values()))
        if self._line is not None and self._line.rank(entry_id) > ringing:
            self.distrust()

    def end_offer(self, offer_id: str) -> None:
        """It does not ring any more."""
        entry_id = self._offers.pop(offer_id, None)
        if entry_id is not None:
            self._suspect(entry_id)

    def time_came(self) -> None:
        """Some went past others by the time alone: their places are looked at."""
        self.order.advance(self._now())
        went_past = self.order.went_past()
        if self._suspects is not None:
            self._suspects |= went_past

    def score_anew(self) -> None:
        """Everybody has another standing, which does not compare with those before."""
        standings = [waiting.standing for waiting in self.waiting.values()]
        self.order = WaitingOrder(standings, self._now())
        self._suspects = None

    def distrust(self) -> None:
        """Forget how the line of the PBX stands: it is read before the next plan."""
        self._line = None

    def disconnect(self) -> None:
        """Nobody sees the PBX: what changes there now is nobody's contest."""
        self._line = None
        self._contest.look_away()

    def _suspect(self, entry_id: str) -> None:
        if self._suspects is not None:
            self._suspects.add(entry_id)

    # --- settling ------------------------------------------------------------------------------

    async def settle(self) -> None:
        """Return when the PBX has the wanted order, or cannot be brought there for now."""
        for _ in range(ROUNDS):
            try:
                if not await self._one_round():
                    return
            except CommandFailed as failure:
                self.distrust()
                log.warning("queue_not_read", queue=self.queue, reason=failure.reason)
                if failure.kind != "timeout":
                    return  # planned anew when the PBX is back
                await asyncio.sleep(RETRY_SECONDS)
        log.warning("queue_order_not_reached", queue=self.queue, rounds=ROUNDS)

    async def _one_round(self) -> bool:
        """Read if need be, plan, move, read back. False: there is nothing more to do.

        Raises :class:`CommandFailed` when the queue cannot be read.
        """
        if not self.waiting:
            return False
        line = self._line or await self._read()
        moves = self._plan(line)
        if not moves:
            return self._line is None
        sent = await self._send_all(moves, line)
        if sent:
            await self._read_back(sent)
        return any(not one.failure for one in sent)

    def _plan(self, line: WaitingLine) -> list[Move]:
        self.time_came()
        now, fixed = self._now(), self._fixed()
        moves: list[Move] | None = None
        if self._suspects is not None:
            moves = plan_near(line, self.order, self._suspects, fixed, now)
        if moves is None:
            moves = plan_moves(line.places, self.order.order(now), fixed)
        if not moves:
            self._suspects = set() if line is self._line else None
        return moves

    def _fixed(self) -> frozenset[str]:
        return frozenset(self._offers.values()) | self._contest.yielded

    async def _send_all(self, moves: Sequence[Move], line: WaitingLine) -> list[SentMove]:
        """One after the other; who left or is offered meanwhile is passed over."""
        before = {move.entry_id: line.rank(move.entry_id) for move in moves}
        sent: list[SentMove] = []
        for move in moves:
            waiting = self.waiting.get(move.entry_id)
            if waiting is None or move.entry_id in self._fixed():
                continue
            kind, failure = await self._send(move, waiting)
            if kind == "not_connected":
                break
            self._contest.sent(move.entry_id, move.priority)
            if not failure:
                line.move(move.entry_id, move.priority)
            sent.append(
                SentMove(
                    self.switch,
                    self.queue,
                    move,
                    waiting,
                    from_rank=before[move.entry_id],
                    to_rank=line.rank(move.entry_id),
                    of=len(line.places),
                    failure=failure,
                )
            )
            if kind == "lost":
                break
        return sent

    async def _send(self, move: Move, waiting: Waiting) -> tuple[str, str]:
        """The kind of failure and its reason; both empty when the PBX accepted the move."""
        command = MoveInQueue(
            call_id=waiting.call_id,
            switch=self.switch,
            queue=self.queue,
            channel=waiting.channel,
            priority=move.priority,
        )
        try:
            reply = await self._perform(command)
        except CommandFailed as failure:
            return failure.kind, failure.reason
        return ("", "") if reply.ok else ("refused", reply.message or "the PBX gave no reason")

    async def _read_back(self, sent: Sequence[SentMove]) -> None:
        """Record what became of the moves. Raises :class:`CommandFailed` after doing so."""
        try:
            line = await self._read()
        except CommandFailed:
            self._tell(one.unseen(self._now()) for one in sent)
            raise
        self._tell(one.seen(line, self._now()) for one in sent)

    def _tell(self, outcomes: Iterable[QueueMoved | QueueMoveFailed | None]) -> None:
        for event in outcomes:
            if isinstance(event, QueueMoveFailed):
                call_id, reason = event.call_id, event.reason
                log.warning("queue_move_failed", call_id=call_id, queue=self.queue, reason=reason)
            if event is not None:
                self._record(event)

    # --- reading -------------------------------------------------------------------------------

    async def _read(self) -> WaitingLine:
        """The line as QueueStatus has it. Raises :class:`CommandFailed`."""
        self._joined_meanwhile.clear()
        reply = await self._perform(ReadQueues(switch=self.switch, queue=self.queue))
        if not reply.ok:
            raise CommandFailed("lost", f"QueueStatus was refused: {reply.message}")
        line = self._line_of(reply)
        missing = [e for e in self._joined_meanwhile if e in self.waiting and e not in line]
        self._line = None if missing else line  # the reply may be older than their joining
        self._suspects = None
        self._contest.compare(line, self.waiting)
        return line

    def _line_of(self, reply: Reply) -> WaitingLine:
        by_leg = {waiting.leg: waiting for waiting in self.waiting.values()}
        rows = [r for r in reply.rows if r.get("Event") == "QueueEntry"]
        rows = [r for r in rows if r.get("Queue") == self.queue]
        rows.sort(key=lambda row: int(row["Position"]))
        return WaitingLine(self._place(row, by_leg.get(row.get("Uniqueid", ""))) for row in rows)

    def _place(self, row: Mapping[str, str], waiting: Waiting | None) -> Place:
        """A caller nobody told of yet has a place too, and is not moved."""
        priority = int(row.get("Priority", "0"))
        if waiting is None:
            return Place(row["Channel"], priority)
        waiting.channel = row["Channel"]
        return Place(waiting.entry_id, priority)
