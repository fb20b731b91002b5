"""Calls a VIP's personal manager on the mobile, while the VIP keeps the place in the queue.

One search for each wait: the manager, then the deputies, one after the other. The caller waits on
in the queue all the time and may be served there; whoever is first has them. A mobile that is
picked up meets our FastAGI (:mod:`callqueue.press_one`), and only after a 1 is the caller taken
out of the queue. If this program dies, the dialplan hangs up on the mobile and the caller waits
on as before.

What was dialled is in the database before it is dialled: nobody is called twice for one wait,
whatever happens in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from callqueue.manager.attempt import Attempt, end_of, hang_up, written
from callqueue.manager.choice import Person, Presence, absent, people, spent_up
from callqueue.manager.search import Search, Surroundings
from callqueue.manager.settings import ManagerSettings
from callqueue.press_one import accept, ask
from cti.agi.server import AgiSession
from cti.bus import Bus
from cti.domain.events import (
    Activity,
    AgentActivityChanged,
    Availability,
    CallAnswered,
    CallArrived,
    CallEnded,
    CallQueued,
    CustomerIdentified,
    Event,
    ManagerCalled,
    ManagerCallEnded,
    ManagerSkipped,
    Micros,
    QueueEntryScored,
    QueueLeft,
    SwitchConnected,
    TalkEnded,
)

log = structlog.get_logger(__name__)

_GONE = {
    "connected": "an agent has answered",
    "abandoned": "the caller hung up",
    "timeout": "the caller waited too long",
}


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What is known of managers and hours elsewhere in the house.

    ``agents(switch)``: interfaces of desk phones there. ``is_open(calendar)``: None where there is
    no such calendar. ``day_start``: when today began.
    """

    agents: Callable[[str], Iterable[str]]
    availability: Callable[[str], Availability | None]
    to_e164: Callable[[str], str]
    is_open: Callable[[str], bool | None]
    day_start: Callable[[], Micros]


