"""Recordings, their transcripts, and who listened."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    false,
)

from cti.storage import metadata

recordings = Table(
    "recordings",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("call_id", String(160), nullable=False),
    Column("talk_id", String(160), nullable=False),
    Column("switch", String(60), nullable=False),
    Column("agent", String(120), nullable=False),
    Column("queue", String(80), nullable=False),
    Column("channel", String(160), nullable=False),
    Column("mixmonitor_id", String(80), nullable=False, server_default=""),
    Column("started_at", BigInteger, nullable=False),
    Column("stopped_at", BigInteger, nullable=True),
    Column("state", String(10), nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("retry", Boolean, nullable=False, server_default=false()),
    Column("seconds", Float, nullable=False, server_default="0"),
    Column("sha256", String(64), nullable=False, server_default=""),
    Column("language", String(20), nullable=False),
    Column("transcript", String(10), nullable=False, server_default="none"),
    Column("transcript_reason", Text, nullable=False, server_default=""),
    Column("transcript_crashes", Integer, nullable=False, server_default="0"),
    Column("paused_until", BigInteger, nullable=True),
    Column("custody", String(10), nullable=False, server_default=""),
    Column("verified_at", BigInteger, nullable=False, server_default="0"),
    Index("ix_recordings_call_id", "call_id"),
    Index("ix_recordings_state", "state", "started_at"),
    Index("ix_recordings_transcript", "transcript", "started_at"),
    Index("ix_recordings_verified_at", "verified_at"),
)
"""``state`` is recording, stored or failed; ``transcript`` is none, pending, ready or failed.

``custody``: intact, changed or missing, as the file was found at ``verified_at`` (empty, 0: never).
``paused_until``: when a pause that goes on ends by itself.
A row in state recording with ``stopped_at`` waits for Asterisk's files; ``retry``: the disk refused
it and it will be tried again. Rows with a pending transcript are the queue of the speech workers.
"""

transcripts = Table(
    "transcripts",
    metadata,
    Column("recording_id", String(32), ForeignKey("recordings.id"), primary_key=True),
    Column("engine", String(120), nullable=False),
    Column("language", String(20), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("words", Integer, nullable=False),
    Column("segments", Text, nullable=False),
)
"""``segments`` is JSON: a list of :class:`recordings.transcription.Segment`."""

recording_access = Table(
    "recording_access",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("who", String(120), nullable=False),
    Column("recording_id", String(32), nullable=False),
    Column("what", String(20), nullable=False),
    Column("result", String(40), nullable=False),
    Index("ix_recording_access_recording_id", "recording_id", "at"),
    Index("ix_recording_access_who", "who", "at"),
)
"""Every try to listen or read. No foreign key: it outlives the recording."""
