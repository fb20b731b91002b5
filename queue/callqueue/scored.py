"""A caller's score as the journal keeps it: all that a place is computed from. Pure."""

from __future__ import annotations

from callqueue.waiting import Placing, Waiting
from cti.domain.events import Micros, QueueEntryScored


def scored(switch: str, queue: str, waiting: Waiting, at: Micros) -> QueueEntryScored:
    """The event that tells what the caller's place follows from, from ``at`` on."""
    score, curve, placing = waiting.score, waiting.score.curve, waiting.placing
    return QueueEntryScored(
        at=at,
        switch=switch,
        call_id=waiting.call_id,
        cause=waiting.cause,
        entry_id=waiting.entry_id,
        queue=queue,
        joined_at=waiting.joined_at,
        virtual_join=score.virtual_join,
        label=score.label,
        terms=score.terms,
        policy=score.policy,
        head_start=curve.head_start,
        urgency=curve.urgency,
        target=curve.target,
        ceiling=curve.ceiling,
        held=waiting.held,
        placed=placing.placed,
        placed_at=placing.at,
        placed_by=placing.by,
        reason=placing.reason,
    )


def placing_of(event: QueueEntryScored | None) -> Placing:
    """Where a person had put the caller, as the journal says."""
    if event is None or not event.placed:
        return Placing()
    return Placing(event.placed, event.placed_at, event.placed_by, event.reason)
