"""One call to one mobile for one waiting caller, from the first ring to how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from callqueue.manager.choice import Person
from callqueue.manager.search import Search, Surroundings
from callqueue.manager.settings import ManagerSettings
from callqueue.own_legs import ASK_CONTEXT, TAKEN_CONTEXT, new_leg
from callqueue.press_one import Question
from cti.domain.commands import (
    AnyCommand,
    CommandFailed,
    GetVariable,
    Hangup,
    Originate,
    Redirect,
)
from cti.domain.events import (
    CallAnswered,
    CallEnded,
    CallQueued,
    CustomerIdentified,
    ManagerAccepted,
    ManagerAnswered,
    ManagerCalled,
    ManagerCallEnded,
    ManagerEnd,
    Micros,
)

log = structlog.get_logger(__name__)

_MADE_SECONDS = 8.0
_ASKED_SECONDS = 100.0
_HOLD_SECONDS = 3.0
_TOGETHER_SECONDS = 5.0
_LOOK_SECONDS = 0.02

Outcome = tuple[ManagerEnd, str]


class Attempt:
    """A call to ``person``. The service tells it what happens, :meth:`run` acts on it."""

    def __init__(
        self,
        around: Surroundings,
        settings: ManagerSettings,
        search: Search,
        person: Person,
        who: CustomerIdentified,
    ) -> None:
        self.search = search
        self.person = person
        self.leg = new_leg(around.now())
        self.question = _question(settings, who)
        self._around = around
        self._settings = settings
        self._own_call = f"{search.switch}-{self.leg}"
        self._over: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._made = asyncio.Event()
        self._accepted = asyncio.Event()
        self._together = asyncio.Event()
        self._answered = False
        self._key = ""
        self._handing = False
        self._gone = False

    def called(self) -> ManagerCalled:
        """The event that says so; its id is the attempt's."""
        search, person = self.search, self.person
        return ManagerCalled(
            at=self._around.now(),
            switch=search.switch,
            call_id=search.call_id,
            attempt_id=self.leg,
            entry_id=search.entry_id,
            queue=search.queue,
            manager=person.name,
            agent=person.told_as,
            number=person.number,
            leg=self.leg,
            deputy=person.deputy,
        )

    @property
    def is_over(self) -> bool:
        """Whether it is decided how it ends."""
        return self._over.done()

    # --- what happens ---------------------------------------------------------------------------

    def made(self, call_id: str) -> None:
        """Asterisk has made a call."""
        if call_id == self._own_call:
            self._made.set()

    def picked_up(self) -> None:
        """A person or a mailbox answered."""
        self._made.set()
        self._answered = True
        self._record(ManagerAnswered)

    def replied(self, key: str) -> None:
        """What was pressed; empty: nothing."""
        self._key = key
        if key == "1":
            self._accepted.set()

    def caller_left(self, why: str) -> None:
        """The caller no longer waits; when we took them out of the queue that is as it should."""
        if not self._handing:
            self._end("cancelled", why)

    def caller_is_back(self, event: CallQueued) -> bool:
        """The caller waits again: whoever had accepted was gone."""
        back = self._handing and event.call_id == self.search.call_id
        if back:
            self._end("failed", "the line was gone, and the caller is back in the queue")
        return back

    def talk_began(self, event: CallAnswered) -> bool:
        """Somebody talks with a caller: are they ours?"""
        ours = self._handing and event.call_id == self.search.call_id
        if ours and event.agent == self.person.told_as:
            self._together.set()
        return ours

    def call_ended(self, event: CallEnded) -> None:
        """Some call is over. Ours, once it has become part of the caller's, says nothing."""
        if event.call_id == self.search.call_id:
            self._end("cancelled", "the caller hung up")
        elif event.call_id == self._own_call and not self._handing:
            self._gone = True
            self._end(*self._how_it_ended(event))

    def _how_it_ended(self, event: CallEnded) -> Outcome:
        if self._key == "2":
            return "declined", "pressed 2"
        if self._answered or event.outcome == "answered":
            hung_up = "hung up" if self._key == "1" else ""
            return "not_accepted", hung_up
        if event.outcome in {"busy", "no_answer"}:
            return ("busy" if event.outcome == "busy" else "no_answer"), ""
        cause = f", cause {event.hangup_cause}" if event.hangup_cause else ""
        return "failed", f"the call did not get through{cause}"

    def _end(self, ended: ManagerEnd, reason: str = "") -> None:
        if not self._over.done():
            self._over.set_result((ended, reason))

    # --- what is done ---------------------------------------------------------------------------

    async def run(self, called: ManagerCalled) -> ManagerEnd:
        """Call, ask, hand the caller over; gives how it ended. ``called`` is in the database."""
        self._around.record(called)
        ended, reason = await self._dial()
        if ended != "connected" and not self._gone:
            await hang_up(self._around, called)
        self._around.record(end_of(called, self._around.now(), ended, reason))
        if ended != "connected":
            await written(self._around.calls.over(self.leg, self._around.now()))
        return ended

    async def _dial(self) -> Outcome:
        search, settings = self.search, self._settings
        errands = self._around.errands
        if not errands.begin(search.switch, self.leg, self.person.told_as, search.entry_id):
            self._gone = True
            return "cancelled", search.why_left or "the link to the PBX is down"
        originate = Originate(
            call_id=search.call_id,
            switch=search.switch,
            channel=settings.dial.format(number=self.person.number),
            context=ASK_CONTEXT,
            exten="manager",
            leg=self.leg,
            caller_id=settings.caller_id,
            timeout=settings.ring,
        )
        if refused := await self._perform(originate):
            errands.drop(search.switch, self.leg)
            self._gone = True
            return "failed", refused
        return await self._follow()

    async def _follow(self) -> Outcome:
        if not await self._comes(self._made, _MADE_SECONDS):
            self._around.errands.drop(self.search.switch, self.leg)
            reason = f"Asterisk made no call of it: check dial = {self._settings.dial}"
            return self._outcome_or("failed", reason)
        if not await self._comes(self._accepted, self._settings.ring + _ASKED_SECONDS):
            return self._outcome_or("failed", "nothing was heard of the call")
        return await self._hand_over()

    async def _hand_over(self) -> Outcome:
        """Take the caller out of the queue. An agent who answers in that very moment is first."""
        search, errands, ages = self.search, self._around.errands, self._around.ages
        self._record(ManagerAccepted)
        if not await self._waits_for_caller():
            return self._outcome_or("failed", "the line was gone")
        # The answer comes behind all that the PBX has said so far: the book is not behind.
        await self._perform(self._of_caller(GetVariable, variable="CHANNEL(state)"))
        if self._over.done():
            return self._over.result()
        channel = errands.hand_over(search.switch, search.leg)
        if not channel:
            await search.leaves_within(1)
            return "cancelled", search.why_left or "an agent has answered"
        self._handing = True
        ages.keep(search.call_id, search.queue, search.joined_at)
        redirect = self._of_caller(Redirect, channel=channel, context=TAKEN_CONTEXT, exten=self.leg)
        if refused := await self._perform(redirect):
            errands.keep(search.switch, search.leg)
            ages.forget(search.call_id, search.queue)
            return "failed", refused
        if await self._comes(self._together, _TOGETHER_SECONDS):
            ages.forget(search.call_id, search.queue)
            return "connected", ""
        return self._outcome_or("failed", "the two were not brought together")

    def _of_caller(self, command: Callable[..., AnyCommand], **values: str) -> AnyCommand:
        search = self.search
        return command(
            **{"call_id": search.call_id, "switch": search.switch, "channel": search.channel}
            | values
        )

    async def _waits_for_caller(self) -> bool:
        """Whether the mobile's leg is where the caller is to be sent to."""
        try:
            async with asyncio.timeout(_HOLD_SECONDS):
                while not self._around.errands.is_there(self.search.switch, self.leg):
                    if self._over.done():
                        return False
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            return False
        return True

    async def _comes(self, event: asyncio.Event, seconds: float) -> bool:
        """Whether it comes in time, and before all is over."""
        coming = asyncio.ensure_future(event.wait())
        waits: set[asyncio.Future[Any]] = {coming, self._over}
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            coming.cancel()
        return event.is_set() and not self._over.done()

    def _outcome_or(self, ended: ManagerEnd, reason: str) -> Outcome:
        return self._over.result() if self._over.done() else (ended, reason)

    async def _perform(self, command: AnyCommand) -> str:
        """Empty when it was done, or may have been; otherwise why not."""
        try:
            reply = await self._around.perform(command)
        except CommandFailed as failed:
            return "" if failed.kind in {"timeout", "lost"} else failed.reason
        return "" if reply.ok else f"the PBX refused: {reply.message}"

    def _record(self, kind: type[ManagerAnswered] | type[ManagerAccepted]) -> None:
        search = self.search
        self._around.record(
            kind(
                at=self._around.now(),
                switch=search.switch,
                call_id=search.call_id,
                attempt_id=self.leg,
                manager=self.person.name,
            )
        )


