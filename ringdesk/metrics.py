"""What Prometheus is told: read from the parts as they stand, at the moment it asks.

Nothing is counted here that a part counts by itself; what the parts do not add up is tallied from
the events on the bus (:mod:`ringdesk.tally`). docs/operations.md explains every name, and what to
think of its value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from callqueue.wait_times import WaitTimes
from cti.agi.server import AgiServer
from cti.bus import Bus
from cti.clock import Now
from cti.feed import SwitchFeed
from cti.histogram import Histogram
from cti.journal import Journal
from dashboard.deps import Part
from dashboard.hub import Hub
from recordings.rows import Backlog
from recordings.transcription_service import TranscriptionService
from ringdesk.tally import Tally

Labels = tuple[str, ...]
Values = Mapping[Any, float]
"""By the values of the labels."""
Family = TypeVar("Family", GaugeMetricFamily, CounterMetricFamily)

_SECOND = 1_000_000


@dataclass(eq=False)
class Metrics(Collector):
    """Collects from the parts of one server.

    ``backlog`` is what the database said last (None: it did not answer): collecting is synchronous,
    so whoever serves the metrics reads it just before.
    """

    version: str
    feeds: Sequence[SwitchFeed]
    journal: Journal
    bus: Bus
    agi: AgiServer
    hub: Hub
    transcription: TranscriptionService
    tally: Tally
    wait_times: WaitTimes
    parts: Callable[[], Sequence[Part]]
    now: Now
    backlog: Backlog | None = None
    _queues: set[Labels] = field(default_factory=set)

    def collect(self) -> Iterator[Metric]:
        """Everything, as it is now."""
        yield _gauge("build_info", "The version that runs.", ["version"], {(self.version,): 1})
        parts = {(part.name,): int(not part.reason) for part in self.parts()}
        yield _gauge("ready", "Whether a part can do its work (1) or not (0).", ["part"], parts)
        yield from self._link()
        yield from self._actions()
        yield from self._book()
        yield from self._keeping()
        yield from self._people()
        yield from self._recordings()
        yield from self._tallied()

    def _link(self) -> Iterator[Metric]:
        up = {(feed.name,): int(feed.whole) for feed in self.feeds}
        links = {(feed.name,): feed.client.counters.links for feed in self.feeds}
        lag = {(feed.name,): feed.lag for feed in self.feeds}
        labels = ["switch"]
        yield _gauge("switch_up", "The link stands and the picture is whole.", labels, up)
        yield _counter("ami_links", "Links that were made.", labels, links)
        yield _counter("ami_events", "AMI events.", [*labels, "kind"], self._of_feeds(_events))
        yield _counter(
            "ami_faults", "AMI messages passed over.", [*labels, "kind"], self._of_feeds(_faults)
        )
        yield _counter(
            "ami_unreadable",
            "Events with a missing or broken header.",
            [*labels, "type"],
            self._of_feeds(_unreadable),
        )
        yield _counter(
            "resyncs", "Pictures made whole.", [*labels, "result"], self._of_feeds(_resyncs)
        )
        yield _histogram("event_lag_seconds", "PBX timestamp to bus.", labels, lag)

    def _of_feeds(self, read: Callable[[SwitchFeed], Mapping[str, float]]) -> dict[Labels, float]:
        return {(feed.name, key): n for feed in self.feeds for key, n in read(feed).items()}

    def _actions(self) -> Iterator[Metric]:
        answers = Counter(
            {(f.name, *key): count for f in self.feeds for key, count in f.client.answers.items()}
        )
        latency = {(f.name, name): h for f in self.feeds for name, h in f.client.latency.items()}
        labels = ["switch", "action"]
        yield _counter("actions", "AMI actions sent.", [*labels, "result"], answers)
        yield _histogram("action_seconds", "Until Asterisk answered.", labels, latency)

    def _book(self) -> Iterator[Metric]:
        calls = {(feed.name,): len(feed.reducer.book.calls) for feed in self.feeds}
        legs = {(feed.name,): len(feed.reducer.book.legs) for feed in self.feeds}
        yield _gauge("calls_live", "Calls going on.", ["switch"], calls)
        yield _gauge("legs_live", "Channels of these calls.", ["switch"], legs)
        joined: dict[Labels, list[int]] = {}
        for feed in self.feeds:
            for entry in feed.reducer.book.waiting():
                joined.setdefault((feed.name, entry.queue), []).append(entry.joined)
        self._queues.update(joined)  # a queue that was seen once is told of with 0 ever after
        waiting = {queue: len(joined.get(queue, ())) for queue in self._queues}
        now = self.now()
        longest = {
            queue: max(0.0, (now - min(joined.get(queue, [now]))) / _SECOND)
            for queue in self._queues
        }
        labels = ["switch", "queue"]
        yield _gauge("waiting_calls", "Callers who wait now.", labels, waiting)
        yield _gauge("longest_wait_seconds", "The longest wait going on.", labels, longest)

    def _keeping(self) -> Iterator[Metric]:
        journal, since = self.journal, self.journal.trouble.failing_since
        failing = 0.0 if since is None else max(0.0, (self.now() - since) / _SECOND)
        yield _counter("journal_seq", "The newest event's number.", [], {(): journal.seq})
        yield _gauge(
            "journal_backlog", "Events not in the database yet.", [], {(): journal.backlog}
        )
        yield _gauge("journal_failing_seconds", "Since writing fails.", [], {(): failing})
        yield _counter("journal_dropped", "Events no disk took.", [], {(): journal.trouble.dropped})
        dropped: Counter[Labels] = Counter()
        waiting: Counter[Labels] = Counter()
        for subscription in self.bus.subscriptions:
            dropped[subscription.name,] += subscription.dropped
            waiting[subscription.name,] += subscription.backlog
        yield _gauge("bus_backlog", "Events not read yet.", ["subscriber"], waiting)
        yield _counter("bus_dropped", "Events read again later.", ["subscriber"], dropped)

    def _people(self) -> Iterator[Metric]:
        yield _gauge("websocket_clients", "Browsers connected.", [], {(): self.hub.clients})
        snapshots = {(why,): count for why, count in self.hub.snapshots.items()}
        yield _counter("snapshots", "Snapshots browsers were sent.", ["why"], snapshots)
        yield _gauge("agi_sessions", "Callers in menus now.", [], {(): self.agi.sessions})
        ended = {(how,): count for how, count in self.agi.counts.items()}
        yield _counter("agi_ended", "FastAGI sessions that ended.", ["how"], ended)

    def _recordings(self) -> Iterator[Metric]:
        backlog, audio = self.backlog, self.transcription
        yield _gauge("database_up", "It answered just now.", [], {(): int(backlog is not None)})
        yield _counter("recordings", "Recordings finished.", ["result"], self.tally.recordings)
        yield _counter("transcripts", "Transcripts finished.", ["result"], self.tally.transcripts)
        yield _counter(
            "transcription_audio_seconds", "Audio transcribed.", [], {(): audio.heard_seconds}
        )
        yield _counter(
            "transcription_work_seconds", "Time spent on that.", [], {(): audio.work_seconds}
        )
        if backlog is None:
            return
        states = {("recording",): backlog.recording, ("retry",): backlog.retrying}
        oldest = backlog.oldest_pending
        age = 0.0 if oldest is None else max(0.0, (self.now() - oldest) / _SECOND)
        yield _gauge("recordings_open", "Recordings not finished.", ["state"], states)
        yield _gauge("transcripts_pending", "Recordings to transcribe.", [], {(): backlog.pending})
        yield _gauge("transcripts_oldest_seconds", "Age of the oldest of these.", [], {(): age})

    def _tallied(self) -> Iterator[Metric]:
        tally = self.tally
        labels = ["switch", "queue", "ended"]
        ways = ["switch", "direction", "outcome"]
        yield _counter("calls", "Calls that ended.", ways, tally.calls)
        yield _counter("offers", "Ringings of agents.", labels, tally.offers)
        yield _histogram("wait_seconds", "Waits that ended.", labels, tally.waits)
        off = {queue: errors.sizes for queue, errors in self.wait_times.errors.items()}
        bias = {queue: errors.sum for queue, errors in self.wait_times.errors.items()}
        labels = ["switch", "queue"]
        yield _histogram("wait_estimate_off_seconds", "Estimated waits were off.", labels, off)
        yield _gauge("wait_estimate_bias_seconds", "Waited less estimated, in sum.", labels, bias)


def _events(feed: SwitchFeed) -> Mapping[str, float]:
    seen = feed.client.counters
    return {"wanted": seen.events, "unwanted": seen.unwanted_events}


def _faults(feed: SwitchFeed) -> Mapping[str, float]:
    seen = feed.client.counters
    return {
        "callback_failed": seen.callback_errors,
        "too_long": seen.discarded_messages,
        "unknown": seen.unknown_messages,
        "late_answer": seen.late_answers,
        "join_refused": feed.joins.refused if feed.joins else 0,
    }


def _unreadable(feed: SwitchFeed) -> Mapping[str, float]:
    types: Counter[str] = Counter()
    for (kind, _), count in feed.reader.unreadable.items():
        types[kind] += count
    return types


def _resyncs(feed: SwitchFeed) -> Mapping[str, float]:
    return {"ok": feed.resyncs, "failed": feed.resyncs_failed}


def _gauge(name: str, text: str, labels: Sequence[str], values: Values) -> GaugeMetricFamily:
    return _filled(GaugeMetricFamily(f"ringdesk_{name}", text, labels=labels), values)


def _counter(name: str, text: str, labels: Sequence[str], values: Values) -> CounterMetricFamily:
    return _filled(CounterMetricFamily(f"ringdesk_{name}", text, labels=labels), values)


def _filled(family: Family, values: Values) -> Family:
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


def _histogram(
    name: str, text: str, labels: Sequence[str], values: Mapping[Any, Histogram]
) -> HistogramMetricFamily:
    family = HistogramMetricFamily(f"ringdesk_{name}", text, labels=labels)
    for key, histogram in values.items():
        family.add_metric(key, _buckets(histogram.cumulative()), histogram.total)
    return family


def _buckets(pairs: Iterable[tuple[float, int]]) -> list[tuple[str, float]]:
    return [("+Inf" if bound == float("inf") else repr(bound), count) for bound, count in pairs]
