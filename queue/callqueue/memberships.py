"""Agents as members of the PBX's queues: what it has, and bringing it to what an agent chose.

What the PBX has is known from its own word only: read, and then each command that it accepted. An
agent of several queues in which people wait is opened in one of them first: app_queue gives a
free agent to its queues by turns, whoever stands at their heads.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import replace

from callqueue.agent_state import (
    AgentProfile,
    AgentState,
    Membership,
    after,
    commands_for,
    members_of,
)
from cti.agent_names import split
from cti.domain.commands import AnyCommand, CommandFailed, Perform, ReadQueues

FIRST_SECONDS = 1.5
"""For so long an agent who becomes free is open in one queue only, or until the phone rings."""

FirstQueue = Callable[[str, Collection[str]], str]
"""``first_queue(switch, queues)``: where to open an agent first; empty: in all at once."""


def all_at_once(_switch: str, _queues: Collection[str]) -> str:
    """An agent is opened in all queues in one go."""
    return ""


MakeReady = Callable[[str], Awaitable[None]]
"""``make_ready(agent)``: what is to be done before the agent may be rung."""


async def nothing_to_do(_agent: str) -> None:
    """An agent may be rung as they are."""


class MembershipRefused(Exception):
    """The PBX refused a command; the text is its reason."""


class Memberships:
    """The queues that agents are in, by agent. Calls about one agent must not overlap."""

    def __init__(self, perform: Perform, first_queue: FirstQueue, make_ready: MakeReady) -> None:
        self._perform = perform
        self._first_queue = first_queue
        self._make_ready = make_ready
        self._members: dict[str, dict[str, Membership]] = {}
        self._rung: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def __contains__(self, agent: str) -> bool:
        """Whether it is known which queues the agent is in."""
        return agent in self._members

    def of(self, agent: str) -> Mapping[str, Membership]:
        """Queue to membership. Raises :class:`KeyError`: it is not known."""
        return self._members[agent]

    def learn(self, agent: str, members: Mapping[str, Membership]) -> None:
        """The PBX was read, and has these."""
        self._members[agent] = dict(members)

    def forget(self, agent: str) -> None:
        """Nobody knows what the PBX has: it may hold a part of what was sent."""
        self._members.pop(agent, None)

    def forget_all(self, switch: str) -> None:
        """As :meth:`forget`, for all whose phones are on this switch (as their names say it)."""
        for agent in [agent for agent in self._members if split(agent)[0] == switch]:
            del self._members[agent]

    def rings(self, agent: str) -> None:
        """The agent's phone rings: one queue has been first."""
        self._rung[agent].set()

    async def read(self, agent: str) -> None:
        """Learn the agent's. Raises :class:`CommandFailed` and :class:`MembershipRefused`."""
        self.forget(agent)
        self.learn(agent, (await self.read_all(split(agent)[0])).get(agent, {}))

    async def read_all(self, switch: str) -> Mapping[str, Mapping[str, Membership]]:
        """What the switch has, by agent; nothing is learnt of it yet. Raises as :meth:`read`."""
        reply = await self._perform(ReadQueues(switch=switch))
        if not reply.ok:
            raise MembershipRefused(f"the queues could not be read: {reply.message}")
        return members_of(reply.rows)

    async def bring(self, agent: str, profile: AgentProfile, state: AgentState) -> None:
        """Send what is needed; after a refusal look again what the PBX has, once.

        Raises :class:`CommandFailed` and :class:`MembershipRefused`.
        """
        try:
            await self._open_one(agent, profile, state)
            await self._send_all(agent, commands_for(agent, profile, state, self._members[agent]))
        except MembershipRefused:
            await self.read(agent)
            await self._send_all(agent, commands_for(agent, profile, state, self._members[agent]))

    async def _open_one(self, agent: str, profile: AgentProfile, state: AgentState) -> None:
        """Open the agent where the caller to be served first waits, and give the PBX the time.

        Nothing where it makes no difference. Raises as :meth:`bring`.
        """
        actual = self._members[agent]
        if state.availability != "available" or any(not m.paused for m in actual.values()):
            return
        await self._make_ready(agent)
        first = self._first_queue(split(agent)[0], [*profile.queues])
        if not first or agent not in self:
            return
        alone = replace(profile, queues={first: profile.queues[first]})
        rung = self._rung[agent]
        rung.clear()
        await self._send_all(agent, commands_for(agent, alone, state, actual))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_SECONDS):
                await rung.wait()

    async def _send_all(self, agent: str, commands: Iterable[AnyCommand]) -> None:
        for command in commands:
            reply = await self._perform(command)
            if not reply.ok:
                queue = getattr(command, "queue", "")
                reason = reply.message or "no reason given"
                raise MembershipRefused(f"{reason}{f' ({queue})' * bool(queue)}")
            if agent in self:  # not after the link was lost meanwhile
                self._members[agent] = after(command, self._members[agent])


_CURES = {
    "no such queue": "add the queue to queues.conf, or take it from the agent's queues",
    "permission": "give the AMI user the right write = agent",
    "not_connected": "try again when the link to the PBX is back",
    "lost": "try again when the link to the PBX is back",
    "timeout": "try again; if it stays so, see whether Asterisk is overloaded",
    "refused_value": "leave line breaks out of the reason",
}


def cure_of(error: CommandFailed | MembershipRefused) -> str:
    """What a person can do about what :meth:`Memberships.bring` raised."""
    text = error.kind if isinstance(error, CommandFailed) else str(error).lower()
    known = (cure for part, cure in _CURES.items() if part in text)
    return next(known, "see Asterisk's log, and run: ringdesk doctor")
