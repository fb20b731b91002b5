"""The agent's browser as a process of its own: it notes when each frame was whole, and no more.

What is in the frames is looked at after the round, so that reading costs nothing while it counts.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

from bench.pop_contenders import Door

Frames = list[tuple[int, bytes]]
"""When a frame was whole (ns of the monotonic clock, which all processes share), and its text."""


class Browser:
    """One websocket, read by a thread."""

    def __init__(self, door: Door) -> None:
        cookie = _log_in(door) if door.username else ""
        self._socket = socket.create_connection(("127.0.0.1", door.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reads: list[tuple[int, bytes]] = []
        rest = self._upgrade(door, cookie)
        self._reads.append((time.monotonic_ns(), rest))
        self._greeted = threading.Event()
        if rest:
            self._greeted.set()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        if not self._greeted.wait(10):
            raise SystemExit("the server sent no first frame")

    def _upgrade(self, door: Door, cookie: str) -> bytes:
        host = f"127.0.0.1:{door.port}"
        lines = (
            f"GET {door.path} HTTP/1.1",
            f"Host: {host}",
            f"Origin: http://{host}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            f"Cookie: {cookie}",
        )
        self._socket.sendall("\r\n".join((*lines, "", "")).encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._socket.recv(65536)
        head, rest = answer.split(b"\r\n\r\n", 1)
        if b" 101 " not in head:
            raise SystemExit(f"no websocket: {answer.decode()[:300]}")
        return rest

    def _read(self) -> None:
        while data := self._socket.recv(1 << 18):
            self._reads.append((time.monotonic_ns(), data))
            self._greeted.set()

    def close(self) -> Frames:
        """Everything that was heard."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
        return list(_frames(self._reads))


def _log_in(door: Door) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=10)
    body = json.dumps({"username": door.username, "password": door.password})
    headers = {"X-Ringdesk": "1", "Content-Type": "application/json"}
    connection.request("POST", "/api/login", body, headers)
    answer = connection.getresponse()
    if answer.status != 200:
        raise SystemExit(f"log-in: {answer.status} {answer.read().decode()}")
    return (answer.getheader("Set-Cookie") or "").partition(";")[0]


def _frames(reads: list[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """RFC 6455, from a server (unmasked, and ours does not fragment)."""
    buffer = bytearray()
    for at, data in reads:
        buffer += data
        while (size := _size(buffer)) is not None:
            start, end = size
            if buffer[0] & 0x0F in (1, 2):
                yield at, bytes(buffer[start:end])
            del buffer[:end]


def _size(buffer: bytearray) -> tuple[int, int] | None:
    """Where the payload of the first frame begins and ends; None: it is not whole."""
    if len(buffer) < 2:
        return None
    width = {126: 2, 127: 8}.get(buffer[1], 0)
    size = int.from_bytes(buffer[2 : 2 + width]) if width else buffer[1]
    end = 2 + width + size
    return (2 + width, end) if len(buffer) >= end else None


def run(orders: Connection) -> None:
    """The process: a door opens a browser, None closes it and gives the frames back."""
    browser: Browser | None = None
    while (order := orders.recv()) is not False:
        if order is None:
            assert browser is not None
            orders.send(browser.close())
        else:
            browser = Browser(order)
            orders.send("open")
