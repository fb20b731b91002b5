"""What really happened, as Asterisk wrote it down; read here without any of Ringdesk's readers.

The PBX under test writes CEL and CDR with microseconds since the epoch (the queue log has whole
seconds only, which cannot tell 20 ms). CEL says what the legs did, CDR and queue log must agree.
What Ringdesk saw as it happened is held against AMI as well: :mod:`tests.chaos.listener` says why.
"""

from __future__ import annotations

import csv
import json
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.listener import as_said, said

MICROS = 1_000_000
Ask = Callable[[str], Sequence[Any]]


@dataclass
class Truth:
    """One call as the PBX saw it. Times in seconds since the epoch."""

    linkedid: str
    began: float = 0.0
    ended: float = 0.0
    waited: float = 0.0
    talked: float = 0.0
    agents: list[str] = field(default_factory=list)
    queue: str = ""
    outcome: str = ""


@dataclass
class Truths:
    """Every call by Linkedid: as CEL has it, and with the times at which it was said over AMI."""

    by_cel: dict[str, Truth]
    by_ami: dict[str, Truth]


def truths(logs: Path, tape: Path, until: float = 0.0) -> Truths:
    """Every call of the PBX whose logs are in this folder; ``tape`` is the second listener's.

    ``until``: the PBX was killed then; what had no end in its records ended so.
    """
    calls: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in _cel(logs):
        calls[row["linkedid"]].append(row)
    times = said(tape)
    by_cel = {linkedid: _truth(linkedid, rows, until) for linkedid, rows in calls.items()}
    by_ami = {
        linkedid: _truth(linkedid, as_said(rows, times), until) for linkedid, rows in calls.items()
    }
    _agrees_with_cdr(by_cel, logs)
    _agrees_with_queue_log(by_cel, logs)
    return Truths(by_cel, by_ami)


_NAMES = (
    *("kind", "at", "leg", "linkedid", "channel", "number"),
    *("name", "exten", "context", "app", "data", "extra"),
)


def _cel(logs: Path) -> Iterator[dict[str, str]]:
    with (logs / "cel-custom" / "ringdesk.csv").open(newline="") as file:
        for cells in csv.reader(file):
            yield dict(zip(_NAMES, cells, strict=True))


def _truth(linkedid: str, rows: list[dict[str, str]], until: float) -> Truth:
    truth = Truth(linkedid, began=float(rows[0]["at"]))
    caller = rows[0]["leg"]
    ends = {row["leg"]: float(row["at"]) for row in rows if row["kind"] == "HANGUP"}
    legs = {row["leg"] for row in rows}
    truth.ended = max(ends.get(leg, until) for leg in legs)
    waits_since = talks_since = 0.0
    inside: set[str] = set()
    for row in rows:
        at, leg, kind = float(row["at"]), row["leg"], row["kind"]
        if kind == "APP_START" and row["app"] == "Queue":
            waits_since, truth.queue = at, row["data"].split(",")[0]
        elif waits_since and _is_end_of_wait(row, caller):
            truth.waited += at - waits_since
            waits_since = 0.0
        elif kind == "BRIDGE_ENTER":
            inside.add(leg)
            if leg != caller:
                truth.agents.append(row["channel"].rpartition("-")[0])
            talks_since = at if len(inside) == 2 else 0.0
        elif leg in inside and kind in ("BRIDGE_EXIT", "HANGUP"):
            inside.remove(leg)
            truth.talked += at - talks_since if talks_since else 0.0
            talks_since = 0.0
    truth.talked += until - talks_since if talks_since else 0.0
    truth.waited += until - waits_since if waits_since else 0.0
    truth.outcome = "answered" if truth.agents else "abandoned"
    return truth


def _is_end_of_wait(row: dict[str, str], caller: str) -> bool:
    if row["leg"] == caller:
        return row["kind"] in ("APP_END", "HANGUP")
    return row["kind"] == "ANSWER" and row["app"] == "AppQueue"


def _agrees_with_cdr(found: dict[str, Truth], logs: Path) -> None:
    """Whatever CDR there is has the same beginning and end (a killed PBX wrote none)."""
    spans: dict[str, list[float]] = defaultdict(list)
    with (logs / "cdr-custom" / "ringdesk.csv").open(newline="") as file:
        for cells in csv.reader(file):
            spans[cells[1]] += [float(cells[6]), float(cells[8])]
    for linkedid, times in spans.items():
        truth = found[linkedid]
        assert abs(min(times) - truth.began) < 0.25, linkedid
        assert abs(max(times) - truth.ended) < 0.25, linkedid


