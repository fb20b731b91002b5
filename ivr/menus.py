"""Menus that are in order, ready to be performed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cti.calendars import Calendar
from cti.config_files import Problem
from ivr.model import Menu
from ivr.prompts import Prompt, filled, placeholders
from ivr.sounds import PlayableSound, Sound, SpokenText


@dataclass(frozen=True, kw_only=True)
class Menus:
    """Menus that are in order and can be performed; never changed, only replaced.

    ``versions`` tells for each menu what its file held (a hash). ``warnings`` do not keep menus
    from working.
    """

    menus: Mapping[str, Menu]
    calendars: Mapping[str, Calendar]
    versions: Mapping[str, str]
    sounds: Mapping[tuple[str, Prompt], PlayableSound]
    warnings: tuple[Problem, ...] = ()

    def playable(self, menu: str, prompts: list[Prompt]) -> tuple[PlayableSound, ...]:
        """The prompts of ``menu`` as sound files."""
        return tuple(self.sounds[menu, prompt] for prompt in prompts)

    def announced(
        self, menu: str, prompts: list[Prompt], values: Mapping[str, int]
    ) -> tuple[Sound, ...]:
        """The prompts of ``menu`` with numbers in place of the names in braces."""
        return tuple(
            SpokenText(filled(prompt, values), prompt.voice or self.menus[menu].voice)
            if placeholders(prompt)
            else self.sounds[menu, prompt]
            for prompt in prompts
        )
