"""One browser's websocket. Nobody waits for it: a frame is written at once where nothing waits to
be sent, otherwise it goes out by the browser's own task.
"""

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
        """Send or queue a frame. Never waits. False: too much waited, a snapshot comes instead."""
        if not self._outbox and self._write_now(frame):
            return True
        self._wake.set()
        return self._outbox.offer(frame)

    def _write_now(self, frame: bytes) -> bool:
        """By ourselves, without a turn of the event loop; False: the browser has not read yet."""
        transport = self._request.transport
        if transport is None or self._ws.closed or transport.is_closing():
            return False
        if transport.get_write_buffer_size():
            return False
        transport.write(text_frame(frame))
        return True

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
            snapshot = self._snapshot()  # sends others what it holds; this browser has it then
            self._outbox.snapshot_taken()
            return snapshot
        return self._outbox.take()

    async def close(self, code: int, reason: bytes) -> None:
        """Say goodbye; the connection is cut when that is not taken either."""
        transport = self._request.transport
        if transport is not None:
            asyncio.get_running_loop().call_later(CLOSE_SECONDS, transport.abort)
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._ws.close(code=code, message=reason)


def text_frame(text: bytes) -> bytes:
    """An unmasked text message in one frame (RFC 6455, section 5.2)."""
    size = len(text)
    if size < 126:
        return b"\x81" + size.to_bytes(1) + text
    if size < 65536:
        return b"\x81\x7e" + size.to_bytes(2) + text
    return b"\x81\x7f" + size.to_bytes(8) + text
