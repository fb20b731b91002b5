"""How benchmarks say what they found."""

from __future__ import annotations

import datetime
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Goal:
    """A figure that must be at least ``wanted``, or with ``at_most`` no more than that."""

    name: str
    value: float
    wanted: float
    at_most: bool = False

    @property
    def held(self) -> bool:
        return self.value <= self.wanted if self.at_most else self.value >= self.wanted

    def __str__(self) -> str:
        sign, verdict = "<=" if self.at_most else ">=", "held" if self.held else "missed"
        return f"goal {self.name}: {self.value:.3g}, wanted {sign} {self.wanted:g}: {verdict}"


def machine() -> str:
    """When and on what: the figures mean nothing without it."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    today = datetime.datetime.now(datetime.UTC).date()
    load = os.getloadavg()[0]
    python = platform.python_version()
    return f"{today}, {os.cpu_count()} cores, {model}, Python {python}, load before: {load:.1f}"


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as they must be, in Markdown."""
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    for row in (head, ["-" * width for width in widths], *rows):
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        print("| " + " | ".join(cells) + " |")


def settle(goals: Sequence[Goal]) -> None:
    """Say which goals are held; the process fails when one is missed."""
    print()
    for goal in goals:
        print(goal)
    if not all(goal.held for goal in goals):
        sys.exit(1)
