"""What the API of the policy lab takes and gives.

Times of the house are integer microseconds; figures of a trial are in seconds and percent.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from dashboard.schemas import Model, Query, whole

Text = Annotated[str, Field(min_length=1, max_length=100_000, pattern=r"^[^\x00]*$")]
Title = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
LoadName = Annotated[str, Field(max_length=60, pattern=r"^[a-z0-9_-]*$")]
Instant = Annotated[int, Field(ge=0, le=2**53), BeforeValidator(whole)]
Days = Annotated[int, Field(ge=2, le=1_000), BeforeValidator(whole)]
Agents = Annotated[int, Field(ge=0, le=2_000), BeforeValidator(whole)]
Share = Annotated[float, Field(gt=0, le=100)]
Mean = Annotated[
    list[float | None],
    Field(description="The mean, and half of its 95 % interval; null: nobody knows"),
]
Figures = Annotated[
    dict[str, Mean],
    Field(
        description="callers, in_target (%), p50, p95, p99, longest, mean_wait (s), abandoned (%),"
        " cost"
    ),
]


class PolicyText(Model):
    """A policy file's content."""

    text: Text


class PolicyProblem(Model):
    """One thing that is wrong. ``line`` counts from 1; 0: the text as a whole."""

    line: int
    key: str
    reason: str
    cure: str


class CheckAnswer(Model):
    """``title``: name and version; empty when there are problems."""

    title: str
    problems: list[PolicyProblem]


class PolicyView(Model):
    """The policy in force, and the text of its file. ``problems``: why that is not in force."""

    title: str
    text: str
    problems: list[PolicyProblem]


class LoadRow(Model):
    """A made-up day. ``occupancy``: the work that comes, in percent of what the agents can do."""

    name: str
    about: str
    callers: int
    agents: int
    hours: float
    occupancy: int


class VersionRow(Model):
    """A policy that was in force since ``at``. Without an author: the file was edited by hand."""

    at: int
    title: str
    author: str
    restored: int


class NewTrial(Model):
    """What to try: on a load (perhaps with more callers, other agents), or on recorded time."""

    text: Text
    load: LoadName = ""
    begin: Instant = 0
    end: Instant = 0
    days: Days = 10
    agents: Agents = 0
    busier: Share = 1.0


class KindAnswer(Model):
    """One class under one contender. ``against``: the difference to the first, day by day."""

    figures: Figures
    against: Figures
    longer: Annotated[
        list[float], Field(description="Percent who wait longer than each of curve_seconds")
    ]


class ContenderAnswer(Model):
    """``name``: in_force, edited, or a baseline (fifo, strict)."""

    name: str
    occupancy: Mean
    cost: Mean
    cost_against: Mean
    classes: dict[str, KindAnswer]


class PromiseRow(Model):
    """A class of callers: the seconds within which they are to be answered, their weight."""

    name: str
    target: float
    weight: float


class TrialResult(Model):
    """What came of a trial. ``recorded``: what the records say of the same days."""

    days: int
    callers: float
    classes: list[PromiseRow]
    curve_seconds: list[float]
    contenders: list[ContenderAnswer]
    recorded: dict[str, dict[str, float | None]]


class TrialAnswer(Model):
    """A trial of ``title`` against ``against``. ``on``: the load's name, or the records' time."""

    id: str
    by: str
    at: int
    on: str
    title: str
    against: str
    state: Literal["running", "done", "failed", "cancelled"]
    done: int
    of: int
    reason: str
    result: TrialResult | None


class LabAnswer(Model):
    """What the page begins with. ``first_call``, ``last_call``: when calls waited (0: never)."""

    policy: PolicyView
    loads: list[LoadRow]
    loads_reason: str
    versions: list[VersionRow]
    may_publish: bool
    trial: TrialAnswer | None
    most_days: int
    first_call: int
    last_call: int


class TrialPath(Query):
    """Which trial."""

    trial_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class VersionPath(Query):
    """Which version: since when it was in force."""

    at: Annotated[int, Field(ge=0, le=2**53)]


class Publication(Model):
    """A policy to bring into force instead of that title."""

    text: Text
    instead_of: Title


class Restoration(Model):
    """The title of the policy that is in force now."""

    instead_of: Title


class PublishedAnswer(Model):
    """The version that is in force now."""

    version: VersionRow


class VersionText(Model):
    """The text of one version."""

    text: str
