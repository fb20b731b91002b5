"""The link to one Asterisk, kept: made, watched, and made again when it breaks.

Every step has a deadline: TCP, greeting, log-in, FullyBooted, each action, each Ping. Pauses
before connecting again double and are jittered, so that a fleet does not knock in step; a refused
log-in waits long, because quick retries only get the address banned. How bytes, answers and
panoramisk fit together is told in :mod:`cti.ami.link`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Collection
from typing import Any, Final, TypeVar

import msgspec
import structlog

from cti.ami.codec import EVENT, Headers, Message, event_name, first_line, parse
from cti.ami.link import Counters, Link, LinkLost, LoginRefused
from cti.ami.settings import AmiSettings
from cti.domain.commands import CommandFailed, Reply
from cti.domain.events import Micros
from cti.histogram import ACTION_BOUNDS, Histogram

__all__ = ["AmiClient", "ConnectionInfo", "Counters", "LinkLost", "LoginRefused"]

log = structlog.get_logger(__name__)
T = TypeVar("T")

_CLOCK_SLACK: Final = 2_000_000
_MOST_HELD: Final = 20_000
_FULLY_BOOTED: Final = EVENT + b"FullyBooted"


class ConnectionInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Who answered. ``started_at``: when that Asterisk process began, to a second (0: unknown)."""

    ami_version: str
    asterisk_version: str
    started_at: Micros

    def restarted_since(self, before: ConnectionInfo) -> bool:
        """Whether this is a later Asterisk process than the one of ``before``."""
        known = self.started_at and before.started_at
        return bool(known) and self.started_at - before.started_at > _CLOCK_SLACK


