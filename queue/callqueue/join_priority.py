"""A place at the join, for an Asterisk that cannot move callers who wait. Pure.

app_queue before 18.20 and 20.5 reads QUEUE_PRIO once, when somebody joins, and serves strictly by
it. A fixed priority for a class would let the others starve. So the priority is the time itself:
the later the join would be by waiting alone (the join minus the head start), the lower it is. Who
has waited longer than a VIP's head start stands before the VIP, and nobody needs to be moved.
"""

from __future__ import annotations

from cti.domain.events import Micros

_BEGAN = 1_767_225_600
"""2026-01-01 00:00 UTC, in seconds: then the priority was :data:`_HIGHEST`."""
_HIGHEST = 1_000_000_000
"""It falls by one a second: above 0, the priority of who joins without one, for thirty years."""


def join_priority(virtual_join: Micros) -> int:
    """QUEUE_PRIO of a caller who counts as joined at ``virtual_join``; a 32-bit integer."""
    return max(1, min(2**31 - 1, _HIGHEST - (virtual_join // 1_000_000 - _BEGAN)))
