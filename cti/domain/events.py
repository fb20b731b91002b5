"""Domain events: what happened, in the past tense, one model for journal, bus and browser.

Every event is a frozen msgspec Struct in one tagged union. All times (``at``) are integer
**microseconds since the Unix epoch, UTC** and come from the PBX's own timestamps where the PBX
said it; all durations (``waited``, ``talked``...) are integer **microseconds**. Integers, because
orders are computed from them and must be exact.

An event is made without ``seq``; the journal gives it the next one (:mod:`cti.journal`) and only
then publishes it. Fields that hold personal data are named in :data:`PERSONAL_FIELDS`, so that
logs and exports can leave them out.
"""

from __future__ import annotations

import os
import time
from typing import Literal

import msgspec

Micros = int
"""Microseconds: since the epoch (UTC) for an instant, a length for a duration."""

Direction = Literal["inbound", "outbound", "internal"]
CallOutcome = Literal["answered", "abandoned", "no_answer", "busy", "failed"]
WaitEnd = Literal["connected", "abandoned", "timeout", "redirected", "withdrawn"]
OfferEnd = Literal["answered", "no_answer", "rejected", "cancelled"]
TransferKind = Literal["blind", "attended", "redirect", "conference"]
Availability = Literal["available", "break", "wrap_up", "offline"]
Activity = Literal["idle", "ringing", "talking", "on_hold", "dialling", "unreachable"]
Placed = Literal["", "front", "end"]
Match = Literal["one", "several", "none", "anonymous", "late"]


_NOT_MARKS = ~(0xF << 76 | 0b11 << 62)
_MARKS = 0x7 << 76 | 0b10 << 62
"""Where a UUID says its version (7) and variant."""


def new_id() -> str:
    """A fresh opaque identity: a UUID as 32 hexadecimal digits.

    Version 7 (RFC 9562, 5.7), milliseconds first: indexes of databases grow at their end instead
    of everywhere, which halves what a batch of events costs to write.
    """
    milliseconds = time.time_ns() // 1_000_000
    chance = int.from_bytes(os.urandom(10))
    value = milliseconds << 80 | chance
    return f"{value & _NOT_MARKS | _MARKS:032x}"


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """What all events carry.

    ``switch`` names the Asterisk, ``call_id`` the call (``<switch>-<Linkedid>``; empty where the
    event belongs to no call), ``cause`` the ``id`` of the event or command that led to this one,
    ``seq`` the place in the journal (0: not journaled yet). ``reconstructed``: nobody looked when
    it happened; it is told from the PBX's own records, or from what a snapshot showed later.
    """

    at: Micros
    id: str = msgspec.field(default_factory=new_id)
    switch: str = ""
    call_id: str = ""
    cause: str = ""
    seq: int = 0
    reconstructed: bool = False


# --- the link to the PBX -----------------------------------------------------------------------


class ServiceStarted(Event, frozen=True, kw_only=True):
    """Ringdesk opened its journal; ``after_seq`` is the last number the run before had written."""

    after_seq: int
    version: str


class SwitchConnected(Event, frozen=True, kw_only=True):
    """Logged in over AMI, the picture is whole. ``restarted``: the PBX is a new process."""

    asterisk_version: str
    restarted: bool = False


class SwitchLost(Event, frozen=True, kw_only=True):
    """The AMI link broke; calls go on without us until SwitchConnected."""

    reason: str


# --- the call ----------------------------------------------------------------------------------


class CallArrived(Event, frozen=True, kw_only=True):
    """The first leg of a call came into being.

    ``channel`` and ``leg`` are the caller's channel name and Uniqueid; ``caller_number`` is as
    the PBX gave it (empty when withheld); ``did`` is the number that was dialled.
    """

    direction: Direction
    channel: str
    leg: str
    caller_number: str
    caller_name: str
    did: str


class CallJoined(Event, frozen=True, kw_only=True):
    """The call belongs to another one: it came from there over a trunk between two switches, or
    was made for its caller.

    ``to_call_id`` is the first call of the interaction, on another switch (or the same one, if the
    trunk leads back or somebody was dialled for the caller). Both are told as one from now on.
    """

    to_call_id: str


