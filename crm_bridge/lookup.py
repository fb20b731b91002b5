"""All that a screen-pop shows of whoever has a number, read as one job.

It is asked for each call, so it is made of queries compiled once (:mod:`cti.reads`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Integer, Select, bindparam, func, or_, select
from sqlalchemy.engine import URL

from crm_bridge.store import CARD, Customer, Phone, card
from crm_bridge.tables import customer_notes, customers, phones
from cti.domain.events import CustomerNote, PastContact
from cti.history import newest_calls, together
from cti.interaction import whole
from cti.reads import Prepared, Reads
from cti.tables import calls

NOTES = 5
"""Notes that a screen-pop shows, the newest."""


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who has a number: ``customers``, the one in contact last first.

    ``contacts`` are the ended calls of that one, and ``notes`` what was noted of them, both newest
    first.
    """

    customers: Sequence[Customer] = ()
    contacts: Sequence[PastContact] = ()
    notes: Sequence[CustomerNote] = ()


class CallerLookup:
    """Looks in our own store. ``contacts``: how many past calls are wanted."""

    def __init__(self, url: URL, contacts: int) -> None:
        self._reads = Reads(url, "looks up callers")
        self._wanted = contacts
        self._cards = Prepared(_cards(), self._reads)
        self._phones = Prepared(_phones(), self._reads)
        self._calls = Prepared(_calls(), self._reads)
        self._parts = Prepared(_parts(), self._reads)
        self._notes = Prepared(_notes(), self._reads)

    async def by_number(self, number: str) -> Caller:
        """Who has this E.164 number. Raises :class:`cti.writer.DatabaseAway`."""
        return await self._reads.do(lambda cursor: self._caller(cursor, number))

    async def close(self) -> None:
        """Give the connection back."""
        await self._reads.close()

    def _caller(self, cursor: Any, number: str) -> Caller:
        rows = self._cards(cursor, number=number)
        if not rows:
            return Caller()
        numbers: dict[int, list[Phone]] = {row.id: [] for row in rows}
        for phone in self._phones(cursor, number=number):
            numbers[phone.customer_id].append(Phone(number=phone.number, label=phone.label))
        best: int = rows[0].id
        return Caller(
            customers=[card(row._asdict(), numbers[row.id]) for row in rows],
            contacts=self._contacts(cursor, best),
            notes=[
                CustomerNote(id=note.id, at=note.at, author=note.author, text=note.text)
                for note in self._notes(cursor, customer_id=best, limit=NOTES)
            ],
        )

    def _contacts(self, cursor: Any, customer_id: int) -> list[PastContact]:
        of_customer = {"customer_id": customer_id, "limit": self._wanted + 1}  # one may go on now
        rows = self._calls(cursor, **of_customer)
        others = self._parts(cursor, **of_customer) if rows else []
        parts = together({row.call_id: row for row in (*rows, *others)}.values())
        told = (whole(row, parts[row.joined_to or row.call_id]) for row in rows)
        return [_contact(row) for row in told if row.outcome][: self._wanted]


def _contact(row: Any) -> PastContact:
    return PastContact(
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


def _cards() -> Select[Any]:
    last = select(func.max(calls.c.arrived_at)).where(calls.c.customer_id == customers.c.id)
    return (
        select(*CARD)
        .join(phones, phones.c.customer_id == customers.c.id)
        .where(phones.c.number == bindparam("number"))
        .order_by(func.coalesce(last.scalar_subquery(), 0).desc(), customers.c.id)
    )


def _phones() -> Select[Any]:
    theirs = select(phones.c.customer_id).where(phones.c.number == bindparam("number"))
    columns = select(phones.c.customer_id, phones.c.number, phones.c.label)
    return columns.where(phones.c.customer_id.in_(theirs)).order_by(phones.c.id)


def _calls() -> Select[Any]:
    return newest_calls(
        calls.c.customer_id == bindparam("customer_id"), limit=bindparam("limit", type_=Integer)
    )


def _parts() -> Select[Any]:
    """The other calls of the same interactions."""
    newest = _calls().subquery()
    first = select(func.coalesce(newest.c.joined_to, newest.c.call_id))
    joined = select(newest.c.joined_to).where(newest.c.joined_to.is_not(None))
    return select(calls).where(or_(calls.c.joined_to.in_(first), calls.c.call_id.in_(joined)))


def _notes() -> Select[Any]:
    return (
        select(customer_notes)
        .where(customer_notes.c.customer_id == bindparam("customer_id"))
        .order_by(customer_notes.c.at.desc(), customer_notes.c.id.desc())
        .limit(bindparam("limit", type_=Integer))
    )
