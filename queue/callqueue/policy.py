"""The policy: which class a caller belongs to, and what follows from it. Pure.

A policy is a TOML file (``config/policies/default.toml`` and docs/priority.md). Its classes
(:mod:`callqueue.caller_class`) are tried from top to bottom and the first that fits is taken; the
default class is for everybody else. While the CRM has not answered, a class which asks about the
customer is passed over.

For programs which decide without a PBX (a simulator), this is all there is to it; everything is a
function of the facts at the join and of the time, in integer microseconds::

    policy = load_policy(Path("config/policies/default.toml"))      # callqueue.policy_file
    facts = CallerFacts(match="one", tier="vip", queue="support")   # callqueue.facts
    standing = policy.standing("entry-1", facts, joined_at)          # callqueue.curve.Standing
    standing.key(now)                       # ascending: who is served first first
    standing.must_be_served(now), standing.worth(now)
    policy.eligibility(facts, joined_at).allows(AgentFacts(agent="PJSIP/101"), now)
    order = WaitingOrder()                  # callqueue.waiting_order: exact, for thousands
    order.add(standing, now); order.first(now); order.rank("entry-1", now); order.next_change

Standings of one policy compare with each other; after a change of the policy make them anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from pydantic import BaseModel, Field, PrivateAttr

from callqueue.caller_class import FILE, CallerClass, Values, folded, seconds
from callqueue.curve import SECOND, Curve, Standing, scale_of, stand
from callqueue.eligibility import AgentFacts, Eligibility
from callqueue.facts import CallerFacts
from cti.calendars import Calendar
from cti.domain.events import Micros, Placed, PriorityTerm


@dataclass(frozen=True, slots=True)
class Score:
    """What a caller's place follows from: the class, its numbers and the terms for people."""

    name: str
    label: str
    curve: Curve
    terms: tuple[PriorityTerm, ...]
    virtual_join: Micros
    policy: str


class Policy(BaseModel):
    """A policy file."""

    model_config = FILE

    name: str = Field(
        pattern=r"^[a-z0-9_-]+$", description="The policy's name, kept with each decision."
    )
    default: str = Field(description="The name of the class for everybody who fits no other.")
    ceiling: int = seconds(86_400, "The ceiling of every class that gives none.")
    agents: dict[str, Values] = Field(
        default={}, description='Skills by phone: "PJSIP/101" = ["german"].'
    )
    classes: list[CallerClass] = Field(
        alias="class", min_length=1, description="The classes, the first that fits is taken."
    )

    _calendars: dict[str, Calendar] = PrivateAttr(default_factory=dict)

    def with_calendars(self, calendars: Mapping[str, Calendar]) -> Policy:
        """The same policy, which knows the hours that its classes name."""
        known = self.model_copy()
        used = {c.hours for c in self.classes}
        known._calendars = {name: calendars[name] for name in sorted(used & set(calendars))}
        return known

    @cached_property
    def version(self) -> str:
        """Eight hexadecimal digits that change when a rule does (not with comments)."""
        parts = [self.model_dump_json(exclude_defaults=True)]
        parts += [name + repr(calendar) for name, calendar in self._calendars.items()]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]

    @property
    def title(self) -> str:
        """Name and version, as kept with each decision: ``default@1f4c09ae``."""
        return f"{self.name}@{self.version}"

    @cached_property
    def default_class(self) -> CallerClass:
        """The class for everybody who fits no other."""
        return next(c for c in self.classes if c.name == self.default)

    @cached_property
    def scale(self) -> int:
        """The common number of all its curves (:func:`callqueue.curve.scale_of`)."""
        return scale_of(self._curves.values())

    @cached_property
    def _curves(self) -> dict[str, Curve]:
        """Class name to curve: one object for a curve, however many callers have it."""
        return {
            c.name: Curve(
                head_start=c.head_start,
                urgency=c.urgency,
                target=c.target,
                ceiling=c.ceiling or self.ceiling,
            )
            for c in self.classes
        }

    @cached_property
    def _agents(self) -> dict[str, AgentFacts]:
        return {
            agent.casefold(): AgentFacts(agent=agent, skills=folded(skills))
            for agent, skills in self.agents.items()
        }

    @cached_property
    def _others(self) -> tuple[CallerClass, ...]:
        return tuple(c for c in self.classes if c.name != self.default)

    def class_of(self, facts: CallerFacts, joined_at: Micros = 0) -> CallerClass:
        """The class of a caller who joined at ``joined_at`` (it matters to ``hours``)."""
        for c in self._others:
            if (
                (not c.queues or facts.queue in c.queues)
                and not (facts.is_late and c.asks_customer)
                and c.test(facts)
                and (not c.hours or self._is_open(c.hours, joined_at))
            ):
                return c
        return self.default_class

    def _is_open(self, calendar: str, at: Micros) -> bool:
        known = self._calendars.get(calendar)
        return known is not None and known.is_open(at)

    def curve_of(self, name: str) -> Curve:
        """The numbers of a class. Raises :class:`KeyError`: there is no such class."""
        return self._curves[name]

    def score(self, facts: CallerFacts, joined_at: Micros) -> Score:
        """What the place of a caller who joined at ``joined_at`` follows from."""
        chosen = self.class_of(facts, joined_at)
        return Score(
            name=chosen.name,
            label=chosen.label,
            curve=self._curves[chosen.name],
            terms=(PriorityTerm(label=chosen.label, seconds=chosen.head_start),),
            virtual_join=joined_at - chosen.head_start * SECOND,
            policy=self.title,
        )

    def standing(
        self,
        entry_id: str,
        facts: CallerFacts,
        joined_at: Micros,
        placed: Placed = "",
        placed_at: Micros = 0,
    ) -> Standing:
        """Where the caller stands, as a function of the time.

        ``placed``: where a supervisor put them at ``placed_at``.
        """
        score = self.score(facts, joined_at)
        return self.stand(entry_id, score, joined_at, placed, placed_at)

    def stand(
        self,
        entry_id: str,
        score: Score,
        joined_at: Micros,
        placed: Placed = "",
        placed_at: Micros = 0,
        *,
        held: bool = False,
    ) -> Standing:
        """As :meth:`standing`, of somebody who was scored by this policy already."""
        return stand(entry_id, joined_at, score.curve, self.scale, placed, placed_at, held=held)

    def agent_facts(self, agent: str) -> AgentFacts:
        """What the policy knows of an agent, by the interface."""
        return self._agents.get(agent.casefold()) or AgentFacts(agent=agent)

    def eligibility(self, facts: CallerFacts, joined_at: Micros) -> Eligibility:
        """Which agents may take the caller, as a function of the time."""
        chosen = self.class_of(facts, joined_at)
        return chosen.eligibility(facts, joined_at, self._curves[chosen.name].ceiling)
