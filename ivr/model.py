"""What a menu file says: steps, prompts, destinations. (docs/menus.md is the same for people.)"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
)
from pydantic_core import PydanticCustomError

from cti.config_files import did_you_mean
from cti.toml_lines import KeyPath
from ivr.prompts import HOW_TO_WRITE, Prompt, Prompts, placeholders

CUSTOMER_FIELDS = frozenset(
    {"known", "status", "tier", "segment", "language", "company", "owner_name", "owner_extension"}
)
"""What a branch may compare. ``known`` is ``yes`` when the CRM store knows the caller."""

RESERVED_PREFIX = "RINGDESK_"
"""Variables by which Ringdesk and the dialplan talk (RINGDESK_NEXT...): not for a ``set`` step."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


# --- where a call goes -------------------------------------------------------------------------

Kind = Literal["step", "menu", "queue", "extension", "voicemail", "hangup"]

_KINDS: tuple[Kind, ...] = ("step", "menu", "queue", "extension", "voicemail")
_WRITE = (
    'write "queue support", "extension 100", "voicemail 100", "menu main", "step welcome" '
    'or "hang up"'
)


@dataclass(frozen=True)
class Destination:
    """Where a call goes: within the menu (``step``), to another ``menu``, or out of the IVR."""

    kind: Kind
    target: str = ""


def parse_destination(text: object) -> Destination:
    """``"queue support"`` as a :class:`Destination`. Raises :class:`PydanticCustomError`."""
    if not isinstance(text, str):
        raise PydanticCustomError("destination", "should be a text", {"cure": _WRITE})
    words = text.split()
    if words == ["hang", "up"]:
        return Destination("hangup")
    kind = next((kind for kind in _KINDS if words and kind == words[0]), None)
    if kind is None or len(words) != 2:
        raise PydanticCustomError(
            "destination", 'cannot read "{given}"', {"given": text[:60], "cure": _WRITE}
        )
    if not re.fullmatch(r"[A-Za-z0-9_.@+-]{1,80}", words[1]):
        raise PydanticCustomError(
            "destination",
            '"{given}" is no name',
            {"given": words[1][:60], "cure": "use letters, digits and _ . @ + - only"},
        )
    return Destination(kind, words[1])


Go = Annotated[Destination, PlainValidator(parse_destination)]


@dataclass(frozen=True)
class Exit:
    """One way out of a step: the key that says so, and whether only the caller can take it."""

    key: KeyPath
    to: Destination
    by_caller: bool = False


# --- steps -------------------------------------------------------------------------------------


class Choice(_Model):
    """What a key stands for."""

    label: str = Field(min_length=1, description="What the key means, for reports: Sales.")
    go: Go = Field(description=f"Where the call goes: {_WRITE}.")


def _check_keys(keys: dict[str, Choice]) -> dict[str, Choice]:
    for key in keys:
        if not re.fullmatch(r"[0-9*]{1,8}|#", key):
            raise PydanticCustomError(
                "keys",
                '"{given}" is no key of a telephone',
                {"given": key[:20], "cure": "use digits and *, or # alone"},
            )
    return keys


class AskStep(_Model):
    """Play the prompt, wait for keys, go where they lead."""

    do: Literal["ask"]
    prompt: Prompts = Field(min_length=1, description=HOW_TO_WRITE)
    keys: Annotated[dict[str, Choice], AfterValidator(_check_keys)] = Field(
        min_length=1, description='What each key does: 1 = { label = "Sales", go = "queue sales" }.'
    )
    wait: float = Field(
        default=5.0, ge=1, le=30, description="Seconds to wait for the first key after the prompt."
    )
    wait_between: float = Field(
        default=2.0,
        ge=0.5,
        le=10,
        description="Seconds to wait for the next key of a longer number.",
    )
    tries: int = Field(default=3, ge=1, le=10, description="How often to ask in all.")
    invalid_prompt: Prompts = Field(
        default=[], description="What is said before asking again after a wrong key."
    )
    on_invalid: Go = Field(description="Where the call goes after the last wrong key.")
    on_timeout: Go = Field(description="Where the call goes when nothing was pressed at last.")

    def exits(self) -> Iterator[Exit]:
        """The ways out of this step."""
        for digits, choice in self.keys.items():
            yield Exit(("keys", digits, "go"), choice.go, by_caller=True)
        yield Exit(("on_invalid",), self.on_invalid, by_caller=True)
        yield Exit(("on_timeout",), self.on_timeout)


class PlayStep(_Model):
    """Play the prompt to its end and go on."""

    do: Literal["play"]
    prompt: Prompts = Field(min_length=1, description=HOW_TO_WRITE)
    go: Go = Field(description=f"Where the call goes then: {_WRITE}.")

    def exits(self) -> Iterator[Exit]:
        """The ways out of this step."""
        yield Exit(("go",), self.go)


class HoursStep(_Model):
    """Go one way in business hours and another way outside of them."""

    do: Literal["hours"]
    calendar: str = Field(description="The name of a file in config/calendars, without .toml.")
    open: Go = Field(description="Where the call goes in business hours.")
    closed: Go = Field(description="Where the call goes outside of them and on holidays.")

    def exits(self) -> Iterator[Exit]:
        """The ways out of this step."""
        yield Exit(("open",), self.open)
        yield Exit(("closed",), self.closed)


def _as_values(given: object) -> object:
    return [given] if isinstance(given, str) else given


