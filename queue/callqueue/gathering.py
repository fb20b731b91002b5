"""Gathers what is known of callers from the events: the facts a policy is asked with. Pure.

Earlier calls count by the caller's number as the PBX gave it, so that strangers are known again
too. They are remembered for a day, at most :data:`REMEMBERED` numbers; at a start they come from
the history (:meth:`Gathering.remember_call`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from callqueue.curve import SECOND
from callqueue.facts import NEVER_BEFORE, CallerFacts, of_customer
from cti.domain.events import (
    CallAnswered,
    CallArrived,
    CallEnded,
    CallJoined,
    CustomerIdentified,
    Event,
    MenuChosen,
    Micros,
    QueueLeft,
)

REMEMBERED = 100_000
"""Numbers, and calls that are open, remembered before the oldest is forgotten."""
DAY = 24 * 3_600 * SECOND
HOUR = 3_600 * SECOND
MOST_CALLS = 100
"""Calls of one number that are remembered."""

GATHERED = (
    CallArrived,
    CallJoined,
    MenuChosen,
    CustomerIdentified,
    CallAnswered,
    QueueLeft,
    CallEnded,
)
"""The events that :meth:`Gathering.take` learns from."""

InterfaceOf = Callable[[str], str]
"""The interface of an agent's extension; empty for nobody's."""


@dataclass
class _Call:
    number: str = ""
    did: str = ""
    choices: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    who: CustomerIdentified | None = None


@dataclass
class _Caller:
    """What one number did: when it called (call id to time), gave up, and who talked with it."""

    calls: OrderedDict[str, Micros] = field(default_factory=OrderedDict)
    abandoned: list[Micros] = field(default_factory=list)
    last_agent: str = ""


def _no_interface(_extension: str) -> str:
    return ""


class Gathering:
    """What is known of the calls that are open, and of the numbers that called lately."""

    def __init__(self, interface_of: InterfaceOf = _no_interface) -> None:
        self._interface_of = interface_of
        self._calls: OrderedDict[str, _Call] = OrderedDict()
        self._callers: OrderedDict[str, _Caller] = OrderedDict()

    def take(self, event: Event) -> None:
        """Learn from one event; those of other types are passed over."""
        match event:
            case CallArrived() if event.direction != "internal":
                call = self._call(event.call_id)
                call.number, call.did = event.caller_number, event.did
                self.remember_call(event.caller_number, event.call_id, event.at)
            case CallJoined():
                self._join(event)
            case MenuChosen() if event.valid:
                call = self._call(event.call_id)
                call.choices.append(event.label)
                call.keys.append(event.digits)
            case CustomerIdentified():
                self._call(event.call_id).who = event
            case CallAnswered() if event.agent:
                if caller := self._caller_of(event.call_id):
                    caller.last_agent = event.agent
            case QueueLeft() if event.ended == "abandoned":
                if caller := self._caller_of(event.call_id):
                    caller.abandoned = [*caller.abandoned[-MOST_CALLS:], event.at]
            case CallEnded():
                self._calls.pop(event.call_id, None)

    def remember_call(
        self,
        number: str,
        call_id: str,
        at: Micros,
        abandoned_at: Micros | None = None,
        agent: str = "",
    ) -> None:
        """A call of the past: when it came, when it was given up in a queue, who talked last.

        Call it with the oldest first.
        """
        if not number:
            return
        caller = self._callers.setdefault(number, _Caller())
        self._callers.move_to_end(number)
        caller.calls.setdefault(call_id, at)
        if len(caller.calls) > MOST_CALLS:
            caller.calls.popitem(last=False)
        if abandoned_at is not None:
            caller.abandoned.append(abandoned_at)
        caller.last_agent = agent or caller.last_agent
        if len(self._callers) > REMEMBERED:
            self._callers.popitem(last=False)

    def restore(self, events: Iterable[Event]) -> None:
        """Learn from the journal about the calls that are open."""
        for event in events:
            self.take(event)

    def facts(self, call_id: str, queue: str, joined_at: Micros) -> CallerFacts:
        """What is known of the caller, as of when they joined ``queue``."""
        call = self._calls.get(call_id) or _Call()
        facts = of_customer(call.who, queue)
        caller = self._callers.get(call.number) or _Caller()
        earlier = [at for known, at in caller.calls.items() if known != call_id and at <= joined_at]
        given_up = [at for at in caller.abandoned if at <= joined_at]
        owner = call.who.customer.owner_extension if call.who and call.who.customer else ""
        return replace(
            facts,
            did=call.did,
            choice=call.choices[-1] if call.choices else "",
            keys="-".join(key for key in call.keys if key),
            calls_last_day=sum(at > joined_at - DAY for at in earlier),
            abandoned_last_hour=sum(at > joined_at - HOUR for at in given_up),
            last_call=_seconds_ago(earlier, joined_at),
            last_abandoned=_seconds_ago(given_up, joined_at),
            owner=self._interface_of(owner) if owner else "",
            last_agent=caller.last_agent,
        )

    def _call(self, call_id: str) -> _Call:
        if call_id not in self._calls:
            self._calls[call_id] = _Call()
            if len(self._calls) > REMEMBERED:
                self._calls.popitem(last=False)
        return self._calls[call_id]

    def _caller_of(self, call_id: str) -> _Caller | None:
        call = self._calls.get(call_id)
        return self._callers.get(call.number) if call else None

    def _join(self, event: CallJoined) -> None:
        """Who called the first switch waits on the second: number and menus go with them."""
        first, call = self._calls.get(event.to_call_id), self._call(event.call_id)
        if first is None:
            return
        call.number, call.did = first.number or call.number, first.did or call.did
        call.choices = [*first.choices, *call.choices]
        call.keys = [*first.keys, *call.keys]
        if caller := self._callers.get(call.number):
            caller.calls.pop(event.call_id, None)
            caller.calls.pop(event.to_call_id, None)
            caller.calls[event.call_id] = event.at


def _seconds_ago(times: Iterable[Micros], at: Micros) -> int:
    last = max(times, default=None)
    return NEVER_BEFORE if last is None else (at - last) // SECOND
