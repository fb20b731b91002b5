"""A waiting caller for whom somebody may be called, and what all such searches share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from callqueue.kept_ages import KeptAges
from callqueue.manager.calls import ManagerCalls
from cti.clock import Now
from cti.domain.commands import Perform
from cti.domain.events import CallQueued, Event, Micros
from cti.errands import Errands


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What all attempts share."""

    record: Callable[[Event], Event]
    perform: Perform
    now: Now
    errands: Errands
    calls: ManagerCalls
    ages: KeptAges


@dataclass(eq=False)
class Search:
    """One waiting caller for whom somebody may be called. ``joined_at``: since when they wait.

    ``begun``: nothing more is begun for this wait. ``why_left`` is set with ``left``.
    """

    entry_id: str
    call_id: str
    switch: str
    queue: str
    leg: str
    channel: str
    joined_at: Micros
    label: str = ""
    begun: bool = False
    why_left: str = ""
    left: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def of(cls, event: CallQueued) -> Search:
        """For a wait that begins."""
        return cls(
            entry_id=event.entry_id,
            call_id=event.call_id,
            switch=event.switch,
            queue=event.queue,
            leg=event.leg,
            channel=event.channel,
            joined_at=event.at,
        )

    def leave(self, why: str) -> None:
        """The wait is over."""
        self.why_left = why
        self.left.set()

    async def leaves_within(self, seconds: float) -> bool:
        """Whether the wait ends within so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self.left.wait()
        except TimeoutError:
            return self.left.is_set()
        return True
