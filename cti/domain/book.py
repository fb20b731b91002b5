"""The call book: calls, legs, waits, offers and talks as they are at this moment.

Only :mod:`cti.reducer` writes it; others may read it. When the PBX is empty, so are ``calls``,
``legs`` and ``bridges``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from cti.domain.events import Activity, Direction, Micros, OfferEnd, WaitEnd
from cti.domain.facts import LegCondition

LegKind = Literal["party", "local", "plumbing"]
"""``party``: a phone or a line. ``local``: a half of a Local channel, which only joins others.
``plumbing``: made by Asterisk itself (taps, recorders, announcers)."""

TagReason = Literal["redirected", "withdrawn", "connected", "aside"]
"""``aside``: out of a talk for a while, which hands nobody on.
``connected``: out of the queue to somebody who has taken the call (a personal manager)."""

_PLUMBING = frozenset(
    {
        "Announcer",
        "AsyncGoto",
        "AudioSocket",
        "Bridge",
        "CBAnn",
        "CBRec",
        "Message",
        "MulticastRTP",
        "Recorder",
        "Snoop",
        "Surrogate",
        "UnicastRTP",
        "WebSocket",
    }
)


def interface_of(channel: str) -> str:
    """``PJSIP/101`` of the channel ``PJSIP/101-0000003b``."""
    return channel.rpartition("-")[0] or channel


def kind_of(channel: str) -> LegKind:
    """What sort of leg has this channel name."""
    technology = channel.partition("/")[0]
    if technology == "Local":
        return "local"
    if technology in _PLUMBING or channel.endswith("<ZOMBIE>"):
        return "plumbing"
    return "party"


@dataclass(slots=True, eq=False)
class Call:
    """Everything under one Linkedid. ``caller`` is the first leg of it that is a party.

    ``arrived``: CallArrived is out. ``events`` counts the events made, for their ids. ``outsider``
    and ``reached``: a leg that is no agent's, and an agent's leg besides the caller, took part.
    ``dial_status`` and ``dial_cause`` are of the last ringing that failed, ``cause`` is the
    caller's hang-up cause. ``gave_up``: the caller hung up; ``message``: left one in a mailbox.
    ``joined``: the call with which this one goes on: of another switch, or the one for whose
    caller we dialled it (``errand``).
    ``transferred`` is when the customer was last handed on.
    """

    id: str
    linkedid: str
    caller: Leg | None = None
    arrived: bool = False
    direction: Direction = "inbound"
    did: str = ""
    events: int = 0
    legs: dict[str, Leg] = field(default_factory=dict)
    talked: bool = False
    outsider: bool = False
    reached: bool = False
    last_wait: WaitEnd | None = None
    errand: Errand | None = None
    dial_status: str = ""
    dial_cause: int = 0
    cause: int = 0
    gave_up: bool = False
    message: bool = False
    joined: str = ""
    transferred: Micros = 0


@dataclass(slots=True, eq=False)
class Leg:
    """One channel. ``agent`` is its interface when an agent uses it, else empty.

    ``dialled``: somebody rings or rang it. ``talking``: another party is in reach of it through
    bridges, ``met``: was once, ``served``: as the customer. ``queue``: the Queue() it is in, as a
    snapshot said. ``left_queue`` is when its last wait ended, ``joined`` when it began, ``entered``
    when it last entered a bridge. ``waits`` and ``talks`` count, for ids. ``up`` is when it was
    answered and ``leaving`` when its party hung up, 0 for not. ``place`` is where its dialplan
    stood when it entered the bridge; ``was_in``: the bridge it left last; ``sent``: it was sent on
    from a talk, which is yet to be told. ``errand`` is what we dialled it for, ``aside``:
    it waits where nobody talks.
    """

    id: str
    channel: str
    call: Call
    started: Micros
    kind: LegKind = "party"
    agent: str = ""
    number: str = ""
    name: str = ""
    exten: str = ""
    condition: LegCondition = "ring"
    dialled: bool = False
    queue: str = ""
    bridge: str = ""
    talking: bool = False
    met: bool = False
    served: bool = False
    held: bool = False
    entry: QueueEntry | None = None
    left_queue: Micros = 0
    joined: Micros = 0
    entered: Micros = 0
    offer: Offer | None = None
    talk: Talk | None = None
    waits: int = 0
    talks: int = 0
    up: Micros = 0
    leaving: Micros = 0
    aside: bool = False
    place: str = ""
    was_in: str = ""
    sent: SentOn | None = None
    errand: Errand | None = None

    @property
    def interface(self) -> str:
        """The channel name without the part that is new for each channel."""
        return interface_of(self.channel)


@dataclass(slots=True, eq=False)
class QueueEntry:
    """One wait of one leg in one queue. ``answered``: an agent took it."""

    id: str
    queue: str
    leg: Leg
    joined: Micros
    position: int = 1
    place: str = ""
    answered: bool = False
    waited: Micros = 0


@dataclass(slots=True, eq=False)
class Offer:
    """One ringing of one agent. ``said`` is how the PBX says it ended, at ``said_at``."""

    id: str
    agent: str
    leg: Leg
    began: Micros
    entry: QueueEntry | None = None
    open: bool = True
    said: OfferEnd | None = None
    said_at: Micros = 0


@dataclass(slots=True, eq=False)
class Talk:
    """One talk of the agent's ``leg`` with the other party's channel."""

    id: str
    agent: str
    leg: Leg
    call: Call
    other: str
    began: Micros


@dataclass(slots=True, eq=False)
class SentOn:
    """A party that left a talk in ``bridge`` for the extension ``to``.

    ``there``: it shows that it has arrived, in the ``conference`` if it is one.
    """

    to: str
    bridge: str
    there: bool = False
    conference: str = ""


@dataclass(slots=True, eq=False)
class Errand:
    """What we dial somebody for: ``agent`` is to talk with the caller who waits in ``entry``."""

    agent: str
    entry: QueueEntry


@dataclass(slots=True, eq=False)
class Tag:
    """A leg that we are about to move ourselves, why, and where to."""

    reason: TagReason
    to: str = ""


@dataclass(slots=True, eq=False)
class Phone:
    """An agent's phone: what it does now, and the legs on it.

    ``activity`` None: to be told whatever it is. ``told`` is when it was last told, made unique
    for the event's id; 0: never.
    """

    interface: str
    activity: Activity | None = "idle"
    told: Micros = 0
    reachable: bool = True
    legs: dict[str, Leg] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Optimisation:
    """A Local channel is being taken out of the path between these ``bridges``.

    ``parties`` are those who could hear each other through it: they do so again in a moment.
    """

    bridges: frozenset[str]
    parties: list[Leg]


@dataclass(slots=True)
class Book:
    """The whole picture. Bridges map a bridge to its legs in the order in which they entered.

    ``members`` maps the interface of a queue member that is a Local channel to the phone behind.
    ``optimisations`` are keyed by the Uniqueid of the Local channel's first half, ``errands`` by
    the Linkedid of a call that we are about to make.
    """

    calls: dict[str, Call] = field(default_factory=dict)
    legs: dict[str, Leg] = field(default_factory=dict)
    locals: dict[str, Leg] = field(default_factory=dict)
    bridges: dict[str, dict[str, Leg]] = field(default_factory=dict)
    tags: dict[str, Tag] = field(default_factory=dict)
    phones: dict[str, Phone] = field(default_factory=dict)
    members: dict[str, str] = field(default_factory=dict)
    optimisations: dict[str, Optimisation] = field(default_factory=dict)
    errands: dict[str, Errand] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Nothing is going on: no call, no leg, and nothing left over from one."""
        live = (self.calls, self.legs, self.locals, self.bridges, self.tags)
        return not any((*live, self.optimisations, self.errands))

    def is_optimised(self, bridge: str) -> bool:
        """Whether legs are moving from or to this bridge, and nobody really parts or meets."""
        going = self.optimisations  # Hardly ever any.
        return bool(going) and any(bridge in one.bridges for one in going.values())

    def other_half(self, leg: Leg) -> Leg | None:
        """The leg that a half of a Local channel hands everything on to."""
        name, _, half = leg.channel.rpartition(";")
        return self.locals.get(f"{name};{'2' if half == '1' else '1'}")

    def waiting(self) -> list[QueueEntry]:
        """All waits going on, by queue and in the order in which they began."""
        entries = [leg.entry for leg in self.legs.values() if leg.entry]
        return sorted(entries, key=lambda entry: (entry.queue, entry.joined))
