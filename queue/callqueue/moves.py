"""The fewest priority changes that turn the line of the PBX into the wanted order. Pure.

:mod:`callqueue.waiting_line` has the rules of app_queue. Two things follow from them:

1. In a line that is sorted by priority, callers who are not moved can stay where they are when
   they stand in the wanted order already, and when two of them **with the same priority** have
   nobody to come between them: there is no priority between two equals. The longest such chain
   stays, everybody else is moved once: no plan is shorter.
2. Moves are sent in the wanted order, and who is moved falls behind all equals. So where there is
   no free priority left between two callers, who is moved between them takes the priority of the
   one in front: it always fits, and gaps are a matter of saving later moves, not of being right.

New priorities are spread evenly over the gap, and never fall below 0 without need, so that who
joins next (with priority 0) comes last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise

from callqueue.waiting_line import Place

GAP = 100_000
"""How far apart priorities are given where there is room: it can be halved 16 times."""
HIGHEST = 1_000_000_000
"""Above it everybody is numbered anew; app_queue holds priorities in a signed 32-bit integer."""


@dataclass(frozen=True, slots=True)
class Move:
    """Give the caller this priority, at once."""

    entry_id: str
    priority: int


def plan_moves(
    line: Sequence[Place], wanted: Sequence[str], fixed: Set[str] = frozenset()
) -> list[Move]:
    """The fewest moves, to be sent in this order, after which ``line`` stands as ``wanted``.

    ``line`` is the PBX's, front first. Nobody of ``fixed`` is moved (an agent's phone rings for
    them), nor who is in ``line`` but not ``wanted``: the others come into the wanted order around
    them. Who is wanted but not in the line is left out.
    """
    places = {place.entry_id: (rank, place.priority) for rank, place in enumerate(line)}
    row = [entry_id for entry_id in wanted if entry_id in places]
    ordered = [entry_id for entry_id in row if entry_id not in fixed]
    ranks = [places[entry_id][0] for entry_id in ordered]
    if ranks == sorted(ranks):
        return []
    if not _is_sorted(line):
        return _number_anew(ordered, above=max(place.priority for place in line))
    moves = _fill(row, _chain(row, places, fixed), places, fixed)
    if any(move.priority > HIGHEST for move in moves):
        return _number_anew(ordered, above=0)
    return moves


def _is_sorted(line: Sequence[Place]) -> bool:
    """False after a priority was changed without Immediate, by somebody else."""
    return all(a.priority >= b.priority for a, b in pairwise(line))


def _number_anew(ordered: Sequence[str], above: int) -> list[Move]:
    """Move everybody. Each lands right behind the one before, whatever the line was."""
    top = above + GAP * len(ordered)
    return [Move(entry_id, top - GAP * i) for i, entry_id in enumerate(ordered)]


def _chain(row: Sequence[str], places: Mapping[str, tuple[int, int]], fixed: Set[str]) -> set[str]:
    """Who need not be moved: the longest chain, by the rule in the module's docstring.

    Among equally long chains it is the one which keeps most of those who fall back, so that
    people are moved forward where there is a choice. Those of ``fixed`` count no more than that:
    keeping them in the chain costs no move.
    """
    rank_now = {entry_id: i for i, entry_id in enumerate(sorted(row, key=places.__getitem__))}
    best = _Best(sorted({-places[entry_id][1] for entry_id in row}))
    links: list[tuple[int, int]] = []
    for j, entry_id in enumerate(row):
        priority = places[entry_id][1]
        weight, before = max(best.above(priority), _best_equal(row, j, places, fixed, links))
        weight += 0 if entry_id in fixed else len(row) + 1
        weight += entry_id in fixed or rank_now[entry_id] <= j
        links.append((weight, before))
        best.add(priority, (weight, j))
    chain, at = set[str](), max(range(len(links)), key=lambda j: links[j][0])
    while at >= 0:
        chain.add(row[at])
        at = links[at][1]
    return chain


def _best_equal(
    row: Sequence[str],
    j: int,
    places: Mapping[str, tuple[int, int]],
    fixed: Set[str],
    links: Sequence[tuple[int, int]],
) -> tuple[int, int]:
    """The best (weight, index) before ``j`` with the same priority and nobody to come between."""
    rank, priority = places[row[j]]
    best = (0, -1)
    for i in range(j - 1, -1, -1):
        if places[row[i]][1] == priority and places[row[i]][0] < rank:
            best = max(best, (links[i][0], i))
        if row[i] not in fixed:
            break
    return best


class _Best:
    """The best (weight, index) among all with a higher priority, in O(log n): a Fenwick tree."""

    def __init__(self, keys: Sequence[int]) -> None:
        self._slots = {-key: slot for slot, key in enumerate(keys, start=1)}
        self._tree = [(0, -1)] * (len(keys) + 1)

    def above(self, priority: int) -> tuple[int, int]:
        slot, best = self._slots[priority] - 1, (0, -1)
        while slot > 0:
            best = max(best, self._tree[slot])
            slot -= slot & -slot
        return best

    def add(self, priority: int, link: tuple[int, int]) -> None:
        slot = self._slots[priority]
        while slot < len(self._tree):
            self._tree[slot] = max(self._tree[slot], link)
            slot += slot & -slot


def _fill(
    row: Sequence[str],
    chain: Set[str],
    places: Mapping[str, tuple[int, int]],
    fixed: Set[str],
) -> list[Move]:
    """Priorities for everybody outside the chain, run by run between two who stay."""
    moves: list[Move] = []
    run: list[str] = []
    high: int | None = None
    for entry_id in row:
        if entry_id in chain:
            low = places[entry_id][1]
            moves += spread(run, high, low)
            run, high = [], low
        elif entry_id not in fixed:
            run.append(entry_id)
    return moves + spread(run, high, None)


def spread(run: Sequence[str], high: int | None, low: int | None) -> list[Move]:
    """Priorities from ``high`` (taken as often as must be) down to above ``low``."""
    count = len(run)
    if high is None:
        base = low or 0
        return [Move(entry_id, base + GAP * (count - i)) for i, entry_id in enumerate(run)]
    if low is None:
        low = min(-1, high - 1)
    return [
        Move(entry_id, high - i * (high - low) // (count + 1))
        for i, entry_id in enumerate(run, start=1)
    ]
