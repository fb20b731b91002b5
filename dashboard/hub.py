"""The hub: events from the bus become deltas at every open browser.

What changes the call on an agent's desk goes out while the event is published; everything else is
gathered for some milliseconds, so that a row which changes often is made and sent once. Each user's
open tabs share one view and one chain of sequence numbers, and get the same frames. A browser that
falls behind, or finds a gap, gets a fresh snapshot; nobody waits for anybody.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog
from aiohttp import WSMsgType, web
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.bus import Bus, Follower
from cti.clock import Now
from cti.domain.events import Event
from cti.journal import Journal, JournalUnavailable
from dashboard.accounts import Accounts, Session, User
from dashboard.client import SESSION_ENDED, Client
from dashboard.fold import FOLDS
from dashboard.outbox import Outbox
from dashboard.projections import Desk, Viewer
from dashboard.restore import events_to_restore, midnight
from dashboard.rights import message_reach
from dashboard.settings import DashboardSettings

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 25
LARGEST_MESSAGE = 4096
"""Bytes a browser may send at once; it has very little to say."""
GATHER_SECONDS = 0.01
BATCH = 500
MOST_UNTOLD = 2_000
"""Rows that may wait to be made while no browser is open."""
RETRY_SECONDS = 1.0


@dataclass
class Watch:
    """One user's view, and the tabs in which it is open. ``seq``: the newest number they hold."""

    viewer: Viewer
    seq: int
    clients: set[Client] = field(default_factory=set)


