"""One browser's websocket: frames go out by its own task, so that nobody waits for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import structlog
from aiohttp import WSMsgType, web

from dashboard.outbox import Outbox

log = structlog.get_logger(__name__)

SESSION_ENDED = 4401
DOES_NOT_READ = 4408
CLOSE_SECONDS = 2.0
"""How long a close may take before the connection is cut."""


class Client:
    """Writes the outbox to the socket. ``snapshot`` makes a fresh snapshot frame."""

    def __init__(
        self,
        ws: web.WebSocketResponse,
        request: web.Request,
        session: str,
        outbox: Outbox,
        snapshot: Callable[[], bytes],
    ) -> None:
        self.session = session
        self._ws = ws
        self._request = request
        self._outbox = outbox
        self._snapshot = snapshot
        self._wake = asyncio.Event()
        self._wake.set()

    def offer(self, frame: bytes) -> bool:
        """Queue a frame. Never waits. False: too much waited, a snapshot takes its place."""
        self._wake.set()
        return self._outbox.offer(frame)

    def need_snapshot(self) -> None:
        """Send a fresh snapshot instead of what is queued. Never waits."""
        self._outbox.need_snapshot()
        self._wake.set()

    async def write(self, stall_seconds: float) -> None:
        """Send until cancelled or gone; a browser that takes nothing so long is closed (4408)."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while (frame := self._next()) is not None:
                    async with asyncio.timeout(stall_seconds):
                        await self._ws.send_frame(frame, WSMsgType.TEXT)
        except TimeoutError:
            log.warning("browser_does_not_read", seconds=stall_seconds)
            await self.close(DOES_NOT_READ, b"the browser does not read")
        except ConnectionError:
            return

    def _next(self) -> bytes | None:
        if self._outbox.stale:
            self._outbox.snapshot_taken()
            return self._snapshot()
        return self._outbox.take()

    async def close(self, code: int, reason: bytes) -> None:
        """Say goodbye; the connection is cut when that is not taken either."""
        transport = self._request.transport
        if transport is not None:
            asyncio.get_running_loop().call_later(CLOSE_SECONDS, transport.abort)
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._ws.close(code=code, message=reason)
