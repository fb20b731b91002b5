"""A day as the journal tells it, and the scenes that can be made of it. Pure.

What was seen is taken as it was: when people joined, who they were, how long their call took, when
agents took calls. What was not seen is drawn, anew for each seed: how long an answered caller would
still have waited (:mod:`callqueue.lab.patience`), how long the call of one who hung up would have
taken (as those of others in their queue).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import msgspec
import numpy as np

from callqueue.facts import CallerFacts
from callqueue.lab.patience import PatienceCurve, estimated
from callqueue.lab.scene import SECOND, Caller, KindOf, Scene, Seat
from cti.domain.events import Micros

ENOUGH_HUNG_UP = 50
"""A class gets a curve of its own when so many of it hung up; else that of everybody."""

Shifts = tuple[tuple[Micros, Micros], ...]


class RecordedWait(msgspec.Struct, frozen=True, kw_only=True):
    """One wait. ``ended`` is a :data:`cti.domain.events.WaitEnd`; times are microseconds.

    ``handle`` is None where nobody talked, or still does; ``rang`` is how long the phone of whoever
    took the call rang.
    """

    joined_at: Micros
    waited: Micros
    ended: str
    facts: CallerFacts
    handle: Micros | None = None
    rang: Micros = 0

    @property
    def answered(self) -> bool:
        """Whether it ended with an agent."""
        return self.ended == "connected"


class RecordedAgent(msgspec.Struct, frozen=True, kw_only=True):
    """When an agent took calls, and of which queues."""

    agent: str
    shifts: Shifts
    queues: tuple[str, ...]


class RecordedDay(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What is known of one day, from ``begin`` to ``end`` (microseconds since the epoch)."""

    name: str
    begin: Micros
    end: Micros
    waits: tuple[RecordedWait, ...]
    agents: tuple[RecordedAgent, ...]

    @cached_property
    def patience(self) -> PatienceCurve:
        """Of all callers."""
        return _curve(self.waits)

    @cached_property
    def handles(self) -> Mapping[str, Sequence[Micros]]:
        """The handle times of each queue; of all queues under an empty name."""
        found: dict[str, list[Micros]] = defaultdict(list)
        for wait in self.waits:
            if wait.handle is not None:
                found[wait.facts.queue].append(wait.handle)
                found[""].append(wait.handle)
        return found

    @cached_property
    def rings(self) -> Sequence[Micros]:
        """How long phones rang until they were answered."""
        return [wait.rang for wait in self.waits if wait.answered]


def scene_of(day: RecordedDay, seed: int, kind_of: KindOf) -> Scene:
    """The day to be played, with what was not seen drawn by ``seed``."""
    random = np.random.default_rng(np.random.SeedSequence((seed, 7)))
    chances = random.random((len(day.waits), 3)).tolist()
    kinds = [kind_of(wait.facts, wait.joined_at) for wait in day.waits]
    curves = _curves(day, kinds)
    callers = [
        Caller(
            number=number,
            joined_at=wait.joined_at,
            handle=_handle(day, wait, chances[number][0]),
            patience=_patience(wait, curves[kinds[number]], chances[number][1]),
            ring=wait.rang if wait.answered else _pick(day.rings, chances[number][2], 0),
            kind=kinds[number],
            facts=wait.facts,
        )
        for number, wait in enumerate(day.waits)
    ]
    seats = [Seat(one.agent, one.shifts, frozenset(one.queues)) for one in day.agents]
    return Scene(callers, seats, day.begin, day.end, day.begin)


def _handle(day: RecordedDay, wait: RecordedWait, chance: float) -> Micros:
    if wait.handle is not None:
        return wait.handle
    known = day.handles.get(wait.facts.queue) or day.handles.get("", ())
    return _pick(known, chance, 180 * SECOND)


def _patience(wait: RecordedWait, curve: PatienceCurve, chance: float) -> Micros:
    """As it was for who left by themselves; else beyond what they waited."""
    return curve.draw(chance, wait.waited) if wait.answered else wait.waited


def _pick(known: Sequence[Micros], chance: float, otherwise: Micros) -> Micros:
    return known[int(chance * len(known))] if known else otherwise


def _curves(day: RecordedDay, kinds: Sequence[str]) -> Mapping[str, PatienceCurve]:
    """Each class's curve of patience."""
    of_kind: dict[str, list[RecordedWait]] = defaultdict(list)
    for wait, kind in zip(day.waits, kinds, strict=True):
        of_kind[kind].append(wait)
    own = {kind: _curve(waits) for kind, waits in of_kind.items()}
    return {
        kind: curve if curve.hung_up >= ENOUGH_HUNG_UP else day.patience
        for kind, curve in own.items()
    }


def _curve(waits: Iterable[RecordedWait]) -> PatienceCurve:
    return estimated((max(wait.waited, 0), wait.ended == "abandoned") for wait in waits)
