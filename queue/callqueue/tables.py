"""Calls that we make ourselves: to personal managers, and back to customers.

Both are written before anything is dialled, so that a crash can never lead to a second call.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text, UniqueConstraint

from cti.storage import metadata

manager_calls = Table(
    "manager_calls",
    metadata,
    Column("attempt_id", String(80), primary_key=True),
    Column("call_id", String(160), nullable=False),
    Column("entry_id", String(160), nullable=False),
    Column("manager", String(200), nullable=False),
    Column("number", String(20), nullable=False),
    Column("called_at", BigInteger, nullable=False),
    Column("answered_at", BigInteger, nullable=True),
    Column("over_at", BigInteger, nullable=True),
    UniqueConstraint("entry_id", "number"),
    Index("ix_manager_calls_called_at", "called_at"),
)
"""One row a call to a mobile. ``answered_at`` and ``over_at`` are null until then; the time
between is what the provider charges for. Nobody is called twice for one wait."""

callbacks = Table(
    "callbacks",
    metadata,
    Column("callback_id", String(40), primary_key=True),
    Column("number", String(20), nullable=False),
    Column("open_key", String(40), nullable=True),
    Column("queue", String(80), nullable=False),
    Column("switch", String(60), nullable=False),
    Column("name", String(200), nullable=False, server_default=""),
    Column("asked_by", String(120), nullable=False, server_default=""),
    Column("call_id", String(160), nullable=False, server_default=""),
    Column("requested_at", BigInteger, nullable=False),
    Column("virtual_join", BigInteger, nullable=False),
    Column("state", String(12), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("not_before", BigInteger, nullable=False, server_default="0"),
    Column("leg", String(80), nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    Column("changed_at", BigInteger, nullable=False),
    UniqueConstraint("open_key"),
    Index("ix_callbacks_requested_at", "requested_at"),
)
"""``open_key`` names the customer (or else the number) as long as the callback is open, then it is
null: so the database itself keeps everybody to one callback. ``leg`` is the Uniqueid of the last
call made for it."""
