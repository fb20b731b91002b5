"""The callbacks that are open: how they come, change, and are told of.

Every change is in the database first; what somebody else has changed meanwhile is left as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from callqueue.callback.office import CallbackRefused, NoSuchNumber, Office
from callqueue.callback.settings import CallbackSettings
from callqueue.callback.store import CallbackStore
from callqueue.callback.turns import Callback, Verdict, refused
from cti.clock import Now
from cti.domain.events import (
    CallbackAccepted,
    CallbackCalled,
    CallbackChanged,
    CallbackRequested,
    CustomerIdentified,
    Event,
    new_id,
)

log = structlog.get_logger(__name__)

AGAIN_SECONDS = 5.0

Told = CallbackRequested | CallbackCalled | CallbackAccepted | CallbackChanged


class CallbackBook:
    """The open callbacks, and the way to the others. ``changed`` is set whenever something has."""

    def __init__(
        self,
        settings: CallbackSettings,
        store: CallbackStore,
        office: Office,
        record: Callable[[Event], Event],
        now: Now,
    ) -> None:
        self.changed = asyncio.Event()
        self._settings = settings
        self._store = store
        self._office = office
        self._record = record
        self._now = now
        self._open: dict[str, Callback] = {}
        self._one_by_one = asyncio.Lock()

    @property
    def open_ones(self) -> list[Callback]:
        """All that may still be called."""
        return list(self._open.values())

    async def load(self) -> None:
        """Read them, however long the database is away: nobody is called before."""
        while True:
            try:
                for callback in await self._store.open_ones():
                    self._open.setdefault(callback.callback_id, callback)
            except SQLAlchemyError as error:
                log.error("callbacks_not_read", reason=_first_line(error))
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                return

    async def request(self, number: str, queue: str, name: str, asked_by: str) -> Callback:
        """For somebody who is not on the telephone; who has an open one keeps it.

        Raises :class:`CallbackRefused` and SQLAlchemyError.
        """
        e164, switch = self._office.to_e164(number), self._office.switch
        if not e164:
            raise NoSuchNumber("this is no number that could be called")
        return await self.keep(e164, queue, switch, asked_by, name=name)

    async def keep(
        self,
        number: str,
        queue: str,
        switch: str,
        asked_by: str,
        *,
        name: str = "",
        call_id: str = "",
        who: CustomerIdentified | None = None,
    ) -> Callback:
        """As :meth:`request`, for an E.164 ``number``; ``call_id``: asked for in that call."""
        known = len(self._open)
        reason = refused(number, known, self._settings) or self._office.may_not_call(number)
        if reason := reason or self._unserved(switch, queue):
            raise CallbackRefused(reason)
        who = who or await self._office.identify(number)
        now = self._now()
        wanted = Callback(
            callback_id=new_id(),
            key=key_of(number, who),
            number=number,
            queue=queue,
            switch=switch,
            name=name or (who.customer.name if who and who.customer else ""),
            asked_by=asked_by,
            call_id=call_id,
            requested_at=now,
            virtual_join=self._office.virtual_join(who, queue, now),
            changed_at=now,
        )
        kept = await self._store.add(wanted)
        if kept is not wanted:
            return self._open.get(kept.callback_id, kept)
        self._open[kept.callback_id] = kept
        self.tell(CallbackRequested, kept, number=number, asked_by=asked_by)
        self.changed.set()
        return kept

    def _unserved(self, switch: str, queue: str) -> str:
        """Nobody would ever be free for a queue without agents."""
        agents = self._office.agents(switch).values()
        served = any(queue in profile.queues for profile in agents)
        return "" if served else f"no agent serves the queue {queue}"

    async def cancel(self, callback_id: str, by: str) -> Callback:
        """Nobody calls any more.

        Raises KeyError (none is open), :class:`CallbackRefused` and SQLAlchemyError.
        """
        callback = self._open[callback_id]
        if callback.state == "calling":
            raise CallbackRefused("the customer is being called at this moment")
        done = await self.change(callback, Verdict("cancelled", f"cancelled by {by}"))
        if done is None:
            raise CallbackRefused("it has changed at this moment")
        return done

    async def newest(self, limit: int = 100) -> list[Callback]:
        """The last callbacks, open or not. Raises SQLAlchemyError."""
        return await self._store.newest(limit)

    def for_customer(self, who: CustomerIdentified) -> Iterable[Callback]:
        """The open ones of this customer for whom nobody is being called."""
        key = key_of(who.number, who)
        return [c for c in self._open.values() if c.key == key and c.state != "calling"]

    async def change(
        self, callback: Callback, verdict: Verdict, *, tell: bool = True, **changes: Any
    ) -> Callback | None:
        """Write what becomes of it; None: something else was first. Raises SQLAlchemyError."""
        async with self._one_by_one:
            now = self._open.get(callback.callback_id)
            if now is None or (now.state == "calling") != (callback.state == "calling"):
                return None
            changed = await self._store.change(
                now,
                state=verdict.state,
                reason=verdict.reason,
                not_before=verdict.not_before,
                changed_at=self._now(),
                **changes,
            )
            if changed is None:
                return None
            self._take_in(changed)
        if tell:
            self.tell(CallbackChanged, changed, state=changed.state, reason=changed.reason)
        self.changed.set()
        return changed

    def _take_in(self, changed: Callback) -> None:
        if changed.is_open:
            self._open[changed.callback_id] = changed
        else:
            del self._open[changed.callback_id]

    def tell(self, kind: type[Told], callback: Callback, **fields: Any) -> None:
        """Record an event about it: in the call made for it, else in which it was asked for."""
        common: dict[str, Any] = {
            "at": self._now(),
            "switch": callback.switch,
            "call_id": callback.own_call or callback.call_id,
            "callback_id": callback.callback_id,
            "queue": callback.queue,
        }
        self._record(kind(**common | fields))


def key_of(number: str, who: CustomerIdentified | None) -> str:
    """Who it is for: the customer, or else the number (several may share it)."""
    if who and who.match == "one" and who.customer:
        return f"customer {who.customer.id}"
    return number


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
