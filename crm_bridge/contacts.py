"""A customer's past calls as a screen-pop shows them."""

from __future__ import annotations

from collections.abc import Sequence

from cti.domain.events import PastContact
from cti.history import History
from cti.interaction import whole


class PastContacts:
    """Reads the history for the screen-pop."""

    def __init__(self, history: History) -> None:
        self._history = history

    async def __call__(self, customer_id: int, limit: int) -> Sequence[PastContact]:
        """The customer's ended calls, newest first."""
        found = await self._history.of_customer(customer_id, limit=limit + 1)
        parts = await self._history.interactions([row.call_id for row in found])
        rows = [whole(row, parts[row.call_id]) for row in found]
        return [
            PastContact(
                call_id=row.call_id,
                at=row.arrived_at,
                direction=row.direction,
                outcome=row.outcome,
                agent=row.agent,
                queue=row.queue,
                talked=row.talked,
                note=row.note,
                result=row.result,
            )
            for row in rows
            if row.outcome
        ][:limit]
