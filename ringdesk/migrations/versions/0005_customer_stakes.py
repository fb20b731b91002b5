"""what is at stake with a customer: language, value, an open complaint, an open deal

Revision 0005, after 0004.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns: of customers from before nothing of it is known."""
    no = sa.false()
    for column in (
        sa.Column("language", sa.String(length=20), server_default="", nullable=False),
        sa.Column("value", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("open_complaint", sa.Boolean(), server_default=no, nullable=False),
        sa.Column("open_deal", sa.Boolean(), server_default=no, nullable=False),
    ):
        op.add_column("customers", column)


def downgrade() -> None:
    """Take them away again."""
    for name in ("open_deal", "open_complaint", "value", "language"):
        op.drop_column("customers", name)
