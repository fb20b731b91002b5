"""What the dashboard is given by the composition root."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncEngine

from callqueue.agent_state import AgentState
from callqueue.callback.book import CallbackBook
from callqueue.service import NotWaiting
from crm_bridge.store import CustomerStore
from cti.ami_tape import AmiTape
from cti.bus import Bus
from cti.clock import Now
from cti.control.service import CallControl
from cti.domain.events import Availability, Placed, QueueEntryPlaced
from cti.history import History
from cti.journal import Journal
from dashboard.callback_limit import CallbackLimit
from dashboard.policy_desk import PolicyDesk
from recordings.custody import Custody
from recordings.library import Library
from recordings.pauses import Pauses
from recordings.search import Search

SetAvailability = Callable[[str, Availability, str], Awaitable[AgentState]]
"""``set_availability(agent, availability, reason)``: what is in force now.

Raises :class:`callqueue.availability.AvailabilityRefused`.
"""


PlaceCaller = Callable[[str, Placed, str, str], QueueEntryPlaced]
"""``place(call_id, placed, by, reason)``: a person moves a waiting caller.

Raises :class:`callqueue.service.NotWaiting`.
"""


def _nobody_waits(call_id: str, _placed: Placed, _by: str, _reason: str) -> QueueEntryPlaced:
    raise NotWaiting(call_id)


@dataclass(frozen=True)
class Part:
    """One part of the server. ``reason``: why it cannot do its work now (empty: it can)."""

    name: str
    reason: str = ""
    cure: str = ""


@dataclass(frozen=True)
class Callbacks:
    """Customers who are called back. ``token``: what web sites must send (empty: they may not)."""

    book: CallbackBook
    limit: CallbackLimit
    token: str = ""


@dataclass(frozen=True)
class Deps:
    """The parts the dashboard stands on."""

    engine: AsyncEngine
    journal: Journal
    bus: Bus
    history: History
    customers: CustomerStore
    library: Library
    search: Search
    set_availability: SetAvailability
    pauses: Pauses
    custody: Custody
    now: Now
    place: PlaceCaller = _nobody_waits
    parts: Callable[[], Sequence[Part]] = tuple
    switches: Sequence[str] = ()
    tapes: Mapping[str, AmiTape] = field(default_factory=dict)
    callbacks: Callbacks | None = None
    policy_desk: PolicyDesk | None = None
    control: CallControl | None = None
