"""The counts of a load side by side: SIPp's, Asterisk's queue_log, Ringdesk's database.

What SIPp planned and did is told by kind of call; what became of callers in queues is compared
with queue_log, in sum and call by call.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from bench.call_mix import KINDS, Kind
from bench.queue_log import WAIT_ENDS, Told, far_off, read_queue_log
from bench.sipp import SippCounts
from cti.domain import events as ev
from cti.summary import CallSummary, summarise

SECONDS_OFF = 1.5
"""queue_log has whole seconds, and on a busy machine is written a little late."""
SHOWN = 10


@dataclass(frozen=True)
class Line:
    """One comparison; None: this one does not count it."""

    what: str
    sipp: int | None
    asterisk: int | None
    ringdesk: int | None

    @property
    def equal(self) -> bool:
        known = {count for count in (self.sipp, self.asterisk, self.ringdesk) if count is not None}
        return len(known) == 1

    def cells(self) -> tuple[str, ...]:
        """For the table."""
        counts = (self.sipp, self.asterisk, self.ringdesk)
        texts = ("" if count is None else f"{count:,}" for count in counts)
        return (self.what, *texts, "equal" if self.equal else "DIFFERS")


@dataclass
class Kept:
    """What Ringdesk's database has. ``rows`` are (call, number dialled, outcome, ended)."""

    rows: list[tuple[str, str, str, bool]]
    told: dict[str, Told] = field(default_factory=dict)
    ends: Counter[str] = field(default_factory=Counter)


def read_database(file: Path) -> Kept:
    """The history's rows, and what the journal's events tell of each call, by its Linkedid."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        query = "select call_id, did, outcome, ended_at is not null from calls"
        rows = [(*row[:3], bool(row[3])) for row in database.execute(query)]
        kept = Kept(rows)
        for call in summarise(_events(database)):
            kept.told[call.linkedid] = _told(call)
            kept.ends.update(wait.ended or "none" for wait in call.waits)
    return kept


def _events(database: sqlite3.Connection) -> Iterator[ev.Event]:
    query = "select body from journal where call_id <> '' order by seq"
    return (ev.decode(body) for (body,) in database.execute(query))


def _told(call: CallSummary) -> Told:
    vain = [offer for offer in call.offers if offer.ended in ("no_answer", "rejected")]
    return Told(
        waits=[(wait.queue, wait.ended or "none") for wait in call.waits],
        talks=[talk.agent for talk in call.talks],
        rung=[offer.agent for offer in vain if call.waits],
        cancelled=[o.agent for o in call.offers if o.ended == "cancelled" and call.waits],
        waited=[wait.seconds for wait in call.waits],
        talked=[talk.seconds for talk in call.talks],
    )


def compare(
    sipp: Mapping[str, SippCounts], queue_log: str, kept: Kept
) -> tuple[list[Line], list[str]]:
    """The table's lines, and the first calls that are told differently, in words."""
    theirs, entries = read_queue_log(queue_log)
    lines = [*_by_kind(sipp, kept, theirs), *_by_entry(entries, kept)]
    different, off = [*_different(theirs, kept)], [*_off(theirs, kept)]
    lines.append(Line("calls not as queue_log tells them", None, 0, len(different)))
    lines.append(Line("waits or talks too long or short", None, 0, len(off)))
    lines.append(Line("calls without an end", None, 0, sum(not ended for *_, ended in kept.rows)))
    return lines, [*different[:SHOWN], *off[:SHOWN]]


def _by_kind(
    sipp: Mapping[str, SippCounts], kept: Kept, theirs: Mapping[str, Told]
) -> Iterator[Line]:
    calls: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for call, did, outcome, _ in kept.rows:
        calls[did].append((call.partition("-")[2], outcome))
    wrong = 0
    for kind in KINDS:
        ours = calls.pop(kind.dials, [])
        made = sipp[kind.name].calls if kind.arrives else None
        queued = sum(call in theirs for call, _ in ours) if kind.queues else None
        yield Line(kind.name, made, queued, len(ours))
        wrong += sum(outcome != _outcome(kind, theirs.get(call)) for call, outcome in ours)
    yield Line("other calls", 0, None, sum(map(len, calls.values())))
    yield Line("calls with another outcome", None, 0, wrong)
    yield Line("calls that failed in SIPp", sum(counts.failed for counts in sipp.values()), 0, None)


_OUTCOMES = {"connected": "answered", "abandoned": "abandoned", "timeout": "no_answer"}


def _outcome(kind: Kind, told: Told | None) -> str:
    """What Ringdesk must say."""
    if kind.outcome:
        return kind.outcome
    return _OUTCOMES[told.waits[-1][1]] if told and told.waits else "abandoned"


def _by_entry(entries: Counter[str], kept: Kept) -> Iterator[Line]:
    waits = sum(len(told.waits) for told in kept.told.values())
    yield Line("queue_log ENTERQUEUE", None, entries["ENTERQUEUE"], waits)
    for kind, ended in WAIT_ENDS.items():
        yield Line(f"queue_log {kind}", None, entries[kind], kept.ends[ended])
    for kind, count in (
        ("RINGNOANSWER", sum(len(told.rung) for told in kept.told.values())),
        ("RINGCANCELED", sum(len(told.cancelled) for told in kept.told.values())),
    ):
        yield Line(f"queue_log {kind}", None, entries[kind], count)
    talks = sum(len(told.talks) for told in kept.told.values())
    yield Line(
        "queue_log COMPLETE...",
        None,
        entries["COMPLETEAGENT"] + entries["COMPLETECALLER"],
        talks,
    )


def _different(theirs: Mapping[str, Told], kept: Kept) -> Iterator[str]:
    for call in sorted({*theirs, *(call for call, told in kept.told.items() if told.waits)}):
        ours = kept.told.get(call)
        if ours != theirs.get(call):
            yield f"{call}\n  queue_log: {theirs.get(call)}\n  Ringdesk:  {ours}"


def _off(theirs: Mapping[str, Told], kept: Kept) -> Iterator[str]:
    """Waits and talks whose seconds are not those of queue_log."""
    for call, told in theirs.items():
        ours = kept.told.get(call, told)
        for what in ("waited", "talked"):
            one, other = getattr(told, what), getattr(ours, what)
            if far_off(one, other, SECONDS_OFF):
                yield f"{call} {what}: queue_log {one}, Ringdesk {other} (seconds)"
