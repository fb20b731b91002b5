"""The replay PBX: a TCP server that speaks AMI and plays captures of a real Asterisk.

For a look at Ringdesk where no Asterisk can be had (``ringdesk demo --pbx replay``), and for tests.
It greets, checks the log-in, answers the actions Ringdesk sends from the state of the calls played
so far, and accepts commands; the calls themselves go on as they were captured.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import structlog

from cti.ami.codec import parse
from cti.domain.events import Micros
from ringdesk.demo.captures import Capture, load_capture, play
from ringdesk.demo.pbx_state import PbxState, Row
from ringdesk.demo.replay_session import Session, wire_message

log = structlog.get_logger(__name__)

_GAP: Final = 1_000_000


class ReplayPbx:
    """Plays ``captures`` (files) in turn, ``speed`` times as fast, again and again if ``loop``.

    An async context manager; ``port`` 0 takes a free one, read it from ``port`` afterwards. Playing
    starts with the first log-in and goes on when clients come and go; ``played`` is set when all
    captures were played once. ``rename`` replaces whole words (caller numbers, agents, queues) in
    what is played. ``actions`` lists the names of the actions received, without Login and Ping.
    """

    def __init__(
        self,
        captures: Iterable[Path],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        username: str = "ringdesk",
        secret: str,
        speed: float = 1.0,
        loop: bool = False,
        rename: Mapping[str, str] | None = None,
        now: Callable[[], Micros] = lambda: time.time_ns() // 1000,
    ) -> None:
        self.host, self.port = host, port
        self.played = asyncio.Event()
        self.actions: list[str] = []
        self.now = now
        self.rename = dict(rename or {})
        self.captures = tuple(load_capture(path) for path in captures)
        self.state = PbxState(_queues_in(self.captures, self.rename))
        self._username, self._secret = username, secret
        self._speed, self._loop = speed, loop
        self._started_at = self.now()
        self._sessions: set[Session] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._player: asyncio.Task[None] | None = None
        self._server: asyncio.Server

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        tasks = [*self._tasks, *([self._player] if self._player else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()

    def drop_clients(self) -> None:
        """Cut every connection, as a broken network does; playing goes on."""
        for session in tuple(self._sessions):
            session.writer.transport.abort()

    # --- playing -------------------------------------------------------------------------------

    def start_playing(self) -> None:
        """Begin with the first capture; nothing if it has begun."""
        if self._player is None:
            self._player = asyncio.create_task(self._play_all(), name="replay-player")

    async def _play_all(self) -> None:
        number = 0
        while self.captures and (number == 0 or self._loop):
            for capture in self.captures:
                await self._play(capture, number)
                number += 1
            self.played.set()
        self.played.set()

    async def _play(self, capture: Capture, number: int) -> None:
        log.info("replaying", capture=capture.name)
        starts_at = self.now() + round(_GAP / self._speed)
        events = play(
            capture, number=number, starts_at=starts_at, speed=self._speed, rename=self.rename
        )
        for due, raw in events:
            await asyncio.sleep(max(0, due - self.now()) / 1_000_000)
            self._publish(raw, due)

    def _publish(self, raw: bytes, at: Micros) -> None:
        self.state.apply(parse(raw), at)
        for session in self._sessions:
            session.send_event(raw)

    def publish_event(self, name: str, row: Row) -> None:
        """Tell all clients of something an action did; the state knows it already."""
        at = self.now()
        stamp = f"{at // 1_000_000}.{at % 1_000_000:06d}"
        raw = wire_message(
            [("Event", name), ("Privilege", "agent,all"), ("Timestamp", stamp), *row]
        )
        for session in self._sessions:
            session.send_event(raw)

    # --- clients -------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(self, writer)
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._sessions.add(session)
        try:
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await session.run(reader)
        finally:
            self._sessions.discard(session)
            writer.close()

    def uptime(self) -> int:
        """Seconds since the replay PBX was made."""
        return (self.now() - self._started_at) // 1_000_000

    def accepts(self, username: str, secret: str) -> bool:
        """Whether the log-in is right."""
        right = hmac.compare_digest(secret.encode(), self._secret.encode())
        return right and username == self._username


def _queues_in(captures: Sequence[Capture], rename: Mapping[str, str]) -> list[str]:
    events = (parse(text.encode()) for capture in captures for _, text in capture.events)
    names = sorted({event.get("Queue") for event in events} - {""})
    return [rename.get(name, name) for name in names]