class AmiClient:
    """Keeps a logged-in link to one Asterisk.

    ``on_connected(info)`` is called when the PBX is fully booted and takes actions; then
    ``on_event(line, raw)`` for each event in order, beginning with those since the log-in: its
    first line (``Event: Hangup``) and all of it, as bytes and without the blank line;
    ``on_lost(reason)`` once for each ``on_connected``. All three are plain functions that must not
    block; one that raises is logged and counted, and the link lives on. Only events named in
    ``wanted_events`` are handed on (None: all); ``on_raw(raw)`` has each of them before. ``now``
    gives microseconds since the epoch.

    ``info`` is of the last connection, ``connected`` tells whether it still stands.
    ``answers`` counts actions by name and result (``ok``, ``refused``, or the kind of
    :class:`CommandFailed`); ``latency`` has, by name, the seconds until Asterisk answered.
    """

    def __init__(
        self,
        settings: AmiSettings,
        on_event: Callable[[bytes, bytes], object],
        *,
        on_connected: Callable[[ConnectionInfo], None] = lambda info: None,
        on_lost: Callable[[str], None] = lambda reason: None,
        wanted_events: Collection[str] | None = None,
        now: Callable[[], Micros] = lambda: time.time_ns() // 1000,
        on_raw: Callable[[bytes], None] | None = None,
    ) -> None:
        self.counters = Counters()
        self.answers: Counter[tuple[str, str]] = Counter()
        self.latency: dict[str, Histogram] = {}
        self.info: ConnectionInfo | None = None
        self._settings = settings
        self._on_event = on_event
        self._on_connected = on_connected
        self._on_lost = on_lost
        self._wanted = (
            None
            if wanted_events is None
            else frozenset(EVENT + name.encode() for name in wanted_events)
        )
        self._now = now
        self._on_raw = on_raw
        self._link: Link | None = None
        self._held: deque[tuple[bytes, bytes]] = deque(maxlen=_MOST_HELD)
        self._booted: asyncio.Future[Message]

    @property
    def connected(self) -> bool:
        """Whether actions can be sent."""
        return self._link is not None

    async def run(self) -> None:
        """Keep the link, for ever; ends only by cancellation."""
        pauses = _Pauses(self._settings)
        while True:
            started = time.monotonic()
            try:
                await self._keep_one_link()
            except LoginRefused as refused:
                pause = self._settings.refused_pause
                log.error("ami_login_refused", reason=str(refused), retry_in=pause)
            except (LinkLost, OSError) as error:
                pause = pauses.next(lived=time.monotonic() - started)
                log.warning("ami_link_down", reason=self._explain(error), retry_in=round(pause, 1))
            await asyncio.sleep(pause)

    async def send(
        self,
        action_name: str,
        headers: Headers = (),
        *,
        as_list: bool = False,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> Reply:
        """Carry one action out, once.

        ``as_list``: a list of events answers, given as ``Reply.rows``. ``timeout`` is in seconds
        (None: ``action_timeout``). A refusal by Asterisk is a Reply with ``ok`` False. Raises
        :class:`CommandFailed` when there is no answer.
        """
        started = time.perf_counter()
        try:
            reply = await self._ask(action_name, headers, as_list, timeout)
        except CommandFailed as failed:
            self.answers[action_name, failed.kind] += 1
            raise
        self.answers[action_name, "ok" if reply.ok else "refused"] += 1
        latency = self.latency.setdefault(action_name, Histogram(ACTION_BOUNDS))
        latency.observe(time.perf_counter() - started)
        return reply

    async def _ask(
        self,
        action_name: str,
        headers: Headers,
        as_list: bool,
        timeout: float | None,  # noqa: ASYNC109
    ) -> Reply:
        if self._link is None:
            raise CommandFailed("not_connected", "no link to Asterisk; nothing was sent")
        seconds = self._settings.action_timeout if timeout is None else timeout
        return await self._link.ask(action_name, headers, as_list=as_list, timeout=seconds)

    # --- the life of one link ------------------------------------------------------------------

    async def _keep_one_link(self) -> None:
        self._booted = asyncio.get_running_loop().create_future()
        self._held.clear()
        link = await Link.connect(self._settings, self._take_event, self.counters)
        try:
            info = await self._introduce(link)
            self._open(link, info)
            await self._watch(link)
        except CommandFailed as failed:
            raise LinkLost(failed.reason) from failed
        finally:
            self._close(link)

    async def _introduce(self, link: Link) -> ConnectionInfo:
        """Log in, wait until the PBX is booted, ask who it is."""
        ami_version = await link.log_in()
        booted = await self._wait_for_boot(link)
        reply = await link.ask("CoreSettings", timeout=self._settings.action_timeout)
        uptime = booted.get("Uptime")
        return ConnectionInfo(
            ami_version=ami_version,
            asterisk_version=reply.fields.get("AsteriskVersion", ""),
            started_at=self._now() - int(uptime) * 1_000_000 if uptime.isdecimal() else 0,
        )

    async def _wait_for_boot(self, link: Link) -> Message:
        seconds = self._settings.boot_timeout
        either: set[asyncio.Future[Any]] = {self._booted, link.lost}
        await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if self._booted.done():
            return self._booted.result()
        if link.lost.done():
            raise LinkLost(link.lost.result())
        raise LinkLost(
            f"no FullyBooted within {seconds:g} s after the log-in: Asterisk is still booting, or "
            f"the manager user {self._settings.username!r} lacks `read = system`"
        )

    def _open(self, link: Link, info: ConnectionInfo) -> None:
        self._link, self.info = link, info
        self.counters.links += 1
        log.info("ami_connected", asterisk=info.asterisk_version, ami=info.ami_version)
        self._guarded(self._on_connected, info)
        while self._held:
            self._tell(*self._held.popleft())

    def _close(self, link: Link) -> None:
        link.end("Ringdesk closed the link")
        if self._link is link:
            self._link = None
            self._guarded(self._on_lost, link.lost.result())

    async def _watch(self, link: Link) -> None:
        """Ping until the link is lost: a half-open one says nothing by itself."""
        while not link.lost.done():
            await asyncio.wait({link.lost}, timeout=self._settings.ping_interval)
            if not link.lost.done():
                await self._ping(link)
        raise LinkLost(link.lost.result())

    async def _ping(self, link: Link) -> None:
        seconds = self._settings.ping_timeout
        sent_at = asyncio.get_running_loop().time()
        try:
            await link.ask("Ping", timeout=seconds)
        except CommandFailed as failed:
            busy = failed.kind == "timeout" and link.heard_at > sent_at
            if failed.kind == "timeout" and not busy:
                link.end(f"not a byte from Asterisk within {seconds:g} s after a Ping")

    # --- events --------------------------------------------------------------------------------

    def _take_event(self, raw: bytes) -> None:
        line = first_line(raw)
        if self._wanted is not None and line not in self._wanted:
            self.counters.unwanted_events += 1
        elif self._link is not None:
            self._tell(line, raw)
        else:
            self._held.append((line, raw))
        if line == _FULLY_BOOTED and not self._booted.done():
            self._booted.set_result(parse(raw))

    def _tell(self, line: bytes, raw: bytes) -> None:
        self.counters.events += 1
        try:
            if self._on_raw is not None:
                self._on_raw(raw)
            self._on_event(line, raw)
        except Exception:
            self.counters.callback_errors += 1
            log.exception("ami_callback_failed", event_type=event_name(raw))

    def _guarded(self, callback: Callable[[T], None], value: T) -> None:
        try:
            callback(value)
        except Exception:
            self.counters.callback_errors += 1
            log.exception("ami_callback_failed", value=type(value).__name__)

    def _explain(self, error: Exception) -> str:
        where = f"{self._settings.host}:{self._settings.port}"
        if isinstance(error, ConnectionRefusedError):
            return (
                f"nothing listens on {where}: start Asterisk, or set `enabled = yes` and this "
                "port and address in manager.conf"
            )
        return f"{where}: {error}"


class _Pauses:
    """Seconds before connecting again: doubling, jittered, short again after a good link."""

    def __init__(self, settings: AmiSettings) -> None:
        self._shortest = settings.reconnect_min
        self._longest = settings.reconnect_max
        self._ceiling = settings.reconnect_min

    def next(self, lived: float) -> float:
        if lived > self._longest:
            self._ceiling = self._shortest
        pause = random.uniform(self._ceiling / 2, self._ceiling)  # noqa: S311
        self._ceiling = min(self._ceiling * 2, self._longest)
        return pause
