"""The policy: which class a caller belongs to, and how many seconds that is worth. Pure.

A policy is a TOML file (see ``config/policies/default.toml`` and docs/priority.md). The classes
are tried from top to bottom and the first that fits is taken; the default class is for everybody
else: strangers, and callers whom the CRM has not answered for yet.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field

from callqueue.order import virtual_join
from cti.config_files import did_you_mean
from cti.domain.events import CustomerIdentified, CustomerRef, Match, Micros, PriorityTerm

_FILE = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
_STRANGER = CustomerRef(id=0, name="")

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
    def is_empty(self) -> bool:
        """Whether it asks for nothing, so that everybody fits."""
        return not (self.tier or self.status or self.segment or self.match)

    def fits(self, identified: CustomerIdentified) -> bool:
        """Whether the caller belongs here."""
        customer = identified.customer or _STRANGER
        return (
            _is_among(self.tier, customer.tier)
            and _is_among(self.status, customer.status)
            and _is_among(self.segment, customer.segment)
            and (not self.match or identified.match in self.match)
        )


def _is_among(values: Values, value: str) -> bool:
    return not values or value.strip().casefold() in {v.strip().casefold() for v in values}


class CallerClass(BaseModel):
    """One class of callers and its head start."""

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
    when: Condition = Field(
        default=Condition(), description='Who belongs to it, e.g. { tier = ["gold", "vip"] }.'
    )
    queues: Values = Field(
        default=[], description="The queues this class counts in; all when it is left out."
    )

    @property
    def terms(self) -> tuple[PriorityTerm, ...]:
        """What the class adds to a caller's score."""
        return (PriorityTerm(label=self.label, seconds=self.head_start),)

    def fits(self, identified: CustomerIdentified, queue: str) -> bool:
        """Whether a caller of this queue belongs to it."""
        return (not self.queues or queue in self.queues) and self.when.fits(identified)


@dataclass(frozen=True, slots=True)
class Score:
    """What a caller's place follows from. Ascending ``virtual_join`` is the wanted order."""

    label: str
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
    classes: list[CallerClass] = Field(
        alias="class", min_length=1, description="The classes, the first that fits is taken."
    )

    @cached_property
    def version(self) -> str:
        """Eight hexadecimal digits that change when a rule does (not with comments)."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:8]

    @property
    def title(self) -> str:
        """Name and version, as kept with each decision: ``default@1f4c09ae``."""
        return f"{self.name}@{self.version}"

    @cached_property
    def default_class(self) -> CallerClass:
        """The class for everybody who fits no other."""
        return next(c for c in self.classes if c.name == self.default)

    def class_of(self, identified: CustomerIdentified | None, queue: str) -> CallerClass:
        """The class of a caller; ``None``: nothing is known about them yet."""
        if identified is None or identified.match == "late":
            return self.default_class
        others = (c for c in self.classes if c.name != self.default)
        return next((c for c in others if c.fits(identified, queue)), self.default_class)

    def score(self, identified: CustomerIdentified | None, queue: str, joined_at: Micros) -> Score:
        """What the place of a caller who joined at ``joined_at`` follows from."""
        chosen = self.class_of(identified, queue)
        return Score(
            label=chosen.label,
            terms=chosen.terms,
            virtual_join=virtual_join(joined_at, chosen.terms),
            policy=self.title,
        )


@dataclass(frozen=True, slots=True)
class Flaw:
    """A rule that cannot work: ``path`` of the key in the file, what is wrong, the cure."""

    path: tuple[str | int, ...]
    reason: str
    cure: str


def flaws(policy: Policy) -> Iterator[Flaw]:
    """What is wrong between the keys of a file whose keys are right one by one."""
    names = [c.name for c in policy.classes]
    if policy.default not in names:
        yield Flaw(("default",), f'no class is named "{policy.default}"', _near(policy, names))
    for name, times in Counter(names).items():
        if times > 1:
            second = names.index(name, names.index(name) + 1)
            reason = f'two classes are named "{name}"'
            yield Flaw(("class", second, "name"), reason, "give each a name of its own")
    for i, caller_class in enumerate(policy.classes):
        yield from _flaws_of_class(i, caller_class, is_default=caller_class.name == policy.default)


def _near(policy: Policy, names: Iterable[str]) -> str:
    return did_you_mean(policy.default, names)


def _flaws_of_class(i: int, caller_class: CallerClass, *, is_default: bool) -> Iterator[Flaw]:
    path = ("class", i)
    if is_default and not (caller_class.when.is_empty and not caller_class.queues):
        key = "queues" if caller_class.when.is_empty else "when"
        reason = "the default class is for everybody who fits no other"
        yield Flaw((*path, key), reason, f"remove {key}, or name another class as the default")
    if not is_default and caller_class.when.is_empty:
        yield Flaw(
            (*path, "name"),
            f'class "{caller_class.name}" does not say who belongs to it',
            'add: when = { tier = ["gold"] }',
        )
    if caller_class.when.match == ["late"]:
        reason = "who is late is not known yet and belongs to the default class"
        yield Flaw((*path, "when", "match"), reason, "remove this class")


def sentence(terms: Iterable[PriorityTerm], waited: Micros, rank: int, of: int) -> str:
    """The explanation for people: ``VIP +120 s, waited 35 s: 1st of 6``. ``waited`` in micros."""
    reasons = [str(term) for term in terms]
    reasons.append(f"waited {max(0, waited) // 1_000_000} s")
    return f"{', '.join(reasons)}: {ordinal(rank)} of {of}"


def ordinal(number: int) -> str:
    """``1st``, ``2nd``, ``3rd``, ``4th``, ``11th``, ``21st``..."""
    if number % 100 in {11, 12, 13}:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
