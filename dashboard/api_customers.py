"""The API of customers: cards, their calls, notes."""

from __future__ import annotations

import msgspec

from crm_bridge.store import Customer
from cti.domain.events import CustomerNote
from dashboard.call_rows import page, place
from dashboard.errors import not_found
from dashboard.routes import Ask, Routes
from dashboard.schemas import (
    CallsAnswer,
    CustomerAnswer,
    CustomerPath,
    CustomerRow,
    CustomersAnswer,
    NewNote,
    NoteAnswer,
    NoteRow,
    PageQuery,
    SearchQuery,
)
from dashboard.scope import customers_within

routes = Routes()

SEARCHED_AT_MOST = 1000
"""Customers looked at for a user who may not see all that match."""


def _card(customer: Customer) -> CustomerRow:
    return CustomerRow.model_validate_json(msgspec.json.encode(customer))


def _note(note: CustomerNote) -> NoteRow:
    return NoteRow(id=note.id, at=note.at, author=note.author, text=note.text)


async def _visible(ask: Ask, customer_id: int) -> Customer:
    customer = await ask.dashboard.deps.customers.get(customer_id)
    if customer is None or not await customers_within(ask, [customer]):
        raise not_found("customer")
    return customer


@routes.get("/api/customers")
async def search_customers(ask: Ask, query: SearchQuery) -> CustomersAnswer:
    """Customers by name, company or number."""
    limit = query.limit if ask.reach == "all" else SEARCHED_AT_MOST
    found = await ask.dashboard.deps.customers.search(query.q, limit)
    visible = await customers_within(ask, found)
    return CustomersAnswer(customers=[_card(one) for one in visible[: query.limit]])


@routes.get("/api/customers/{customer_id}", errors=(404,))
async def read_customer(ask: Ask, path: CustomerPath) -> CustomerAnswer:
    """One customer's card and newest notes."""
    customer = await _visible(ask, path.customer_id)
    notes = await ask.dashboard.deps.customers.notes(customer.id)
    return CustomerAnswer(customer=_card(customer), notes=[_note(note) for note in notes])


@routes.get("/api/customers/{customer_id}/calls", errors=(404,))
async def customer_calls(ask: Ask, path: CustomerPath, query: PageQuery) -> CallsAnswer:
    """One customer's calls, newest first."""
    customer = await _visible(ask, path.customer_id)
    rows = await ask.dashboard.deps.history.of_customer(
        customer.id, before=place(query.before), limit=query.limit
    )
    return await page(ask, rows, query.limit)


@routes.post("/api/customers/{customer_id}/notes", status=201, errors=(404,))
async def add_customer_note(ask: Ask, path: CustomerPath, body: NewNote) -> NoteAnswer:
    """Add a note to a customer's card."""
    customer = await _visible(ask, path.customer_id)
    deps = ask.dashboard.deps
    note = await deps.customers.add_note(customer.id, ask.user.username, body.text, deps.now())
    return NoteAnswer(note=_note(note))
