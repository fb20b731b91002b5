"""The policy: which class a caller belongs to, and what follows from it. Pure.

A policy is a TOML file (``config/policies/default.toml`` and docs/priority.md). The classes are
tried from top to bottom and the first that fits is taken; the default class is for everybody else.
While the CRM has not answered, a class which asks about the customer is passed over.

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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PrivateAttr,
    Tag,
)
from pydantic_core import PydanticCustomError

from callqueue.curve import SECOND, Curve, Standing, scale_of, stand
from callqueue.eligibility import AgentFacts, Eligibility, Reservation, Ring
from callqueue.expression import Expression, ExpressionError, Test, parse
from callqueue.facts import FIELDS, CallerFacts
from cti.calendars import Calendar
from cti.domain.events import Match, Micros, Placed, PriorityTerm

_FILE = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

Values = list[str]


class Condition(BaseModel):
    """What must be true of the customer: every field that is given must have one of its values.

    Capitals do not matter. ``""`` stands for a field that is empty.
    """

    model_config = _FILE

    tier: Values = Field(default=[], description='Tiers of the customer, e.g. ["gold", "vip"].')
    status: Values = Field(default=[], description='Statuses, e.g. ["current"] or ["former"].')
    segment: Values = Field(default=[], description='Segments, e.g. ["b2b"].')
    match: list[Match] = Field(
        default=[],
        description="How the caller was found: one, several, none, anonymous, late.",
    )

    @property
    def asked(self) -> dict[str, frozenset[str]]:
        """The fields that are given, with their values in lower case."""
        given = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            name: frozenset(value.strip().casefold() for value in values)
            for name, values in given.items()
            if values
        }


def _readable(text: str) -> str:
    """``text`` if it is a condition of :mod:`callqueue.expression`."""
    try:
        parse(text)
    except ExpressionError as error:
        line = f"line {error.line}, " if "\n" in text else ""
        raise PydanticCustomError(
            "condition",
            "{reason} at {line}column {column}",
            {
                "reason": error.reason,
                "line": line,
                "column": error.column,
                "cure": error.cure or 'as in: tier == "vip"',
            },
        ) from None
    return text


When = Annotated[
    Annotated[Condition, Tag("table")] | Annotated[str, AfterValidator(_readable), Tag("text")],
    Discriminator(lambda given: "text" if isinstance(given, str) else "table"),
]


def _seconds(most: int, description: str) -> int:
    """A field of whole seconds, 0 to ``most``."""
    number: int = Field(
        default=0,
        ge=0,
        le=most,
        strict=True,
        description=f"{description} Whole seconds, 0 to {most}.",
    )
    return number


class SkillRing(BaseModel):
    """What an agent must be able to do from some time on."""

    model_config = _FILE

    after: int = _seconds(86_400, "The seconds of waiting from which on this ring holds.")
    skills: Values = Field(description='Skills an agent needs, e.g. ["german"]; []: none.')


class Reserve(BaseModel):
    """For how long a caller is kept for one agent."""

    model_config = _FILE

    last_agent: int = _seconds(3_600, "For the agent who talked with this customer last.")
    manager: int = _seconds(3_600, "For the personal manager.")


class CallerClass(BaseModel):
    """One class of callers and what it is worth."""

    model_config = _FILE

    name: str = Field(pattern=r"^[a-z0-9_-]+$", description='A short name, e.g. "vip".')
    label: str = Field(
        min_length=1, max_length=40, description='What people see beside the caller, e.g. "VIP".'
    )
    head_start: int = Field(
        default=0,
        ge=0,
        le=86_400,
        strict=True,
        description="Seconds of waiting this class is worth, 0 to 86400: a whole number.",
    )
    target: int = _seconds(86_400, "The service level: within this time they are to be answered.")
    urgency: int = _seconds(86_400, "How much coming late weighs; docs/priority.md.")
    ceiling: int = _seconds(86_400, "After this wait they are served before everybody else.")
    when: When = Field(
        default=Condition(), description='Who belongs to it, e.g. { tier = ["gold", "vip"] }.'
    )
    queues: Values = Field(
        default=[], description="The queues this class counts in; all when it is left out."
    )
    hours: str = Field(
        default="", description="The calendar in whose hours this class counts; empty: always."
    )
    rings: list[SkillRing] = Field(
        default=[], description="Skills the agent needs, less and less: { after, skills }."
    )
    reserve: Reserve = Field(
        default=Reserve(), description="Kept for one agent: { last_agent = 20, manager = 30 }."
    )

    @cached_property
    def names(self) -> frozenset[str]:
        """The fields that its condition asks for."""
        if isinstance(self.when, str):
            return self.expression.names
        return frozenset(self.when.asked)

    @cached_property
    def expression(self) -> Expression:
        """The condition that is a text. Raises :class:`ExpressionError`, never after reading."""
        return parse(self.when if isinstance(self.when, str) else "")

    @cached_property
    def test(self) -> Test:
        """Whether a caller's facts meet the condition, queues and hours apart."""
        if isinstance(self.when, str):
            return self.expression.test
        asked = tuple(self.when.asked.items())
        return lambda facts: all(getattr(facts, name) in values for name, values in asked)

    @cached_property
    def asks_customer(self) -> bool:
        """Whether the CRM must have answered before it can be decided."""
        return any(FIELDS[name].of_customer for name in self.names)

    @property
    def is_for_all(self) -> bool:
        """Whether the condition asks for nothing."""
        return not isinstance(self.when, str) and not self.when.asked


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

    model_config = _FILE

    name: str = Field(
        pattern=r"^[a-z0-9_-]+$", description="The policy's name, kept with each decision."
    )
    default: str = Field(description="The name of the class for everybody who fits no other.")
    ceiling: int = _seconds(86_400, "The ceiling of every class that gives none.")
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
            agent.casefold(): AgentFacts(
                agent=agent, skills=frozenset(skill.strip().casefold() for skill in skills)
            )
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
        ceiling = self._curves[chosen.name].ceiling
        rule = Eligibility(
            joined_at=joined_at,
            rings=_rings(chosen.rings),
            reservations=tuple(_reservations(chosen.reserve, facts, joined_at)),
        )
        if not ceiling or not (rule.rings or rule.reservations):
            return rule
        return Eligibility(
            rule.joined_at, rule.rings, rule.reservations, joined_at + ceiling * SECOND
        )


def _rings(rings: Iterable[SkillRing]) -> tuple[Ring, ...]:
    return tuple(
        Ring(ring.after, frozenset(skill.strip().casefold() for skill in ring.skills))
        for ring in rings
    )


def _reservations(reserve: Reserve, facts: CallerFacts, joined_at: Micros) -> Iterable[Reservation]:
    if reserve.last_agent and facts.last_agent:
        until = joined_at + reserve.last_agent * SECOND
        yield Reservation(facts.last_agent, until, "the agent who talked with them last")
    if reserve.manager and facts.owner:
        until = joined_at + reserve.manager * SECOND
        yield Reservation(facts.owner, until, "the personal manager")
