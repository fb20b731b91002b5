"""Until when the PBX was heard, remembered over a crash: a small file, written once a second."""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog

from cti.domain.events import Micros

log = structlog.get_logger(__name__)

WRITE_SECONDS = 1.0


class LastHeard:
    """``at`` is the PBX's own time of the last thing it told; 0: nothing yet."""

    def __init__(self, path: Path | None) -> None:
        self.at: Micros = 0
        self._path = path
        self._written: Micros = 0

    def open(self) -> None:
        """Take up what the run before knew. A file that is not there or broken tells nothing."""
        try:
            self.at = self._written = int(self._path.read_text()) if self._path else 0
        except (OSError, ValueError):
            self.at = 0

    async def run(self) -> None:
        """Write until cancelled."""
        try:
            while True:
                await asyncio.sleep(WRITE_SECONDS)
                if self.at != self._written:
                    await asyncio.to_thread(self._write)
        finally:
            self._write()

    def _write(self) -> None:
        if self._path is None or self.at == self._written:
            return
        fresh = self._path.with_name(self._path.name + ".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(str(self.at))
            fresh.replace(self._path)
            self._written = self.at
        except OSError as error:
            log.warning("last_heard_not_written", reason=error.strerror or type(error).__name__)
            self._written = self.at  # said once; the journal tells it less exactly
