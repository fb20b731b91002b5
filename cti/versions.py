"""What the versions of Asterisk can do. Pure."""

from __future__ import annotations

import re

_VERSION = re.compile(r"(\d+)\.(\d+)")


def can_move_waiting_callers(version: str) -> bool:
    """Whether QueueChangePriorityCaller has ``Immediate``: from 18.20, 20.5 and 21 on.

    An unreadable version (a development build) counts as new.
    """
    match = _VERSION.search(version)
    if not match:
        return True
    major, minor = int(match[1]), int(match[2])
    if major in (18, 20):
        return minor >= (20 if major == 18 else 5)
    return major > 20
