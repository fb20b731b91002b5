"""joined calls: which call of another switch a call goes on with

Revision 0003, after 0002.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column: calls from before went on with none."""
    op.add_column("calls", sa.Column("joined_to", sa.String(length=160), nullable=True))
    is_joined = sa.text("joined_to IS NOT NULL")
    op.create_index(
        "ix_calls_joined_to",
        "calls",
        ["joined_to"],
        sqlite_where=is_joined,
        postgresql_where=is_joined,
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_index("ix_calls_joined_to", "calls")
    op.drop_column("calls", "joined_to")
