"""The in-process bus: journaled events to whoever subscribed, never waiting for anybody.

Publishing is synchronous and cheap. Each subscription is bounded and says what is to happen when
its reader falls behind:

``catch_up``
    nothing is lost: the missed events are read from the journal, in order.
``resync``
    the reader gets one :class:`Lagged` in their place and fetches a fresh snapshot.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from types import TracebackType
from typing import Literal

import structlog

from cti.domain.events import Event

log = structlog.get_logger(__name__)

Overflow = Literal["catch_up", "resync"]
ReadAfter = Callable[[int, int], Awaitable[Sequence[Event]]]
"""``read_after(seq, limit)``: the journaled events behind ``seq``, at most ``limit``."""

DEFAULT_SIZE = 10_000
_CATCH_UP_BATCH = 500


class Lagged(Exception):
    """The reader fell behind: events after ``seq`` were dropped. Fetch a snapshot and go on."""

    def __init__(self, seq: int) -> None:
        super().__init__(f"events after {seq} were dropped: the reader was too slow")
        self.seq = seq


class Subscription:
    """One reader's bounded view of the bus. Iterate it; it ends when closed."""

    def __init__(
        self,
        bus: Bus,
        name: str,
        types: frozenset[type[Event]] | None,
        overflow: Overflow,
        size: int,
    ) -> None:
        self.name = name
        self.dropped = 0
        self._bus = bus
        self._types = types
        self._overflow: Overflow = overflow
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
        log.warning("subscriber_fell_behind", subscriber=self.name, overflow=self._overflow)

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
        """The next event. Raises :class:`Lagged` after an overflow under ``resync``."""
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
        if self._overflow == "resync":
            self._behind = False
            raise Lagged(self._seq)
        missed = await self._bus.read_after(self._seq, _CATCH_UP_BATCH)
        if len(missed) < _CATCH_UP_BATCH:
            self._behind = False
        for event in missed:
            self._seq = event.seq
            if self._types is None or type(event) in self._types:
                self._waiting.append(event)


class Bus:
    """Hands each published event to every subscription, in order."""

    def __init__(self) -> None:
        self._subscriptions: list[Subscription] = []
        self._read_after: ReadAfter | None = None

    @property
    def subscriptions(self) -> Sequence[Subscription]:
        """Who listens now."""
        return tuple(self._subscriptions)

    def reads_from(self, read_after: ReadAfter) -> None:
        """Name the journal from which ``catch_up`` readers get what they missed."""
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
        overflow: Overflow = "catch_up",
        size: int = DEFAULT_SIZE,
    ) -> Subscription:
        """A subscription to ``types`` (all, when none is named), from now on."""
        wanted = frozenset(types) or None
        subscription = Subscription(self, name, wanted, overflow, size)
        self._subscriptions.append(subscription)
        return subscription

    def publish(self, event: Event) -> None:
        """Hand ``event`` to every subscription. Never blocks."""
        for subscription in self._subscriptions:
            subscription.offer(event)

    def _forget(self, subscription: Subscription) -> None:
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)


async def events_of(subscription: Subscription) -> AsyncIterator[Event | Lagged]:
    """Iterate a ``resync`` subscription with :class:`Lagged` as a value instead of an error."""
    while True:
        try:
            yield await anext(subscription)
        except Lagged as lagged:
            yield lagged
        except StopAsyncIteration:
            return
