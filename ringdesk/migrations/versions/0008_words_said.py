"""the index over what was said; pauses of recordings; whether they are what was stored

Revision 0008, after 0006. Transcripts that are there already are indexed by the server, behind its
start: stemming a long history would hold up the first call.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index, empty; no recording is paused."""
    op.add_column("recordings", sa.Column("paused_until", sa.BigInteger(), nullable=True))
    op.add_column(
        "recordings", sa.Column("custody", sa.String(length=10), server_default="", nullable=False)
    )
    op.add_column(
        "recordings", sa.Column("verified_at", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.create_index("ix_recordings_verified_at", "recordings", ["verified_at"])
    op.create_table(
        "transcript_index",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("recording_id", sa.String(length=32), nullable=False),
        sa.Column("language", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"],
            ["transcripts.recording_id"],
            name=op.f("fk_transcript_index_recording_id_transcripts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transcript_index")),
        sa.UniqueConstraint("recording_id", name=op.f("uq_transcript_index_recording_id")),
    )
    op.create_index("ix_transcript_index_language", "transcript_index", ["language"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TABLE transcript_words (id bigint PRIMARY KEY REFERENCES transcript_index (id)"
            " ON DELETE CASCADE, customer tsvector NOT NULL, agent tsvector NOT NULL)"
        )
        op.execute(
            "CREATE INDEX ix_transcript_words ON transcript_words USING gin (customer, agent)"
        )
    else:
        op.execute(
            "CREATE VIRTUAL TABLE transcript_words USING fts5(customer, agent, tokenize='ascii')"
        )
        op.execute(
            "CREATE TRIGGER transcript_words_gone AFTER DELETE ON transcript_index"
            " BEGIN DELETE FROM transcript_words WHERE rowid = old.id; END"
        )


def downgrade() -> None:
    """Take it away again."""
    op.execute("DROP TABLE transcript_words")
    op.drop_table("transcript_index")
    op.drop_index("ix_recordings_verified_at", "recordings")
    for column in ("verified_at", "custody", "paused_until"):
        op.drop_column("recordings", column)
