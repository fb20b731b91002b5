"""How much of what the PBX sends is of use to nobody. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from cti.ami.codec import Message
from cti.ami.facts import WANTED
from ringdesk.asterisk_config import READ_CLASSES, render_lean_events
from ringdesk.doctor.access import RELOAD_MANAGER
from ringdesk.doctor.check import Check

NAME = "event load"

# Types of classes that our user need not read: dialplan, reporting, cdr, dtmf, agi.
_CLASSES = frozenset(
    {
        *("VarSet", "Newexten", "TestEvent", "RTCPSent", "RTCPReceived", "Cdr"),
        *("DTMFBegin", "DTMFEnd", "AGIExecStart", "AGIExecEnd"),
    }
)
# Of the class call, which we need: only Asterisk itself can leave it out.
_CEL = frozenset({"CEL"})
HEAVY = _CLASSES | _CEL


def judge_load(events: Iterable[Message], seconds: float) -> Check:
    """``events``: everything heard in so many ``seconds``."""
    counts = Counter(event.event for event in events)
    heavy = Counter({name: count for name, count in counts.items() if name in HEAVY})
    rate = f"{counts.total() / seconds:.0f} events a second"
    if not heavy:
        return Check(NAME, "ok", f"lean: {rate} while listening for {seconds:.0f} s")
    named = ", ".join(f"{name} {count}" for name, count in heavy.most_common(4))
    unwanted = sum(count for name, count in counts.items() if name not in WANTED)
    said = (
        f"{rate}, {unwanted / seconds:.0f} of them of use to nobody ({named}): on a busy PBX most"
        " of Ringdesk's work would be to throw them away"
    )
    return Check(NAME, "warn", said, _leaner(heavy.keys()))


def _leaner(types: Iterable[str]) -> str:
    kinds = set(types)
    steps = []
    if kinds & _CLASSES:
        steps.append(
            f"in our user's section of manager.conf:\nread = {','.join(READ_CLASSES)}\n"
            f"then: {RELOAD_MANAGER}"
        )
    if kinds & _CEL:
        steps.append(render_lean_events()["cel.conf"].strip())
    return "\n".join(steps)
