"""The journal, and the history that is projected from it in the same transaction."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from cti.storage import metadata

journal = Table(
    "journal",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("id", String(80), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("call_id", String(160), nullable=False, server_default=""),
    Column("type", String(40), nullable=False),
    Column("body", Text, nullable=False),
    UniqueConstraint("id"),
    Index("ix_journal_call_id", "call_id", "seq"),
)
_of_availability = journal.c.type == "AgentAvailabilityChanged"
Index(
    "ix_journal_availability",
    journal.c.at,
    sqlite_where=_of_availability,
    postgresql_where=_of_availability,
)
"""The only type that is looked for by itself; an index on all types cost a fifth of each write."""

calls = Table(
    "calls",
    metadata,
    Column("call_id", String(160), primary_key=True),
    Column("switch", String(60), nullable=False),
    Column("direction", String(10), nullable=False),
    Column("caller_number", String(80), nullable=False, server_default=""),
    Column("caller_name", String(200), nullable=False, server_default=""),
    Column("did", String(80), nullable=False, server_default=""),
    Column("customer_id", Integer, nullable=True),
    Column("number", String(20), nullable=False, server_default=""),
    Column("arrived_at", BigInteger, nullable=False),
    Column("answered_at", BigInteger, nullable=True),
    Column("ended_at", BigInteger, nullable=True),
    Column("outcome", String(20), nullable=False, server_default=""),
    Column("queue", String(80), nullable=False, server_default=""),
    Column("agent", String(120), nullable=False, server_default=""),
    Column("waited", BigInteger, nullable=False, server_default="0"),
    Column("talked", BigInteger, nullable=False, server_default="0"),
    Column("menu_path", Text, nullable=False, server_default=""),
    Column("why", Text, nullable=False, server_default=""),
    Column("note", Text, nullable=False, server_default=""),
    Column("topic", String(80), nullable=False, server_default=""),
    Column("result", String(80), nullable=False, server_default=""),
    Column("note_by", String(120), nullable=False, server_default=""),
    Column("joined_to", String(160), nullable=True),
    Column("reconstructed", Boolean, nullable=False, server_default=false()),
    Index("ix_calls_customer_id", "customer_id", "arrived_at", "call_id"),
    Index("ix_calls_arrived_at", "arrived_at", "call_id"),
)
Index(
    "ix_calls_open",
    calls.c.arrived_at,
    sqlite_where=calls.c.ended_at.is_(None),
    postgresql_where=calls.c.ended_at.is_(None),
)

Index(
    "ix_calls_joined_to",
    calls.c.joined_to,
    sqlite_where=calls.c.joined_to.is_not(None),
    postgresql_where=calls.c.joined_to.is_not(None),
)
"""``joined_to``: the call of another switch with which this one goes on; null for nearly all.

``reconstructed``: something of the call happened while nobody looked, see
:class:`cti.domain.events.Event`.
"""

talks = Table(
    "talks",
    metadata,
    Column("talk_id", String(160), primary_key=True),
    Column("call_id", String(160), nullable=False),
    Column("agent", String(120), nullable=False),
    Column("queue", String(80), nullable=False, server_default=""),
    Column("started_at", BigInteger, nullable=False),
    Column("talked", BigInteger, nullable=True),
    Index("ix_talks_call_id", "call_id"),
    Index("ix_talks_agent", "agent", "started_at", "call_id"),
)
"""Who talked with whom: every agent of a transferred call. ``talked`` is null until it is over.

``calls.agent`` is only the last one.
"""
