"""What a caller's place follows from: the facts known of them, the policy in force, who is free."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from callqueue.curve import Standing
from callqueue.facts import CallerFacts
from callqueue.gathering import Gathering
from callqueue.holding import Holding
from callqueue.mover import QueueMover
from callqueue.policy import Policy, Score
from callqueue.waiting import Placing, Waiting
from cti.domain.events import CallQueued, Micros

_LAST = "\uffff"
"""An entry that stands behind all others that joined at the same time."""


class Scoring:
    """Scores callers by one policy: standings of two do not compare.

    ``policy`` gives the policy in force; another one counts from :meth:`take_over` on, and then
    everybody who waits is to be judged again.
    """

    def __init__(
        self, policy: Callable[[], Policy], gathering: Gathering, holding: Holding
    ) -> None:
        self._policy = policy
        self._in_force = policy()
        self._gathering = gathering
        self._holding = holding

    def take_over(self) -> None:
        """From here on the policy that is in force now holds."""
        self._in_force = self._policy()

    def score(self, call_id: str, queue: str, joined_at: Micros) -> Score:
        """The score by what is known of the caller now."""
        return self._in_force.score(self._facts(call_id, queue, joined_at), joined_at)

    def would_stand(self, call_id: str, queue: str, now: Micros) -> Standing:
        """Where somebody stands who joins the queue now, behind all others who do."""
        return self._in_force.stand(_LAST, self.score(call_id, queue, now), now)

    def joined(
        self, mover: QueueMover, event: CallQueued, joined_at: Micros, placing: Placing
    ) -> Waiting:
        """Somebody who waits from now on, judged by what is known of them."""
        facts = self._facts(event.call_id, event.queue, joined_at)
        score = self._in_force.score(facts, joined_at)
        waiting = Waiting(
            entry_id=event.entry_id,
            call_id=event.call_id,
            channel=event.channel,
            leg=event.leg,
            joined_at=joined_at,
            score=score,
            standing=self._in_force.stand(event.entry_id, score, joined_at),
            cause=event.id,
            placing=placing,
        )
        self._hold(mover, waiting, facts)
        return waiting

    def judge(self, mover: QueueMover, waiting: Waiting) -> bool:
        """Score, rule and standing by what is known now; whether the score is another one."""
        facts = self._facts(waiting.call_id, mover.queue, waiting.joined_at)
        before, waiting.score = waiting.score, self._in_force.score(facts, waiting.joined_at)
        self._hold(mover, waiting, facts)
        return waiting.score != before

    def held_or_released(self) -> Iterator[tuple[QueueMover, Waiting]]:
        """Those who are held now and were not, or the other way round, with their new standing."""
        for mover, waiting in self._holding.changed(self._in_force):
            waiting.standing = self._standing(waiting)
            yield mover, waiting

    def _facts(self, call_id: str, queue: str, joined_at: Micros) -> CallerFacts:
        return self._gathering.facts(call_id, queue, joined_at)

    def _hold(self, mover: QueueMover, waiting: Waiting, facts: CallerFacts) -> None:
        rule = self._in_force.eligibility(facts, waiting.joined_at)
        self._holding.keep(mover, waiting, rule, self._in_force)
        waiting.standing = self._standing(waiting)

    def _standing(self, waiting: Waiting) -> Standing:
        return self._in_force.stand(
            waiting.entry_id,
            waiting.score,
            waiting.joined_at,
            waiting.placing.placed,
            waiting.placing.at,
            held=bool(waiting.held),
        )
