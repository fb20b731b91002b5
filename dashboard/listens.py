"""Who listened to what: one row for a listen, though a player asks for it in many pieces."""

from __future__ import annotations

from dashboard.routes import Ask
from recordings.library import AccessKind

SAME_LISTEN = 10 * 60 * 1_000_000
"""Within this time (microseconds) the same session's requests for a recording are one listen."""
_REMEMBERED = 10_000


class Listens:
    """Writes to the library's access list; refusals always."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str, str], int] = {}

    def begins(self, ask: Ask, recording_id: str, what: AccessKind) -> bool:
        """Whether this is another listen, not one more piece of the last."""
        last = self._last.get(_key(ask, recording_id, what), -SAME_LISTEN)
        return ask.dashboard.deps.now() - last >= SAME_LISTEN

    async def note(self, ask: Ask, recording_id: str, what: AccessKind, result: str) -> None:
        """Note that the user listened or read, or was refused. Errors are SQLAlchemy's."""
        deps, now = ask.dashboard.deps, ask.dashboard.deps.now()
        if result == "ok" and not self.begins(ask, recording_id, what):
            return
        await deps.library.note_access(
            recording_id, who=ask.user.username, what=what, result=result, at=now
        )
        if result != "refused":
            self._remember(_key(ask, recording_id, what), now)

    def _remember(self, key: tuple[str, str, str], now: int) -> None:
        self._last.pop(key, None)
        self._last[key] = now
        if len(self._last) > _REMEMBERED:
            del self._last[next(iter(self._last))]


def _key(ask: Ask, recording_id: str, what: AccessKind) -> tuple[str, str, str]:
    return ask.session.token_hash if ask.session else "", recording_id, what
