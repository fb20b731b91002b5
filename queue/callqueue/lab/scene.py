"""What a simulation plays: callers with their whole fate, and the agents' hours. Pure.

A caller's handle time and patience are drawn with the caller, before any policy is played: two
policies then meet the very same people (common random numbers), and what differs between them is
the policy alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from callqueue.facts import CallerFacts
from cti.domain.events import Micros

SECOND: Micros = 1_000_000
HOUR: Micros = 3_600 * SECOND
NEVER: Micros = 1 << 62
"""A patience that does not end, or a shift that does not."""


KindOf = Callable[[CallerFacts, Micros], str]
"""The class that reports count a caller under, by their facts and the time of the join."""

STRANGER = CallerFacts(match="none")


@dataclass(frozen=True, slots=True)
class Caller:
    """One wait of one caller.

    ``number`` is the place in the scene's list. ``handle`` is how long the caller occupies an
    agent (talk and wrap-up), ``patience`` how long they wait before they hang up, ``ring`` how long
    the agent's phone rings first, which belongs to the wait: in microseconds, as ``joined_at``.
    ``kind`` is what reports group by, ``facts`` what a policy may know.
    """

    number: int
    joined_at: Micros
    handle: Micros
    patience: Micros
    kind: str = ""
    facts: CallerFacts = STRANGER
    ring: Micros = 0


@dataclass(frozen=True, slots=True)
class Seat:
    """One agent as the simulation needs them.

    ``queues``: those they serve (empty: all). ``shifts``: from when to when they take calls; an
    agent finishes the call they are in.
    """

    name: str
    shifts: tuple[tuple[Micros, Micros], ...]
    queues: frozenset[str] = frozenset()
    skills: frozenset[str] = frozenset()

    def serves(self, queue: str) -> bool:
        """Whether a caller of ``queue`` may be put through to this agent."""
        return not self.queues or queue in self.queues


@dataclass(frozen=True, slots=True)
class Scene:
    """One day to be played. ``callers`` in the order of their joins, numbered from 0.

    Callers who joined before ``counted_from`` are played but not counted: an empty house at the
    start is not what a working day looks like.
    """

    callers: Sequence[Caller]
    seats: Sequence[Seat]
    begin: Micros = 0
    end: Micros = 0
    counted_from: Micros = 0
