"""The live picture which the projections fold events into: calls, waits and agents right now.

Plain records without rules; :mod:`dashboard.projections` changes them, :mod:`dashboard.rows`
turns them into what a browser gets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from callqueue.curve import Curve
from crm_bridge.numbers import given_number
from cti.domain.events import (
    Activity,
    Availability,
    CustomerRef,
    Direction,
    DispositionSet,
    Match,
    Micros,
    Placed,
    PriorityTerm,
    ScreenPopReady,
)

STARTING = "Ringdesk is starting"

Phase = Literal["ringing", "talking", "on_hold", "ended"]


@dataclass(frozen=True)
class AgentCard:
    """What the user list says of an agent's interface."""

    name: str
    queues: frozenset[str] = frozenset()


@dataclass
class Wait:
    """One caller waiting in one queue."""

    entry_id: str
    queue: str
    call_id: str
    joined_at: Micros
    virtual_join: Micros
    switch: str = ""
    label: str = ""
    terms: tuple[PriorityTerm, ...] = ()
    curve: Curve = Curve()  # noqa: RUF009 (frozen)
    held: str = ""
    placed: Placed = ""
    placed_at: Micros = 0
    placed_by: str = ""
    placed_why: str = ""


@dataclass
class Offer:
    """One phone ringing."""

    agent: str
    entry_id: str


@dataclass
class RecordingState:
    """A recording of one talk."""

    id: str
    talk_id: str
    state: Literal["recording", "paused", "stored", "failed"] = "recording"
    reason: str = ""
    until: Micros | None = None
    """When a pause ends by itself."""


@dataclass
class LiveCall:
    """A call that is open, or that is still on an agent's desk."""

    call_id: str
    arrived_at: Micros
    direction: Direction = "inbound"
    caller_number: str = ""
    did: str = ""
    number: str = ""
    match: Match | None = None
    customer: CustomerRef | None = None
    queue: str = ""
    path: list[str] = field(default_factory=list)
    why: str = ""
    waited: Micros = 0
    pop: ScreenPopReady | None = None
    pop_row: dict[str, Any] | None = None
    """``pop`` as browsers get it, made once."""
    waits: set[str] = field(default_factory=set)
    offers: dict[str, Offer] = field(default_factory=dict)
    recordings: dict[str, RecordingState] = field(default_factory=dict)
    disposition: DispositionSet | None = None
    handed_by: str = ""
    handed_at: Micros = 0
    ended_at: Micros | None = None

    @property
    def shown_number(self) -> str:
        """E.164 when it is known, otherwise what the PBX gave; empty when it was withheld."""
        return self.number or given_number(self.caller_number)


@dataclass
class OwnCall:
    """The call on one agent's desk, as that agent lives it."""

    call_id: str
    phase: Phase
    since: Micros
    offered_at: Micros | None = None
    answered_at: Micros | None = None
    ended_at: Micros | None = None
    talk_id: str = ""
    muted: bool = False
    consults: str = ""

    @property
    def talking(self) -> bool:
        """The agent is with the caller (or has them on hold)."""
        return self.phase in {"talking", "on_hold"}


@dataclass
class AgentState:
    """One agent: what the person chose, what the phone does, the call, the day."""

    availability: Availability = "offline"
    reason: str = ""
    since: Micros = 0
    until: Micros = 0
    activity: Activity = "idle"
    activity_since: Micros = 0
    own: OwnCall | None = None
    calls: int = 0
    talked: Micros = 0
    missed: int = 0


@dataclass
class Link:
    """The link to one switch."""

    up: bool
    since: Micros
    reason: str = STARTING


Place = tuple[str, ...]
"""Where a row stands: ("links", switch), ("me" or "today" or "call" or "agents", interface), or
("queues", queue, entry_id)."""


class Picture:
    """All calls, waits and agents of one installation, right now."""

    def __init__(self, at: Micros, day_start: Micros = 0, switches: Sequence[str] = ()) -> None:
        self.at = at
        self.day_start = day_start
        self.first = next(iter(switches), "")
        self.links = {switch: Link(up=False, since=at) for switch in switches}
        self.calls: dict[str, LiveCall] = {}
        self.waits: dict[str, Wait] = {}
        self.agents: dict[str, AgentState] = {}
        self.cards: dict[str, AgentCard] = {}

    def agent(self, interface: str) -> AgentState:
        """The agent's state; an agent nobody told us of is offline and idle."""
        return self.agents.setdefault(interface, self.new_agent())

    def new_agent(self) -> AgentState:
        """What is thought of an agent before the first word of them."""
        return AgentState(since=self.at, activity_since=self.at)

    def card(self, interface: str) -> AgentCard:
        """What the user list says; without an entry the interface is the name."""
        return self.cards.get(interface) or AgentCard(interface)

    def known(self, call_id: str, at: Micros) -> LiveCall:
        """The call; of a call that nobody told us of we know that it lives ``at`` this time."""
        call = self.calls.setdefault(call_id, LiveCall(call_id, arrived_at=at))
        call.ended_at = None
        return call

    def call_on_desk(self, interface: str) -> LiveCall | None:
        """The call on this agent's desk, if there is one."""
        agent = self.agents.get(interface)
        return self.calls.get(agent.own.call_id) if agent and agent.own else None

    def desks_with(self, call_id: str) -> list[str]:
        """The agents on whose desk this call is."""
        return [i for i, agent in self.agents.items() if agent.own and agent.own.call_id == call_id]

    def take_off_desk(self, interface: str) -> None:
        """Clear the agent's desk; a call that is over and on no desk is history."""
        agent = self.agent(interface)
        if agent.own:
            call_id, agent.own = agent.own.call_id, None
            self.forget_if_over(call_id)

    def forget_if_over(self, call_id: str) -> None:
        """Drop an ended call which is on nobody's desk."""
        call = self.calls.get(call_id)
        if call and call.ended_at is not None and not self.desks_with(call_id):
            del self.calls[call_id]

    def places_of_call(self, call_id: str) -> set[Place]:
        """Every row in which something of this call shows."""
        call = self.calls.get(call_id)
        waits = [self.waits[e] for e in call.waits if e in self.waits] if call else []
        places: set[Place] = {("queues", wait.queue, wait.entry_id) for wait in waits}
        return places.union(*(places_of_agent(agent) for agent in self.desks_with(call_id)))


def places_of_agent(interface: str) -> set[Place]:
    """Every row of one agent."""
    return {(kind, interface) for kind in ("me", "today", "call", "agents")}
