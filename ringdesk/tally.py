"""What happened since the start, added up from the events on the bus, for the metrics."""

from __future__ import annotations

from collections import Counter

from cti.bus import Bus
from cti.domain.events import (
    CallEnded,
    Event,
    OfferEnded,
    QueueLeft,
    RecordingFailed,
    RecordingStopped,
    TranscriptFailed,
    TranscriptReady,
)
from cti.histogram import WAIT_BOUNDS, Histogram

Labels = tuple[str, ...]

_SECOND = 1_000_000


class Tally:
    """Adds up events from its construction on, by the values of the metric's labels."""

    def __init__(self, bus: Bus) -> None:
        self.calls: Counter[Labels] = Counter()
        self.offers: Counter[Labels] = Counter()
        self.recordings: Counter[Labels] = Counter(dict.fromkeys([("stored",), ("failed",)], 0))
        self.transcripts: Counter[Labels] = Counter(dict.fromkeys([("ready",), ("failed",)], 0))
        self.waits: dict[Labels, Histogram] = {}
        self._events = bus.subscribe(
            "metrics",
            *(CallEnded, QueueLeft, OfferEnded),
            *(RecordingStopped, RecordingFailed, TranscriptReady, TranscriptFailed),
        )

    async def run(self) -> None:
        """Add up until cancelled."""
        with self._events:
            async for event in self._events:
                self.add(event)

    def add(self, event: Event) -> None:
        """One event."""
        match event:
            case CallEnded():
                self.calls[event.switch, event.direction, event.outcome] += 1
            case QueueLeft():
                labels = (event.switch, event.queue, event.ended)
                waits = self.waits.setdefault(labels, Histogram(WAIT_BOUNDS))
                waits.observe(event.waited / _SECOND)
            case OfferEnded():
                self.offers[event.switch, event.queue, event.ended] += 1
            case RecordingStopped() | RecordingFailed():
                stored = isinstance(event, RecordingStopped)
                self.recordings["stored" if stored else "failed",] += 1
            case TranscriptReady() | TranscriptFailed():
                ready = isinstance(event, TranscriptReady)
                self.transcripts["ready" if ready else "failed",] += 1
