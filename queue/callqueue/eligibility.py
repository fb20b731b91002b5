"""Which agents a waiting caller may be given to, and from when on. Pure.

Two rules of a class decide, both relaxed by time alone:

- **Skills in rings.** At the join an agent needs all skills of the first ring; later rings ask for
  less. Once the last ring with skills is over, everybody may.
- **A reservation.** For some seconds the caller is kept for the agent who talked with them last, or
  for their personal manager; meanwhile others may not.

A ceiling that is reached ends both: who must be served may be given to anybody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from callqueue.curve import NEVER, SECOND
from cti.domain.events import Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFacts:
    """An agent as far as eligibility asks: the interface and the skills, in lower case."""

    agent: str
    skills: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Ring:
    """From ``after`` seconds of waiting on an agent needs all of ``skills``."""

    after: int
    skills: frozenset[str]


@dataclass(frozen=True, slots=True)
class Reservation:
    """Until ``until`` (microseconds since the epoch) the caller is kept for ``agent``."""

    agent: str
    until: Micros
    reason: str


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Who may take one caller. ``must_at``: from then on everybody may."""

    joined_at: Micros
    rings: tuple[Ring, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    must_at: Micros = NEVER

    def allows(self, agent: AgentFacts, now: Micros) -> bool:
        """Whether the caller may be given to this agent now."""
        if now >= self.must_at:
            return True
        kept = [one for one in self.reservations if now < one.until]
        if any(one.agent.casefold() == agent.agent.casefold() for one in kept):
            return True
        return not kept and self.needs(now) <= agent.skills

    def kept_for(self, now: Micros) -> tuple[Reservation, ...]:
        """The reservations that hold now."""
        if now >= self.must_at:
            return ()
        return tuple(one for one in self.reservations if now < one.until)

    def needs(self, now: Micros) -> frozenset[str]:
        """The skills an agent needs now, when nobody else is kept for."""
        if now >= self.must_at:
            return frozenset()
        begun = [ring for ring in self.rings if now >= self.joined_at + ring.after * SECOND]
        return begun[-1].skills if begun else frozenset()

    def why_held(self, free: Iterable[AgentFacts], now: Micros) -> str:
        """Why nobody of ``free`` may take the caller now; empty: somebody may, or all may."""
        kept, needs = self.kept_for(now), self.needs(now)
        if not (kept or needs) or any(self.allows(agent, now) for agent in free):
            return ""
        if kept:
            return f"kept for {kept[0].reason}"
        return f"needs {', '.join(sorted(needs))}"

    def next_change(self, now: Micros) -> Micros:
        """When something of this is relaxed next; :data:`NEVER`: not any more."""
        times = [self.joined_at + ring.after * SECOND for ring in self.rings]
        times += [one.until for one in self.reservations]
        if self.rings or self.reservations:
            times.append(self.must_at)
        return min((time for time in times if time > now), default=NEVER)
