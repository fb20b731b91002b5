"""Agents' availability: what a person chose at the desk, carried out on the queues of the PBX.

A choice is announced only after the PBX accepted it; one that the PBX refuses is undone and
:class:`AvailabilityRefused` says why. What was chosen wins over what the PBX has: after each
connect the memberships are compared and put right. Agents who never chose anything here are not
touched: what the PBX has is taken for their choice.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping

import structlog

from callqueue.agent_state import AgentProfile, AgentState, adopted, chosen
from callqueue.memberships import (
    FirstQueue,
    MakeReady,
    MembershipRefused,
    Memberships,
    all_at_once,
    cure_of,
    nothing_to_do,
)
from callqueue.settings import QueueSettings
from cti.agent_names import split
from cti.bus import Bus
from cti.clock import Now
from cti.domain.commands import CommandFailed, Perform
from cti.domain.events import (
    AgentAvailabilityChanged,
    AgentOffered,
    Availability,
    CallAnswered,
    Event,
    SwitchConnected,
    SwitchLost,
    TalkEnded,
)

log = structlog.get_logger(__name__)

RETRY_SECONDS = 5.0

Agents = Callable[[], Mapping[str, AgentProfile]]
"""Gives the agents there are: interface (``PJSIP/101``) to profile."""


class AvailabilityRefused(Exception):
    """The choice is not in force: ``reason`` says why and what holds now, ``cure`` what to do."""

    def __init__(self, reason: str, cure: str) -> None:
        super().__init__(f"{reason} ({cure})")
        self.reason = reason
        self.cure = cure


class AvailabilityService:
    """Who may be rung, in all queues.

    Wrap-up begins by itself after a talk that came from a queue, and ends after
    ``settings.wrap_up`` seconds or when the agent chooses. ``further``: the switches besides the
    first one; an agent's name says on which the phone is (:mod:`cti.agent_names`).
    ``first_queue`` says whose caller an agent of several queues is to get.
    """

    def __init__(
        self,
        agents: Agents,
        bus: Bus,
        record: Callable[[Event], Event],
        perform: Perform,
        now: Now,
        settings: QueueSettings,
        further: Collection[str] = (),
        first_queue: FirstQueue = all_at_once,
        make_ready: MakeReady = nothing_to_do,
    ) -> None:
        self._agents = agents
        self._further = frozenset(further)
        self._record = record
        self._now = now
        self._settings = settings
        self._states: dict[str, AgentState] = {}
        self._members = Memberships(perform, first_queue, make_ready)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._queue_talks: set[str] = set()
        self._later: set[str] = set()
        self._changed = asyncio.Event()
        self._events = bus.subscribe(
            "availability", CallAnswered, TalkEnded, AgentOffered, SwitchConnected, SwitchLost
        )

    @property
    def states(self) -> Mapping[str, AgentState]:
        """Agent to what they chose; who never chose anything is not in it."""
        return dict(self._states)

    def restore(self, events: Iterable[Event]) -> None:
        """Take over the last choices from the journal (oldest first), before :meth:`run`.

        Events other than AgentAvailabilityChanged are passed over.
        """
        for event in events:
            if isinstance(event, AgentAvailabilityChanged):
                state = AgentState(event.availability, event.reason, event.until)
                self._states[event.agent] = state

    async def run(self) -> None:
        """Serve until cancelled."""
        with self._events:
            async with asyncio.TaskGroup() as group:
                timer = group.create_task(self._end_wrap_ups(), name="wrap-ups")
                async for event in self._events:
                    if work := self._take(event):
                        group.create_task(work)
                timer.cancel()

    async def set(self, agent: str, availability: Availability, reason: str = "") -> AgentState:
        """Carry out what the agent chose; ``reason`` is that of a break.

        A wrap-up that is asked for lasts ``settings.max_wrap_up`` seconds at most. Raises
        :class:`AvailabilityRefused`: what held before still holds then.
        """
        async with self._locks[agent]:
            state = chosen(availability, reason, self._now(), self._settings.max_wrap_up)
            return await self._change(agent, state, read_first=True)

    async def reconcile(self, switch: str = "") -> None:
        """Make the PBX have what was chosen: after a connect, or a change of the agents.

        ``switch``: the further switch of which to do so; empty: the first one.
        """
        self._members.forget_all(switch)
        try:
            found = await self._members.read_all(switch)
        except (CommandFailed, MembershipRefused) as error:
            log.warning("availability_not_reconciled", switch=switch, reason=str(error))
            return
        for agent in self._agents():
            if split(agent)[0] != switch:
                continue
            async with self._locks[agent]:
                if agent not in self._members:  # otherwise they chose after the reading
                    self._members.learn(agent, found.get(agent, {}))
                    await self._reconcile_one(agent)

    def _take(self, event: Event) -> Coroutine[None, None, None] | None:
        match event:
            case AgentOffered():
                self._members.rings(event.agent)
            case CallAnswered() if event.queue:
                self._queue_talks.add(event.talk_id)
            case TalkEnded() if event.talk_id in self._queue_talks:
                self._queue_talks.discard(event.talk_id)
                return self._begin_wrap_up(event.agent, event.id)
            case SwitchLost():
                self._members.forget_all(self._further_one(event.switch))
            case SwitchConnected():
                return self.reconcile(self._further_one(event.switch))
        return None

    def _further_one(self, switch: str) -> str:
        """The switch as agents' names say it: the first one is not named."""
        return switch if switch in self._further else ""

    async def _reconcile_one(self, agent: str) -> None:
        state = self._states.get(agent) or adopted(self._members.of(agent).values())
        if state is None:
            return
        if state.is_over(self._now()):
            state = AgentState("available")
        try:
            await self._change(agent, state)
        except AvailabilityRefused as refusal:
            log.warning("availability_not_reconciled", agent=agent, reason=str(refusal))

    async def _begin_wrap_up(self, agent: str, cause: str) -> None:
        async with self._locks[agent]:
            old = self._states.get(agent, AgentState())
            state = chosen("wrap_up", "", self._now(), self._settings.wrap_up)
            works = old.availability in {"available", "wrap_up"} and state.until > old.until
            if agent not in self._agents() or not works or not self._settings.wrap_up:
                return
            try:
                await self._change(agent, state, cause=cause)
            except AvailabilityRefused as refusal:
                log.warning("wrap_up_not_begun", agent=agent, reason=str(refusal))

    async def _end_wrap_ups(self) -> None:
        while True:
            self._changed.clear()
            ends = self._ends()
            if not await self._is_due(min(ends.values(), default=0)):
                continue
            for agent in [a for a, until in ends.items() if until <= self._now()]:
                if not await self._end_wrap_up(agent):
                    self._later.add(agent)
                    asyncio.get_running_loop().call_later(RETRY_SECONDS, self._again, agent)

    def _ends(self) -> dict[str, int]:
        """When to end whose wrap-up. Nobody waits for one that could not be ended just now."""
        agents = self._agents().keys() - self._later
        return {a: s.until for a, s in self._states.items() if s.until and a in agents}

    def _again(self, agent: str) -> None:
        self._later.discard(agent)
        self._changed.set()

    async def _is_due(self, due: int) -> bool:
        """Wait until ``due`` (0: for ever); False when some state changed before."""
        try:
            async with asyncio.timeout(max(0, due - self._now()) / 1e6 if due else None):
                await self._changed.wait()
        except TimeoutError:
            return True
        return False

    async def _end_wrap_up(self, agent: str) -> bool:
        async with self._locks[agent]:
            if not self._states[agent].is_over(self._now()):
                return True
            try:
                await self._change(agent, AgentState("available"))
            except AvailabilityRefused as refusal:
                log.warning("wrap_up_not_ended", agent=agent, reason=str(refusal))
                return False
            return True

    async def _change(
        self, agent: str, state: AgentState, *, read_first: bool = False, cause: str = ""
    ) -> AgentState:
        """Carry out and announce. The caller holds the agent's lock.

        Raises :class:`AvailabilityRefused`.
        """
        profile = self._agents().get(agent)
        if profile is None:
            raise AvailabilityRefused(
                f"{agent} is not an agent here", "give an account this phone on the People page"
            )
        before = self._states.get(agent)
        try:
            if read_first or agent not in self._members:
                await self._members.read(agent)
            before = before or adopted(self._members.of(agent).values()) or AgentState()
            await self._members.bring(agent, profile, state)
        except (CommandFailed, MembershipRefused) as error:
            raise await self._undone(agent, profile, state, before, error) from error
        if self._states.get(agent) != state:
            self._announce(agent, state, cause)
        return state

    def _announce(self, agent: str, state: AgentState, cause: str) -> None:
        self._states[agent] = state
        self._record(
            AgentAvailabilityChanged(
                at=self._now(),
                cause=cause,
                agent=agent,
                availability=state.availability,
                reason=state.reason,
                until=state.until,
            )
        )
        self._changed.set()

    async def _undone(
        self,
        agent: str,
        profile: AgentProfile,
        state: AgentState,
        before: AgentState | None,
        error: CommandFailed | MembershipRefused,
    ) -> AvailabilityRefused:
        """Take back what was carried out so far; returns the refusal to raise."""
        holds = before.availability if before else "what the PBX has"
        try:
            if before and agent in self._members:
                await self._members.bring(agent, profile, before)
            rest = f"still in force: {holds}"
        except (CommandFailed, MembershipRefused):
            self._members.forget(agent)
            rest = f"the PBX may hold a part of it until the link is back, then again: {holds}"
        return AvailabilityRefused(
            f"{agent} could not be set to {state.availability}: {error}; {rest}", cure_of(error)
        )
