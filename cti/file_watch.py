"""Notices that files people edit have changed, so that they come into force without a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

Stamp = frozenset[tuple[str, int, int]]


class FileWatcher:
    """Calls ``changed`` (in a thread) when a watched file came, went or was written.

    ``places`` are files, or folders whose ``*.toml`` files count; they are looked at every
    ``seconds``. ``changed`` deals with its own errors.
    """

    def __init__(
        self, places: Iterable[Path], changed: Callable[[], object], seconds: float = 2.0
    ) -> None:
        self._places = tuple(places)
        self._changed = changed
        self._seconds = seconds
        self._seen = self._stamp()

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while True:
            await asyncio.sleep(self._seconds)
            await self.look()

    async def look(self) -> bool:
        """Look once; whether something had changed."""
        stamp = await asyncio.to_thread(self._stamp)
        if stamp == self._seen:
            return False
        self._seen = stamp
        await asyncio.to_thread(self._changed)
        return True

    def _stamp(self) -> Stamp:
        return frozenset(entry for place in self._places for entry in _entries(place))


def _entries(place: Path) -> Iterator[tuple[str, int, int]]:
    for path in _files(place):
        try:
            stat = path.stat()
        except OSError:  # gone between the two calls: the next look sees it
            continue
        yield str(path), stat.st_mtime_ns, stat.st_size


def _files(place: Path) -> list[Path]:
    if not place.is_dir():
        return [place]
    try:
        return [path for path in place.iterdir() if path.suffix == ".toml"]
    except OSError:
        return []