def _check_fields(fields: Mapping[str, list[str]]) -> Mapping[str, list[str]]:
    for name in fields:
        if name not in CUSTOMER_FIELDS:
            raise PydanticCustomError(
                "field",
                'customers have no field "{given}"',
                {"given": name[:40], "cure": did_you_mean(name, CUSTOMER_FIELDS)},
            )
    return fields


class Rule(_Model):
    """One line of a branch: the first rule whose fields all match decides."""

    when: Annotated[
        dict[str, Annotated[list[str], BeforeValidator(_as_values)]], AfterValidator(_check_fields)
    ] = Field(min_length=1, description='All must hold: { tier = ["vip", "gold"], known = "yes" }.')
    go: Go = Field(description=f"Where the call goes then: {_WRITE}.")

    def matches(self, customer: Mapping[str, str]) -> bool:
        """Whether each field has one of its values; capitals and outer blanks do not count."""
        return all(
            customer.get(name, "").strip().casefold() in {v.strip().casefold() for v in values}
            for name, values in self.when.items()
        )


class BranchStep(_Model):
    """Go by what the CRM store says about the caller."""

    do: Literal["branch"]
    rules: list[Rule] = Field(
        min_length=1, description='{ when = { tier = "vip" }, go = "queue support" } and so on.'
    )
    otherwise: Go = Field(description="Where all others go, and callers nobody knows.")

    def exits(self) -> Iterator[Exit]:
        """The ways out of this step."""
        for index, rule in enumerate(self.rules):
            yield Exit(("rules", index, "go"), rule.go)
        yield Exit(("otherwise",), self.otherwise)


def _check_variables(variables: dict[str, str]) -> dict[str, str]:
    for name, value in variables.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,78}", name) or name.startswith(
            RESERVED_PREFIX
        ):
            raise PydanticCustomError(
                "variable",
                '"{given}" cannot be set',
                {
                    "given": name[:40],
                    "cure": "use letters, digits and _; names with RINGDESK_ are our own",
                },
            )
        if re.search(r"[\r\n\0]", value) or len(value) > 500:
            raise PydanticCustomError(
                "variable",
                'the value of "{given}" is too long or has several lines',
                {"given": name, "cure": "write one line of at most 500 characters"},
            )
    return variables


class SetStep(_Model):
    """Set variables of the channel, for the dialplan and the queue."""

    do: Literal["set"]
    variables: Annotated[dict[str, str], AfterValidator(_check_variables)] = Field(
        min_length=1, description='Names and values, such as { QUEUE_PRIO = "5" }.'
    )
    go: Go = Field(description=f"Where the call goes then: {_WRITE}.")

    def exits(self) -> Iterator[Exit]:
        """The ways out of this step."""
        yield Exit(("go",), self.go)


def _only(*names: str) -> AfterValidator:
    """The braces of the prompts hold these names only."""

    def check(prompts: list[Prompt]) -> list[Prompt]:
        for name in sorted(frozenset[str]().union(*map(placeholders, prompts)) - {*names}):
            cure = did_you_mean(name, names)
            raise PydanticCustomError(
                "placeholder",
                'nothing can be said for "{given}"',
                {"given": name[:40], "cure": cure},
            )
        return prompts

    return AfterValidator(check)


class AnnounceStep(_Model):
    """Say the place in a queue and how long the wait will be, and go on."""

    do: Literal["announce"]
    queue: str = Field(
        pattern=r"^[A-Za-z0-9_.@+-]{1,80}$", description="The queue that is spoken of."
    )
    prompt: Annotated[Prompts, _only("position", "minutes")] = Field(
        min_length=1,
        description="What is said: { say = "
        '"You are number {position}. The wait is about {minutes} minutes." }.',
    )
    short_prompt: Annotated[Prompts, _only("position")] = Field(
        default=[], description="What is said instead when the wait is less than a minute."
    )
    unknown_prompt: Annotated[Prompts, _only("position")] = Field(
        default=[], description="What is said while too few were served to estimate the wait."
    )
    go: Go = Field(description=f"Where the call goes then: {_WRITE}.")

    def exits(self) -> Iterator[Exit]:
        """The ways out of this step."""
        yield Exit(("go",), self.go)


class CallbackStep(_Model):
    """Keep the caller's place in a queue and call them back when it is their turn."""

    do: Literal["callback"]
    queue: str = Field(
        pattern=r"^[A-Za-z0-9_.@+-]{1,80}$", description="The queue in which the place is kept."
    )
    prompt: Prompts = Field(
        default=[], description="What is said once the place is kept: we will call you back."
    )
    go: Go = Field(
        default=Destination("hangup"), description="Where the call goes then; it ends by default."
    )
    otherwise: Go = Field(
        description="Where the call goes when they cannot be called back: a withheld number,"
        " callbacks that are switched off, a database that is away."
    )

    def exits(self) -> Iterator[Exit]:
        """The ways out of this step."""
        yield Exit(("go",), self.go)
        yield Exit(("otherwise",), self.otherwise)


Step = AskStep | PlayStep | HoursStep | BranchStep | SetStep | AnnounceStep | CallbackStep


class Menu(_Model):
    """One menu file. The call begins with the first step of the file."""

    title: str = Field(min_length=1, description="What people call this menu.")
    voice: str = Field(
        default="",
        pattern=r"^([A-Za-z0-9][A-Za-z0-9_+-]*)?$",
        description="espeak-ng voice or language of its texts. Empty: the one of the settings.",
    )
    step: dict[str, Annotated[Step, Field(discriminator="do")]] = Field(
        min_length=1, description="The steps, each under [step.NAME]."
    )

    @property
    def first(self) -> str:
        """The name of the step with which a call begins."""
        return next(iter(self.step))
