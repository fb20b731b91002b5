"""The order of a queue at a moment of the past, from what the journal says. Pure.

A QueueEntryScored holds everything a place is computed from: the class's numbers, the time of the
join, where a person put the caller. So the order of any moment is computed as it was then, by the
same :mod:`callqueue.curve`, whatever the policy says today.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from callqueue.curve import Curve, Standing, scale_of, stand
from callqueue.wording import sentence, terms_at
from cti.domain.events import (
    CallEnded,
    Event,
    Micros,
    PriorityTerm,
    QueueEntryScored,
    QueueLeft,
    QueueMoved,
)


@dataclass(frozen=True, slots=True)
class PastPlace:
    """One caller's place at a moment: ``rank`` of ``of`` by the policy of then.

    ``moved`` is the last move on the PBX before that moment, if there was one.
    """

    scored: QueueEntryScored
    rank: int
    of: int
    waited: Micros
    terms: tuple[PriorityTerm, ...]
    sentence: str
    must_be_served: bool
    moved: QueueMoved | None = None


def order_at(events: Iterable[Event], switch: str, queue: str, at: Micros) -> list[PastPlace]:
    """Who waited in a queue at ``at``, first first; ``events`` in any order, of all these calls."""
    scores: dict[str, QueueEntryScored] = {}
    moves: dict[str, QueueMoved] = {}
    gone: set[str] = set()
    ended: set[str] = set()
    for event in sorted(events, key=lambda event: (event.at, event.seq)):
        if event.at > at:
            break
        match event:
            case QueueEntryScored() if (event.switch, event.queue) == (switch, queue):
                scores[event.entry_id] = event
            case QueueMoved():
                moves[event.entry_id] = event
            case QueueLeft():
                gone.add(event.entry_id)
            case CallEnded():
                ended.add(event.call_id)
    waiting = {
        entry_id: scored
        for entry_id, scored in scores.items()
        if entry_id not in gone and scored.call_id not in ended
    }
    standings = sorted(_standings(waiting.values()), key=lambda standing: standing.key(at))
    places = [
        _place(standing, waiting[standing.entry_id], rank, len(standings), at)
        for rank, standing in enumerate(standings, start=1)
    ]
    return [replace(place, moved=moves.get(place.scored.entry_id)) for place in places]


def _standings(scores: Iterable[QueueEntryScored]) -> list[Standing]:
    known = [(scored, _curve(scored)) for scored in scores]
    scale = scale_of(curve for _, curve in known)
    return [
        stand(
            scored.entry_id,
            scored.joined_at,
            curve,
            scale,
            scored.placed,
            scored.placed_at,
            held=bool(scored.held),
        )
        for scored, curve in known
    ]


def _curve(scored: QueueEntryScored) -> Curve:
    """Older journals have the terms only."""
    head_start = scored.head_start or sum(term.seconds for term in scored.terms)
    return Curve(head_start, scored.urgency, scored.target, scored.ceiling)


def _place(
    standing: Standing, scored: QueueEntryScored, rank: int, of: int, at: Micros
) -> PastPlace:
    waited, must = max(0, at - scored.joined_at), standing.must_be_served(at)
    terms = terms_at(scored.label, standing.curve, waited, scored.placed, must, scored.held)
    return PastPlace(scored, rank, of, waited, terms, sentence(terms, waited, rank, of), must)