def _agrees_with_queue_log(found: dict[str, Truth], logs: Path) -> None:
    for line in (logs / "queue_log").read_text().splitlines():
        _, caller, queue, _, event, *_ = line.split("|")
        if event == "CONNECT":
            assert found[caller].outcome == "answered"
        elif event == "ABANDON":
            assert found[caller].outcome == "abandoned"
        elif event == "ENTERQUEUE":
            assert found[caller].queue == queue


@dataclass
class Told:
    """The row of the history, and its times (of :data:`_TIMES`) which were heard as they happened.

    A time was heard when all events were that it is made of.
    """

    linkedid: str
    began: float
    ended: float
    waited: float
    talked: float
    agents: list[str]
    queue: str
    outcome: str
    reconstructed: bool
    heard: set[str]


_TIMES = {
    "began": ("CallArrived",),
    "ended": ("CallEnded",),
    "waited": ("CallQueued", "QueueLeft"),
    "talked": ("CallAnswered", "TalkEnded"),
}
HEARD, RECONSTRUCTED, WHOLE_SECONDS = 0.02, 1.0, 1.05
"""How far times may be off, in seconds; the last where only whole seconds were written."""


def history(ask: Ask) -> dict[str, Told]:
    """What Ringdesk's database says of every call; fails when one is there twice.

    ``ask`` gives all rows that a query finds.
    """
    calls = ask(
        "select call_id, arrived_at, ended_at, waited, talked, queue, outcome, reconstructed"
        " from calls"
    )
    talks = ask("select call_id, agent from talks order by started_at")
    events = ask("select call_id, type, body from journal where call_id <> '' order by seq")
    for once in ("CallArrived", "CallEnded"):
        of = [call_id for call_id, kind, _ in events if kind == once]
        assert len(set(of)) == len(of) == len(calls), f"{once}: a call is told twice, or not"
    guessed = {
        (call_id, kind) for call_id, kind, body in events if json.loads(body).get("reconstructed")
    }
    return {
        call_id.removeprefix("pbx-"): Told(
            call_id.removeprefix("pbx-"),
            began / MICROS,
            (ended or 0) / MICROS,
            waited / MICROS,
            talked / MICROS,
            [agent for of, agent in talks if of == call_id],
            queue,
            outcome,
            bool(reconstructed),
            {
                time
                for time, kinds in _TIMES.items()
                if not any((call_id, kind) in guessed for kind in kinds)
            },
        )
        for call_id, began, ended, waited, talked, queue, outcome, reconstructed in calls
    }


def compare(told: dict[str, Told], truth: Truths, later: float = RECONSTRUCTED) -> None:
    """Every call once, with its true outcome, queue and agents, and times as exact as they can be.

    ``later``: how far times may be off which were told later.
    """
    assert told.keys() == truth.by_cel.keys()
    heard: list[float] = []
    others: list[float] = []
    late: list[float] = []
    for linkedid, true in truth.by_cel.items():
        row, at_best = told[linkedid], truth.by_ami[linkedid]
        assert (row.outcome, row.queue, row.agents) == (true.outcome, true.queue, true.agents), row
        assert row.reconstructed or row.heard == set(_TIMES), row
        for name in _TIMES:
            bounds = sorted((getattr(true, name), getattr(at_best, name)))
            off = _outside(getattr(row, name), bounds)
            (heard if name in row.heard else others).append(off)
            late.append(bounds[1] - bounds[0])
            most = HEARD if name in row.heard else later
            assert off < most, (name, off, row, true, at_best)
    print(
        f"{len(truth.by_cel)} calls; heard: {len(heard)} times, {max(heard):.4f} s off at most;"
        f" told later: {len(others)}, {max(others, default=0):.4f} s;"
        f" AMI behind CEL: {statistics.median(late):.4f} s, {max(late):.4f} at most"
    )


def _outside(time: float, bounds: list[float]) -> float:
    return max(bounds[0] - time, time - bounds[1], 0.0)
