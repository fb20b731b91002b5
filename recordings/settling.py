"""When Asterisk is done with its files: it says so nowhere, so the files are looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from recordings.audio import BrokenAudio, Leg, read_leg

LOOK_SECONDS = 0.2
STILL_SECONDS = 5.0
"""Asterisk buffers 32 KiB (2 s at 8 kHz) of a file: one that stays as it is for longer is dead."""

Look = tuple[Leg | None, ...]


class Settling:
    """Looks at the files over time and says when more waiting is of no use. Pure.

    Both closed and alike in two looks: done. Present but not changing for ``STILL_SECONDS``:
    their writer is gone. Otherwise ``patience`` (seconds) ends it.
    """

    def __init__(self, began: float, patience: float) -> None:
        self._deadline = began + patience
        self._last: Look | None = None
        self._since = began

    def done(self, look: Look, at: float) -> bool:
        """``at``: seconds on the clock of ``began``."""
        if look != self._last:
            self._last, self._since = look, at
            return at >= self._deadline
        if all(leg and leg.closed for leg in look):
            return True
        there = all(leg is not None for leg in look)
        return at >= self._deadline or (there and at - self._since >= STILL_SECONDS)


async def settled(files: Sequence[Path], patience: float) -> None:
    """Return when the files are complete, or after ``patience`` seconds. Raises OSError."""
    clock = asyncio.get_running_loop().time
    settling = Settling(clock(), patience)
    while not settling.done(await asyncio.to_thread(_look, files), clock()):  # noqa: ASYNC110
        await asyncio.sleep(LOOK_SECONDS)


def _look(files: Sequence[Path]) -> Look:
    try:
        return tuple(read_leg(file) for file in files)
    except BrokenAudio:
        return ()  # waiting does not mend it, and nothing is missing: done at the second look
