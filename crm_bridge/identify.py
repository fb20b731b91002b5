"""Who calls: the look-up starts when the call arrives, long before anybody rings.

Routing never waits longer than the deadline: then the caller is ``late`` (default class), and a
second CustomerIdentified follows when the store answers. The screen-pop is put together right
behind it, so that it stands ready before the first agent's phone rings.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import structlog
from msgspec.structs import replace

from crm_bridge.lookup import Caller
from crm_bridge.numbers import is_withheld, to_e164
from crm_bridge.settings import CrmSettings
from crm_bridge.store import Customer
from cti.bus import Bus
from cti.clock import Now
from cti.domain.events import (
    CallArrived,
    CallEnded,
    CallJoined,
    CustomerIdentified,
    CustomerNote,
    Event,
    Match,
    PastContact,
    ScreenPopReady,
    new_id,
)
from cti.writer import DatabaseAway

log = structlog.get_logger(__name__)

Record = Callable[[Event], Event]


class Customers(Protocol):
    """Where callers are looked up: our store, or a connector to another CRM."""

    async def by_number(self, number: str) -> Caller:
        """Who has this E.164 number. May raise DatabaseAway or OSError: later, perhaps."""
        ...


class IdentifyService:
    """Recognises callers and assembles their screen-pops."""

    def __init__(
        self,
        settings: CrmSettings,
        customers: Customers,
        bus: Bus,
        record: Record,
        now: Now,
    ) -> None:
        self._settings = settings
        self._customers = customers
        self._record = record
        self._now = now
        self._known: dict[str, CustomerIdentified] = {}
        self._waiting: dict[str, asyncio.Event] = {}
        self._live: set[str] = set()
        self._out: set[str] = set()
        self._pops: dict[str, ScreenPopReady] = {}
        self._joins: dict[str, CallJoined] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._subscription = bus.subscribe("identify", CallArrived, CallJoined, CallEnded)

    async def run(self) -> None:
        """Follow the bus until cancelled."""
        async with asyncio.TaskGroup() as group:
            async for event in self._subscription:
                if isinstance(event, CallArrived):
                    self._live.add(event.call_id)
                    if event.direction == "outbound":
                        self._out.add(event.call_id)
                    self._start(group, event)
                elif isinstance(event, CallJoined):
                    self._join(event)
                else:
                    self._forget(event.call_id)

    async def identity(self, call_id: str, seconds: float) -> CustomerIdentified | None:
        """Who the call is from, as far as it is known within ``seconds``; None: not yet."""
        answered = self._waiting.setdefault(call_id, asyncio.Event())
        try:
            async with asyncio.timeout(seconds):
                await answered.wait()
        except TimeoutError:
            if call_id not in self._live:
                self._waiting.pop(call_id, None)
        return self._known.get(call_id)

    def restore(self, events: Iterable[Event]) -> None:
        """Take up what was known of the calls still open when Ringdesk last ran."""
        for event in events:
            if isinstance(event, CallArrived):
                self._live.add(event.call_id)
            elif isinstance(event, CallEnded):
                self._forget(event.call_id)
            elif isinstance(event, CustomerIdentified):
                self._remember(event)
            elif isinstance(event, ScreenPopReady):
                self._pops[event.call_id] = event
            elif isinstance(event, CallJoined):
                self._joins[event.call_id] = event

    def _join(self, event: CallJoined) -> None:
        """Who called the first switch calls the second one, whatever number the trunk shows."""
        if event.call_id in self._out:  # somebody of the house is dialled for the caller
            if task := self._tasks.get(event.call_id):
                task.cancel()
            return
        self._joins[event.call_id] = event
        if who := self._known.get(event.to_call_id):
            self._hand_on(who, event)
        if pop := self._pops.get(event.to_call_id):
            self._hand_on_pop(pop, event)

    def _joined_to(self, call_id: str) -> list[CallJoined]:
        """The calls that went on with this one, which may be over, and are not over."""
        return [join for join in self._joins.values() if join.to_call_id == call_id]

    def _hand_on(self, who: CustomerIdentified, join: CallJoined) -> None:
        if who.customer is None:
            return
        if task := self._tasks.get(join.call_id):
            task.cancel()
        identified = replace(who, **self._in(join), id=new_id(), cause=join.id, took=0)
        self._record(identified)
        self._remember(identified)

    def _hand_on_pop(self, pop: ScreenPopReady, join: CallJoined) -> None:
        if pop.customer is not None:
            self._keep_pop(replace(pop, **self._in(join), id=new_id(), cause=join.id))

    def _in(self, join: CallJoined) -> dict[str, Any]:
        return {"at": self._now(), "seq": 0, "switch": join.switch, "call_id": join.call_id}

    def _remember(self, identified: CustomerIdentified) -> None:
        if identified.call_id not in self._live:
            return
        self._known[identified.call_id] = identified
        answered = self._waiting.setdefault(identified.call_id, asyncio.Event())
        if identified.match != "late":
            answered.set()

    def _forget(self, call_id: str) -> None:
        self._live.discard(call_id)
        self._out.discard(call_id)
        self._known.pop(call_id, None)
        self._pops.pop(call_id, None)
        self._waiting.pop(call_id, None)
        self._joins.pop(call_id, None)

    def _start(self, group: asyncio.TaskGroup, call: CallArrived) -> None:
        raw = call.did if call.direction == "outbound" else call.caller_number
        number = to_e164(raw, self._settings.default_region)
        if call.direction == "internal":
            return
        if not number:
            self._say(call, number, "anonymous" if is_withheld(raw) else "none", [], 0)
            return
        task = group.create_task(self._identify(call, number), name=f"identify {call.call_id}")
        self._tasks[call.call_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(call.call_id, None))

    async def _identify(self, call: CallArrived, number: str) -> None:
        started = self._now()
        if len(self._tasks) > self._settings.concurrent_lookups:
            self._say(call, number, "late", [], 0)
        lookup = asyncio.ensure_future(self._customers.by_number(number))
        done, _ = await asyncio.wait({lookup}, timeout=self._settings.deadline_seconds)
        if not done and call.call_id not in self._known:
            self._say(call, number, "late", [], self._now() - started)
        try:
            caller = await lookup
        except (DatabaseAway, OSError) as error:
            log.warning("customer_lookup_failed", call_id=call.call_id, reason=str(error))
            if call.call_id not in self._known:
                self._say(call, number, "late", [], self._now() - started)
            return
        found = caller.customers
        match: Match = "one" if len(found) == 1 else "several" if found else "none"
        identified = self._say(call, number, match, found, self._now() - started)
        if found:
            self._pop(identified, caller.contacts, caller.notes)

    def _say(
        self, call: CallArrived, number: str, match: Match, found: Sequence[Customer], took: int
    ) -> CustomerIdentified:
        refs = tuple(customer.ref() for customer in found)
        identified = CustomerIdentified(
            at=self._now(),
            switch=call.switch,
            call_id=call.call_id,
            cause=call.id,
            number=number,
            match=match,
            customer=refs[0] if refs else None,
            candidates=refs if len(refs) > 1 else (),
            took=took,
        )
        self._record(identified)
        self._remember(identified)
        for join in self._joined_to(call.call_id):  # the answer came after the call went on
            self._hand_on(identified, join)
        if not refs:
            self._pop(identified, (), ())
        return identified

    def _pop(
        self,
        who: CustomerIdentified,
        contacts: Sequence[PastContact],
        notes: Sequence[CustomerNote],
    ) -> None:
        self._keep_pop(
            ScreenPopReady(
                at=self._now(),
                switch=who.switch,
                call_id=who.call_id,
                cause=who.id,
                number=who.number,
                match=who.match,
                customer=who.customer,
                candidates=who.candidates,
                contacts=tuple(contacts),
                notes=tuple(notes),
            )
        )

    def _keep_pop(self, pop: ScreenPopReady) -> None:
        self._record(pop)
        if pop.call_id in self._live:
            self._pops[pop.call_id] = pop
        for join in self._joined_to(pop.call_id):
            self._hand_on_pop(pop, join)
