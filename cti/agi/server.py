"""A FastAGI server which one bad client cannot harm: deadlines, limits, counted refusals.

A handler gets an :class:`AgiSession` whose environment was read. Whatever it raises ends that
session only. The caller is safe in any case: Asterisk goes on in the dialplan when the
connection closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from cti.agi.codec import (
    AgiDecoder,
    AgiReply,
    AgiSyntaxError,
    Environment,
    HangupNotice,
    Item,
    encode_command,
)

log = structlog.get_logger(__name__)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_DEAD_CHANNEL = 511


class AgiError(Exception):
    """A command was not carried out."""


class AgiHangup(AgiError):
    """The caller or the connection is gone: there is nobody left to serve."""


class AgiTimeout(AgiError):
    """The PBX did not answer a command in time."""


class AgiRefused(AgiError):
    """The PBX does not take the command (510, 520...); the session goes on."""


@dataclass(frozen=True, kw_only=True)
class AgiLimits:
    """``environment_seconds`` to send the whole environment, ``command_seconds`` to answer a
    command (when the handler does not say otherwise), ``drain_seconds`` to finish at shutdown.
    """

    sessions: int = 500
    environment_seconds: float = 5.0
    command_seconds: float = 5.0
    drain_seconds: float = 5.0


class AgiSession:
    """One call that Asterisk put into our hands."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, command_seconds: float
    ) -> None:
        self.env: Mapping[str, str] = {}
        self._reader = reader
        self._writer = writer
        self._command_seconds = command_seconds
        self._decoder = AgiDecoder()
        self._items: deque[Item] = deque()
        self._hung_up = False

    async def read_environment(self) -> None:
        """Called once by the server, before the handler. Raises AgiHangup, AgiSyntaxError."""
        match await self._next_item():
            case Environment(variables=variables):
                self.env = variables
            case _:  # pragma: no cover - the decoder gives the environment first
                raise AgiSyntaxError("a reply before the environment")

    async def command(self, *words: str | int, timeout: float | None = None) -> AgiReply:  # noqa: ASYNC109
        """Send one command and wait ``timeout`` seconds for its reply (code 200).

        One at a time: Asterisk breaks off what it is doing when a second command comes.
        Raises :class:`AgiHangup`, :class:`AgiTimeout`, :class:`AgiRefused`, and
        :class:`~cti.agi.codec.AgiValueError` before anything is sent.
        """
        line = encode_command(*words)
        seconds = self._command_seconds if timeout is None else timeout
        try:
            async with asyncio.timeout(seconds):
                reply = await self._exchange(line)
        except TimeoutError:
            raise AgiTimeout(f"no answer to {words[0]} within {seconds:g} seconds") from None
        if reply.code == _DEAD_CHANNEL:
            raise AgiHangup("the channel is gone")
        if reply.code != 200:
            raise AgiRefused(f"{words[0]}: {reply.code} {reply.text.splitlines()[0]}")
        return reply

    async def _exchange(self, line: bytes) -> AgiReply:
        if self._hung_up:
            raise AgiHangup("the caller hung up")
        try:
            self._writer.write(line)
            await self._writer.drain()
        except OSError as error:
            raise AgiHangup("the connection is gone") from error
        while True:
            match await self._next_item():
                case AgiReply() as reply:
                    return reply
                case HangupNotice():
                    self._hung_up = True  # the reply to the command still comes

    async def _next_item(self) -> Item:
        while not self._items:
            try:
                data = await self._reader.read(4096)
            except OSError as error:
                raise AgiHangup("the connection is gone") from error
            if not data:
                raise AgiHangup("the connection was closed")
            self._items += self._decoder.feed(data)
        return self._items.popleft()


Handler = Callable[[AgiSession], Awaitable[None]]


