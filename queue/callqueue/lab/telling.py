"""What the journal says of one day, told as a day to be played. Pure.

Who a caller was is gathered by the same code that gathers it for the queues
(:mod:`callqueue.gathering`), as of the join, with what the CRM answered later.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from callqueue.facts import FIELDS, CallerFacts, of_customer
from callqueue.gathering import Gathering
from callqueue.lab.recorded import RecordedAgent, RecordedDay, RecordedWait, Shifts
from callqueue.lab.scene import SECOND
from cti.domain import events as ev
from cti.domain.events import Event, Micros

_OF_CUSTOMER = [name for name, one in FIELDS.items() if one.of_customer and name != "known"]

_FEW = 20
"""Choices of an agent within the seconds in which a wrap-up begins, and one more: never so many."""

WRAP_UP_BEGINS: Micros = 5 * SECOND
"""A wrap-up that begins within this time after a talk belongs to it."""


@dataclass(slots=True)
class _Wait:
    entry_id: str
    call_id: str
    queue: str
    joined_at: Micros
    facts: CallerFacts | None = None
    ended: str = ""
    waited: Micros = 0
    agent: str = ""
    rang: Micros = 0
    talk_id: str = ""
    talk_ended: Micros = 0
    talked: Micros | None = None


@dataclass(slots=True)
class _Day:
    gathering: Gathering
    waits: dict[str, _Wait] = field(default_factory=dict)
    of_call: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    talks: dict[str, str] = field(default_factory=dict)
    queues: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    seen: dict[str, list[Micros]] = field(default_factory=lambda: defaultdict(list))

    def take(self, event: Event) -> None:
        match event:
            case ev.CallQueued() if event.entry_id not in self.waits:
                wait = _Wait(event.entry_id, event.call_id, event.queue, event.at)
                self.waits[event.entry_id] = wait
                self.of_call[event.call_id].append(event.entry_id)
            case ev.AgentOffered() if event.queue:
                self.queues[event.agent].add(event.queue)
                self.seen[event.agent].append(event.at)
            case ev.OfferEnded() if event.ended == "answered":
                if event.entry_id in self.waits:
                    self.waits[event.entry_id].rang = event.rang
            case ev.CallAnswered():
                self._answer(event)
            case ev.QueueLeft():
                self._leave(event)
            case ev.TalkEnded() if event.talk_id in self.talks:
                wait = self.waits[self.talks[event.talk_id]]
                wait.talked, wait.talk_ended = event.talked, event.at
                self.seen[event.agent].append(event.at)
        self.gathering.take(event)
        if isinstance(event, ev.CustomerIdentified):
            self._learn(event)

    def _learn(self, event: ev.CustomerIdentified) -> None:
        """The CRM answered after the wait was over: next time it may be quicker."""
        for entry_id in self.of_call.get(event.call_id, ()):
            wait = self.waits[entry_id]
            if wait.facts is not None and wait.facts.is_late:
                fresh = of_customer(event, wait.queue)
                wait.facts = replace(wait.facts, **{n: getattr(fresh, n) for n in _OF_CUSTOMER})

    def _answer(self, event: ev.CallAnswered) -> None:
        self._note_facts(event.call_id)
        if event.queue and event.agent:
            self.queues[event.agent].add(event.queue)
            self.seen[event.agent].append(event.at)
        wait = self.waits.get(event.entry_id)
        if wait and not wait.talk_id:
            wait.agent, wait.talk_id = event.agent, event.talk_id
            self.talks[event.talk_id] = event.entry_id

    def _leave(self, event: ev.QueueLeft) -> None:
        self._note_facts(event.call_id)
        if wait := self.waits.get(event.entry_id):
            wait.ended, wait.waited = event.ended, event.waited

    def _note_facts(self, call_id: str) -> None:
        """Before the end of a wait becomes itself a part of what is known of the caller."""
        for entry_id in self.of_call.get(call_id, ()):
            wait = self.waits[entry_id]
            if wait.facts is None:
                wait.facts = self.gathering.facts(call_id, wait.queue, wait.joined_at)


def told_day(
    name: str,
    begin: Micros,
    end: Micros,
    events: Iterable[Event],
    choices: Iterable[ev.AgentAvailabilityChanged],
    gathering: Gathering,
    other_talks: Mapping[str, Shifts],
) -> RecordedDay:
    """The day from ``begin`` to ``end`` (microseconds since the epoch).

    ``events``: those of the day's calls, in the order of the journal; ``choices``: what agents
    chose, also before the day; ``gathering``: who remembers the day before; ``other_talks``: when
    agents (by interface) talked in calls that came from no queue.
    """
    day = _Day(gathering)
    for event in events:
        day.take(event)
    chosen = _by_agent(choices)
    waits = [wait for wait in day.waits.values() if wait.ended and begin <= wait.joined_at < end]
    return RecordedDay(
        name=name,
        begin=begin,
        end=end,
        waits=tuple(
            _told(wait, chosen.get(wait.agent, ()), day.gathering)
            for wait in sorted(waits, key=lambda wait: (wait.joined_at, wait.entry_id))
        ),
        agents=tuple(
            RecordedAgent(
                agent=agent,
                shifts=without(
                    _shifts(chosen.get(agent, ()), day.seen[agent], begin, end),
                    other_talks.get(agent, ()),
                ),
                queues=tuple(sorted(queues)),
            )
            for agent, queues in sorted(day.queues.items())
        ),
    )


def _told(
    wait: _Wait, chosen: Sequence[ev.AgentAvailabilityChanged], gathering: Gathering
) -> RecordedWait:
    handle = None
    if wait.talked is not None:
        handle = wait.talked + _wrap_up(wait.talk_ended, chosen)
    facts = wait.facts or gathering.facts(wait.call_id, wait.queue, wait.joined_at)
    return RecordedWait(
        joined_at=wait.joined_at,
        waited=wait.waited,
        ended=wait.ended,
        facts=facts,
        handle=handle,
        rang=min(wait.rang, wait.waited),
    )


def _wrap_up(talk_ended: Micros, chosen: Sequence[ev.AgentAvailabilityChanged]) -> Micros:
    """How long the wrap-up lasted that began when the talk ended; 0: there was none."""
    begun: ev.AgentAvailabilityChanged | None = None
    first = bisect_left(chosen, talk_ended, key=lambda one: one.at)
    for one in chosen[first : first + _FEW]:
        if begun is not None:
            return max(0, one.at - talk_ended)
        if one.at - talk_ended > WRAP_UP_BEGINS:
            return 0
        if one.availability == "wrap_up":
            begun = one
    return max(0, begun.until - talk_ended) if begun else 0


def _by_agent(
    choices: Iterable[ev.AgentAvailabilityChanged],
) -> Mapping[str, Sequence[ev.AgentAvailabilityChanged]]:
    found: dict[str, list[ev.AgentAvailabilityChanged]] = defaultdict(list)
    for one in sorted(choices, key=lambda one: one.at):
        found[one.agent].append(one)
    return found


def _shifts(
    chosen: Sequence[ev.AgentAvailabilityChanged],
    seen: Sequence[Micros],
    begin: Micros,
    end: Micros,
) -> Shifts:
    """When an agent took calls: by what they chose, else from the first sign of them to the last.

    Wrap-up is a part of handling a call and no absence.
    """
    if not chosen:
        return ((max(min(seen), begin), min(max(seen), end)),) if seen else ()
    shifts: list[tuple[Micros, Micros]] = []
    came: Micros | None = None
    for one in chosen:
        works = one.availability in {"available", "wrap_up"}
        if works and came is None:
            came = one.at
        elif not works and came is not None:
            shifts.append((came, one.at))
            came = None
    if came is not None:
        shifts.append((came, end))
    within = ((max(a, begin), min(b, end)) for a, b in shifts)
    return tuple((a, b) for a, b in within if a < b)


def without(shifts: Shifts, gaps: Shifts) -> Shifts:
    """``shifts`` without the times in ``gaps``."""
    left = list(shifts)
    for begin, end in gaps:
        cut = [((a, min(b, begin)), (max(a, end), b)) for a, b in left]
        left = [(a, b) for pair in cut for a, b in pair if a < b]
    return tuple(sorted(left))
