"""Estimated waits of all queues: told to callers, and held against what became of them.

Each caller's wait is estimated when they join, told or not, and compared when an agent answers:
``errors`` has, by switch and queue, how far the estimates were off.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from callqueue.wait_estimate import Pace, WaitEstimate
from cti.bus import Bus
from cti.clock import Now
from cti.domain.events import CallQueued, Event, Micros, QueueLeft
from cti.histogram import WAIT_BOUNDS, Histogram

Ahead = Callable[[str, str, str], int]
"""``ahead(switch, queue, call_id)``: how many wait in the queue who are served before the call."""

_SECOND = 1_000_000


class EstimateErrors:
    """How far the estimates of one queue were off, in seconds.

    ``sizes`` without their sign; ``sum`` with it: above 0, callers waited longer than estimated.
    """

    def __init__(self) -> None:
        self.sizes = Histogram(WAIT_BOUNDS)
        self.sum = 0.0

    def add(self, estimated: float, waited: float) -> None:
        """One caller, in seconds."""
        self.sizes.observe(abs(waited - estimated))
        self.sum += waited - estimated


@dataclass(frozen=True, slots=True)
class _Waiting:
    joined_at: Micros
    seconds: float | None


class WaitTimes:
    """Follows the queues and estimates. ``ahead`` knows the order in which they are served."""

    def __init__(self, bus: Bus, now: Now, ahead: Ahead) -> None:
        self._now = now
        self._ahead = ahead
        self._paces: defaultdict[tuple[str, str], Pace] = defaultdict(Pace)
        self._waiting: dict[str, _Waiting] = {}
        self.errors: defaultdict[tuple[str, str], EstimateErrors] = defaultdict(EstimateErrors)
        self._events = bus.subscribe("wait times", CallQueued, QueueLeft)

    async def run(self) -> None:
        """Follow the bus until cancelled."""
        with self._events:
            async for event in self._events:
                self.take(event)

    def estimate(self, switch: str, queue: str, call_id: str) -> WaitEstimate:
        """For a caller who waits in the queue, or would join it now."""
        return self._estimate(switch, queue, call_id, self._now())

    def take(self, event: Event) -> None:
        """One event of the bus."""
        match event:
            case CallQueued() if event.entry_id not in self._waiting:
                self._joined(event)
            case QueueLeft():
                self._left(event)

    def _joined(self, event: CallQueued) -> None:
        seconds = None
        if not event.restored:  # that one has waited before, nobody here knows how long
            seconds = self._estimate(event.switch, event.queue, event.call_id, event.at).seconds
        self._waiting[event.entry_id] = _Waiting(event.at, seconds)
        self._paces[event.switch, event.queue].joined(event.entry_id, event.at)

    def _left(self, event: QueueLeft) -> None:
        waiting = self._waiting.pop(event.entry_id, None)
        if waiting is None:
            return
        pace = self._paces[event.switch, event.queue]
        match event.ended:
            case "connected":
                pace.answered(event.entry_id, event.at)
            case "abandoned":
                pace.abandoned(event.entry_id, event.at)
            case _:
                pace.sent_on(event.entry_id, event.at)
        if event.ended == "connected" and waiting.seconds is not None:
            waited = (event.at - waiting.joined_at) / _SECOND
            self.errors[event.switch, event.queue].add(waiting.seconds, waited)

    def _estimate(self, switch: str, queue: str, call_id: str, at: Micros) -> WaitEstimate:
        ahead = self._ahead(switch, queue, call_id)
        return self._paces[switch, queue].estimate(ahead, at)