class AgiServer:
    """Listens for Asterisk and gives each session to ``handler``.

    ``allow``: the networks the PBX may come from (empty: any). ``counts`` tells how sessions
    ended: ``served``, ``hangup``, ``silent``, ``not_agi``, ``not_allowed``, ``too_many``,
    ``timeout``, ``refused``, ``failed``, ``stopped``. ``port`` is the one that is listened on
    (0 until then, when any free one was asked for).
    """

    def __init__(
        self,
        handler: Handler,
        *,
        host: str,
        port: int,
        allow: Sequence[Network] = (),
        limits: AgiLimits | None = None,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._handler = handler
        self.port = port
        self._host = host
        self._asked_port = port
        self._allow = tuple(allow)
        self._limits = limits or AgiLimits()
        self._server: asyncio.Server | None = None
        self._sessions: set[asyncio.Task[None]] = set()

    @property
    def sessions(self) -> int:
        """How many calls are in our hands now."""
        return len(self._sessions)

    @property
    def listening(self) -> bool:
        """Whether Asterisk can reach us."""
        return self._server is not None and self._server.is_serving()

    async def start(self) -> None:
        """Listen. Raises :class:`OSError` when the address is taken or not ours."""
        self._server = await asyncio.start_server(
            self._accept, self._host, self._asked_port, backlog=1024
        )
        self.port = int(self._server.sockets[0].getsockname()[1])
        log.info("agi_listening", host=self._host, port=self.port)

    async def stop(self) -> None:
        """Take no more calls, let the running ones finish for the drain time, then close them."""
        if self._server is None:
            return
        self._server.close()
        if self._sessions:
            await asyncio.wait(self._sessions, timeout=self._limits.drain_seconds)
        cut_off = list(self._sessions)
        for task in cut_off:
            task.cancel()
        await asyncio.gather(*cut_off, return_exceptions=True)
        log.info("agi_stopped", cut_off=len(cut_off), **self.counts)
        self._server = None

    async def run(self) -> None:
        """Serve until cancelled, then :meth:`stop`. Raises :class:`OSError` as :meth:`start`."""
        await self.start()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await self.stop()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A plain function, so that the task is ours: asyncio logs the task of a coroutine."""
        if refusal := self._refusal(writer):
            self._count(refusal)
            writer.transport.abort()
            return
        task = asyncio.create_task(self._serve(reader, writer), name="agi-session")
        self._sessions.add(task)
        task.add_done_callback(self._sessions.discard)

    def _refusal(self, writer: asyncio.StreamWriter) -> str:
        if len(self._sessions) >= self._limits.sessions:
            return "too_many"
        peer = writer.get_extra_info("peername")
        return "" if peer and self._is_allowed(str(peer[0])) else "not_allowed"

    def _is_allowed(self, host: str) -> bool:
        address = ipaddress.ip_address(host.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None) or address
        return not self._allow or any(mapped in network for network in self._allow)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = AgiSession(reader, writer, self._limits.command_seconds)
        try:
            if await self._has_environment(session):
                await self._handle(session)
        except asyncio.CancelledError:  # only stop() cancels a session
            self._count("stopped")
        finally:
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await writer.wait_closed()

    async def _has_environment(self, session: AgiSession) -> bool:
        try:
            async with asyncio.timeout(self._limits.environment_seconds):
                await session.read_environment()
        except TimeoutError:
            self._count("silent")
        except AgiHangup:
            self._count("hangup")
        except AgiSyntaxError as error:
            self._count("not_agi", reason=str(error))
        else:
            return True
        return False

    async def _handle(self, session: AgiSession) -> None:
        try:
            await self._handler(session)
        except AgiHangup:
            self._count("hangup")
        except AgiTimeout as error:
            self._count("timeout", reason=str(error))
        except AgiRefused as error:
            self._count("refused", reason=str(error))
        except AgiSyntaxError as error:
            self._count("not_agi", reason=str(error))
        except Exception:
            self.counts["failed"] += 1
            log.exception("agi_session_failed", uniqueid=session.env.get("agi_uniqueid", ""))
        else:
            self._count("served")

    def _count(self, how: str, **details: str) -> None:
        self.counts[how] += 1
        if how in {"served", "hangup"}:
            log.debug("agi_session_over", how=how, **details)
        else:
            log.warning("agi_session_dropped", how=how, count=self.counts[how], **details)
