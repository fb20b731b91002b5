"""A made-up day: who calls how often, how long they talk, when they lose patience. Pure.

Each class of callers and each of their properties has a stream of random numbers of its own, so
that changing one of them leaves all others as they were.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from callqueue.facts import CallerFacts
from callqueue.lab.scene import HOUR, NEVER, SECOND, Caller, KindOf, Scene, Seat
from cti.domain.events import Match, Micros

_FILE = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
_Seconds = Annotated[float, Field(gt=0, le=86_400)]

MOST_CALLERS = 200_000
"""A day with more callers is refused: it would take minutes."""


class Spread(BaseModel):
    """A length of time that differs from caller to caller."""

    model_config = _FILE

    mean: _Seconds = Field(description="The mean, in seconds.")
    shape: Literal["exponential", "lognormal", "constant"] = Field(
        default="exponential", description="How it is spread around the mean."
    )
    deviation: float = Field(
        default=0.8,
        gt=0,
        le=5,
        description="For lognormal: the standard deviation as a part of the mean.",
    )

    def draw(self, random: np.random.Generator, count: int) -> list[Micros]:
        """``count`` lengths in microseconds, none shorter than one."""
        mean = self.mean * SECOND
        if self.shape == "constant":
            drawn = np.full(count, mean)
        elif self.shape == "exponential":
            drawn = random.exponential(mean, count)
        else:
            variance = math.log1p(self.deviation**2)
            drawn = random.lognormal(math.log(mean) - variance / 2, math.sqrt(variance), count)
        lengths: list[int] = np.clip(drawn, 1, NEVER - 1).astype(np.int64).tolist()
        return lengths


class Customer(BaseModel):
    """What the CRM says of callers of a class."""

    model_config = _FILE

    tier: str = Field(default="", description='Such as "gold".')
    status: str = Field(default="", description='Such as "current".')
    segment: str = Field(default="", description='Such as "b2b".')
    language: str = Field(default="", description='Such as "de".')
    value: int = Field(default=0, description="What is at stake with them.")
    open_complaint: bool = Field(default=False, description="Whether a complaint is open.")
    open_deal: bool = Field(default=False, description="Whether a deal is open.")


class LoadClass(BaseModel):
    """Callers who are alike."""

    model_config = _FILE

    name: str = Field(pattern=r"^[a-z0-9_-]+$", description='What reports name them: "gold".')
    per_hour: float = Field(gt=0, le=100_000, description="How many call in an average hour.")
    customer: Customer | None = Field(
        default=None, description="Their card in the CRM; none for strangers."
    )
    match: Match | None = Field(
        default=None, description='How they are found; "one", or "none" without a customer.'
    )
    queue: str = Field(default="support", min_length=1, description="The queue they wait in.")
    handle: Spread = Field(description="How long they occupy an agent, with the wrap-up.")
    patience: Spread | None = Field(
        default=None, description="How long they wait before they hang up; for ever without it."
    )

    @property
    def facts(self) -> CallerFacts:
        """What a policy may know of them."""
        card = self.customer.model_dump() if self.customer else {}
        match = self.match or ("one" if self.customer else "none")
        return CallerFacts(queue=self.queue, match=match, **card)


class Team(BaseModel):
    """Agents who are alike."""

    model_config = _FILE

    agents: int = Field(ge=1, le=2_000, description="How many they are.")
    queues: list[str] = Field(default=[], description="The queues they serve; all without it.")
    skills: list[str] = Field(default=[], description="What they can.")


class Load(BaseModel):
    """A load file."""

    model_config = _FILE

    name: str = Field(pattern=r"^[a-z0-9_-]+$", description="The load's name.")
    about: str = Field(default="", max_length=200, description="What it stands for, for people.")
    hours: float = Field(gt=0, le=24, description="How long people call.")
    warm_up_minutes: float = Field(
        default=30, ge=0, description="The beginning, which is played and not counted."
    )
    profile: list[Annotated[float, Field(ge=0)]] = Field(
        default=[],
        max_length=1440,
        description="How busy equal parts of the day are, relative to each other.",
    )
    classes: list[LoadClass] = Field(alias="class", min_length=1, description="Who calls.")
    teams: list[Team] = Field(alias="team", min_length=1, description="Who answers.")

    @property
    def end(self) -> Micros:
        """The length of the day in microseconds."""
        return round(self.hours * HOUR)

    @property
    def expected(self) -> float:
        """How many callers a day has on the average."""
        return sum(c.per_hour for c in self.classes) * self.hours

    @property
    def occupancy(self) -> float:
        """The work that comes, as a part of what the agents can do; 1: as much as they can."""
        work = sum(c.per_hour * c.handle.mean for c in self.classes) / 3600
        return work / sum(team.agents for team in self.teams)

    def changed(self, *, busier: float = 1.0, agents: int = 0) -> Load:
        """The load with ``busier`` times as many callers, and with ``agents`` (0: as many as now).

        Several teams keep their sizes relative to each other, each at least one agent.
        """
        now = sum(team.agents for team in self.teams)
        factor = agents / now if agents else 1.0
        teams = [
            team.model_copy(update={"agents": max(1, round(team.agents * factor))})
            for team in self.teams
        ]
        classes = [
            one.model_copy(update={"per_hour": one.per_hour * busier}) for one in self.classes
        ]
        return self.model_copy(update={"teams": teams, "classes": classes})


def load_flaws(load: Load) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """What is wrong between the keys of a file: path, reason, cure."""
    names = Counter(c.name for c in load.classes)
    for at, one in enumerate(load.classes):
        if names[one.name] > 1:
            yield ("class", at, "name"), f'"{one.name}" is there twice', "give each its own name"
        served = [team for team in load.teams if not team.queues or one.queue in team.queues]
        if not served:
            reason = f'no team serves the queue "{one.queue}"'
            yield ("class", at, "queue"), reason, "add it to the queues of a team"
    if load.profile and not sum(load.profile):
        yield ("profile",), "nobody ever calls", "give some part a number above 0"
    if load.warm_up_minutes * 60 >= load.hours * 3600:
        yield ("warm_up_minutes",), "it is as long as the day", "make it shorter"
    if load.expected > MOST_CALLERS:
        reason = f"{load.expected:.0f} callers a day are more than {MOST_CALLERS}"
        yield ("hours",), reason, "take fewer hours or fewer callers"


def _one_kind(_facts: CallerFacts, _at: Micros) -> str:
    return ""


def drawn_day(load: Load, seed: int, kind_of: KindOf = _one_kind) -> Scene:
    """One day of this load; the same ``seed`` gives the same day.

    ``kind_of`` names the class that reports count a caller under.
    """
    drawn: list[tuple[Micros, int, Micros, Micros]] = []
    for at, one in enumerate(load.classes):
        joins = _joins(load, one.per_hour, _stream(seed, at, 0))
        handles = one.handle.draw(_stream(seed, at, 1), len(joins))
        patience = (
            one.patience.draw(_stream(seed, at, 2), len(joins))
            if one.patience
            else [NEVER] * len(joins)
        )
        drawn += zip(joins, [at] * len(joins), handles, patience, strict=True)
    drawn.sort()
    facts = [one.facts for one in load.classes]
    callers = [
        Caller(number, join, handle, patience, kind_of(facts[at], join), facts[at])
        for number, (join, at, handle, patience) in enumerate(drawn)
    ]
    counted_from = round(load.warm_up_minutes * 60 * SECOND)
    return Scene(callers, seats_of(load), 0, load.end, counted_from)


def seats_of(load: Load) -> list[Seat]:
    """The agents, who stay until the last caller has been served."""
    return [
        Seat(
            f"{team_at + 1}-{number + 1}",
            ((0, NEVER),),
            frozenset(team.queues),
            frozenset(team.skills),
        )
        for team_at, team in enumerate(load.teams)
        for number in range(team.agents)
    ]


def _stream(seed: int, *of: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence((seed, *of)))


def _joins(load: Load, per_hour: float, random: np.random.Generator) -> list[Micros]:
    """When they join: a Poisson process, stretched by the profile of the day."""
    expected = per_hour * load.hours
    steps: list[float] = []
    reached = 0.0
    while reached < expected:
        gaps = random.exponential(1.0, int(expected + 6 * math.sqrt(expected) + 16))
        steps += (reached + np.cumsum(gaps)).tolist()
        reached = steps[-1]
    counts = np.array(steps)
    to_time = _clock(load, expected)
    times: list[int] = to_time(counts[counts < expected]).astype(np.int64).tolist()
    return times


def _clock(load: Load, expected: float) -> Callable[[np.ndarray], np.ndarray]:
    """Turns how many have called on the average into the time of the day at which that is so."""
    weights = np.array(load.profile or [1.0])
    until = np.concatenate(([0.0], np.cumsum(weights))) / weights.sum() * expected
    times = np.linspace(0.0, load.end, len(weights) + 1)
    return lambda counts: np.interp(counts, until, times)