class MenuEntered(Event, frozen=True, kw_only=True):
    """The caller reached a step of a menu file."""

    menu: str
    version: str


class MenuChosen(Event, frozen=True, kw_only=True):
    """The caller pressed digits in a menu. ``label`` says in words what they stand for."""

    menu: str
    digits: str
    label: str
    valid: bool = True


class WaitTold(Event, frozen=True, kw_only=True):
    """The caller was told their place in a queue, and how long they will wait (estimated).

    ``position`` counts from 1; ``estimated`` is in microseconds, None when nothing was said of it.
    """

    queue: str
    position: int
    estimated: Micros | None = None


class MenuLeft(Event, frozen=True, kw_only=True):
    """The menu is over. ``next`` is queue, extension, voicemail or hangup; ``reason`` says why."""

    menu: str
    next: str
    target: str
    reason: str = ""


class CallQueued(Event, frozen=True, kw_only=True):
    """The caller began one wait (``entry_id``) in one queue. ``position`` counts from 1."""

    entry_id: str
    queue: str
    channel: str
    leg: str
    position: int
    restored: bool = False


class PriorityTerm(msgspec.Struct, frozen=True, kw_only=True):
    """One addend of a caller's score, in seconds: ``VIP +120``."""

    label: str
    seconds: int

    def __str__(self) -> str:
        """As people read it; the label alone where it is worth nothing."""
        return f"{self.label} {self.seconds:+d} s" if self.seconds else self.label


class QueueEntryScored(Event, frozen=True, kw_only=True):
    """What a waiting caller's place is computed from; said at the join and whenever it changes.

    ``label`` names the class ("VIP"), ``policy`` is the policy's name and version. The class's
    numbers are whole seconds (0 for ``target`` and ``ceiling``: none). As long as nobody's urgency
    or ceiling begins, the wanted order of a queue is ascending ``virtual_join``: the true join
    minus the head start, in microseconds since the epoch; :mod:`callqueue.curve` has all of it.
    ``held``: why nobody who is free may take them now; they stand behind those who are not held.
    ``placed``: where a supervisor put the caller at ``placed_at``, who (``placed_by``) and why
    (``reason``); empty: nowhere.
    """

    entry_id: str
    queue: str
    joined_at: Micros
    virtual_join: Micros
    label: str
    terms: tuple[PriorityTerm, ...]
    policy: str
    head_start: int = 0
    urgency: int = 0
    target: int = 0
    ceiling: int = 0
    held: str = ""
    placed: Placed = ""
    placed_at: Micros = 0
    placed_by: str = ""
    reason: str = ""


class QueueEntryPlaced(Event, frozen=True, kw_only=True):
    """A person put a waiting caller somewhere, or (``placed`` empty) took that back, and why.

    ``by`` is the user's name.
    """

    entry_id: str
    queue: str
    placed: Placed
    by: str
    reason: str


class QueueContested(Event, frozen=True, kw_only=True):
    """Somebody else changed a waiting caller's priority on the PBX.

    ``yielded``: it happened again after it was put right, so the caller is left where the other
    program wants them for the rest of the wait.
    """

    entry_id: str
    queue: str
    expected: int
    found: int
    yielded: bool = False


class QueueMoved(Event, frozen=True, kw_only=True):
    """A waiting caller was given a place, with the terms that explain it.

    ``from_rank``, ``to_rank`` and ``of`` count from 1; ``priority`` is what the PBX was told;
    ``sentence`` is the explanation for people ("VIP +120 s, waited 35 s: 1st of 6").
    ``policy`` is the policy's name and version. ``confirmed``: read back from the PBX.
    """

    entry_id: str
    queue: str
    from_rank: int
    to_rank: int
    of: int
    priority: int
    terms: tuple[PriorityTerm, ...]
    waited: Micros
    sentence: str
    policy: str
    confirmed: bool = True


