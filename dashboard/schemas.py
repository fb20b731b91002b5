"""What the API takes and gives. Times are integer microseconds unless a name says otherwise."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from cti.domain.events import Availability as AvailabilityName
from dashboard.rights import Role


def whole(value: object) -> object:
    """In JSON 7.0 is the integer 7 (JSON Schema, 6.1.1)."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Id = Annotated[int, Field(ge=1, le=2**31 - 1), BeforeValidator(whole)]
_NO_NUL = r"^[^\x00]*$"


Short = Annotated[str, Field(max_length=120, pattern=_NO_NUL)]
Long = Annotated[str, Field(max_length=10_000, pattern=_NO_NUL)]
Password = Annotated[str, Field(min_length=10, max_length=200, pattern=_NO_NUL)]
Username = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9._@-]+$")]
_AGENT = r"^(([a-z0-9][a-z0-9_]{0,30}:)?[A-Za-z0-9]+/[A-Za-z0-9._@-]+)?$"
Interface = Annotated[str, Field(max_length=120, pattern=_AGENT)]
"""An agent's phone: ``PJSIP/101``, or with its switch before it, ``west:PJSIP/101``."""
CallId = Annotated[str, Field(min_length=1, max_length=160, pattern=r"^[^\x00/]+$")]
QueueName = Annotated[str, Field(min_length=1, max_length=80, pattern=_NO_NUL)]
Queues = Annotated[list[QueueName], Field(max_length=100)]
Limit = Annotated[int, Field(ge=1, le=200)]
Place = Annotated[str, Field(pattern=r"^[0-9]{1,16}-[^\x00]{1,160}$")]
"""A place in a list of calls: when one arrived (microseconds) and its id."""


class Model(BaseModel):
    """What all have in common: an unknown name is an error, not ignored."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Query(BaseModel):
    """As :class:`Model`, for what comes as text in an address."""

    model_config = ConfigDict(extra="forbid")


class ErrorDetail(Model):
    """A refusal: ``code`` for programs, ``message`` and ``cure`` for people."""

    code: str
    message: str
    cure: str


class ErrorAnswer(Model):
    """The one shape of every error."""

    error: ErrorDetail


# --- paths -------------------------------------------------------------------------------------


class CallPath(Query):
    """One call."""

    call_id: CallId


class CustomerPath(Query):
    """One customer."""

    customer_id: Id


class RecordingPath(Query):
    """One recording."""

    recording_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,32}$")]


class UserPath(Query):
    """One user."""

    username: Username


# --- the user ----------------------------------------------------------------------------------


class Login(Model):
    """A log-in."""

    username: Annotated[str, Field(min_length=1, max_length=60, pattern=_NO_NUL)]
    password: Annotated[str, Field(min_length=1, max_length=200)]


class Me(Model):
    """The user who asks. ``must_change``: the password was made by somebody else."""

    username: str
    name: str
    role: Role
    agent: str
    queues: list[str]
    must_change: bool


class MeAnswer(Model):
    """The user who asks."""

    user: Me


class NewPassword(Model):
    """A change of one's own password."""

    old: Annotated[str, Field(min_length=1, max_length=200)]
    new: Password


class AvailabilityChange(Model):
    """What an agent chooses; a break says why."""

    availability: AvailabilityName
    reason: Annotated[str, Field(max_length=60, pattern=r"^[^\x00-\x1f]*$")] = ""


class AvailabilityAnswer(Model):
    """What is in force now; ``until``: when it ends by itself (0: never)."""

    availability: AvailabilityName
    reason: str
    until: int


class UserRow(Model):
    """A user as the admin's list shows them."""

    username: str
    name: str
    role: Role
    agent: str
    queues: list[str]
    active: bool


class UsersAnswer(Model):
    """All users."""

    users: list[UserRow]


