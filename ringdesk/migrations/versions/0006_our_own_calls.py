"""our own calls: to personal managers' mobiles, and callbacks

Revision 0006, after 0005.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "manager_calls",
        sa.Column("attempt_id", sa.String(length=80), nullable=False),
        sa.Column("call_id", sa.String(length=160), nullable=False),
        sa.Column("entry_id", sa.String(length=160), nullable=False),
        sa.Column("manager", sa.String(length=200), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("called_at", sa.BigInteger(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("over_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("attempt_id", name="pk_manager_calls"),
        sa.UniqueConstraint("entry_id", "number", name="uq_manager_calls_entry_id_number"),
    )
    op.create_index("ix_manager_calls_called_at", "manager_calls", ["called_at"])
    op.create_table(
        "callbacks",
        sa.Column("callback_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("open_key", sa.String(length=40), nullable=True),
        sa.Column("queue", sa.String(length=80), nullable=False),
        sa.Column("switch", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False, server_default=""),
        sa.Column("asked_by", sa.String(length=120), nullable=False, server_default=""),
        sa.Column("call_id", sa.String(length=160), nullable=False, server_default=""),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("virtual_join", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("not_before", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("leg", sa.String(length=80), nullable=False, server_default=""),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("callback_id", name="pk_callbacks"),
        sa.UniqueConstraint("open_key", name="uq_callbacks_open_key"),
    )
    op.create_index("ix_callbacks_requested_at", "callbacks", ["requested_at"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("callbacks")
    op.drop_table("manager_calls")
