"""The history: one row a call and one a talk, projected from the journal's events.

:class:`Changes` is pure: it gathers what a batch of events changes, and :mod:`cti.writer` writes it
in the journal's transaction. ``menu_path`` holds the labels the caller chose, joined by " › ";
``why`` the last explanation of their place in the queue: the sentence of the last move, or the
terms of the score where no move was needed. :class:`History` reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Row, Select, Table, literal, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql.util import ClauseAdapter

from cti.domain import events as ev
from cti.tables import calls, talks

PATH_SEPARATOR = " › "
_MOST_ASKED = 500
NOBODY = 0
"""As ``customer_id`` of a change: the call belongs to no customer."""


class CallChange(msgspec.Struct, omit_defaults=True):
    """What a batch changes of one call's row; None: nothing.

    ``menu_path`` is appended, ``waited`` and ``talked`` are added, ``answered_at`` counts only if
    there is none yet, everything else is replaced.
    """

    call_id: str
    number: str | None = None
    customer_id: int | None = None
    menu_path: str | None = None
    queue: str | None = None
    why: str | None = None
    waited: int | None = None
    agent: str | None = None
    answered_at: int | None = None
    talked: int | None = None
    note: str | None = None
    topic: str | None = None
    result: str | None = None
    note_by: str | None = None
    ended_at: int | None = None
    outcome: str | None = None
    joined_to: str | None = None
    reconstructed: bool | None = None


class NewCall(msgspec.Struct):
    """A row of ``calls`` as it begins."""

    call_id: str
    switch: str
    direction: str
    caller_number: str
    caller_name: str
    did: str
    arrived_at: int


class NewTalk(msgspec.Struct):
    """A row of ``talks`` as it begins."""

    talk_id: str
    call_id: str
    agent: str
    queue: str
    started_at: int


class EndedTalk(msgspec.Struct):
    """How long a talk was."""

    talk_id: str
    talked: int


class Changes:
    """Everything a batch of events changes in the history, one change a call."""

    def __init__(self, events: Sequence[ev.Event]) -> None:
        self.new_calls: list[NewCall] = []
        self.new_talks: list[NewTalk] = []
        self.ended_talks: list[EndedTalk] = []
        self.calls: dict[str, CallChange] = {}
        for event in events:
            self._take(event)

    def _of(self, event: ev.Event) -> CallChange:
        change = self.calls.get(event.call_id)
        if change is None:
            change = self.calls[event.call_id] = CallChange(event.call_id)
        return change

    def _take(self, event: ev.Event) -> None:
        if event.reconstructed:
            self._of(event).reconstructed = True
        if take := _TAKES.get(type(event)):
            take(self, event)

    def _arrive(self, event: ev.CallArrived) -> None:
        self.new_calls.append(_new_call(event))

    def _join(self, event: ev.CallJoined) -> None:
        self._of(event).joined_to = _fit("joined_to", event.to_call_id)

    def _identify(self, event: ev.CustomerIdentified) -> None:
        change, customer = self._of(event), event.customer
        change.number = _fit("number", event.number)
        change.customer_id = customer.id if customer and event.match == "one" else NOBODY

    def _enqueue(self, event: ev.CallQueued) -> None:
        self._of(event).queue = _fit("queue", event.queue)

    def _score(self, event: ev.QueueEntryScored) -> None:
        self._of(event).why = _clean(", ".join(map(str, event.terms)))

    def _move(self, event: ev.QueueMoved) -> None:
        self._of(event).why = _clean(event.sentence)

    def _wait(self, event: ev.QueueLeft) -> None:
        change = self._of(event)
        change.waited = (change.waited or 0) + event.waited

    def _end_talk(self, event: ev.TalkEnded) -> None:
        change = self._of(event)
        change.talked = (change.talked or 0) + event.talked
        self.ended_talks.append(EndedTalk(event.talk_id, event.talked))

    def _end(self, event: ev.CallEnded) -> None:
        change = self._of(event)
        change.ended_at, change.outcome = event.at, event.outcome

    def _choose(self, event: ev.MenuChosen) -> None:
        if not event.valid:
            return
        change, label = self._of(event), _clean(event.label)
        change.menu_path = PATH_SEPARATOR.join(filter(None, (change.menu_path, label)))

    def _answer(self, event: ev.CallAnswered) -> None:
        change = self._of(event)
        change.agent = _fit("agent", event.agent)
        if change.answered_at is None:
            change.answered_at = event.at
        queue = _fit("queue", event.queue)
        self.new_talks.append(NewTalk(event.talk_id, event.call_id, change.agent, queue, event.at))

    def _dispose(self, event: ev.DispositionSet) -> None:
        change = self._of(event)
        change.note = _clean(event.note)
        change.topic = _fit("topic", event.topic)
        change.result = _fit("result", event.result)
        change.note_by = _fit("note_by", event.author)
        if event.customer_id:
            change.customer_id = event.customer_id


_TAKES: Mapping[type[ev.Event], Callable[[Changes, Any], None]] = {
    ev.CallArrived: Changes._arrive,
    ev.CallJoined: Changes._join,
    ev.CustomerIdentified: Changes._identify,
    ev.MenuChosen: Changes._choose,
    ev.CallQueued: Changes._enqueue,
    ev.QueueEntryScored: Changes._score,
    ev.QueueMoved: Changes._move,
    ev.QueueLeft: Changes._wait,
    ev.CallAnswered: Changes._answer,
    ev.TalkEnded: Changes._end_talk,
    ev.DispositionSet: Changes._dispose,
    ev.CallEnded: Changes._end,
}


def _new_call(event: ev.CallArrived) -> NewCall:
    return NewCall(
        event.call_id,
        event.switch,
        event.direction,
        _fit("caller_number", event.caller_number),
        _fit("caller_name", event.caller_name),
        _fit("did", event.did),
        event.at,
    )


def _widths(table: Table) -> dict[str, int]:
    return {c.name: c.type.length for c in table.columns if getattr(c.type, "length", None)}  # type: ignore[attr-defined]


_WIDTHS = _widths(calls)


def _clean(text: str) -> str:
    """PostgreSQL holds no NUL character in a text."""
    return text.replace("\0", "") if "\0" in text else text


def _fit(column: str, text: str) -> str:
    """What a caller sends may be longer than any number or name; the journal has it whole."""
    return _clean(text)[: _WIDTHS[column]]


class Cursor(NamedTuple):
    """A place between two calls of a list, newest first: behind this call."""

    arrived_at: ev.Micros
    call_id: str


def talked_with(*agents: str) -> ColumnElement[bool]:
    """The condition on ``calls``: one of these agents talked in it, whoever had it last."""
    return calls.c.call_id.in_(select(talks.c.call_id).where(talks.c.agent.in_(agents)))


def _first_of(conditions: Iterable[Any]) -> ColumnElement[bool]:
    """The condition that no call which it goes on with meets ``conditions`` too."""
    first = calls.alias("first")
    same = [ClauseAdapter(first).traverse(condition) for condition in conditions]
    told = select(literal(1)).where(first.c.call_id == calls.c.joined_to, *same).correlate(calls)
    return or_(calls.c.joined_to.is_(None), ~told.exists())


def newest_calls(*conditions: Any, limit: Any) -> Select[Any]:
    """The query for the newest calls for which ``conditions`` hold, as :meth:`History.newest`."""
    newest_first = (calls.c.arrived_at.desc(), calls.c.call_id.desc())
    query = select(calls).where(*conditions, _first_of(conditions))
    return query.order_by(*newest_first).limit(limit)


def together(rows: Iterable[Any]) -> dict[str, list[Any]]:
    """The rows of calls by the call they go on with, that one first, then by their time."""
    parts: dict[str, list[Any]] = {}
    for row in sorted(rows, key=lambda row: (row.joined_to or "", row.arrived_at)):
        parts.setdefault(row.joined_to or row.call_id, []).append(row)
    return parts


class History:
    """Reads the history."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def call(self, call_id: str) -> Row[Any] | None:
        """The row of one call, or None."""
        rows = await self._read(select(calls).where(calls.c.call_id == call_id))
        return rows[0] if rows else None

    async def of_customer(
        self, customer_id: int, *, before: Cursor | None = None, limit: int = 20
    ) -> Sequence[Row[Any]]:
        """The customer's calls, newest first; ``before`` pages on."""
        return await self.newest(calls.c.customer_id == customer_id, before=before, limit=limit)

    async def open_calls(self) -> list[str]:
        """The ids of calls that have not ended, oldest first."""
        query = select(calls).where(calls.c.ended_at.is_(None)).order_by(calls.c.arrived_at)
        return [row.call_id for row in await self._read(query)]

    async def open_at(self, at: int, hours: int = 24) -> list[str]:
        """The ids of the calls that were open at ``at``, of those that came in the hours before."""
        since = at - hours * 3_600_000_000
        query = select(calls.c.call_id).where(
            calls.c.arrived_at.between(since, at),
            or_(calls.c.ended_at.is_(None), calls.c.ended_at >= at),
        )
        return [row.call_id for row in await self._read(query)]

    async def from_outside(self, since: int, limit: int = 100_000) -> Sequence[Row[Any]]:
        """The newest ``limit`` inbound calls since then, oldest first: who called and how it went.

        ``call_id, caller_number, arrived_at, ended_at, outcome, queue, agent`` of each.
        """
        names = ("call_id", "caller_number", "arrived_at", "ended_at", "outcome", "queue", "agent")
        query = (
            select(*(calls.c[name] for name in names))
            .where(calls.c.arrived_at >= since, calls.c.direction == "inbound")
            .order_by(calls.c.arrived_at.desc())
            .limit(limit)
        )
        return (await self._read(query))[::-1]

    async def first_and_last_queued(self) -> tuple[int, int]:
        """When the first and the last call arrived that waited in a queue; zeros: none ever did."""
        waited = select(calls.c.arrived_at).where(calls.c.queue != "").limit(1)
        first = await self._read(waited.order_by(calls.c.arrived_at))
        last = await self._read(waited.order_by(calls.c.arrived_at.desc()))
        return (first[0].arrived_at, last[0].arrived_at) if first and last else (0, 0)

    async def interactions(self, call_ids: Iterable[str]) -> dict[str, list[Row[Any]]]:
        """Each of these calls with all that belongs to its interaction, the first call first.

        Calls that nobody knows are not in it.
        """
        asked = await self._read(select(calls).where(calls.c.call_id.in_(call_ids)))
        first = {row.call_id: row.joined_to or row.call_id for row in asked}
        roots = set(first.values())
        others = or_(calls.c.joined_to.in_(roots), calls.c.call_id.in_(roots - first.keys()))
        rows = {
            row.call_id: row for row in (*asked, *await self._read(select(calls).where(others)))
        }
        parts = together(rows.values())
        return {call_id: parts[root] for call_id, root in first.items()}

    async def known(self, call_ids: Sequence[str]) -> set[str]:
        """Which of these calls there are."""
        found: set[str] = set()
        for begin in range(0, len(call_ids), _MOST_ASKED):
            some = call_ids[begin : begin + _MOST_ASKED]
            rows = await self._read(select(calls.c.call_id).where(calls.c.call_id.in_(some)))
            found.update(row.call_id for row in rows)
        return found

    async def talks(self, call_id: str) -> Sequence[Row[Any]]:
        """Who talked in a call, in order."""
        query = select(talks).where(talks.c.call_id == call_id)
        return await self._read(query.order_by(talks.c.started_at, talks.c.talk_id))

    async def newest(
        self, *conditions: Any, before: Cursor | None = None, limit: int = 50
    ) -> Sequence[Row[Any]]:
        """The newest calls for which all ``conditions`` on :data:`cti.tables.calls` hold.

        A call that goes on with one which is among them is left out: it is told together with it.
        """
        query = newest_calls(*conditions, limit=limit)
        if before is not None:
            place = tuple_(calls.c.arrived_at, calls.c.call_id)
            query = query.where(place < tuple_(before.arrived_at, before.call_id))
        return await self._read(query)

    async def _read(self, query: Any) -> Sequence[Row[Any]]:
        async with self._engine.connect() as connection:
            return (await connection.execute(query)).all()