class NewUser(Model):
    """A user to add; without a password one is made and shown once."""

    username: Username
    name: Annotated[str, Field(min_length=1, max_length=120, pattern=_NO_NUL)]
    role: Role
    password: Password | None = None
    agent: Interface = ""
    queues: Queues = []


class UserChange(Model):
    """What is to change; what is absent stays."""

    name: Annotated[str, Field(min_length=1, max_length=120, pattern=_NO_NUL)] | None = None
    role: Role | None = None
    password: Password | None = None
    agent: Interface | None = None
    queues: Queues | None = None
    active: bool | None = None


class NewUserAnswer(Model):
    """The new user; ``password`` only when it was made here, and only now."""

    user: UserRow
    password: str | None


class UserAnswer(Model):
    """One user."""

    user: UserRow


# --- calls -------------------------------------------------------------------------------------


class CallsQuery(Query):
    """Filters and the page: ``before`` is the ``next`` of the page before."""

    before: Place | None = None
    limit: Limit = 50
    agent: Short = ""
    queue: Short = ""
    outcome: Short = ""
    q: Short = ""


class PageQuery(Query):
    """The page: ``before`` is the ``next`` of the page before."""

    before: Place | None = None
    limit: Limit = 20


class CallCustomer(Model):
    """Who a call was with."""

    id: int
    name: str
    tier: str
    status: str


class RecordingRow(Model):
    """One recording of one talk. ``custody``: what the last comparison with the checksum found, at
    ``verified_at`` (0: never); ``checking``: card numbers are looked for, then it is played.
    """

    id: str
    call_id: str
    agent: str
    started_at: int
    seconds: float
    state: Literal["recording", "checking", "stored", "failed"]
    reason: str
    transcript: Literal["none", "pending", "ready", "failed"]
    sha256: str
    custody: Literal["", "intact", "changed", "missing"]
    verified_at: int


class CallRow(Model):
    """One call of the history. ``recordings`` holds those the user may hear.

    ``calls``: its id, or of a call that crossed to other switches those of all its parts.
    ``reconstructed``: something of it happened while Ringdesk was not listening, and is told from
    the PBX's own records.
    """

    call_id: str
    calls: list[str]
    arrived_at: int
    answered_at: int | None
    ended_at: int | None
    direction: str
    outcome: str
    number: str
    caller_number: str
    customer: CallCustomer | None
    queue: str
    agent: str
    agent_name: str
    waited: int
    talked: int
    path: list[str]
    why: str
    note: str
    topic: str
    result: str
    note_by: str
    reconstructed: bool
    recordings: list[RecordingRow]


class CallsAnswer(Model):
    """A page of calls, newest first; ``next`` is null on the last."""

    calls: list[CallRow]
    next: str | None


class Step(Model):
    """One event of a call, as a sentence. ``reconstructed``: nobody listened when it happened."""

    seq: int
    at: int
    type: str
    text: str
    reconstructed: bool


class CallAnswer(Model):
    """One call and everything that happened in it."""

    call: CallRow
    steps: list[Step]


class Disposition(Model):
    """The outcome of a call."""

    note: Long = ""
    topic: Annotated[str, Field(max_length=80, pattern=_NO_NUL)] = ""
    result: Annotated[str, Field(max_length=80, pattern=_NO_NUL)] = ""
    customer_id: Id | None = None


class SavedAnswer(Model):
    """Kept, durably."""

    saved_at: int


# --- customers ---------------------------------------------------------------------------------


class SearchQuery(Query):
    """Words of the name or company, or digits of a number."""

    q: Short = ""
    limit: Limit = 20


class PhoneRow(Model):
    """One number of a customer, E.164."""

    number: str
    label: str


class CustomerRow(Model):
    """A customer's card."""

    id: int
    name: str
    status: str
    tier: str
    segment: str
    company: str
    owner_name: str
    owner_extension: str
    owner_mobile: str
    language: str
    value: int
    open_complaint: bool
    open_deal: bool
    phones: list[PhoneRow]
    created_at: int


