"""The loads people write: TOML files, each a made-up day. Blocks."""

from __future__ import annotations

from pathlib import Path

from callqueue.lab.load import Load, load_flaws
from cti.config_files import ConfigFileError, Problem, TomlDocument, read_toml


def read_load(path: Path) -> Load:
    """The load of a file. Raises :class:`cti.config_files.ConfigFileError`."""
    return load_of(read_toml(path))


def load_of(document: TomlDocument) -> Load:
    """As :func:`read_load`, of a text that was read already."""
    load = document.build(Load)
    problems = [document.problem(*flaw) for flaw in load_flaws(load)]
    if problems:
        raise ConfigFileError(problems)
    return load


def read_loads(folder: Path) -> dict[str, Load]:
    """Every load of a folder by its name. Raises ConfigFileError with the problems of all files."""
    loads: dict[str, Load] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            load = read_load(path)
        except ConfigFileError as error:
            problems += error.problems
        else:
            loads[load.name] = load
    if problems:
        raise ConfigFileError(problems)
    return loads
