"""The API of the search over what was said: only in recordings that the user may hear."""

from __future__ import annotations

from collections.abc import Mapping

from crm_bridge.numbers import given_number
from crm_bridge.store import Customer
from dashboard.call_rows import headline, recording_row
from dashboard.routes import Ask, Routes
from dashboard.schemas import FoundRow, HitRow, PieceRow, RecordingsAnswer, RecordingsQuery
from dashboard.scope import customers_within, recordings_within
from recordings.search import Found, Wanted
from recordings.words import Hit, NoWords, Part

routes = Routes()

PLACES_SHOWN = 4
"""Snippets of one recording in a page."""
CUSTOMERS_AT_MOST = 200
"""Customers looked at when a name is asked for."""


@routes.get("/api/recordings")
async def search_recordings(ask: Ask, query: RecordingsQuery) -> RecordingsAnswer:
    """Recordings in which all words and "phrases" of q were said, newest first."""
    try:
        parts = await ask.dashboard.deps.search.parts(query.q)
    except NoWords:
        return RecordingsAnswer(found=[], next=None)
    if query.before is None:
        await ask.dashboard.audit.note_once(
            ask.user.username, "search_recordings", query.q, ask.address
        )
    wanted = await _wanted(ask, query, parts)
    found = await ask.dashboard.deps.search.find(
        wanted, recordings_within(ask), before=query.before, limit=query.limit
    )
    ids = {one.customer_id for one in found if one.customer_id}
    customers = await ask.dashboard.deps.customers.by_ids(ids)
    more = str(found[-1].place) if len(found) == query.limit else None
    return RecordingsAnswer(found=[_row(ask, one, customers) for one in found], next=more)


async def _wanted(ask: Ask, query: RecordingsQuery, parts: tuple[Part, ...]) -> Wanted:
    return Wanted(
        parts=parts,
        speaker=query.speaker or None,
        queue=query.queue,
        agent=query.agent,
        customers=await _customers(ask, query.customer.strip()),
        topic=query.topic,
        result=query.result,
        shortest=query.shortest,
        longest=query.longest,
        since=query.since,
        until=query.until,
    )


async def _customers(ask: Ask, asked: str) -> list[int] | None:
    if not asked:
        return None
    found = await ask.dashboard.deps.customers.search(asked, CUSTOMERS_AT_MOST)
    return [customer.id for customer in await customers_within(ask, found)]


def _row(ask: Ask, found: Found, customers: Mapping[int, Customer]) -> FoundRow:
    recording, customer = found.recording, customers.get(found.customer_id or 0)
    return FoundRow(
        recording=recording_row(recording),
        queue=recording.queue,
        agent_name=ask.dashboard.desk.name_of(recording.agent) if recording.agent else "",
        customer=headline(customer) if customer else None,
        number=found.number or given_number(found.caller_number),
        topic=found.topic,
        result=found.result,
        hits=[_hit(hit) for hit in found.hits[:PLACES_SHOWN]],
        places=len(found.hits),
    )


def _hit(hit: Hit) -> HitRow:
    return HitRow(
        speaker=hit.speaker,
        start=hit.start,
        pieces=[PieceRow(text=piece.text, hit=piece.hit) for piece in hit.pieces],
        before=hit.before,
        after=hit.after,
    )
