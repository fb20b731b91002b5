"""What really happened, as Asterisk wrote it down; read here without any of Ringdesk's readers.

The PBX under test writes CEL and CDR with microseconds since the epoch (the queue log has whole
seconds only, which cannot tell 20 ms). CEL says what the legs did, CDR and queue log must agree.
"""

from __future__ import annotations

import csv
import json
import sqlite3
import statistics
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

MICROS = 1_000_000


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


def truths(logs: Path, until: float = 0.0) -> dict[str, Truth]:
    """Every call of the PBX whose logs are in this folder, by Linkedid.

    ``until``: the PBX was killed then; what had no end in its records ended so.
    """
    calls: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in _cel(logs):
        calls[row["linkedid"]].append(row)
    found = {linkedid: _truth(linkedid, rows, until) for linkedid, rows in calls.items()}
    _agrees_with_cdr(found, logs)
    _agrees_with_queue_log(found, logs)
    return found


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
    waits_since = 0.0
    bridged: dict[str, float] = {}
    for row in rows:
        at, leg, kind = float(row["at"]), row["leg"], row["kind"]
        if kind == "APP_START" and row["app"] == "Queue":
            waits_since, truth.queue = at, row["data"].split(",")[0]
        elif waits_since and _is_end_of_wait(row, caller):
            truth.waited += at - waits_since
            waits_since = 0.0
        elif kind == "BRIDGE_ENTER" and leg != caller:
            bridged[leg] = at
            truth.agents.append(row["channel"].rpartition("-")[0])
        elif leg in bridged and kind in ("BRIDGE_EXIT", "HANGUP"):
            truth.talked += at - bridged.pop(leg)
    truth.talked += sum(until - at for at in bridged.values())
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
    """The row of the history, and whether the journal calls it reconstructed."""

    linkedid: str
    began: float
    ended: float
    waited: float
    talked: float
    agents: list[str]
    queue: str
    outcome: str
    reconstructed: bool


def history(database: Path) -> dict[str, Told]:
    """What Ringdesk's database says of every call; fails when one is there twice."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        calls = connection.execute(
            "select call_id, arrived_at, ended_at, waited, talked, queue, outcome from calls"
        ).fetchall()
        talks = connection.execute(
            "select call_id, agent from talks order by started_at"
        ).fetchall()
        ends = connection.execute(
            "select call_id, body from journal where type = 'CallEnded'"
        ).fetchall()
        arrivals = connection.execute(
            "select call_id from journal where type = 'CallArrived'"
        ).fetchall()
    connection.close()
    assert len(set(arrivals)) == len(arrivals) == len(calls), "a call is told twice"
    assert len({call_id for call_id, _ in ends}) == len(ends), "a call has ended twice"
    bodies = {call_id: json.loads(body) for call_id, body in ends}
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
            bool(bodies.get(call_id, {}).get("reconstructed")),
        )
        for call_id, began, ended, waited, talked, queue, outcome in calls
    }


def compare(told: dict[str, Told], truth: dict[str, Truth]) -> list[float]:
    """Every call once, with its true outcome, queue and agents; gives how far all times are off."""
    assert told.keys() == truth.keys()
    off: list[float] = []
    for linkedid, true in truth.items():
        row = told[linkedid]
        assert (row.outcome, row.queue, row.agents) == (true.outcome, true.queue, true.agents), row
        off += [abs(getattr(row, name) - getattr(true, name)) for name in _TIMES]
    print(
        f"{len(truth)} calls, times off by {statistics.median(off):.4f} s, at most {max(off):.4f}"
    )
    return off


_TIMES = ("began", "ended", "waited", "talked")
