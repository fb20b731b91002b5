"""The order in which waiting callers are to be served. Pure, in exact integers.

Everybody ages at the same rate, one second a second, so a head start in seconds is subtracted
once from the time of the join and the order never changes while people wait: nothing is
recomputed by a timer. (An accumulating priority queue whose classes share one slope: Kleinrock;
Stanford, Taylor and Ziedins 2014.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cti.domain.events import Micros, PriorityTerm


def virtual_join(joined_at: Micros, terms: Iterable[PriorityTerm]) -> Micros:
    """When the caller would have joined to stand there by waiting alone.

    Microseconds since the epoch. Each of ``terms`` is a head start in seconds.
    """
    return joined_at - sum(term.seconds for term in terms) * 1_000_000


def wanted_order(virtual_joins: Mapping[str, Micros]) -> list[str]:
    """The entry ids of ``virtual_joins`` (entry id to virtual join), who is served first first."""
    return sorted(virtual_joins, key=lambda entry_id: (virtual_joins[entry_id], entry_id))
