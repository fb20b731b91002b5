"""What the interpreter of menus and whoever performs them say to each other. Pure.

*Instructions* say what is to be done with the caller, *happenings* what came of it. Of some
instructions something must come before the interpreter can go on: :class:`ReadDigits` (then come
back with :class:`Pressed` or :class:`Silence`), :class:`AskCustomer` (with
:class:`CustomerKnown`), :class:`AskWait` (with :class:`WaitKnown` or :class:`WaitUnknown`) and
:class:`KeepPlace` (with :class:`PlaceKept`). After :class:`Leave` there is nothing more.
:class:`HungUp` may come at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ivr.sounds import PlayableSound, Sound

Next = Literal["queue", "extension", "voicemail", "hangup"]
"""Where a call goes after the menus."""

# --- instructions ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Play:
    """Play these to their end."""

    sounds: tuple[Sound, ...]


@dataclass(frozen=True)
class ReadDigits:
    """Play ``sounds`` until a key is pressed, then read up to ``most`` keys; # ends a number."""

    sounds: tuple[PlayableSound, ...]
    most: int
    wait: float
    wait_between: float


@dataclass(frozen=True)
class SetVariable:
    """Set a variable of the channel."""

    name: str
    value: str


@dataclass(frozen=True)
class AskCustomer:
    """Find out who calls, within the deadline."""


@dataclass(frozen=True)
class KeepPlace:
    """Keep the caller's place in a queue, to call them back."""

    queue: str


@dataclass(frozen=True)
class AskWait:
    """Find out the place in this queue and how long the wait will be."""

    queue: str


@dataclass(frozen=True)
class Told:
    """For the history: the caller was told the place and the wait."""

    queue: str
    position: int
    seconds: float | None


@dataclass(frozen=True)
class Entered:
    """For the history: the caller came into a menu."""

    menu: str
    version: str


@dataclass(frozen=True)
class Chosen:
    """For the history: the caller pressed keys."""

    menu: str
    digits: str
    label: str
    valid: bool


@dataclass(frozen=True)
class Leave:
    """The end: where the call goes and why."""

    menu: str
    next: Next
    target: str
    reason: str


Instruction = (
    Play
    | ReadDigits
    | SetVariable
    | AskCustomer
    | AskWait
    | KeepPlace
    | Told
    | Entered
    | Chosen
    | Leave
)

# --- what happened -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Pressed:
    """The caller pressed these keys."""

    digits: str


@dataclass(frozen=True)
class Silence:
    """The caller pressed nothing in time."""


@dataclass(frozen=True)
class CustomerKnown:
    """What the CRM store says; None: nothing, or not in time."""

    fields: Mapping[str, str] | None


@dataclass(frozen=True)
class WaitKnown:
    """The place from 1, and the seconds until it is their turn; None: nobody can tell."""

    position: int
    seconds: float | None


@dataclass(frozen=True)
class WaitUnknown:
    """Nothing is known of this queue."""


@dataclass(frozen=True)
class PlaceKept:
    """The caller will be called back; ``refused`` (not empty): they will not, and why."""

    refused: str = ""


@dataclass(frozen=True)
class HungUp:
    """The caller is gone."""


Happening = Pressed | Silence | CustomerKnown | WaitKnown | WaitUnknown | PlaceKept | HungUp
