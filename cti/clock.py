"""The one place that reads the wall clock."""

from __future__ import annotations

import time
from collections.abc import Callable

Now = Callable[[], int]
"""Gives microseconds since the Unix epoch, UTC."""


def now() -> int:
    """Microseconds since the Unix epoch, UTC."""
    return time.time_ns() // 1000
