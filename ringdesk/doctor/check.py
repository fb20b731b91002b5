"""What the doctor says about one thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warn", "fail", "unknown"]


@dataclass(frozen=True)
class Check:
    """One line of the report.

    ``state``: ``ok``; ``warn``: works, but something is lost; ``fail``: broken; ``unknown``: it
    could not be looked at. ``said`` tells what was found, ``fix`` is the text to paste or the
    command to run (empty when nothing is to be done). ``switch``: the Asterisk it is about, where
    there are several.
    """

    name: str
    state: State
    said: str
    fix: str = ""
    switch: str = ""

    @property
    def title(self) -> str:
        """The name, with the switch before it where there are several."""
        return f"{self.switch}: {self.name}" if self.switch else self.name


def not_checked(name: str, because: str) -> Check:
    """A check that another one's failure makes impossible."""
    return Check(name, "unknown", f"not checked: {because}")


def listed(names: list[str], most: int = 5) -> str:
    """``a, b and c``, or the first of many and how many more there are."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
