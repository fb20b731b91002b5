"""When it pays to read a busy stream in gulps. Pure.

Asterisk writes event by event, and each that is read by itself wakes the process: at 2,000 events a
second that costs several times what reading the events costs. So while a stream is dense, the link
rests for :data:`REST` seconds between two reads, and what came meanwhile is read at once. A burst,
as each call makes at its beginning, is not dense yet: when little goes on, nothing is held up.
"""

from __future__ import annotations

from typing import Final

REST: Final = 0.004
"""Seconds between two reads of a dense stream: nobody who looks at a screen notices."""
FULL: Final = 64 * 1024
"""A read of so many bytes has left some behind: there is no time to rest."""
_WINDOW: Final = 0.05
_DENSE: Final = 75  # messages in that time: 1,500 a second


class Density:
    """Counts messages by windows of time."""

    def __init__(self) -> None:
        self._ends = 0.0
        self._messages = 0
        self._dense = False

    def take(self, messages: int, now: float) -> bool:
        """So many came at ``now`` (seconds of a steady clock). Whether the stream is dense."""
        if now >= self._ends:
            late = now >= self._ends + _WINDOW
            self._dense = self._messages >= _DENSE and not late
            self._ends, self._messages = now + _WINDOW, 0
        self._messages += messages
        return self._dense