class ManagerService:
    """Follows the bus from its construction on; :meth:`run` does the work.

    :meth:`serve` is the FastAGI handler of ``ask/manager``.
    """

    def __init__(
        self, settings: ManagerSettings, bus: Bus, around: Surroundings, desk: Desk
    ) -> None:
        self._settings = settings
        self._around = around
        self._desk = desk
        self._searches: dict[str, Search] = {}
        self._customers: dict[str, CustomerIdentified] = {}
        self._activities: dict[str, Activity] = {}
        self._attempts: dict[str, Attempt] = {}
        self._talking: dict[tuple[str, str], str] = {}
        self._left_over: dict[str, ManagerCalled] = {}
        self._one_by_one = asyncio.Lock()
        self._group: asyncio.TaskGroup | None = None
        self._events = bus.subscribe(
            "managers",
            *(CallArrived, CallQueued, QueueEntryScored, QueueLeft, CustomerIdentified),
            *(CallAnswered, TalkEnded, CallEnded, AgentActivityChanged, SwitchConnected),
        )

    def restore(self, events: Iterable[Event]) -> None:
        """Learn from the journal about callers who may still wait, before :meth:`run`."""
        for event in events:
            if isinstance(event, ManagerCalled):
                self._left_over[event.attempt_id] = event
                if search := self._searches.get(event.entry_id):
                    search.begun = True
            elif isinstance(event, ManagerCallEnded):
                called = self._left_over.pop(event.attempt_id, None)
                if called and event.ended == "connected":
                    self._talking[called.call_id, called.agent] = called.attempt_id
            elif not isinstance(event, AgentActivityChanged):
                self._take(event)

    async def run(self) -> None:
        """Serve until cancelled; without classes in the settings nobody is ever called."""
        with self._events:
            async with asyncio.TaskGroup() as self._group:
                async for event in self._events:
                    if work := self._take(event):
                        self._group.create_task(work)

    async def serve(self, agi: AgiSession) -> None:
        """A mobile was picked up: say who calls and ask for a 1."""
        attempt = self._attempts.get(agi.env.get("agi_uniqueid", ""))
        if attempt is None or attempt.is_over or self._group is None:
            return  # no longer wanted, or from before a restart: the dialplan hangs up
        attempt.picked_up()
        bill = written(self._around.calls.answered(attempt.leg, self._around.now()))
        self._group.create_task(bill)
        key = await ask(agi, attempt.question)
        if key == "1" and not attempt.is_over:
            await accept(agi)
        attempt.replied(key)

    # --- what happens ---------------------------------------------------------------------------

    def _take(self, event: Event) -> Coroutine[Any, Any, None] | None:
        match event:
            case CallArrived():
                for attempt in self._attempts.values():
                    attempt.made(event.call_id)
            case CallQueued():
                self._queued(event)
            case QueueEntryScored():
                self._scored(event)
            case QueueLeft():
                self._left(event)
            case CustomerIdentified():
                self._identified(event)
            case CallAnswered():
                self._answered(event)
            case TalkEnded():
                return self._talk_ended(event)
            case CallEnded():
                self._ended(event)
            case AgentActivityChanged():
                self._activities[event.agent] = event.activity
            case SwitchConnected():
                return self._connected(event.switch)
        return None

    def _queued(self, event: CallQueued) -> None:
        search = self._searches.setdefault(event.entry_id, Search.of(event))
        for attempt in self._attempts.values():
            if attempt.caller_is_back(event):
                search.begun = True

    def _scored(self, event: QueueEntryScored) -> None:
        if search := self._searches.get(event.entry_id):
            search.label, search.joined_at = event.label, event.joined_at
            self._consider(search)

    def _left(self, event: QueueLeft) -> None:
        if search := self._searches.pop(event.entry_id, None):
            search.leave(_GONE.get(event.ended, "the caller left the queue"))
            for attempt in self._attempts.values():
                if attempt.search is search:
                    attempt.caller_left(search.why_left)

    def _identified(self, event: CustomerIdentified) -> None:
        self._customers[event.call_id] = event
        for search in self._searches.values():
            if search.call_id == event.call_id:
                self._consider(search)

    def _answered(self, event: CallAnswered) -> None:
        for attempt in self._attempts.values():
            if attempt.talk_began(event):
                self._talking[event.call_id, event.agent] = attempt.leg

    async def _talk_ended(self, event: TalkEnded) -> None:
        if attempt_id := self._talking.pop((event.call_id, event.agent), ""):
            await written(self._around.calls.over(attempt_id, event.at))

    def _ended(self, event: CallEnded) -> None:
        self._customers.pop(event.call_id, None)
        for attempt in self._attempts.values():
            attempt.call_ended(event)

    async def _connected(self, switch: str) -> None:
        """Go on with the callers from before, and clear up what the run before had begun."""
        for called in [c for c in self._left_over.values() if c.switch == switch]:
            del self._left_over[called.attempt_id]
            await self._clear_up(called)
        for search in list(self._searches.values()):
            if search.switch == switch:
                self._consider(search)

    async def _clear_up(self, called: ManagerCalled) -> None:
        """A caller who waits on is not with the manager, whose phone may still ring."""
        if called.entry_id in self._searches or called.call_id not in self._customers:
            await hang_up(self._around, called)
            ended = end_of(called, self._around.now(), "cancelled", "Ringdesk was restarted")
        else:
            ended = end_of(called, self._around.now(), "connected", "")
        self._around.record(ended)
        await written(self._around.calls.over(called.attempt_id, self._around.now()))

    # --- the search -----------------------------------------------------------------------------

    def _consider(self, search: Search) -> None:
        who = self._customers.get(search.call_id)
        if self._group is None or search.begun or who is None or who.match != "one":
            return
        if who.customer and self._settings.serves(search.label, search.queue):
            search.begun = True
            work = self._search(search, who)
            self._group.create_task(work, name=f"manager {search.entry_id}")

    async def _search(self, search: Search, who: CustomerIdentified) -> None:
        if who.customer is None or await search.leaves_within(self._settings.after):
            return
        agents = self._desk.agents(search.switch)
        for person in people(who.customer, self._settings, self._desk.to_e164, agents):
            if search.left.is_set() or await self._try(search, person, who):
                return

    async def _try(self, search: Search, person: Person, who: CustomerIdentified) -> bool:
        """Whether nobody else need be called."""
        attempt = Attempt(self._around, self._settings, search, person, who)
        called = attempt.called()
        async with self._one_by_one:  # so that two cannot both be the last of the day
            if reason := await self._why_not(person, called):
                self._skip(search, person, reason)
                return False
            self._attempts[attempt.leg] = attempt
        try:
            return await attempt.run(called) in {"connected", "cancelled"}
        finally:
            del self._attempts[attempt.leg]

    async def _why_not(self, person: Person, called: ManagerCalled) -> str:
        """Why this person is not called; empty: the call is written down, and may be made."""
        reason = self._closed() or absent(
            person,
            Presence(
                self._desk.availability(person.agent) if person.agent else None,
                self._activities.get(person.agent, "idle"),
            ),
            called_now=self._is_called(person.number),
        )
        return reason or await self._write_down(called)

    def _is_called(self, number: str) -> bool:
        attempts = self._attempts.values()
        return any(a.person.number == number and not a.is_over for a in attempts)

    def _closed(self) -> str:
        calendar = self._settings.calendar
        is_open = self._desk.is_open(calendar) if calendar else True
        if is_open is None:
            return f"there is no calendar {calendar}"
        return "" if is_open else f"outside of the hours (calendar {calendar})"

    async def _write_down(self, called: ManagerCalled) -> str:
        calls, now = self._around.calls, self._around.now()
        try:
            today = await calls.since(self._desk.day_start())
            if reason := spent_up(today, self._settings, now):
                return reason
            return "" if await calls.add(called) else "was called for this wait before"
        except SQLAlchemyError as error:
            log.error("manager_calls_not_read", reason=str(error).partition("\n")[0])
            return "the database does not answer, and the limits of the day cannot be kept"

    def _skip(self, search: Search, person: Person, reason: str) -> None:
        self._around.record(
            ManagerSkipped(
                at=self._around.now(),
                switch=search.switch,
                call_id=search.call_id,
                entry_id=search.entry_id,
                queue=search.queue,
                manager=person.name,
                reason=reason,
                deputy=person.deputy,
            )
        )
