"""talks: every agent of a call; indexes for pages and for open calls

Revision 0002, after 0001.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_AT_ONCE = 1000

_journal = sa.table("journal", *map(sa.column, ("seq", "call_id", "type", "body")))
_talks = sa.table(
    "talks", *map(sa.column, ("talk_id", "call_id", "agent", "queue", "started_at", "talked"))
)


def upgrade() -> None:
    """Make the table and fill it from the journal."""
    op.create_table(
        "talks",
        sa.Column("talk_id", sa.String(length=160), nullable=False),
        sa.Column("call_id", sa.String(length=160), nullable=False),
        sa.Column("agent", sa.String(length=120), nullable=False),
        sa.Column("queue", sa.String(length=80), server_default="", nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("talked", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("talk_id", name=op.f("pk_talks")),
    )
    op.create_index("ix_talks_agent", "talks", ["agent", "started_at", "call_id"])
    op.create_index("ix_talks_call_id", "talks", ["call_id"])
    op.drop_index("ix_calls_agent", "calls")
    op.drop_index("ix_calls_arrived_at", "calls")
    op.drop_index("ix_calls_customer_id", "calls")
    op.create_index("ix_calls_arrived_at", "calls", ["arrived_at", "call_id"])
    op.create_index("ix_calls_customer_id", "calls", ["customer_id", "arrived_at", "call_id"])
    is_open = sa.text("ended_at IS NULL")
    op.create_index(
        "ix_calls_open", "calls", ["arrived_at"], sqlite_where=is_open, postgresql_where=is_open
    )
    _fill(op.get_bind())
    op.drop_index("ix_journal_type", "journal")
    choices = sa.text("type = 'AgentAvailabilityChanged'")
    op.create_index(
        "ix_journal_availability",
        "journal",
        ["at"],
        sqlite_where=choices,
        postgresql_where=choices,
    )


def _fill(connection: sa.Connection) -> None:
    talked = {event["talk_id"]: event["talked"] for _, event in _events(connection, "TalkEnded")}
    began = _events(connection, "CallAnswered")
    seen: set[str] = set()
    while some := list(islice(began, _AT_ONCE)):
        fresh = {event["talk_id"]: (call_id, event) for call_id, event in some}
        rows = [
            {
                "talk_id": talk_id,
                "call_id": call_id,
                "agent": event["agent"],
                "queue": event.get("queue", ""),
                "started_at": event["at"],
                "talked": talked.get(talk_id),
            }
            for talk_id, (call_id, event) in fresh.items()
            if talk_id not in seen
        ]
        seen |= fresh.keys()
        if rows:
            connection.execute(sa.insert(_talks), rows)


def _events(connection: sa.Connection, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events of one type with their calls, oldest first, read in steps."""
    after = -1
    query = sa.select(_journal.c.seq, _journal.c.call_id, _journal.c.body)
    query = query.where(_journal.c.type == kind).order_by(_journal.c.seq).limit(_AT_ONCE)
    while rows := connection.execute(query.where(_journal.c.seq > after)).all():
        after = rows[-1].seq
        for row in rows:
            yield row.call_id, json.loads(row.body)


def downgrade() -> None:
    """Take it back to the version before."""
    op.drop_index("ix_journal_availability", "journal")
    op.create_index("ix_journal_type", "journal", ["type", "at"])
    op.drop_index("ix_calls_open", "calls")
    op.drop_index("ix_calls_customer_id", "calls")
    op.drop_index("ix_calls_arrived_at", "calls")
    op.create_index("ix_calls_customer_id", "calls", ["customer_id", "arrived_at"])
    op.create_index("ix_calls_arrived_at", "calls", ["arrived_at"])
    op.create_index("ix_calls_agent", "calls", ["agent", "arrived_at"])
    op.drop_table("talks")
