"""Why a caller stands where they stand, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from callqueue.curve import SECOND, Curve
from cti.domain.events import Micros, Placed, PriorityTerm

OVERRIDE_LABELS = {"front": "moved to the front", "end": "sent to the end"}


def terms_at(
    label: str,
    curve: Curve,
    waited: Micros,
    placed: Placed = "",
    must: bool = False,
    held: str = "",
) -> tuple[PriorityTerm, ...]:
    """What a caller's place follows from after ``waited`` microseconds, age apart.

    ``must``: the ceiling is reached. ``held``: why nobody who is free may take them.
    """
    terms = [PriorityTerm(label=label, seconds=curve.head_start)]
    if placed:
        terms.insert(0, PriorityTerm(label=OVERRIDE_LABELS[placed], seconds=0))
    if must and placed != "front":
        terms.insert(0, PriorityTerm(label="must be served", seconds=0))
    if held and not must and not placed:
        terms.insert(0, PriorityTerm(label=held, seconds=0))
    urgent = curve.urgent_seconds(waited)
    if urgent:
        terms.append(PriorityTerm(label=f"target {curve.target} s", seconds=urgent))
    return tuple(terms)


def sentence(terms: Iterable[PriorityTerm], waited: Micros, rank: int, of: int) -> str:
    """The explanation for people: ``VIP +120 s, waited 35 s: 1st of 6``. ``waited`` in micros."""
    reasons = [str(term) for term in terms]
    reasons.append(f"waited {max(0, waited) // SECOND} s")
    return f"{', '.join(reasons)}: {ordinal(rank)} of {of}"


def ordinal(number: int) -> str:
    """``1st``, ``2nd``, ``3rd``, ``4th``, ``11th``, ``21st``..."""
    if number % 100 in {11, 12, 13}:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
