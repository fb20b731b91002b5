"""Calls customers back when it is their turn: the customer first, then the queue.

Who asks keeps a place in the queue as if they waited there. When their turn comes and an agent is
free, the customer is called; whoever picks up must press 1, and then goes into the queue with the
age of the request, where the next agent gets them like any caller.

Never two calls to one person. A customer has one open callback (the database sees to it), and that
a call is about to be made is in the database before it is made. After a crash in between, the
PBX's own records tell whether it was made; without records nobody is called, and a person decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from callqueue.callback.aftermath import Aftermath
from callqueue.callback.book import AGAIN_SECONDS, CallbackBook
from callqueue.callback.office import CallbackRefused, Callers, Office
from callqueue.callback.settings import CallbackSettings
from callqueue.callback.turns import (
    Callback,
    QueueNow,
    Verdict,
    after_attempt,
    too_old,
    whose_turn,
)
from callqueue.kept_ages import KeptAges
from callqueue.own_legs import ASK_CONTEXT, new_leg
from callqueue.press_one import Question, accept, ask
from cti.agi.server import AgiSession
from cti.bus import Bus
from cti.clock import Now
from cti.domain.commands import CommandFailed, Originate, Perform
from cti.domain.events import (
    AgentActivityChanged,
    AgentAvailabilityChanged,
    CallAnswered,
    CallArrived,
    CallbackAccepted,
    CallbackCalled,
    CallEnded,
    CustomerIdentified,
    Event,
    QueueEntryScored,
    QueueLeft,
    SwitchConnected,
    SwitchLost,
)

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 15.0
_MADE_SECONDS = 8.0
_WRITE_SECONDS = 2.0
_NO_ANSWER = {"busy": "the line was busy", "no_answer": "nobody answered"}


class CallbackService:
    """Follows the bus from its construction on; :meth:`run` does the work.

    :meth:`serve` is the FastAGI handler of ``ask/callback``, :meth:`keep_place` what a menu does.
    """

    def __init__(
        self,
        settings: CallbackSettings,
        book: CallbackBook,
        office: Office,
        bus: Bus,
        perform: Perform,
        now: Now,
        ages: KeptAges,
    ) -> None:
        self.book = book
        self._settings = settings
        self._office = office
        self._perform = perform
        self._now = now
        self._ages = ages
        self._callers = Callers()
        self._calling: dict[str, Callback] = {}
        self._answered: dict[str, str] = {}
        self._made: dict[str, asyncio.Event] = {}
        self._up: set[str] = set()
        self._group: asyncio.TaskGroup | None = None
        self._events = bus.subscribe(
            "callbacks",
            *(CallArrived, CallAnswered, CallEnded, CustomerIdentified),
            *(QueueEntryScored, QueueLeft, AgentActivityChanged, AgentAvailabilityChanged),
            *(SwitchConnected, SwitchLost),
        )

    def restore(self, events: Iterable[Event]) -> None:
        """Learn from the journal about calls that may still go on, before :meth:`run`."""
        for event in events:
            self._callers.take(event)

    async def run(self) -> None:
        """Serve until cancelled."""
        with self._events:
            async with asyncio.TaskGroup() as self._group:
                await self.book.load()
                self._group.create_task(self._call_on(), name="callbacks-turn")
                async for event in self._events:
                    if work := self._take(event):
                        self._group.create_task(work)

    async def keep_place(self, call_id: str, switch: str, queue: str) -> str:
        """For the caller in a menu. Empty: they are called back; otherwise why not."""
        who = self._callers.who(call_id)
        number = who.number if who else ""
        keeping = self.book.keep(number, queue, switch, "menu", call_id=call_id, who=who)
        writing = asyncio.ensure_future(keeping)
        try:
            async with asyncio.timeout(_WRITE_SECONDS):
                await asyncio.shield(writing)
        except CallbackRefused as refusal:
            return refusal.reason
        except SQLAlchemyError:
            return "the database does not answer"
        except TimeoutError:
            writing.add_done_callback(self._take_back)
            return "the database is too slow"
        return ""

    def _take_back(self, writing: asyncio.Future[Callback]) -> None:
        """The caller was told no, and waits in the queue."""
        if not writing.cancelled() and writing.exception() is None and self._group:
            verdict = Verdict("cancelled", "written too late: the caller waits in the queue")
            self._group.create_task(self._finish(writing.result(), verdict))

    # --- what happens ---------------------------------------------------------------------------

    def _take(self, event: Event) -> Coroutine[Any, Any, object] | None:
        self._callers.take(event)
        match event:
            case CallArrived():
                if made := self._made.get(event.call_id):
                    made.set()
            case CallAnswered():
                return self._talks(event)
            case CallEnded() if callback := self._calling.get(event.call_id):
                return self._call_ended(callback, event)
            case SwitchLost():
                self._up.discard(event.switch)
            case SwitchConnected():
                return self._connected(event.switch)
            case _:
                self.book.changed.set()
        return None

    async def _talks(self, event: CallAnswered) -> None:
        """The one who was called talks; or one who still waited for our call has called us."""
        callback = self._calling.get(event.call_id)
        if callback:
            await self._finish(callback, Verdict("done", f"talks with {event.agent}"))
            return
        who = self._callers.who(event.call_id)
        for waiting in self.book.for_customer(who) if who else ():
            await self._finish(waiting, Verdict("cancelled", "the customer has talked with us"))

    async def _call_ended(self, callback: Callback, event: CallEnded) -> None:
        answer = self._answered.pop(callback.leg, None)
        if answer == "2":
            verdict = Verdict("cancelled", "the customer no longer needs it")
        else:
            reason = _NO_ANSWER.get(event.outcome, "the call did not get through")
            if answer is not None:
                reason = "hung up in the queue" if answer == "1" else "nobody pressed 1"
            verdict = after_attempt(callback, reason, self._settings, self._now())
        await self._finish(callback, verdict)

    async def _connected(self, switch: str) -> None:
        """The picture is whole: what became of calls that we do not follow?"""
        for callback in self.book.open_ones:
            if callback.switch == switch and callback.state == "calling":
                await self._find_out(callback)
        self._up.add(switch)
        self.book.changed.set()

    async def _find_out(self, callback: Callback) -> None:
        made = Aftermath(self._callers, self._office, self._settings, self._now)
        verdict, attempts = await made.of(callback)
        if verdict is None:
            self._calling[callback.own_call] = callback
        else:
            await self._finish(callback, verdict, attempts=attempts)

    # --- the turn -------------------------------------------------------------------------------

    async def _call_on(self) -> None:
        """Call whose turn it is: whenever something has changed, and now and then."""
        while True:
            try:
                async with asyncio.timeout(_LOOK_SECONDS if self.book.open_ones else None):
                    await self.book.changed.wait()
            except TimeoutError:
                pass
            self.book.changed.clear()
            for callback in [c for c in self.book.open_ones if c.state != "calling"]:
                if too_old(callback, self._settings, self._now()):
                    await self._finish(callback, Verdict("failed", "nobody was free in time"))
            for switch, queue in dict.fromkeys((c.switch, c.queue) for c in self.book.open_ones):
                await self._serve_queue(switch, queue)

    async def _serve_queue(self, switch: str, queue: str) -> None:
        own = [c for c in self.book.open_ones if (c.switch, c.queue) == (switch, queue)]
        now = QueueNow(self._callers.waiting(switch, queue), self._free(switch, queue))
        for callback in whose_turn(own, now, self._now()):
            if reason := self._closed(switch):
                if callback.state != "due":
                    await self._finish(callback, Verdict("due", reason))
            else:
                await self._call(callback)

    def _free(self, switch: str, queue: str) -> int:
        return sum(
            queue in profile.queues and self._callers.is_free(agent, self._office.availability)
            for agent, profile in self._office.agents(switch).items()
        )

    def _closed(self, switch: str) -> str:
        calendar = self._settings.calendar
        if switch not in self._up:
            return "the link to the PBX is down"
        is_open = self._office.is_open(calendar) if calendar else True
        if is_open is None:
            return f"there is no calendar {calendar}"
        return "" if is_open else f"outside of the hours (calendar {calendar})"

    async def _call(self, callback: Callback) -> None:
        leg = new_leg(self._now(), "b")
        changes = {"leg": leg, "attempts": callback.attempts + 1}
        try:
            calling = await self.book.change(
                callback, Verdict("calling", ""), tell=False, **changes
            )
        except SQLAlchemyError as error:
            log.error("callback_not_begun", reason=str(error).partition("\n")[0])
            return  # looked at again soon: what is not written is not dialled
        if calling is None or self._group is None:
            return
        self._calling[calling.own_call] = calling
        self._made[calling.own_call] = asyncio.Event()
        self.book.tell(
            CallbackCalled,
            calling,
            number=calling.number,
            attempt=calling.attempts,
            waited=self._now() - calling.requested_at,
        )
        self._group.create_task(self._dial(calling), name=f"callback {leg}")

    async def _dial(self, callback: Callback) -> None:
        settings = self._settings
        made = self._made[callback.own_call]
        try:
            refusal = await self._originate(callback)
            if not refusal and not await _comes(made, _MADE_SECONDS):
                if callback.switch not in self._up:
                    return  # found out when the link is back
                refusal = f"Asterisk made no call of it: check dial = {settings.dial}"
        finally:
            self._made.pop(callback.own_call, None)
        if refusal and callback.own_call in self._calling:
            verdict = after_attempt(callback, refusal, settings, self._now())
            await self._finish(callback, verdict)

    async def _originate(self, callback: Callback) -> str:
        originate = Originate(
            call_id=callback.own_call,
            switch=callback.switch,
            channel=self._settings.dial.format(number=callback.number),
            context=ASK_CONTEXT,
            exten="callback",
            leg=callback.leg,
            caller_id=self._settings.caller_id,
            timeout=self._settings.ring,
        )
        try:
            reply = await self._perform(originate)
        except CommandFailed as failed:
            return "" if failed.kind in {"timeout", "lost"} else failed.reason
        return "" if reply.ok else f"the PBX refused: {reply.message}"

    async def serve(self, agi: AgiSession) -> None:
        """The customer has picked up: ask for a 1."""
        leg = agi.env.get("agi_uniqueid", "")
        callback = next((c for c in self._calling.values() if c.leg == leg), None)
        if callback is None:
            return  # the dialplan hangs up
        self._answered[leg] = ""
        settings = self._settings
        question = Question(ask=self._office.sound, tries=settings.tries, answer=settings.answer)
        key = self._answered[leg] = await ask(agi, question)
        if key == "1":
            self._ages.keep(callback.own_call, callback.queue, callback.requested_at)
            self.book.tell(CallbackAccepted, callback)
            await agi.command("SET", "VARIABLE", "RINGDESK_TARGET", callback.queue)
            await accept(agi)

    async def _finish(self, callback: Callback, verdict: Verdict, **changes: Any) -> None:
        """An attempt is over, or somebody decided; written however long the database is away."""
        while True:
            try:
                await self.book.change(callback, verdict, **changes)
            except SQLAlchemyError as error:
                reason = str(error).partition("\n")[0]
                log.error("callback_not_written", reason=reason, again_in=AGAIN_SECONDS)
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                break
        self._calling.pop(callback.own_call, None)
        self._callers.forget(callback.own_call)


async def _comes(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return event.is_set()
    return True
