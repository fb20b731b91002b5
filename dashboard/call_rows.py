"""Calls of the history as the API gives them, with customers and recordings joined in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crm_bridge.numbers import given_number
from crm_bridge.store import Customer
from cti.history import PATH_SEPARATOR, Cursor
from cti.interaction import whole
from dashboard.routes import Ask
from dashboard.schemas import CallCustomer, CallRow, CallsAnswer, RecordingRow
from dashboard.scope import may_hear
from recordings.library import Recording


def recording_row(recording: Recording) -> RecordingRow:
    """One recording."""
    return RecordingRow(**{name: getattr(recording, name) for name in RecordingRow.model_fields})


async def call_rows(ask: Ask, rows: Sequence[Any]) -> list[CallRow]:
    """The rows of the history with their customers, and the recordings the user may hear."""
    deps = ask.dashboard.deps
    parts = await deps.history.interactions([row.call_id for row in rows])
    rows = [whole(row, parts.get(row.call_id, ())) for row in rows]
    customers = await deps.customers.by_ids({row.customer_id for row in rows if row.customer_id})
    ids = {
        row.call_id: [p.call_id for p in parts.get(row.call_id, ())] or [row.call_id]
        for row in rows
    }
    recordings = await deps.library.of_calls([one for group in ids.values() for one in group])
    return [
        _call_row(
            ask,
            row,
            customers,
            [recording for one in ids[row.call_id] for recording in recordings.get(one, [])],
            ids[row.call_id],
        )
        for row in rows
    ]


def place(before: str | None) -> Cursor | None:
    """Where a page begins: the ``next`` of the page before."""
    if before is None:
        return None
    arrived_at, _, call_id = before.partition("-")
    return Cursor(int(arrived_at), call_id)


async def page(ask: Ask, rows: Sequence[Any], limit: int) -> CallsAnswer:
    """A page of calls; a full one has a next."""
    more = f"{rows[-1].arrived_at}-{rows[-1].call_id}" if len(rows) == limit else None
    return CallsAnswer(calls=await call_rows(ask, rows), next=more)


def _call_row(
    ask: Ask,
    row: Any,
    customers: Mapping[int, Customer],
    recordings: Sequence[Recording],
    ids: list[str],
) -> CallRow:
    customer = customers.get(row.customer_id)
    same = (
        "call_id", "arrived_at", "answered_at", "ended_at", "direction", "outcome",
        "caller_number", "queue", "agent", "waited", "talked", "why", "note", "topic",
        "result", "note_by", "reconstructed",
    )  # fmt: skip
    return CallRow(
        **{name: getattr(row, name) for name in same},
        number=row.number or given_number(row.caller_number),
        customer=headline(customer) if customer else None,
        agent_name=ask.dashboard.desk.name_of(row.agent) if row.agent else "",
        path=row.menu_path.split(PATH_SEPARATOR) if row.menu_path else [],
        calls=ids,
        recordings=[recording_row(one) for one in recordings if may_hear(ask, one)],
    )


def headline(customer: Customer) -> CallCustomer:
    """Who a call was with, in a few words."""
    return CallCustomer(
        id=customer.id, name=customer.name, tier=customer.tier, status=customer.status
    )
