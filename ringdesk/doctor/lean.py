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

# Types that a lean installation does not send at all (`ringdesk asterisk-config --part lean`).
_STASIS = frozenset({"VarSet", "TestEvent", "RTCPSent", "RTCPReceived"})
_CEL = frozenset({"CEL"})
_CLASSES = frozenset({"Newexten", "Cdr", "DTMFBegin", "DTMFEnd", "AGIExecStart", "AGIExecEnd"})
HEAVY = _STASIS | _CEL | _CLASSES


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
    kinds, lean = set(types), render_lean_events()
    steps = []
    if kinds & (_CLASSES | {"VarSet"}):
        steps.append(
            f"in our user's section of manager.conf:\nread = {','.join(READ_CLASSES)}\n"
            f"then: {RELOAD_MANAGER}"
        )
    if kinds & (_STASIS - {"VarSet"}):
        steps.append(lean["stasis.conf"].strip())
    if kinds & _CEL:
        steps.append(lean["cel.conf"].strip())
    return "\n".join(steps)
