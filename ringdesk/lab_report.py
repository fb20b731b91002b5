"""What the policy lab found, as people and as machines read it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence

from callqueue.lab.comparison import Comparison, ContenderResult
from callqueue.lab.figures import KindFigures
from callqueue.lab.report import plain
from callqueue.lab.statistics import Estimate
from callqueue.lab.trial import BASELINES
from ringdesk.lab import Found

HEAD = (
    "class", "policy", "in target %", "p50", "p95", "p99", "longest", "hung up %",
    "in target against",
)  # fmt: skip
BASELINE_NAMES = {"fifo": "by arrival", "strict": "by rank alone", "score": "score and age"}


def as_json(found: Found) -> str:
    """All figures; times in seconds, shares in percent, each mean with half its 95 % interval."""
    return json.dumps({"on": found.on, **plain(found.comparison, found.recorded)}, indent=2)


def as_text(found: Found) -> str:
    """A table; waits as minutes and seconds."""
    comparison = found.comparison
    rows = [row for kind in comparison.promises for row in _rows(found, kind)]
    first = comparison.contenders[0].name
    return "\n".join(
        [
            f"{found.on}: {comparison.callers:.0f} callers a day, played {comparison.days} times",
            "",
            *table((*HEAD[:-1], f"{HEAD[-1]} {first}"), rows),
            "",
            *_agents(comparison),
        ]
    )


def _rows(found: Found, kind: str) -> Iterator[Sequence[str]]:
    promise = found.comparison.promises[kind]
    label = f"{kind} ({promise.target:.0f} s)"
    if kind in found.recorded:
        yield label, "(as it was)", *_recorded(found.recorded[kind]), ""
        label = ""
    for at, one in enumerate(found.comparison.contenders):
        yield (
            label if not at else "",
            shown(one.name),
            *_figures(one, kind),
            difference(one.kinds[kind].against["in_target"]) if at else "",
        )


def shown(name: str) -> str:
    """A contender as people read it."""
    return BASELINE_NAMES[name] if name in BASELINES else name


def _figures(one: ContenderResult, kind: str) -> Sequence[str]:
    figures = one.kinds[kind].figures
    waits = (clock(figures[name].mean) for name in ("p50", "p95", "p99", "longest"))
    return (percent(figures["in_target"]), *waits, percent(figures["abandoned"]))


def _recorded(one: KindFigures) -> Sequence[str]:
    waits = map(clock, (one.p50, one.p95, one.p99, one.longest))
    return (f"{one.in_target:.1f}", *waits, f"{one.abandoned:.1f}")


def _agents(comparison: Comparison) -> Iterator[str]:
    for one in comparison.contenders:
        cost = f"cost {one.cost.mean:,.0f}"
        yield f"{shown(one.name)}: agents busy {percent(one.occupancy)} %, {cost}"
    yield "cost: the sum over callers of weight times squared minutes waited, a day"


def percent(one: Estimate) -> str:
    """``84.0 (1.2)``, the number in brackets being half the interval."""
    if math.isnan(one.mean):
        return "-"
    return f"{one.mean:.1f}" + ("" if math.isnan(one.spread) else f" ({one.spread:.1f})")


def difference(one: Estimate) -> str:
    """``+2.3 (0.4)``; ``=`` where it may be nothing but chance."""
    if math.isnan(one.mean):
        return "-"
    sure = math.isnan(one.spread) or one.is_certain
    return f"{one.mean:+.1f} ({one.spread:.1f})" if sure else f"= ({one.spread:.1f})"


def clock(seconds: float) -> str:
    """``4:05``; ``-`` for nobody's wait."""
    if math.isnan(seconds):
        return "-"
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as they must be; the first two to the left."""
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    for row in (head, ["-" * width for width in widths], *rows):
        cells = [
            cell.ljust(width) if at < 2 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
