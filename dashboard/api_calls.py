"""The API of calls: the history, one call's timeline, its outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, or_

from cti.domain.events import DispositionSet, Event
from cti.history import talked_with
from cti.journal import JournalUnavailable
from cti.tables import calls
from dashboard.call_rows import call_rows, page, place
from dashboard.errors import ApiError, not_found
from dashboard.routes import Ask, Routes
from dashboard.schemas import (
    CallAnswer,
    CallPath,
    CallsAnswer,
    CallsQuery,
    Disposition,
    SavedAnswer,
    Step,
)
from dashboard.scope import calls_within, customers_within, may_see_call
from dashboard.sentences import sentence, told

routes = Routes()

FOUND_AT_MOST = 200
"""Customers looked at when calls are searched by a name."""


@routes.get("/api/calls")
async def list_calls(ask: Ask, query: CallsQuery) -> CallsAnswer:
    """Calls, newest first."""
    conditions = [calls_within(ask), *await _filters(ask, query)]
    rows = await ask.dashboard.deps.history.newest(
        *conditions, before=place(query.before), limit=query.limit
    )
    return await page(ask, rows, query.limit)


async def _filters(ask: Ask, query: CallsQuery) -> list[ColumnElement[bool]]:
    wanted = {"queue": query.queue, "outcome": query.outcome}
    filters = [calls.c[name] == value for name, value in wanted.items() if value]
    if query.agent:
        filters.append(talked_with(query.agent))
    if query.q.strip():
        filters.append(await _matches(ask, query.q.strip()))
    return filters


async def _matches(ask: Ask, text: str) -> ColumnElement[bool]:
    """Calls in whose numbers or note the text stands, or whose customer is called so."""
    found = await ask.dashboard.deps.customers.search(text, FOUND_AT_MOST)
    visible = await customers_within(ask, found)
    number = text.replace(" ", "")
    return or_(
        calls.c.number.icontains(number, autoescape=True),
        calls.c.caller_number.icontains(number, autoescape=True),
        calls.c.note.icontains(text, autoescape=True),
        calls.c.customer_id.in_([customer.id for customer in visible]),
    )


@routes.get("/api/calls/{call_id}", errors=(404,))
async def read_call(ask: Ask, path: CallPath) -> CallAnswer:
    """One call, and what happened in it, step by step."""
    rows, events = await open_interaction(ask, path.call_id)
    name_of = ask.dashboard.desk.name_of
    steps = [
        Step(
            seq=event.seq,
            at=event.at,
            type=type(event).__name__,
            text=sentence(event, name_of),
            reconstructed=event.reconstructed,
        )
        for event in told(events)
    ]
    return CallAnswer(call=(await call_rows(ask, rows[:1]))[0], steps=steps)


async def open_interaction(ask: Ask, call_id: str) -> tuple[Sequence[Any], Sequence[Event]]:
    """The calls of the interaction (the first call first) and all that happened in them.

    Who may read one of them may read all. Raises :class:`dashboard.errors.ApiError` (404).
    """
    deps = ask.dashboard.deps
    rows = (await deps.history.interactions([call_id])).get(call_id, [])
    events = await deps.journal.written.of_calls([row.call_id for row in rows])
    for row in rows:
        if may_see_call(ask, row, events) or await _is_of_customer(ask, row):
            return rows, events
    raise not_found("call")


async def _is_of_customer(ask: Ask, row: Any) -> bool:
    """Who may open a customer's card may open the calls that stand on it."""
    customer = await ask.dashboard.deps.customers.get(row.customer_id) if row.customer_id else None
    return customer is not None and bool(await customers_within(ask, [customer]))


@routes.put("/api/calls/{call_id}/disposition", errors=(404,))
async def set_disposition(ask: Ask, path: CallPath, body: Disposition) -> SavedAnswer:
    """Save the outcome of a call; answered when it is durable."""
    await _flushed(ask)
    await _may_dispose(ask, path.call_id)
    await _customer_is_there(ask, body.customer_id)
    saved = ask.dashboard.deps.journal.record(
        DispositionSet(
            at=ask.dashboard.deps.now(),
            call_id=path.call_id,
            agent=ask.user.agent,
            author=ask.user.username,
            note=body.note,
            topic=body.topic,
            result=body.result,
            customer_id=body.customer_id or 0,
        )
    )
    await _flushed(ask)
    return SavedAnswer(saved_at=saved.at)


async def _may_dispose(ask: Ask, call_id: str) -> None:
    deps = ask.dashboard.deps
    row = await deps.history.call(call_id)
    if row is None or not may_see_call(ask, row, await deps.journal.written.of_call(call_id)):
        raise not_found("call")


async def _customer_is_there(ask: Ask, customer_id: int | None) -> None:
    if customer_id is None:
        return
    customer = await ask.dashboard.deps.customers.get(customer_id)
    if customer is None or not await customers_within(ask, [customer]):
        raise not_found("customer")


async def _flushed(ask: Ask) -> None:
    try:
        await ask.dashboard.deps.journal.flush()
    except JournalUnavailable as error:
        raise ApiError(
            503,
            "not_durable_yet",
            str(error),
            "keep this page open and save again in a moment; check the database and its disk",
            retry_after=5,
        ) from None
