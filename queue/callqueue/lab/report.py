"""A comparison as plain values, for machines and for the page. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from callqueue.lab.comparison import Comparison, ContenderResult, KindResult
from callqueue.lab.figures import KIND_FIGURES, KindFigures
from callqueue.lab.statistics import Estimate

Plain = dict[str, Any]


def plain(comparison: Comparison, recorded: Mapping[str, KindFigures] | None = None) -> Plain:
    """What the API and ``--json`` give; what nobody knows (NaN) is null.

    ``recorded``: what the records say of the same days, by class.
    """
    return {
        "days": comparison.days,
        "callers": round(comparison.callers, 1),
        "classes": [
            {"name": name, "target": one.target, "weight": one.weight}
            for name, one in comparison.promises.items()
        ],
        "curve_seconds": list(comparison.curve_seconds),
        "contenders": [_contender(one) for one in comparison.contenders],
        "recorded": {
            kind: {name: _number(getattr(one, name)) for name in KIND_FIGURES}
            for kind, one in (recorded or {}).items()
        },
    }


def _contender(one: ContenderResult) -> Plain:
    return {
        "name": one.name,
        "occupancy": _estimate(one.occupancy),
        "cost": _estimate(one.cost),
        "cost_against": _estimate(one.cost_against),
        "classes": {kind: _kind(result) for kind, result in one.kinds.items()},
    }


def _kind(result: KindResult) -> Plain:
    return {
        "figures": {name: _estimate(result.figures[name]) for name in KIND_FIGURES},
        "against": {name: _estimate(result.against[name]) for name in KIND_FIGURES},
        "longer": list(result.longer),
    }


def _estimate(one: Estimate) -> Sequence[float | None]:
    return [_number(one.mean), _number(one.spread)]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 3)
