"""What became of a move that was sent, as the line that was read back shows it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from callqueue.moves import Move
from callqueue.waiting import Waiting
from callqueue.waiting_line import WaitingLine
from callqueue.wording import sentence
from cti.domain.events import Micros, QueueMoved, QueueMoveFailed

_NOT_CARRIED_OUT = (
    "the PBX accepted the move and did not carry it out (moving at once needs Asterisk 18.20,"
    " 20.5 or newer; see: ringdesk doctor)"
)


@dataclass(frozen=True, slots=True)
class SentMove:
    """A move that was sent on ``switch`` in ``queue``: the ranks before and, as planned, after it.

    ``failure`` is why it may not have been carried out; empty when the PBX accepted it.
    """

    switch: str
    queue: str
    move: Move
    waiting: Waiting
    from_rank: int
    to_rank: int
    of: int
    failure: str

    def seen(self, line: WaitingLine, now: Micros) -> QueueMoved | QueueMoveFailed | None:
        """What became of it by the line that was read back; None: nobody can tell any more."""
        entry_id = self.move.entry_id
        place = line.find(entry_id)
        if place is None:  # left the queue meanwhile, most often to talk
            return None if self.failure else self._moved(self.to_rank, self.of, now)
        if place.priority == self.move.priority and line.is_sorted_around(entry_id):
            return self._moved(line.rank(entry_id), len(line.places), now, confirmed=True)
        return self._failed(self.failure or _NOT_CARRIED_OUT, now)

    def unseen(self, now: Micros) -> QueueMoved | QueueMoveFailed:
        """What is known of it when the queue could not be read back."""
        if self.failure:
            return self._failed(f"{self.failure}; whether it was carried out is unknown", now)
        return self._moved(self.to_rank, self.of, now)

    def _moved(self, to_rank: int, of: int, now: Micros, *, confirmed: bool = False) -> QueueMoved:
        waiting = self.waiting
        waited, terms = max(0, now - waiting.joined_at), waiting.terms(now)
        return QueueMoved(
            at=now,
            switch=self.switch,
            call_id=waiting.call_id,
            cause=waiting.cause,
            entry_id=waiting.entry_id,
            queue=self.queue,
            from_rank=self.from_rank,
            to_rank=to_rank,
            of=of,
            priority=self.move.priority,
            terms=terms,
            waited=waited,
            sentence=sentence(terms, waited, to_rank, of),
            policy=waiting.score.policy,
            confirmed=confirmed,
        )

    def _failed(self, reason: str, now: Micros) -> QueueMoveFailed:
        return QueueMoveFailed(
            at=now,
            switch=self.switch,
            call_id=self.waiting.call_id,
            cause=self.waiting.cause,
            entry_id=self.waiting.entry_id,
            queue=self.queue,
            reason=reason,
        )
