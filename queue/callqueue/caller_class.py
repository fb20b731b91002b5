"""One class of callers as a policy file writes it: who belongs to it and what it is worth. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from callqueue.curve import SECOND
from callqueue.eligibility import Eligibility, Reservation, Ring
from callqueue.expression import Expression, ExpressionError, Test, parse
from callqueue.facts import FIELDS, CallerFacts
from cti.domain.events import Match, Micros

FILE = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
"""How a table of a policy file is read: every key must be known."""

Values = list[str]


def folded(words: Iterable[str]) -> frozenset[str]:
    """Words that are compared: capitals and spaces around them do not matter."""
    return frozenset(word.strip().casefold() for word in words)


class Condition(BaseModel):
    """What must be true of the customer: every field that is given must have one of its values.

    Capitals do not matter. ``""`` stands for a field that is empty.
    """

    model_config = FILE

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
        return {name: folded(values) for name, values in given.items() if values}


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


def seconds(most: int, description: str) -> int:
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

    model_config = FILE

    after: int = seconds(86_400, "The seconds of waiting from which on this ring holds.")
    skills: Values = Field(description='Skills an agent needs, e.g. ["german"]; []: none.')


class Reserve(BaseModel):
    """For how long a caller is kept for one agent."""

    model_config = FILE

    last_agent: int = seconds(3_600, "For the agent who talked with this customer last.")
    manager: int = seconds(3_600, "For the personal manager.")

    def of(self, facts: CallerFacts, joined_at: Micros) -> Iterator[Reservation]:
        """For whom this caller is kept, and until when."""
        if self.last_agent and facts.last_agent:
            until = joined_at + self.last_agent * SECOND
            yield Reservation(facts.last_agent, until, "the agent who talked with them last")
        if self.manager and facts.owner:
            until = joined_at + self.manager * SECOND
            yield Reservation(facts.owner, until, "the personal manager")


class CallerClass(BaseModel):
    """One class of callers and what it is worth."""

    model_config = FILE

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
    target: int = seconds(86_400, "The service level: within this time they are to be answered.")
    urgency: int = seconds(86_400, "How much coming late weighs; docs/priority.md.")
    ceiling: int = seconds(86_400, "After this wait they are served before everybody else.")
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

    def eligibility(self, facts: CallerFacts, joined_at: Micros, ceiling: int) -> Eligibility:
        """Which agents may take a caller of this class; all when ``ceiling`` seconds are over.

        ``ceiling`` 0: there is none.
        """
        rings = tuple(Ring(ring.after, folded(ring.skills)) for ring in self.rings)
        reservations = tuple(self.reserve.of(facts, joined_at))
        if not ceiling or not (rings or reservations):
            return Eligibility(joined_at, rings, reservations)
        return Eligibility(joined_at, rings, reservations, joined_at + ceiling * SECOND)
