"""One interaction: a call and those that went on with it on other switches, told as one. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from cti.history import PATH_SEPARATOR


def whole(row: Any, parts: Sequence[Any]) -> Any:
    """``row`` of the history with what all ``parts`` of its interaction say together.

    ``parts``: the rows of all its calls, the first call first; of a call that is alone, one.
    """
    if len(parts) < 2:
        return row
    return SimpleNamespace(**row._asdict() | {name: join(parts) for name, join in _JOINED.items()})


def _of(name: str, parts: Sequence[Any]) -> list[Any]:
    """What the parts have in a column, where they have anything."""
    return [value for part in parts if (value := getattr(part, name))]


def _last(name: str) -> Callable[[Sequence[Any]], Any]:
    return lambda parts: (_of(name, parts) or [getattr(parts[0], name)])[-1]


def _sum(name: str) -> Callable[[Sequence[Any]], int]:
    return lambda parts: sum(_of(name, parts))


def _answered_at(parts: Sequence[Any]) -> int | None:
    return min(_of("answered_at", parts), default=None)


def _ended_at(parts: Sequence[Any]) -> int | None:
    ended = [part.ended_at for part in parts]
    return None if None in ended else max(ended)


def _outcome(parts: Sequence[Any]) -> str:
    """On the first switch nobody answers: there the trunk is all that can be seen."""
    outcomes = _of("outcome", parts)
    if _ended_at(parts) is None or not outcomes:
        return ""
    return "answered" if "answered" in outcomes else str(outcomes[-1])


def _path(parts: Sequence[Any]) -> str:
    return PATH_SEPARATOR.join(_of("menu_path", parts))


_JOINED: dict[str, Callable[[Sequence[Any]], Any]] = {
    "arrived_at": lambda parts: min(part.arrived_at for part in parts),
    "answered_at": _answered_at,
    "ended_at": _ended_at,
    "outcome": _outcome,
    "menu_path": _path,
    "reconstructed": lambda parts: any(part.reconstructed for part in parts),
    "waited": _sum("waited"),
    "talked": _sum("talked"),
    **{
        name: _last(name)
        for name in (
            "customer_id", "number", "queue", "agent", "why", "note", "topic", "result", "note_by",
        )
    },
}  # fmt: skip
