"""A batch into SQLite: rows of parameters, statements that SQLite keeps prepared."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import compress
from typing import Any

from msgspec.structs import astuple

from cti.history import PATH_SEPARATOR, CallChange, Changes

KNOWN = "SELECT seq FROM journal WHERE seq BETWEEN ? AND ?"
_APPEND = "INSERT INTO journal (seq, id, at, call_id, type, body) VALUES (?, ?, ?, ?, ?, ?)"
_NEW_CALL = (
    "INSERT INTO calls"
    " (call_id, switch, direction, caller_number, caller_name, did, arrived_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_NEW_TALK = (
    "INSERT INTO talks (talk_id, call_id, agent, queue, started_at)"
    " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_END_TALK = "UPDATE talks SET talked = ? WHERE talk_id = ?"
_TERMS = {
    "customer_id": "NULLIF(?, 0)",
    "menu_path": f"menu_path || CASE menu_path WHEN '' THEN '' ELSE '{PATH_SEPARATOR}' END || ?",
    "waited": "waited + ?",
    "talked": "talked + ?",
    "answered_at": "COALESCE(answered_at, ?)",
}
"""How a :class:`cti.history.CallChange` changes a column that is not just replaced."""


def insert(cursor: Any, rows: Sequence[tuple[Any, ...]], changes: Changes) -> None:
    """Write the rows of the journal and what they change in the history."""
    cursor.executemany(_APPEND, rows)
    cursor.executemany(_NEW_CALL, map(astuple, changes.new_calls))
    cursor.executemany(_NEW_TALK, map(astuple, changes.new_talks))
    for change in changes.calls.values():
        call_id, *values = astuple(change)
        given = tuple([value is not None for value in values])
        cursor.execute(_update_of(given), [*compress(values, given), call_id])
    cursor.executemany(_END_TALK, ((end.talked, end.talk_id) for end in changes.ended_talks))


@cache
def _update_of(given: tuple[bool, ...]) -> str:
    """Names the columns that change and no other: each one named costs its indexes."""
    columns = compress(CallChange.__struct_fields__[1:], given)
    terms = ", ".join(f"{column} = {_TERMS.get(column, '?')}" for column in columns)
    return f"UPDATE calls SET {terms} WHERE call_id = ?"  # noqa: S608 - names of columns