class QueueMoveFailed(Event, frozen=True, kw_only=True):
    """The PBX refused a move or did not carry it out; the caller waits on where they were."""

    entry_id: str
    queue: str
    reason: str


class QueueLeft(Event, frozen=True, kw_only=True):
    """One wait is over. Every CallQueued has exactly one QueueLeft."""

    entry_id: str
    queue: str
    ended: WaitEnd
    waited: Micros


class AgentOffered(Event, frozen=True, kw_only=True):
    """An agent's phone rings for this call. ``agent`` is the interface, e.g. ``PJSIP/101``."""

    offer_id: str
    agent: str
    channel: str
    entry_id: str = ""
    queue: str = ""


class OfferEnded(Event, frozen=True, kw_only=True):
    """The ringing is over. Every AgentOffered has exactly one OfferEnded."""

    offer_id: str
    agent: str
    ended: OfferEnd
    rang: Micros
    entry_id: str = ""
    queue: str = ""


class CallAnswered(Event, frozen=True, kw_only=True):
    """An agent and the other party began to talk: one talk, ``talk_id``.

    ``caller_channel`` is the customer's leg, ``agent_channel`` the agent's. ``waited`` is from
    the start of this wait (0 when there was no queue).
    """

    talk_id: str
    agent: str
    agent_channel: str
    caller_channel: str
    queue: str = ""
    entry_id: str = ""
    waited: Micros = 0
    restored: bool = False


class CallHeld(Event, frozen=True, kw_only=True):
    """A party put the other on hold. ``agent`` is who did it (empty: the customer)."""

    channel: str
    agent: str = ""


class CallResumed(Event, frozen=True, kw_only=True):
    """The hold is over."""

    channel: str
    agent: str = ""


class ConsultBegan(Event, frozen=True, kw_only=True):
    """The agent asks somebody (``to``, an interface) while the other party waits aside.

    It ends with the agent's next talk in the call, or when their phone is idle again.
    """

    agent: str
    to: str
    by: str = ""


class AgentMuted(Event, frozen=True, kw_only=True):
    """The other party does not hear the agent any more, or (``muted`` False) does again.

    ``by`` is the user's name who had it done.
    """

    agent: str
    talk_id: str
    muted: bool
    by: str = ""


class TalkEnded(Event, frozen=True, kw_only=True):
    """One talk is over. Every CallAnswered has exactly one TalkEnded."""

    talk_id: str
    agent: str
    talked: Micros


class CallTransferred(Event, frozen=True, kw_only=True):
    """The customer was handed on."""

    kind: TransferKind
    to: str
    by: str = ""


class CallEnded(Event, frozen=True, kw_only=True):
    """The last leg is gone. ``lasted`` is from CallArrived; ``hangup_cause`` is Q.850 (0: none)."""

    direction: Direction
    outcome: CallOutcome
    lasted: Micros
    hangup_cause: int = 0


# --- agents ------------------------------------------------------------------------------------


class AgentAvailabilityChanged(Event, frozen=True, kw_only=True):
    """What the person chose, or wrap-up set. ``until``: when it ends by itself (0: never)."""

    agent: str
    availability: Availability
    reason: str = ""
    until: Micros = 0


class AgentActivityChanged(Event, frozen=True, kw_only=True):
    """What the agent's phone does."""

    agent: str
    activity: Activity


# --- the customer ------------------------------------------------------------------------------


class CustomerRef(msgspec.Struct, frozen=True, kw_only=True):
    """One customer as far as routing and a headline need it.

    ``value`` is what is at stake with them, in whole units of the house's currency.
    """

    id: int
    name: str
    status: str = ""
    tier: str = ""
    segment: str = ""
    company: str = ""
    owner_name: str = ""
    owner_extension: str = ""
    owner_mobile: str = ""
    language: str = ""
    value: int = 0
    open_complaint: bool = False
    open_deal: bool = False


