"""The menus in force, and their replacement without a restart."""

from __future__ import annotations

import threading
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

    @property
    def places(self) -> tuple[Path, Path]:
        """The folders whose files are the menus: what to watch for changes."""
        return self.settings.menus_folder, self.settings.calendars_folder

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