class NoteRow(Model):
    """A note on a customer's card."""

    id: int
    at: int
    author: str
    text: str


class CustomersAnswer(Model):
    """Customers found, by name."""

    customers: list[CustomerRow]


class CustomerAnswer(Model):
    """One customer with the newest notes."""

    customer: CustomerRow
    notes: list[NoteRow]


class NewNote(Model):
    """A note to add."""

    text: Annotated[str, Field(min_length=1, max_length=10_000, pattern=_NO_NUL)]


class NoteAnswer(Model):
    """The note as it was kept."""

    note: NoteRow


# --- recordings --------------------------------------------------------------------------------


class RecordingAnswer(Model):
    """One recording."""

    recording: RecordingRow


class RecordingsQuery(Query):
    """Words and "phrases" that were said, filters, and the page (``before``: the ``next`` of the
    page before). ``customer``: words of a name, or digits of a number. ``shortest`` and
    ``longest`` are seconds; ``since`` and ``until`` (excluded) when the recording began.
    """

    q: Annotated[str, Field(min_length=1, max_length=200, pattern=_NO_NUL)]
    speaker: Literal["", "agent", "customer"] = ""
    queue: Short = ""
    agent: Short = ""
    customer: Short = ""
    topic: Short = ""
    result: Short = ""
    shortest: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] | None = None
    longest: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] | None = None
    since: Annotated[int, Field(ge=0, le=2**62)] | None = None
    until: Annotated[int, Field(ge=0, le=2**62)] | None = None
    before: Annotated[int, Field(ge=0, le=2**62)] | None = None
    limit: Annotated[int, Field(ge=1, le=50)] = 20


class PieceRow(Model):
    """Words of a snippet; ``hit``: they are what was looked for."""

    text: str
    hit: bool


class HitRow(Model):
    """A place where it was said: ``start`` is seconds into the recording, of the first word.

    ``before`` and ``after``: the speaker says more there.
    """

    speaker: Literal["agent", "customer"]
    start: float
    pieces: list[PieceRow]
    before: bool
    after: bool


class FoundRow(Model):
    """A recording in which it was said, the first places, and how many ``places`` there are."""

    recording: RecordingRow
    queue: str
    agent_name: str
    customer: CallCustomer | None
    number: str
    topic: str
    result: str
    hits: list[HitRow]
    places: int


class RecordingsAnswer(Model):
    """A page of recordings, newest first; ``next`` is null on the last."""

    found: list[FoundRow]
    next: str | None


class WordRow(Model):
    """One word as it was heard; seconds into the recording, confidence 0 to 1."""

    word: str
    start: float
    end: float
    confidence: float


class SegmentRow(Model):
    """What one speaker said without a pause."""

    speaker: Literal["agent", "customer"]
    start: float
    end: float
    text: str
    words: list[WordRow]


class TranscriptAnswer(Model):
    """A recording in words."""

    recording_id: str
    engine: str
    language: str
    segments: list[SegmentRow]


class PauseAnswer(Model):
    """When the pause ends by itself."""

    until: int


class PeaksAnswer(Model):
    """The outline of both channels, 0 to 255; ``custody``: whether it is what was stored."""

    custody: Literal["intact", "changed", "missing"]

    seconds: float
    peaks_per_second: int
    customer: list[int]
    agent: list[int]


# --- the server --------------------------------------------------------------------------------


class HealthAnswer(Model):
    """Whether all works; ``degraded`` says by the other fields what does not.

    ``link``: down when it is to any of the ``switches``.
    """

    status: Literal["ok", "degraded"]
    link: Literal["up", "down"]
    switches: dict[str, Literal["up", "down"]]
    journal: Literal["ok", "failing"]
    journal_backlog: int
    clients: int


class ReadyAnswer(Model):
    """Every part can do its work; these were looked at."""

    status: Literal["ready"]
    parts: list[str]
