"""The in-process bus: journaled events to whoever subscribed, never waiting for anybody.

Publishing is synchronous and cheap. A subscription is bounded; a reader that falls behind loses
nothing: it reads what it missed from the journal, in order. A :class:`Follower` is given each event
in the publisher's own step: for the screens, which are to be as quick as the phones.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from types import TracebackType

import structlog

from cti.domain.events import Event

log = structlog.get_logger(__name__)

ReadAfter = Callable[[int, int], Awaitable[Sequence[Event]]]
"""``read_after(seq, limit)``: the journaled events behind ``seq``, at most ``limit``."""

DEFAULT_SIZE = 10_000
_CATCH_UP_BATCH = 500


class Subscription:
    """One reader's bounded view of the bus. Iterate it; it ends when closed."""

    def __init__(
        self,
        bus: Bus,
        name: str,
        types: frozenset[type[Event]] | None,
        size: int,
    ) -> None:
        self.name = name
        self.dropped = 0
        self._bus = bus
        self._types = types
        self._size = size
        self._waiting: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._behind = False
        self._closed = False
        self._seq = 0

    @property
    def backlog(self) -> int:
        """How many events wait to be read."""
        return len(self._waiting)

    def offer(self, event: Event) -> None:
        """Called by the bus: take the event, or remember that one was missed."""
        if self._types is not None and type(event) not in self._types:
            return
        if self._behind:
            self.dropped += 1
        elif len(self._waiting) >= self._size:
            self._fall_behind()
        else:
            self._waiting.append(event)
        self._wake.set()

    def _fall_behind(self) -> None:
        self._behind = True
        self.dropped += len(self._waiting) + 1
        self._waiting.clear()
        log.warning("subscriber_fell_behind", subscriber=self.name)

    def close(self) -> None:
        """End the iteration."""
        self._closed = True
        self._bus._forget(self)
        self._wake.set()

    def __enter__(self) -> Subscription:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Event:
        """The next event."""
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            if self._behind:
                await self._recover()
                continue
            self._wake.clear()
            await self._wake.wait()
        event = self._waiting.popleft()
        self._seq = event.seq
        return event

    async def _recover(self) -> None:
        missed = await self._bus.read_after(self._seq, _CATCH_UP_BATCH)
        if len(missed) < _CATCH_UP_BATCH:
            self._behind = False
        for event in missed:
            self._seq = event.seq
            if self._types is None or type(event) in self._types:
                self._waiting.append(event)


class Follower:
    """Who is given each event while it is published, before any subscription.

    ``take`` must be quick. What it raises harms no publisher: it ends :meth:`run`.
    """

    def __init__(self, bus: Bus, types: frozenset[type[Event]], take: Callable[[Event], None]):
        self._bus = bus
        self._types = types
        self._take = take
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def offer(self, event: Event) -> None:
        """Called by the bus."""
        if type(event) not in self._types or self._failed.done():
            return
        try:
            self._take(event)
        except Exception as error:  # raised where the follower is run
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """End :meth:`run` with ``error``, also for work that was put off; the first one counts."""
        if not self._failed.done():
            self._failed.set_exception(error)

    async def run(self) -> None:
        """Wait until cancelled. Raises what ``take`` raised; it is given nothing more then."""
        try:
            await self._failed
        finally:
            self._bus._followers.remove(self)


class Bus:
    """Hands each published event to every follower and subscription, in order."""

    def __init__(self) -> None:
        self._followers: list[Follower] = []
        self._subscriptions: list[Subscription] = []
        self._read_after: ReadAfter | None = None

    @property
    def subscriptions(self) -> Sequence[Subscription]:
        """Who listens now."""
        return tuple(self._subscriptions)

    def reads_from(self, read_after: ReadAfter) -> None:
        """Name the journal from which slow readers get what they missed."""
        self._read_after = read_after

    async def read_after(self, seq: int, limit: int) -> Sequence[Event]:
        """What the journal holds behind ``seq``. Raises RuntimeError without a journal."""
        if self._read_after is None:
            raise RuntimeError("the bus has no journal: call reads_from() first")
        return await self._read_after(seq, limit)

    def subscribe(
        self,
        name: str,
        *types: type[Event],
        size: int = DEFAULT_SIZE,
    ) -> Subscription:
        """A subscription to ``types`` (all, when none is named), from now on."""
        wanted = frozenset(types) or None
        subscription = Subscription(self, name, wanted, size)
        self._subscriptions.append(subscription)
        return subscription

    def follow(self, take: Callable[[Event], None], types: Iterable[type[Event]]) -> Follower:
        """Give each event of ``types`` to ``take`` from now on, until the follower's run ends."""
        follower = Follower(self, frozenset(types), take)
        self._followers.append(follower)
        return follower

    def publish(self, event: Event) -> None:
        """Hand ``event`` to everybody. Never blocks."""
        for follower in self._followers:
            follower.offer(event)
        for subscription in self._subscriptions:
            subscription.offer(event)

    def _forget(self, subscription: Subscription) -> None:
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
