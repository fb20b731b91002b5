"""The menus in force, and their replacement without a restart."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import structlog

from cti.config_files import ConfigFileError, Problem
from ivr.loading import load_menus
from ivr.menus import Menus
from ivr.settings import IvrSettings

log = structlog.get_logger(__name__)


class MenuBook:
    """Holds the menus in force. A call keeps the menus with which it began."""

    def __init__(self, settings: IvrSettings, menus: Menus) -> None:
        self.settings = settings
        self.current = menus
        self.problems: tuple[Problem, ...] = ()
        self._loading = threading.Lock()

    @classmethod
    def load(cls, settings: IvrSettings) -> MenuBook:
        """The menus of the settings' folder. Blocks. Raises ConfigFileError."""
        menus = load_menus(settings)
        _log_loaded(menus)
        return cls(settings, menus)

    def reload(self) -> tuple[Problem, ...]:
        """Read the folder again. With problems the menus in force stay. Blocks; any thread.

        Gives the problems (empty: the new menus are in force); they stay in :attr:`problems`.
        """
        with self._loading:
            try:
                self.current = load_menus(self.settings)
            except ConfigFileError as error:
                self.problems = error.problems
                log.error(
                    "menus_refused", in_force="the last good ones", problems=str(error).splitlines()
                )
            else:
                self.problems = ()
                _log_loaded(self.current)
            return self.problems


def _log_loaded(menus: Menus) -> None:
    log.info("menus_loaded", menus=sorted(menus.menus), versions=dict(menus.versions))
    for warning in menus.warnings:
        log.warning("menu_warning", warning=str(warning))


Stamp = frozenset[tuple[str, int, int]]


class MenuWatcher:
    """Reloads the book when a file of its folders changes."""

    def __init__(self, book: MenuBook) -> None:
        self._book = book
        self._seen = self._stamp()

    async def run(self) -> None:
        """Look each ``reload_seconds``, for ever."""
        while True:
            await asyncio.sleep(self._book.settings.reload_seconds)
            await self.look()

    async def look(self) -> bool:
        """Reload if something changed since the last look; whether it did."""
        stamp = await asyncio.to_thread(self._stamp)
        if stamp == self._seen:
            return False
        self._seen = stamp
        await asyncio.to_thread(self._book.reload)
        return True

    def _stamp(self) -> Stamp:
        settings = self._book.settings
        return frozenset(
            entry
            for folder in (settings.menus_folder, settings.calendars_folder)
            for entry in _entries(folder)
        )


def _entries(folder: Path) -> Iterator[tuple[str, int, int]]:
    try:
        paths = [path for path in folder.iterdir() if path.suffix == ".toml"]
    except OSError:
        return
    for path in paths:
        try:
            stat = path.stat()
        except OSError:  # gone between the two calls: the next look sees it
            continue
        yield str(path), stat.st_mtime_ns, stat.st_size
