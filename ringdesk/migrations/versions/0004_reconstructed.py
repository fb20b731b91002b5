"""reconstructed calls: those of which something is told from the PBX's own records

Revision 0004, after 0003.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_calls = sa.table("calls", sa.column("call_id"), sa.column("reconstructed", sa.Boolean()))
_journal = sa.table("journal", *map(sa.column, ("call_id", "type", "body")))


def _say(name: str, *kinds: str) -> sa.ColumnElement[bool]:
    """Events that say so; a text within an event has its quotes escaped."""
    return _journal.c.type.in_(kinds) & _journal.c.body.contains(f'"{name}":true')


def upgrade() -> None:
    """Add the column; which calls it is true of, the journal tells."""
    op.add_column(
        "calls",
        sa.Column("reconstructed", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    told = sa.select(_journal.c.call_id).where(
        _say("reconstructed", "CallEnded") | _say("restored", "CallQueued", "CallAnswered")
    )
    op.execute(sa.update(_calls).where(_calls.c.call_id.in_(told)).values(reconstructed=True))


def downgrade() -> None:
    """Take it away again."""
    op.drop_column("calls", "reconstructed")