def _question(settings: ManagerSettings, who: CustomerIdentified) -> Question:
    return Question(
        ask=settings.ask,
        before=settings.whisper,
        name=f"{settings.names}/{who.customer.id}" if settings.names and who.customer else "",
        number=who.number,
        tries=settings.tries,
        answer=settings.answer,
    )


def end_of(called: ManagerCalled, at: Micros, ended: ManagerEnd, reason: str) -> ManagerCallEnded:
    """How a call ended, as an event."""
    return ManagerCallEnded(
        at=at,
        switch=called.switch,
        call_id=called.call_id,
        cause=called.id,
        attempt_id=called.attempt_id,
        manager=called.manager,
        ended=ended,
        reason=reason,
    )


async def hang_up(around: Surroundings, called: ManagerCalled) -> None:
    """Nobody needs the mobile's leg any more; it may be gone already."""
    command = Hangup(call_id=called.call_id, switch=called.switch, channel=called.leg)
    try:
        await around.perform(command)
    except CommandFailed as failed:
        log.warning("mobile_not_hung_up", call_id=called.call_id, reason=failed.reason)


async def written(work: object) -> None:
    """Await a write; the call goes on without a database, and its price is not known then."""
    try:
        await work  # type: ignore[misc]
    except SQLAlchemyError as error:
        log.error("manager_call_not_written", reason=str(error).partition("\n")[0])
