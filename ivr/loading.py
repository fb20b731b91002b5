"""All menus and calendars of a folder, read, checked together and made ready to be played."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from cti.calendars import Calendar
from cti.config_files import ConfigFileError, Problem, TomlDocument, read_toml
from cti.toml_lines import KeyPath
from ivr.check import MenuFile, check_loops, check_targets, check_unreachable
from ivr.menus import Menus
from ivr.model import AnnounceStep, AskStep, CallbackStep, Menu, PlayStep
from ivr.prompts import PLACEHOLDERS, Prompt, filled, placeholders
from ivr.settings import IvrSettings
from ivr.sounds import PlayableSound, find_sound
from ivr.speech import Speaker, SpeechError

M = TypeVar("M", bound=BaseModel)

_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}\Z")


def load_menus(settings: IvrSettings) -> Menus:
    """Read, check and speak everything. Blocks. Raises ConfigFileError with all problems."""
    problems: list[Problem] = []
    menu_paths = _toml_files(settings.menus_folder, "menus", problems)
    calendar_paths = (
        _toml_files(settings.calendars_folder, "calendars", problems)
        if settings.calendars_folder.exists()
        else {}
    )
    calendars = _read_all(calendar_paths, Calendar, problems)
    files = {
        name: MenuFile(document, menu)
        for name, (document, menu) in _read_all(menu_paths, Menu, problems).items()
    }
    problems += check_targets(files, menu_paths, calendar_paths)
    problems += check_loops(files)
    sounds = _make_sounds(files, settings, problems)
    if problems:
        raise ConfigFileError(problems)
    return Menus(
        menus={name: file.menu for name, file in files.items()},
        calendars={name: calendar for name, (_, calendar) in calendars.items()},
        versions={name: _version(file.document) for name, file in files.items()},
        sounds=sounds,
        warnings=tuple(check_unreachable(files)),
    )


def _toml_files(folder: Path, what: str, problems: list[Problem]) -> dict[str, Path]:
    """The .toml files of ``folder`` by name."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".toml")
    except OSError as error:
        reason = f"the folder of {what} cannot be read: {error.strerror}"
        problems.append(_of_folder(folder, reason, f"create it, or set ivr.{what}_folder"))
        return {}
    if not paths and what == "menus":
        problems.append(_of_folder(folder, "there is no menu here", "write a file main.toml"))
    for path in paths:
        if not _NAME.match(path.stem):
            reason, cure = "the file's name is no name", "use letters, digits, _ and - only"
            problems.append(_of_folder(path, reason, cure))
    return {path.stem: path for path in paths}


def _of_folder(path: Path, reason: str, cure: str) -> Problem:
    return Problem(file=str(path), line=0, key="", reason=reason, cure=cure)


def _read_all(
    paths: Mapping[str, Path], model: type[M], problems: list[Problem]
) -> dict[str, tuple[TomlDocument, M]]:
    """Those files that are in order; what is wrong with the others goes to ``problems``."""
    read: dict[str, tuple[TomlDocument, M]] = {}
    for name, path in paths.items():
        try:
            document = read_toml(path)
            read[name] = (document, document.build(model))
        except ConfigFileError as error:
            problems += error.problems
    return read


def _version(document: TomlDocument) -> str:
    return hashlib.sha256(document.text.encode()).hexdigest()[:12]


def _make_sounds(
    files: Mapping[str, MenuFile], settings: IvrSettings, problems: list[Problem]
) -> dict[tuple[str, Prompt], PlayableSound]:
    speaker = Speaker(settings.speech)
    sounds: dict[tuple[str, Prompt], PlayableSound] = {}
    for name, file in files.items():
        for key, prompt in _prompts(file.menu):
            try:
                sounds[name, prompt] = _make_sound(prompt, file.menu, settings, speaker)
            except SpeechError as error:
                problems.append(file.document.problem(key, error.reason, error.cure))
    return sounds


def _make_sound(
    prompt: Prompt, menu: Menu, settings: IvrSettings, speaker: Speaker
) -> PlayableSound:
    if prompt.say is not None:
        return speaker.speak(prompt.say, prompt.voice or menu.voice)
    name = prompt.sound or ""
    if settings.sounds_folder is None:
        return PlayableSound(name, None)
    sound = find_sound(name, settings.sounds_folder)
    if sound is None:
        raise SpeechError(
            f'there is no sound file "{name}" in {settings.sounds_folder}',
            'correct the name, put the file there, or let the text be spoken: say = "..."',
        )
    return sound


def _prompts(menu: Menu) -> Iterator[tuple[KeyPath, Prompt]]:
    for name, step in menu.step.items():
        if isinstance(step, AskStep | PlayStep | CallbackStep):
            yield from _located(("step", name, "prompt"), step.prompt)
        if isinstance(step, AskStep):
            yield from _located(("step", name, "invalid_prompt"), step.invalid_prompt)
        if isinstance(step, AnnounceStep):
            for key in ("prompt", "short_prompt", "unknown_prompt"):
                sample = [_sample(prompt) for prompt in getattr(step, key)]
                yield from _located(("step", name, key), sample)


def _sample(prompt: Prompt) -> Prompt:
    """What is known only in the call is spoken with some number, to learn whether it can be."""
    if not placeholders(prompt):
        return prompt
    return prompt.model_copy(update={"say": filled(prompt, dict.fromkeys(PLACEHOLDERS, 2))})


def _located(key: KeyPath, prompts: list[Prompt]) -> Iterator[tuple[KeyPath, Prompt]]:
    for index, prompt in enumerate(prompts):
        yield ((*key, index) if len(prompts) > 1 else key), prompt
