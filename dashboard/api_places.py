"""The API of places in a queue: why somebody stands there, then or now, and moving them by hand."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

from pydantic import Field

from callqueue.past_order import PastPlace, order_at
from callqueue.service import CannotMove, NotWaiting
from cti.domain.events import CallQueued, Event, Micros, QueueLeft
from cti.journal import JournalUnavailable
from dashboard.api_calls import open_interaction
from dashboard.errors import ApiError, forbidden
from dashboard.routes import Ask, Routes
from dashboard.schemas import CallPath, Model, Query
from dashboard.scope import whole_house

routes = Routes()

NEIGHBOURS = 3
"""Callers before and behind who are told of."""

Reason = Annotated[str, Field(min_length=1, max_length=200)]


class Placement(Model):
    """Where a person wants a waiting caller (empty: where the policy wants them), and why."""

    placed: Literal["", "front", "end"]
    reason: Reason


class PlacedAnswer(Model):
    """What was recorded."""

    entry_id: str
    queue: str
    placed: str
    by: str
    reason: str
    at: int


class PlaceQuery(Query):
    """The moment, in microseconds since the epoch; 0: now, or the end of the last wait."""

    at: Annotated[int, Field(ge=0, lt=1 << 62)] = 0


class TermRow(Model):
    """One reason, with what it is worth in seconds."""

    label: str
    seconds: int


class PlaceRow(Model):
    """One caller's place, and why. ``call_id`` is empty where the call is not yours to open."""

    call_id: str
    rank: int
    of: int
    waited: int
    label: str
    terms: list[TermRow]
    sentence: str
    policy: str
    must_be_served: bool
    placed: str
    placed_by: str
    placed_why: str


class WhyAnswer(Model):
    """Why a caller stood where they stood at ``at``, who stood around them, the last move."""

    call_id: str
    switch: str
    queue: str
    at: int
    place: PlaceRow
    before: list[PlaceRow]
    behind: list[PlaceRow]
    last_move: str
    moved_at: int | None


@routes.get("/api/calls/{call_id}/place", errors=(404, 409))
async def read_place(ask: Ask, path: CallPath, query: PlaceQuery) -> WhyAnswer:
    """Why a caller stands, or stood at a moment, at this place in the queue."""
    _, events = await open_interaction(ask, path.call_id)
    now = ask.dashboard.deps.now()
    at = query.at or _last_moment(events, now)
    wait = _wait_at(events, at)
    if wait is None:
        raise ApiError(
            409, "not_waiting", "the caller did not wait then", "choose a moment of a wait"
        )
    everybody = await _events_of_all(ask, at, now)
    places = order_at([*events, *everybody], wait.switch, wait.queue, at)
    index = next((i for i, p in enumerate(places) if p.scored.entry_id == wait.entry_id), None)
    if index is None:
        raise ApiError(
            409, "not_scored", "no score was made by then", "choose a moment a little later"
        )
    open_all = whole_house(ask.user, ask.reach)
    rows = [_row(place, names_call=open_all or place is places[index]) for place in places]
    moved = places[index].moved
    return WhyAnswer(
        call_id=path.call_id,
        switch=wait.switch,
        queue=wait.queue,
        at=at,
        place=rows[index],
        before=rows[max(0, index - NEIGHBOURS) : index],
        behind=rows[index + 1 : index + 1 + NEIGHBOURS],
        last_move=moved.sentence if moved else "",
        moved_at=moved.at if moved else None,
    )


def _last_moment(events: Sequence[Event], now: Micros) -> Micros:
    """Now while the caller waits, otherwise just before the last wait ended."""
    waits = [e for e in events if isinstance(e, CallQueued | QueueLeft)]
    last = waits[-1] if waits else None
    return last.at - 1 if isinstance(last, QueueLeft) else now


def _wait_at(events: Iterable[Event], at: Micros) -> CallQueued | None:
    """The wait that went on at ``at``."""
    wait: CallQueued | None = None
    for event in sorted(events, key=lambda event: (event.at, event.seq)):
        if event.at > at:
            break
        if isinstance(event, CallQueued):
            wait = event
        elif isinstance(event, QueueLeft) and wait and wait.entry_id == event.entry_id:
            wait = None
    return wait


async def _events_of_all(ask: Ask, at: Micros, now: Micros) -> Sequence[Event]:
    """What happened in all calls that were open at ``at``, written or not."""
    deps = ask.dashboard.deps
    if now - at < 60_000_000:
        with contextlib.suppress(JournalUnavailable):  # then what is written by now must do
            await deps.journal.flush()
    return await deps.journal.written.of_calls(await deps.history.open_at(at))


def _row(place: PastPlace, *, names_call: bool) -> PlaceRow:
    scored = place.scored
    return PlaceRow(
        call_id=scored.call_id if names_call else "",
        rank=place.rank,
        of=place.of,
        waited=place.waited,
        label=scored.label,
        terms=[TermRow(label=term.label, seconds=term.seconds) for term in place.terms],
        sentence=place.sentence,
        policy=scored.policy,
        must_be_served=place.must_be_served,
        placed=scored.placed,
        placed_by=scored.placed_by,
        placed_why=scored.reason,
    )


@routes.put("/api/calls/{call_id}/place", errors=(404, 409))
async def place_caller(ask: Ask, path: CallPath, body: Placement) -> PlacedAnswer:
    """Move a waiting caller to the front or the end, or take that back, with a reason."""
    deps, user = ask.dashboard.deps, ask.user
    wait = ask.dashboard.desk.wait_of(path.call_id)
    if wait is None:
        raise _not_waiting()
    if not whole_house(user, ask.reach) and wait.queue not in user.queues:
        raise forbidden(f"queue {wait.queue} is not one of yours")
    try:
        event = deps.place(path.call_id, body.placed, user.username, body.reason.strip())
    except NotWaiting:
        raise _not_waiting() from None
    except CannotMove as error:
        message = f"the PBX {error} cannot move callers who wait"
        cure = "upgrade Asterisk to 18.20, 20.5, 21 or later"
        raise ApiError(409, "cannot_move", message, cure) from None
    detail = f"{body.placed or 'policy'}: {event.reason}"
    await ask.dashboard.audit.note(user.username, "place_caller", path.call_id, ask.address, detail)
    return PlacedAnswer(
        entry_id=event.entry_id,
        queue=event.queue,
        placed=event.placed,
        by=event.by,
        reason=event.reason,
        at=event.at,
    )


def _not_waiting() -> ApiError:
    return ApiError(
        409, "not_waiting", "the caller does not wait any more", "look where the call is now"
    )
