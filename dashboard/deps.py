"""What the dashboard is given by the composition root."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from crm_bridge.store import CustomerStore
from cti.bus import Bus
from cti.clock import Now
from cti.domain.events import Availability, Micros
from cti.history import History
from cti.journal import Journal
from recordings.library import Library

SetAvailability = Callable[[str, Availability, str], Awaitable[Micros]]
"""``set_availability(agent, availability, reason)`` returns when it ends by itself (0: never).

Raises :class:`cti.domain.commands.CommandFailed` or :class:`AvailabilityRefused`.
"""


class AvailabilityRefused(Exception):
    """The PBX (or a rule) refused an agent's choice; ``cure`` says what to do."""

    def __init__(self, reason: str, cure: str) -> None:
        super().__init__(reason)
        self.cure = cure


@dataclass(frozen=True)
class Deps:
    """The parts the dashboard stands on."""

    engine: AsyncEngine
    journal: Journal
    bus: Bus
    history: History
    customers: CustomerStore
    library: Library
    set_availability: SetAvailability
    now: Now
