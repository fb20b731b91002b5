"""The calendars of a folder: one TOML file each, named after the file."""

from __future__ import annotations

from pathlib import Path

from cti.calendars import Calendar
from cti.config_files import ConfigFileError, Problem, load_toml


def read_calendars(folder: Path) -> dict[str, Calendar]:
    """Name to calendar; a folder that is not there has none. Blocks.

    Raises :class:`cti.config_files.ConfigFileError` with all problems of all files.
    """
    if not folder.exists():
        return {}
    calendars: dict[str, Calendar] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            calendars[path.stem] = load_toml(path, Calendar)
        except ConfigFileError as error:
            problems += error.problems
    if problems:
        raise ConfigFileError(problems)
    return calendars
