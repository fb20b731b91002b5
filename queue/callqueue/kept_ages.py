"""Since when a caller waits who comes into a queue not for the first time. Pure.

A place is kept, for example, by somebody who is called back, or who was about to be given to a
personal manager who then was gone: their next wait counts from the beginning of the first.
"""

from __future__ import annotations

from cti.domain.events import Micros

_MOST = 10_000


class KeptAges:
    """By call and queue: when the next wait is to count as begun (microseconds)."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, str], Micros] = {}

    def keep(self, call_id: str, queue: str, since: Micros) -> None:
        """The next wait of the call in this queue counts from then on."""
        self._since[call_id, queue] = since
        if len(self._since) > _MOST:
            del self._since[next(iter(self._since))]

    def forget(self, call_id: str, queue: str) -> None:
        """It will not come back."""
        self._since.pop((call_id, queue), None)

    def take(self, call_id: str, queue: str) -> Micros | None:
        """Since when the wait that begins counts; None: since now. Serves once."""
        return self._since.pop((call_id, queue), None)