class Hub:
    """Keeps the desk and the browsers in step.

    ``snapshots`` counts the snapshots browsers were sent, by why: ``opened`` the page; ``asked``
    after a gap; ``slow``, what was kept for them became too much; ``refresh``, something changed
    that no event tells.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        journal: Journal,
        bus: Bus,
        accounts: Accounts,
        settings: DashboardSettings,
        now: Now,
        check_seconds: float = 15,
        switches: Sequence[str] = (),
    ) -> None:
        self._engine = engine
        self._journal = journal
        self._bus = bus
        self._accounts = accounts
        self._settings = settings
        self._now = now
        self._check_seconds = check_seconds
        self._watches: dict[str, Watch] = {}
        self._gathering: asyncio.TimerHandle | None = None
        self._follower: Follower | None = None
        self.snapshots: Counter[str] = Counter()
        self.restored = False
        self._day_start = midnight(now(), settings.time_zone)
        self._switches = switches
        self.desk = Desk(now(), self._day_start, switches)

    @property
    def clients(self) -> int:
        """How many browsers are connected."""
        return sum(len(watch.clients) for watch in self._watches.values())

    # --- running -------------------------------------------------------------------------------

    async def run(self) -> None:
        """Follow the bus until cancelled."""
        self._follower = follower = self._bus.follow(self._take, FOLDS)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(follower.run(), name="desk follows the bus")
            await self._until_done(self._restore)
            tasks.create_task(self._check(), name="desk checks sessions and the day")

    async def _until_done(self, step: Callable[[], Awaitable[None]]) -> None:
        """Do a step that reads the database, again and again until it answers."""
        while True:
            try:
                return await step()
            except (SQLAlchemyError, OSError) as error:
                log.warning("desk_waits_for_database", kind=type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)

    async def _restore(self) -> None:
        """The picture of the runs before, then all that this run has said up to now.

        The PBX may have connected before the page was there to hear of it.
        """
        before, now = self._journal.began - 1, self._now()
        with contextlib.suppress(JournalUnavailable):
            await self._journal.flush()
        events = await events_to_restore(self._engine, now, self._day_start, before)
        desk = Desk(now, self._day_start, self._switches)
        for event in events:
            desk.apply(event)
        desk.seq = max(desk.seq, before)
        desk.disconnected(now)
        desk.enrol(await self._accounts.agent_cards())
        while desk.seq < self._journal.seq:
            missed = await self._journal.read_after(desk.seq, BATCH)
            for event in missed:
                desk.apply(event)
            if not missed and self._journal.trouble.dropped:
                break  # nobody can read those
        # From here on nothing is awaited: the next event is taken.
        self.desk, self.restored = desk, True
        self.refresh()

    def _take(self, event: Event) -> None:
        """Called while the event is published. Before the picture is restored it is in there."""
        if not self.restored:
            return
        if self.desk.apply(event):
            self._tell()
        elif self._gathering is None:
            loop = asyncio.get_running_loop()
            self._gathering = loop.call_later(GATHER_SECONDS, self._tell_gathered)

    async def _check(self) -> None:
        while True:
            await asyncio.sleep(self._check_seconds)
            self._check_day()
            try:
                await self._check_sessions()
            except (SQLAlchemyError, OSError) as error:
                log.warning("sessions_not_checked", kind=type(error).__name__)

    def _check_day(self) -> None:
        day_start = midnight(self._now(), self._settings.time_zone)
        if day_start != self._day_start:
            self._day_start = day_start
            self.desk.begin_day(day_start)
            self.refresh()

    async def _check_sessions(self) -> None:
        open_ones = {client.session for client in self._all()}
        if not open_ones:
            return
        living = await self._accounts.living(list(open_ones))
        await self._accounts.touch(list(living))
        await self._close(client for client in self._all() if client.session not in living)

    # --- telling -------------------------------------------------------------------------------

    def _tell_gathered(self) -> None:
        """What fails here must not be lost in the event loop: browsers would go on with gaps."""
        try:
            self._tell()
        except Exception as error:  # raised where the hub is run
            if self._follower is not None:
                self._follower.fail(error)

    def _tell(self) -> None:
        """Send every browser what changed since the last time."""
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        if not self._watches and self.desk.untold < MOST_UNTOLD:
            return
        changes = self.desk.changes()
        if changes:
            for watch in self._watches.values():
                self._send_to(watch, self.desk.delta(watch.viewer, changes))

    def _send_to(self, watch: Watch, patch: dict[str, Any]) -> None:
        if not patch:
            return
        frame = {"type": "delta", "seq": self.desk.seq, "prev": watch.seq, "patch": patch}
        data = self._encoded(frame)
        watch.seq = self.desk.seq
        for client in watch.clients:
            if not client.offer(data):
                self.snapshots["slow"] += 1

    def _snapshot(self, watch: Watch) -> bytes:
        self._tell()
        frame = {"type": "snapshot", "seq": watch.seq, "view": self.desk.view(watch.viewer)}
        return self._encoded(frame)

    def _encoded(self, frame: dict[str, Any]) -> bytes:
        return msgspec.json.encode(frame | {"at": self._now()})

    def refresh(self) -> None:
        """Something changed that no event tells: everybody gets a fresh snapshot."""
        for watch in self._watches.values():
            watch.seq = self.desk.seq
            for client in watch.clients:
                client.need_snapshot()
                self.snapshots["refresh"] += 1

    async def users_changed(self, user: User) -> None:
        """The user list changed: new names everywhere, and ``user`` sees by the new rights."""
        self.desk.enrol(await self._accounts.agent_cards())
        if watch := self._watches.get(user.username):
            watch.viewer = viewer_of(user)
        self.refresh()

    # --- browsers ------------------------------------------------------------------------------

    async def serve(self, request: web.Request, session: Session) -> web.WebSocketResponse:
        """One browser from hello to goodbye."""
        ws = web.WebSocketResponse(
            heartbeat=HEARTBEAT_SECONDS, max_msg_size=LARGEST_MESSAGE, compress=False
        )
        await ws.prepare(request)
        watch, client = self._enter(ws, request, session)
        writer = asyncio.create_task(
            client.write(self._settings.client_stall_seconds), name="desk writes to a browser"
        )
        try:
            await self._listen(ws, client, session)
        finally:
            self._leave(watch, client, session)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return ws

    def _enter(
        self, ws: web.WebSocketResponse, request: web.Request, session: Session
    ) -> tuple[Watch, Client]:
        viewer = viewer_of(session.user)
        watch = self._watches.setdefault(session.user.username, Watch(viewer, self.desk.seq))
        outbox = Outbox(self._settings.client_buffer_bytes, self._settings.client_buffer_messages)
        client = Client(ws, request, session.token_hash, outbox, lambda: self._snapshot(watch))
        watch.clients.add(client)
        self.snapshots["opened"] += 1
        return watch, client

    def _leave(self, watch: Watch, client: Client, session: Session) -> None:
        watch.clients.discard(client)
        username = session.user.username
        if not watch.clients and self._watches.get(username) is watch:
            del self._watches[username]

    async def _listen(self, ws: web.WebSocketResponse, client: Client, session: Session) -> None:
        async for message in ws:
            kind = _kind(message.data) if message.type is WSMsgType.TEXT else ""
            if kind == "ping":
                client.offer(self._encoded({"type": "pong"}))
            elif kind == "resync" and message_reach(kind, session.user.role) != "none":
                client.need_snapshot()
                self.snapshots["asked"] += 1
            else:
                log.info("browser_message_ignored", role=session.user.role)

    async def end_session(self, token_hash: str) -> None:
        """Close the browsers of a session that was ended."""
        await self._close(client for client in self._all() if client.session == token_hash)

    async def end_user(self, username: str, keep: str = "") -> None:
        """Close the user's browsers, except those of the session with the hash ``keep``."""
        watch = self._watches.get(username)
        await self._close(c for c in (watch.clients if watch else ()) if c.session != keep)

    async def close(self) -> None:
        """The server goes down: say goodbye to everybody."""
        await self._close(self._all(), 1001, b"Ringdesk is stopping")

    def _all(self) -> list[Client]:
        return [client for watch in self._watches.values() for client in watch.clients]

    async def _close(
        self,
        clients: Iterable[Client],
        code: int = SESSION_ENDED,
        reason: bytes = b"the session ended",
    ) -> None:
        await asyncio.gather(*(client.close(code, reason) for client in list(clients)))


class _Message(msgspec.Struct):
    type: str = ""


def _kind(text: str) -> str:
    """The type of a browser's message; "" for what cannot be read."""
    try:
        return msgspec.json.decode(text, type=_Message).type
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return ""


def viewer_of(user: User) -> Viewer:
    """The user, as far as the live view depends on them."""
    me = {
        "username": user.username,
        "name": user.name,
        "role": user.role,
        "agent": user.agent,
        "queues": list(user.queues),
        "must_change": user.must_change,
    }
    return Viewer(user.role, user.agent, frozenset(user.queues), me)
