"""The legs that we make ourselves, and where in the dialplan they are put. Pure but for chance."""

from __future__ import annotations

import random
from typing import Literal

from cti.domain.events import Micros

ASK_CONTEXT, TAKEN_CONTEXT = "ringdesk-ask", "ringdesk-taken"
"""In the dialplan that `ringdesk asterisk-config` prints."""


def new_leg(at: Micros, kind: Literal["m", "b"] = "m") -> str:
    """A Uniqueid for a channel that we make: ``m`` for a manager, ``b`` for a callback.

    The dialplan, too, knows them by their beginning.
    """
    return f"{kind}-{at // 1_000_000}.{random.randrange(10**9)}"  # noqa: S311 - a name, no secret
