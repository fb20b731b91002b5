"""A trial: which policies, on which days, and what comes of it. Pure.

The first policy is the reference: its classes are what the report groups callers by, its targets
are the promises, and its head starts give the baselines their ranks and scores. All contenders so
meet the same people and are measured alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

import numpy as np

from callqueue.facts import CallerFacts
from callqueue.lab.by_policy import ByPolicy
from callqueue.lab.comparison import Comparison, Contender, compare
from callqueue.lab.disciplines import fifo, score_and_age, strict_priority
from callqueue.lab.figures import KindFigures, Promise, of_kind
from callqueue.lab.load import Load, drawn_day
from callqueue.lab.recorded import RecordedDay, scene_of
from callqueue.lab.scene import SECOND, Caller, Scene
from callqueue.policy import Policy
from cti.domain.events import Micros

Baseline = Literal["fifo", "strict", "score"]
BASELINES: tuple[Baseline, ...] = get_args(Baseline)
"""By arrival, by rank alone, by head start and age (as FreeSWITCH's mod_callcenter)."""

USUAL_TARGET = 20.0
"""Seconds: the target of a class whose policy names none."""


@dataclass(frozen=True)
class Reference:
    """How one policy sees callers, for the report and the baselines."""

    policy: Policy
    usual_target: float = USUAL_TARGET

    def kind_of(self, facts: CallerFacts, at: Micros) -> str:
        """The name of the caller's class."""
        return self.policy.class_of(facts, at).name

    def head_start(self, caller: Caller) -> int:
        """In seconds."""
        return self.policy.curve_of(caller.kind).head_start

    def promises(self) -> Mapping[str, Promise]:
        """Each class's target, and what a minute of its waits weighs: 1 and its head start's."""
        return {
            c.name: Promise(c.target or self.usual_target, 1 + c.head_start / 60)
            for c in self.policy.classes
        }

    def baseline(self, name: Baseline) -> Contender:
        """A baseline under its name."""
        if name == "fifo":
            return Contender(name, fifo)
        if name == "strict":
            return Contender(name, lambda: strict_priority(self.head_start))
        return Contender(name, lambda: score_and_age(self.head_start))


def day_maker(days: Load | Sequence[RecordedDay], reference: Reference) -> Callable[[int], Scene]:
    """Gives the scene of day 0, 1, 2...: of a load, or of recorded days in turn."""
    if isinstance(days, Load):
        return lambda number: drawn_day(days, number, reference.kind_of)
    return lambda number: scene_of(days[number % len(days)], number // len(days), reference.kind_of)


def try_out(
    policies: Mapping[str, Policy],
    baselines: Sequence[Baseline],
    days: Load | Sequence[RecordedDay],
    count: int,
    *,
    usual_target: float = USUAL_TARGET,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Comparison:
    """Play ``count`` days with each policy (name to policy, the reference first) and baseline.

    Recorded days are taken in turn, each round with other draws of what was not seen. Classes of
    which nobody called are left out. Raises :class:`callqueue.lab.simulator.Stopped`.
    """
    reference = Reference(next(iter(policies.values())), usual_target)
    contenders = [Contender(name, partial(ByPolicy, policy)) for name, policy in policies.items()]
    contenders += [reference.baseline(name) for name in baselines]
    day = day_maker(days, reference)
    seen = {caller.kind for caller in day(0).callers}
    promises = {name: one for name, one in reference.promises().items() if name in seen}
    return compare(contenders, day, count, promises, progress, stopped)


def as_it_was(days: Sequence[RecordedDay], reference: Reference) -> Mapping[str, KindFigures]:
    """What the records themselves say, counted as the simulation is, by class.

    Where it differs much from the reference policy's row the simulation leaves out something that
    mattered on that day.
    """
    waits = [(reference.kind_of(w.facts, w.joined_at), w) for day in days for w in day.waits]
    promises = reference.promises()
    found = {}
    for kind in dict.fromkeys(kind for kind, _ in waits):
        own = [wait for of, wait in waits if of == kind]
        seconds = np.array([wait.waited for wait in own]) / SECOND
        answered = np.array([wait.answered for wait in own])
        found[kind] = of_kind(seconds, answered, promises[kind])
    return found
