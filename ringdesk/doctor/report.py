"""The report: for people, aligned and coloured on a terminal only; or JSON for machines.

The JSON is ``{"ok": bool, "counts": {state: number}, "checks": [{"name", "state", "said",
"fix"}]}``, and in each check "switch" where there are several; names and states are stable,
``said`` and ``fix`` are sentences for people.
"""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import get_args

from ringdesk.doctor.check import Check, State

_MARKS: dict[State, str] = {"ok": "✓", "warn": "!", "fail": "✗", "unknown": "?"}
_COLOURS: dict[State, str] = {"ok": "32", "warn": "33", "fail": "31", "unknown": "36"}
_NARROWEST, _WIDEST = 60, 110


def print_report(checks: Sequence[Check], *, as_json: bool) -> int:
    """Print to standard output. Returns the exit status: 1 when something is broken."""
    if as_json:
        print(json.dumps(as_data(checks), indent=2, ensure_ascii=False))
    else:
        width = min(max(shutil.get_terminal_size().columns, _NARROWEST), _WIDEST)
        print("\n".join(lines_of(checks, width=width, coloured=sys.stdout.isatty())))
    return 0 if is_sound(checks) else 1


def is_sound(checks: Sequence[Check]) -> bool:
    """Whether nothing is broken; doubts do not count."""
    return not any(check.state == "fail" for check in checks)


def as_data(checks: Sequence[Check]) -> dict[str, object]:
    """The report as JSON."""
    counts = Counter(check.state for check in checks)
    return {
        "ok": is_sound(checks),
        "counts": {state: counts[state] for state in get_args(State)},
        "checks": [_as_row(check) for check in checks],
    }


def _as_row(check: Check) -> dict[str, str]:
    """``switch`` only where there are several."""
    row = asdict(check)
    return row if check.switch else {key: row[key] for key in row if key != "switch"}


def lines_of(checks: Sequence[Check], *, width: int, coloured: bool) -> list[str]:
    """The report as lines; what to paste is indented and never broken."""
    shown = list(_together(checks))
    names = max((len(check.title) for check in shown), default=0)
    lines: list[str] = []
    for check in shown:
        lines += _lines_of_one(check, names, width, coloured)
    return [*lines, "", _summary(checks)]


def _together(checks: Sequence[Check]) -> Iterator[Check]:
    """One line for neighbours about which the same is unknown."""
    for (state, said, switch), group in groupby(checks, key=lambda c: (c.state, c.said, c.switch)):
        same = list(group)
        if state == "unknown" and len(same) > 1:
            names = ", ".join(check.name for check in same)
            yield Check(f"{len(same)} checks", state, f"{said} ({names})", switch=switch)
        else:
            yield from same


def _lines_of_one(check: Check, names: int, width: int, coloured: bool) -> list[str]:
    mark = f"{_MARKS[check.state]} {check.state:9}"
    indent = len(mark) + names + 2
    said = textwrap.wrap(
        check.said, max(width - indent, 30), break_long_words=False, break_on_hyphens=False
    )
    first, *rest = said or [""]
    lines = [f"{_painted(mark, check.state, coloured)}{check.title:{names}}  {first}"]
    lines += [" " * indent + line for line in rest]
    return lines + [" " * len(mark) + "    " + line for line in check.fix.splitlines()]


def _painted(text: str, state: State, coloured: bool) -> str:
    return f"\x1b[{_COLOURS[state]}m{text}\x1b[0m" if coloured else text


def _summary(checks: Sequence[Check]) -> str:
    counts = Counter(check.state for check in checks)
    words: dict[State, str] = {"fail": "failed", "warn": "to look at", "unknown": "unknown"}
    others = [f"{counts[state]} {word}" for state, word in words.items() if counts[state]]
    return ", ".join([f"{counts['ok']} ok", *others])
