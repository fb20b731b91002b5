"""The customer store on SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from crm_bridge.tables import customer_notes, customers, phones
from cti.domain.events import CustomerNote, CustomerRef, Micros


class Phone(msgspec.Struct, frozen=True, kw_only=True):
    """A number in E.164 and what it is ("mobile", "office")."""

    number: str
    label: str = ""


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's card. ``created_at`` is in microseconds since the epoch.

    ``value`` is what is at stake with them, in whole units of the house's currency.
    """

    id: int
    name: str
    status: str
    tier: str
    segment: str
    company: str
    owner_name: str
    owner_extension: str
    owner_mobile: str
    created_at: Micros
    language: str = ""
    value: int = 0
    open_complaint: bool = False
    open_deal: bool = False
    phones: tuple[Phone, ...] = ()

    def ref(self) -> CustomerRef:
        """The headline of the card, as events carry it."""
        return CustomerRef(
            id=self.id,
            name=self.name,
            status=self.status,
            tier=self.tier,
            segment=self.segment,
            company=self.company,
            owner_name=self.owner_name,
            owner_extension=self.owner_extension,
            owner_mobile=self.owner_mobile,
            language=self.language,
            value=self.value,
            open_complaint=self.open_complaint,
            open_deal=self.open_deal,
        )


CARD = tuple(customers.c[name] for name in Customer.__struct_fields__ if name != "phones")
"""The columns of a :class:`Customer`."""


class CustomerStore:
    """Reads customers and writes notes. Errors are SQLAlchemy's."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def get(self, customer_id: int) -> Customer | None:
        """One customer, or None."""
        found = await self._cards(select(*CARD).where(customers.c.id == customer_id))
        return found[0] if found else None

    async def by_ids(self, ids: Iterable[int]) -> dict[int, Customer]:
        """The customers among ``ids`` that exist, by id."""
        found = await self._cards(select(*CARD).where(customers.c.id.in_(set(ids))))
        return {customer.id: customer for customer in found}

    async def search(self, text: str, limit: int = 20) -> list[Customer]:
        """Customers whose name, company or number holds every word of ``text``, by name."""
        query = select(*CARD)
        for word in text.lower().split():
            digits = "".join(character for character in word if character.isdigit())
            holds = customers.c.search.contains(word, autoescape=True)
            if len(digits) >= 3:
                by_phone = select(phones.c.customer_id).where(phones.c.number.contains(digits))
                holds = holds | customers.c.id.in_(by_phone)
            query = query.where(holds)
        return await self._cards(query.order_by(customers.c.search, customers.c.id).limit(limit))

    async def notes(self, customer_id: int, limit: int = 50) -> list[CustomerNote]:
        """The notes on a customer, newest first."""
        query = (
            select(customer_notes)
            .where(customer_notes.c.customer_id == customer_id)
            .order_by(customer_notes.c.at.desc(), customer_notes.c.id.desc())
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        return [CustomerNote(id=r.id, at=r.at, author=r.author, text=r.text) for r in rows]

    async def add_note(self, customer_id: int, author: str, text: str, at: Micros) -> CustomerNote:
        """Keep a note. Raises :class:`sqlalchemy.exc.IntegrityError` for an unknown customer."""
        row = {"customer_id": customer_id, "at": at, "author": author, "text": text}
        async with self._engine.begin() as connection:
            result = await connection.execute(insert(customer_notes).values(row))
        key = result.inserted_primary_key
        return CustomerNote(id=key[0] if key else 0, at=at, author=author, text=text)

    async def _cards(self, query: Any) -> list[Customer]:
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).mappings().all()
            numbers = await self._numbers(connection, [row["id"] for row in rows])
        return [_card(row, numbers) for row in rows]

    async def _numbers(self, connection: Any, ids: Sequence[int]) -> dict[int, list[Phone]]:
        found: dict[int, list[Phone]] = {customer_id: [] for customer_id in ids}
        if ids:
            query = select(phones).where(phones.c.customer_id.in_(ids)).order_by(phones.c.id)
            for row in await connection.execute(query):
                found[row.customer_id].append(Phone(number=row.number, label=row.label))
        return found


def _card(row: Mapping[Any, Any], numbers: Mapping[int, list[Phone]]) -> Customer:
    return card(dict(row), numbers[row["id"]])


def card(row: dict[str, Any], numbers: Iterable[Phone]) -> Customer:
    """A customer from the columns of :data:`CARD`; SQLite has 0 and 1 for no and yes."""
    flags = {name: bool(row[name]) for name in ("open_complaint", "open_deal")}
    return Customer(**{**row, **flags}, phones=tuple(numbers))


def search_text(name: str, company: str) -> str:
    """What a search looks through: lower case, so that it works alike in every database."""
    return f"{name} {company}".lower()[:600]
