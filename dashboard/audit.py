"""The audit: who logged in, listened, or changed the user list, when and from where."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.clock import Now
from dashboard.tables import audit

Action = Literal[
    "log_in",
    "log_in_refused",
    "log_out",
    "change_password",
    "listen",
    "read_transcript",
    "search_recordings",
    "pause_recording",
    "resume_recording",
    "read_raw",
    "place_caller",
    "transfer_call",
    "hang_up_call",
    "add_user",
    "change_user",
    "publish_policy",
    "restore_policy",
]

SAME_LISTEN = 10 * 60 * 1_000_000
"""A player asks for a recording in pieces: within this time (microseconds) it is one listen."""


class Audit:
    """Writes audit rows; none is ever changed or deleted here. Errors are SQLAlchemy's."""

    def __init__(self, engine: AsyncEngine, now: Now) -> None:
        self._engine = engine
        self._now = now

    async def note(
        self, username: str, action: Action, subject: str = "", address: str = "", detail: str = ""
    ) -> None:
        """Write that ``username`` did ``action`` to ``subject``."""
        row = {
            "at": self._now(),
            "username": username[:60],
            "action": action,
            "subject": subject[:160],
            "address": address[:60],
            "detail": detail,
        }
        async with self._engine.begin() as connection:
            await connection.execute(insert(audit).values(row))

    async def note_once(self, username: str, action: Action, subject: str, address: str) -> None:
        """As :meth:`note`, but once within :data:`SAME_LISTEN`."""
        query = select(audit.c.id).where(
            audit.c.subject == subject,
            audit.c.at > self._now() - SAME_LISTEN,
            audit.c.username == username,
            audit.c.action == action,
        )
        async with self._engine.connect() as connection:
            known = (await connection.execute(query.limit(1))).first()
        if known is None:
            await self.note(username, action, subject, address)
