"""One caller who waits, as the queue service thinks of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from callqueue.curve import Standing
from callqueue.eligibility import Eligibility
from callqueue.policy import Score
from callqueue.wording import terms_at
from cti.domain.events import Micros, Placed, PriorityTerm


@dataclass(frozen=True, slots=True)
class Placing:
    """Where a person put a caller, when, who and why; without ``placed`` nobody did."""

    placed: Placed = ""
    at: Micros = 0
    by: str = ""
    reason: str = ""


@dataclass(slots=True)
class Waiting:
    """One caller who waits. ``leg`` is the Uniqueid of ``channel``; ``cause`` the last event's."""

    entry_id: str
    call_id: str
    channel: str
    leg: str
    joined_at: Micros
    score: Score
    standing: Standing
    cause: str
    placing: Placing = field(default_factory=Placing)
    rule: Eligibility = field(default_factory=lambda: Eligibility(0))
    held: str = ""

    def terms(self, now: Micros) -> tuple[PriorityTerm, ...]:
        """What the place follows from now, age apart."""
        waited = max(0, now - self.joined_at)
        must = self.standing.must_be_served(now)
        return terms_at(
            self.score.label, self.score.curve, waited, self.placing.placed, must, self.held
        )
