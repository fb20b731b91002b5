"""What waits to be sent to one browser, bounded. Pure.

The overflow policy is ``resync``: what a browser has not read is worth nothing once it is much, so
everything waiting is dropped and one fresh snapshot takes its place. A new browser begins so.
"""

from __future__ import annotations

from collections import deque


class Outbox:
    """Frames in order, at most ``max_bytes`` and ``max_messages`` of them."""

    def __init__(self, max_bytes: int, max_messages: int) -> None:
        self.stale = True
        self._max_bytes = max_bytes
        self._max_messages = max_messages
        self._frames: deque[bytes] = deque()
        self._bytes = 0

    def offer(self, frame: bytes) -> bool:
        """Queue ``frame``; a stale browser gets the snapshot instead. False: it overflowed now."""
        if self.stale:
            return True
        self._frames.append(frame)
        self._bytes += len(frame)
        if self._bytes > self._max_bytes or len(self._frames) > self._max_messages:
            self.need_snapshot()
            return False
        return True

    def need_snapshot(self) -> None:
        """Drop what waits: a fresh snapshot is to be sent instead."""
        self.stale = True
        self._frames.clear()
        self._bytes = 0

    def snapshot_taken(self) -> None:
        """The snapshot was made just now: what comes from now on is queued again."""
        self.stale = False

    def take(self) -> bytes | None:
        """The next frame, or None."""
        if not self._frames:
            return None
        frame = self._frames.popleft()
        self._bytes -= len(frame)
        return frame

    def __bool__(self) -> bool:
        return self.stale or bool(self._frames)
