"""Where a caller can be handed on to, and where in the dialplan that is. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

TargetKind = Literal["agent", "queue", "number"]

CONTEXTS: dict[TargetKind, str] = {
    "agent": "ringdesk-to-agent",
    "queue": "ringdesk-to-queue",
    "number": "ringdesk-to-number",
}
"""In the dialplan that `ringdesk asterisk-config` prints. The extension there is the target."""

ASIDE, CONSULT = "ringdesk-aside", "ringdesk-consult"
"""Where the caller waits meanwhile, and where the agent's own leg dials whom they ask."""
TAKES, REJOIN = "ringdesk-takes", "ringdesk-rejoin"
"""Who is put there gets the caller; the caller comes by the other one."""
CALLER = "RINGDESK_CALLER"
"""Channel variable of the agent's leg: the channel of the caller who waits aside."""
ASKER = "RINGDESK_ASKER"
"""Channel variable of the caller: the agent's channel; with it gone, nobody cares for them."""

BACK_QUEUE, BACK_AGENT = "RINGDESK_BACK_QUEUE", "RINGDESK_BACK_AGENT"
"""Channel variables: who gets the caller if the target does not answer."""

_SHAPES: dict[TargetKind, re.Pattern[str]] = {
    "agent": re.compile(r"[A-Z][A-Za-z0-9]*/[A-Za-z0-9._@+-]+"),
    "queue": re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@+-]*"),
    "number": re.compile(r"[+*]?[0-9][0-9*]*"),
}
_BETWEEN = re.compile(r"[\s().\-/]")


@dataclass(frozen=True)
class Target:
    """``to`` is an agent's interface on the call's switch, a queue's name, or a number."""

    kind: TargetKind
    to: str


def dialled(number: str) -> str:
    """A number as people write it, without what stands between the digits."""
    return _BETWEEN.sub("", number)


def is_understood(target: Target) -> bool:
    """The dialplan takes nothing else, so that nothing in it can be more than a name."""
    return bool(_SHAPES[target.kind].fullmatch(target.to)) and len(target.to) < 80
