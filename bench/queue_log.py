"""What Asterisk's queue_log says of each call. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from cti.domain.events import WaitEnd

WAIT_ENDS: dict[str, WaitEnd] = {
    "CONNECT": "connected",
    "ABANDON": "abandoned",
    "EXITWITHTIMEOUT": "timeout",
}
_HELD_FIELD = {"CONNECT": 0, "ABANDON": 2, "EXITWITHTIMEOUT": 2}
"""Which of an entry's own fields are the seconds waited."""
_COMPLETED = frozenset({"COMPLETEAGENT", "COMPLETECALLER"})


@dataclass
class Told:
    """One call, in order: by Asterisk or by Ringdesk, to be compared.

    ``waits`` are (queue, how it ended), ``rung`` the phones that rang in vain and were not
    cancelled, ``cancelled`` those that were. Seconds stand beside, as Asterisk's are whole.
    """

    waits: list[tuple[str, str]] = field(default_factory=list)
    talks: list[str] = field(default_factory=list)
    rung: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    waited: list[float] = field(default_factory=list, compare=False)
    talked: list[float] = field(default_factory=list, compare=False)


def read_queue_log(text: str) -> tuple[dict[str, Told], Counter[str]]:
    """The calls by Uniqueid, and how many entries there are of each kind."""
    told: dict[str, Told] = {}
    kinds: Counter[str] = Counter()
    for line in text.splitlines():
        _, call, queue, agent, kind, *more = line.split("|")
        kinds[kind] += 1
        if call not in ("NONE", "MANAGER", "REALTIME"):
            _take(told.setdefault(call, Told()), queue, agent, kind, more)
    return told, kinds


def _take(call: Told, queue: str, agent: str, kind: str, more: list[str]) -> None:
    if kind in WAIT_ENDS:
        call.waits.append((queue, WAIT_ENDS[kind]))
        call.waited.append(float(more[_HELD_FIELD[kind]]))
    if kind == "CONNECT":
        call.talks.append(agent)
    elif kind in _COMPLETED:
        call.talked.append(float(more[1]))
    elif kind == "RINGNOANSWER":
        call.rung.append(agent)
    elif kind == "RINGCANCELED":
        call.cancelled.append(agent)


def far_off(ours: Iterable[float], theirs: Iterable[float], seconds: float) -> bool:
    """Whether a pair is more than ``seconds`` apart."""
    return any(abs(one - other) > seconds for one, other in zip(ours, theirs, strict=False))