class CustomerIdentified(Event, frozen=True, kw_only=True):
    """Who calls, as the CRM store says.

    ``match``: ``one``; ``several`` (``customer`` is the best ranked, ``candidates`` are all);
    ``none``; ``anonymous`` (no number); ``late`` (no answer within the deadline: default class
    now, another CustomerIdentified follows when the answer comes). ``number`` is E.164 or "".
    """

    number: str
    match: Match
    customer: CustomerRef | None = None
    candidates: tuple[CustomerRef, ...] = ()
    took: Micros = 0


class PastContact(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the customer's history as a screen-pop shows it. Times in microseconds."""

    call_id: str
    at: Micros
    direction: Direction
    outcome: str
    agent: str = ""
    queue: str = ""
    talked: Micros = 0
    note: str = ""
    result: str = ""


class CustomerNote(msgspec.Struct, frozen=True, kw_only=True):
    """A note on the customer's card."""

    id: int
    at: Micros
    author: str
    text: str


class ScreenPopReady(Event, frozen=True, kw_only=True):
    """Everything an agent wants to know before saying hello; joined with AgentOffered."""

    number: str
    match: Match
    customer: CustomerRef | None = None
    candidates: tuple[CustomerRef, ...] = ()
    contacts: tuple[PastContact, ...] = ()
    notes: tuple[CustomerNote, ...] = ()


class DispositionSet(Event, frozen=True, kw_only=True):
    """An agent saved the outcome of a call: a note and, if chosen, topic and result."""

    agent: str
    author: str
    note: str
    topic: str = ""
    result: str = ""
    customer_id: int = 0


# --- recordings --------------------------------------------------------------------------------


class RecordingStarted(Event, frozen=True, kw_only=True):
    """MixMonitor writes both legs of a talk apart."""

    recording_id: str
    talk_id: str
    agent: str


class RecordingStopped(Event, frozen=True, kw_only=True):
    """The files are closed, indexed and checksummed. ``seconds`` is the audio's length."""

    recording_id: str
    talk_id: str
    agent: str
    seconds: float
    sha256: str


class RecordingPaused(Event, frozen=True, kw_only=True):
    """Silence is recorded until ``until``, or until it is resumed. ``by`` is the user who said so.

    A second one of the same recording makes the pause longer.
    """

    recording_id: str
    talk_id: str
    agent: str
    by: str
    until: Micros


class RecordingResumed(Event, frozen=True, kw_only=True):
    """The talk is recorded again; ``by`` is empty when the time was over."""

    recording_id: str
    talk_id: str
    agent: str
    by: str


class RecordingFailed(Event, frozen=True, kw_only=True):
    """There is no usable recording of this talk, and why (with the cure)."""

    recording_id: str
    talk_id: str
    reason: str


class RecordingChecked(Event, frozen=True, kw_only=True):
    """A stored recording was found otherwise than before: changed, missing, or intact again."""

    recording_id: str
    found: Literal["intact", "changed", "missing"]


class CardNumbersRemoved(Event, frozen=True, kw_only=True):
    """Card numbers were silenced in the audio, ``silent`` (microseconds) of it, and are in no
    transcript. ``sha256`` is the file's from now on.
    """

    recording_id: str
    numbers: int
    silent: Micros
    sha256: str


class TranscriptReady(Event, frozen=True, kw_only=True):
    """The recording can be read. ``engine`` names the model."""

    recording_id: str
    engine: str
    words: int


class TranscriptFailed(Event, frozen=True, kw_only=True):
    """The recording could not be transcribed, and why (with the cure)."""

    recording_id: str
    reason: str


# --- the personal manager's mobile -------------------------------------------------------------

ManagerEnd = Literal[
    "connected", "no_answer", "busy", "not_accepted", "declined", "cancelled", "failed"
]


class ManagerSkipped(Event, frozen=True, kw_only=True):
    """A manager (or a ``deputy``) is not called for this waiting caller, and why."""

    entry_id: str
    queue: str
    manager: str
    reason: str
    deputy: bool = False


class ManagerCalled(Event, frozen=True, kw_only=True):
    """A manager's mobile is being dialled; the caller waits on where they are.

    ``manager`` is the name, ``agent`` what their talk will be told under: their desk's interface,
    or the name. ``leg`` is the Uniqueid of the channel, ``number`` what is dialled.
    """

    attempt_id: str
    entry_id: str
    queue: str
    manager: str
    agent: str
    number: str
    leg: str
    deputy: bool = False


class ManagerAnswered(Event, frozen=True, kw_only=True):
    """The mobile was picked up, by a person or a mailbox, and hears who calls."""

    attempt_id: str
    manager: str


class ManagerAccepted(Event, frozen=True, kw_only=True):
    """The manager pressed 1: the caller is taken out of the queue to them."""

    attempt_id: str
    manager: str


class ManagerCallEnded(Event, frozen=True, kw_only=True):
    """The search is over: every ManagerCalled has exactly one of these.

    ``connected``: they talk. ``not_accepted``: picked up, but nobody pressed 1. ``reason`` says
    more where there is more to say.
    """

    attempt_id: str
    manager: str
    ended: ManagerEnd
    reason: str = ""


# --- callbacks ---------------------------------------------------------------------------------

CallbackState = Literal["requested", "due", "calling", "done", "failed", "cancelled"]
"""``requested``: waits for its turn. ``due``: the turn has come, something else has not (the hours,
the pause after an attempt). ``calling``: the customer is being called or waits for the agent."""


class CallbackRequested(Event, frozen=True, kw_only=True):
    """A customer keeps a place in a queue and is to be called; ``asked_by``: menu, page or web.

    Without a call it was not asked for over the telephone.
    """

    callback_id: str
    queue: str
    number: str
    asked_by: str


class CallbackCalled(Event, frozen=True, kw_only=True):
    """The customer is called; the call's own first event follows. ``attempt`` counts from 1.

    ``waited`` is since they asked.
    """

    callback_id: str
    queue: str
    number: str
    attempt: int
    waited: Micros


class CallbackAccepted(Event, frozen=True, kw_only=True):
    """The customer pressed 1 and goes into the queue, with the age of the request."""

    callback_id: str
    queue: str


class CallbackChanged(Event, frozen=True, kw_only=True):
    """An attempt is over, or somebody decided: what becomes of the callback, and why."""

    callback_id: str
    queue: str
    state: CallbackState
    reason: str = ""


AnyEvent = (
    ServiceStarted
    | SwitchConnected
    | SwitchLost
    | CallArrived
    | CallJoined
    | MenuEntered
    | MenuChosen
    | WaitTold
    | MenuLeft
    | CallQueued
    | QueueEntryScored
    | QueueEntryPlaced
    | QueueContested
    | QueueMoved
    | QueueMoveFailed
    | QueueLeft
    | AgentOffered
    | OfferEnded
    | CallAnswered
    | CallHeld
    | CallResumed
    | ConsultBegan
    | AgentMuted
    | TalkEnded
    | CallTransferred
    | CallEnded
    | AgentAvailabilityChanged
    | AgentActivityChanged
    | CustomerIdentified
    | ScreenPopReady
    | DispositionSet
    | RecordingStarted
    | RecordingPaused
    | RecordingResumed
    | RecordingStopped
    | RecordingFailed
    | RecordingChecked
    | CardNumbersRemoved
    | TranscriptReady
    | TranscriptFailed
    | ManagerSkipped
    | ManagerCalled
    | ManagerAnswered
    | ManagerAccepted
    | ManagerCallEnded
    | CallbackRequested
    | CallbackCalled
    | CallbackAccepted
    | CallbackChanged
)

PERSONAL_FIELDS = frozenset(
    {
        "caller_number",
        "caller_name",
        "number",
        "customer",
        "candidates",
        "contacts",
        "notes",
        "note",
        "digits",
    }
)
"""Names of event fields that hold personal data."""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(AnyEvent)


def encode(event: Event) -> bytes:
    """The event as JSON, tagged with its type under ``type``."""
    return _encoder.encode(event)


def decode(data: bytes | str) -> AnyEvent:
    """The event that :func:`encode` wrote. Raises :class:`msgspec.ValidationError`."""
    event: AnyEvent = _decoder.decode(data)
    return event
