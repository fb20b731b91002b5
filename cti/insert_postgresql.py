"""A batch into PostgreSQL: the journal by COPY, the history as a few JSON parameters.

``json_to_recordset`` turns one parameter into a table, so that a batch costs one statement a kind
of change, sent together in a pipeline, instead of one a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from cti.history import PATH_SEPARATOR, CallChange, Changes, EndedTalk, NewCall, NewTalk

KNOWN = "SELECT seq FROM journal WHERE seq BETWEEN %s AND %s"
_APPEND = "COPY journal (seq, id, at, call_id, type, body) FROM STDIN"


def insert(cursor: Any, rows: Sequence[tuple[Any, ...]], changes: Changes) -> None:
    """Write the rows of the journal and what they change in the history."""
    with cursor.copy(_APPEND) as copy:
        for row in rows:
            copy.write_row(row)
    with cursor.connection.pipeline():
        for statement, changed in (
            (_NEW_CALLS, changes.new_calls),
            (_NEW_TALKS, changes.new_talks),
            (_CHANGES, list(changes.calls.values())),
            (_ENDED_TALKS, changes.ended_talks),
        ):
            if changed:
                cursor.execute(statement, (msgspec.json.encode(changed).decode(),))


def _given(kind: type[msgspec.Struct]) -> str:
    columns = ", ".join(
        f"{field.name} {_type_of(str(field.type))}" for field in msgspec.structs.fields(kind)
    )
    return f"json_to_recordset(%s) AS given ({columns})"


def _type_of(annotated: str) -> str:
    if "bool" in annotated:
        return "boolean"
    return "text" if "str" in annotated else "bigint"


def _insert_into(table: str, kind: type[msgspec.Struct]) -> str:
    names = ", ".join(kind.__struct_fields__)
    return (
        f"INSERT INTO {table} ({names}) SELECT {names} FROM {_given(kind)}"  # noqa: S608 - names
        " ON CONFLICT DO NOTHING"
    )


_TERMS = {
    "customer_id": "NULLIF(COALESCE(given.customer_id, calls.customer_id), 0)",
    "menu_path": f"CONCAT_WS('{PATH_SEPARATOR}', NULLIF(calls.menu_path, ''), given.menu_path)",
    "waited": "calls.waited + COALESCE(given.waited, 0)",
    "talked": "calls.talked + COALESCE(given.talked, 0)",
    "answered_at": "COALESCE(calls.answered_at, given.answered_at)",
}
"""How a :class:`cti.history.CallChange` changes a column that is not just replaced."""

_NEW_CALLS = _insert_into("calls", NewCall)
_NEW_TALKS = _insert_into("talks", NewTalk)
_CHANGES = (
    "UPDATE calls SET "  # noqa: S608 - names of columns
    + ", ".join(
        f"{name} = {_TERMS.get(name, f'COALESCE(given.{name}, calls.{name})')}"
        for name in CallChange.__struct_fields__[1:]
    )
    + f" FROM {_given(CallChange)} WHERE calls.call_id = given.call_id"
)
_ENDED_TALKS = (
    f"UPDATE talks SET talked = given.talked FROM {_given(EndedTalk)}"  # noqa: S608 - names
    " WHERE talks.talk_id = given.talk_id"
)
