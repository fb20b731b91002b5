"""What a caller hears, as a menu file says it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError


def _check_sound(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_./-]{1,200}", name) or ".." in name:
        raise PydanticCustomError(
            "sound",
            '"{given}" is no name of a sound file',
            {"given": name[:60], "cure": "letters, digits and _ - . / only, without extension"},
        )
    return name


def _check_text(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("say", "there is nothing to say", {"cure": "write the text"})
    if any(ord(char) < 32 and char not in "\t\r\n" for char in text):
        raise PydanticCustomError(
            "say", "the text holds a control character", {"cure": "write plain text"}
        )
    return " ".join(text.split())


HOW_TO_WRITE = 'write { say = "text" } or { sound = "name" }, or several of them in [ ]'


class Prompt(BaseModel):
    """What the caller hears: a sound file of the PBX, or a text spoken by espeak-ng at load."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    sound: Annotated[str, AfterValidator(_check_sound)] | None = Field(
        default=None,
        description="Asterisk's name of a sound file, without extension, such as custom/welcome.",
    )
    say: Annotated[str, AfterValidator(_check_text)] | None = Field(
        default=None, max_length=2000, description="A text to speak."
    )
    voice: str = Field(
        default="",
        pattern=r"^([A-Za-z0-9][A-Za-z0-9_+-]*)?$",
        description="espeak-ng voice or language, such as en-gb. Empty: the menu's.",
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> Prompt:
        if (self.sound is None) == (self.say is None):
            raise PydanticCustomError(
                "prompt", "a prompt has either say or sound", {"cure": HOW_TO_WRITE}
            )
        return self


def _as_list(given: object) -> object:
    """One prompt without the brackets is a list of one."""
    return [given] if isinstance(given, dict) else given


Prompts = Annotated[list[Prompt], BeforeValidator(_as_list)]

PLACEHOLDERS = ("position", "minutes")
"""What the texts of an ``announce`` step may hold in braces."""
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def placeholders(prompt: Prompt) -> frozenset[str]:
    """The names in braces in a text."""
    return frozenset(_PLACEHOLDER.findall(prompt.say or ""))


def filled(prompt: Prompt, values: Mapping[str, int]) -> str:
    """The text with numbers in place of the names in braces."""
    return _PLACEHOLDER.sub(lambda found: str(values[found[1]]), prompt.say or "")
