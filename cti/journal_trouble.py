"""What keeps the journal's events from a disk: told once when it begins, once when it is over."""

from __future__ import annotations

import structlog

from cti.clock import Now

log = structlog.get_logger(__name__)


class Trouble:
    """The state of the journal's database and of its disk."""

    def __init__(self, now: Now) -> None:
        self._now = now
        self.failing_since: int | None = None
        """When the database stopped taking events (microseconds), or None."""
        self.spool_refused = False
        """The disk does not take events either: they are in memory only."""
        self.dropped = 0
        """Events that found no room anywhere; they were published but are not in the journal."""

    def __bool__(self) -> bool:
        return bool(self.failing_since or self.spool_refused or self.dropped)

    def database_away(self, reason: str, backlog: int) -> None:
        """The database takes no events; ``backlog`` of them wait."""
        if self.failing_since is None:
            self.failing_since = self._now()
            log.error(
                "journal_not_written",
                reason=reason,
                backlog=backlog,
                cure="calls go on and events are kept; check the database and its disk",
            )

    def disk_refuses(self, error: OSError, in_memory: int) -> None:
        """The disk takes no events, and ``in_memory`` of them have no other place."""
        if not self.spool_refused:
            self.spool_refused = True
            log.error(
                "journal_spool_refused",
                reason=error.strerror or str(error),
                in_memory=in_memory,
                cure="calls go on and events are kept in memory; free the disk of data_folder",
            )

    def disk_takes(self) -> None:
        """The disk takes events."""
        self.spool_refused = False

    def no_room(self, in_memory: int) -> None:
        """An event finds no room behind those ``in_memory``, and is not kept."""
        if not self.dropped:
            log.error(
                "journal_drops_events",
                in_memory=in_memory,
                cure="calls go on, but the history will miss what happens now: free the disk",
            )
        self.dropped += 1

    def over(self) -> None:
        """The database takes events, and all but a few are written."""
        since = self.failing_since or self._now()
        seconds = round((self._now() - since) / 1e6, 1)
        log.info("journal_written_again", after_seconds=seconds, dropped=self.dropped)
        self.failing_since, self.spool_refused, self.dropped = None, False, 0
