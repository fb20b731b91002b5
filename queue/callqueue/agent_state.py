"""What an agent chose, and what it means for the queues of the PBX. Pure.

*Availability* is what the person chose; what the phone does is their *activity* and no business
of this module.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from cti.domain.commands import AddQueueMember, AnyCommand, PauseQueueMember, RemoveQueueMember
from cti.domain.events import Availability, Micros

WRAP_UP_REASON = "wrap-up"
OFFLINE_REASON = "offline"


@dataclass(frozen=True, kw_only=True)
class AgentProfile:
    """An agent as the queues know them. ``queues``: name to penalty (lower rings first)."""

    name: str
    queues: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AgentState:
    """What an agent chose. ``until``: when a wrap-up ends by itself (0: never)."""

    availability: Availability = "offline"
    reason: str = ""
    until: Micros = 0

    @property
    def is_paused(self) -> bool:
        """Whether the PBX lists the agent and does not ring them."""
        return self.availability in {"break", "wrap_up"}

    @property
    def pause_reason(self) -> str:
        """The reason as the PBX shows it; empty for who is not paused."""
        return WRAP_UP_REASON if self.availability == "wrap_up" else self.reason

    def is_over(self, now: Micros) -> bool:
        """Whether it is a wrap-up that has ended by itself."""
        return self.availability == "wrap_up" and 0 < self.until <= now


def chosen(availability: Availability, reason: str, now: Micros, wrap_up: float) -> AgentState:
    """The state after a choice. ``wrap_up``: the seconds one lasts that starts now."""
    until = now + round(wrap_up * 1_000_000) if availability == "wrap_up" else 0
    return AgentState(availability, reason if availability == "break" else "", until)


@dataclass(frozen=True, slots=True)
class Membership:
    """An agent in one queue, as the PBX has it. ``dynamic``: it can be removed."""

    paused: bool
    reason: str
    dynamic: bool = True


def members_of(rows: Iterable[Mapping[str, str]]) -> dict[str, dict[str, Membership]]:
    """Agent to queue to membership, from the rows of QueueStatus."""
    found: dict[str, dict[str, Membership]] = {}
    for row in rows:
        if row.get("Event") == "QueueMember":
            found.setdefault(row["Location"], {})[row["Queue"]] = Membership(
                paused=row.get("Paused") == "1",
                reason=row.get("PausedReason", ""),
                dynamic=row.get("Membership", "dynamic") == "dynamic",
            )
    return found


def adopted(memberships: Iterable[Membership]) -> AgentState | None:
    """What an agent who never chose here must have chosen elsewhere; None: in no queue."""
    found = list(memberships)
    if not found:
        return None
    if all(membership.paused for membership in found):
        return AgentState("break", found[0].reason)
    return AgentState("available")


def commands_for(
    agent: str, profile: AgentProfile, state: AgentState, actual: Mapping[str, Membership]
) -> list[AnyCommand]:
    """What brings the PBX from ``actual`` (queue to membership) to ``state``: nothing more.

    A member who is named in a file of the PBX (not dynamic) cannot be removed, and is paused to
    be offline. Queues outside the profile are left alone.
    """
    commands: list[AnyCommand] = []
    for queue in profile.queues:
        member = actual.get(queue)
        if state.availability == "offline":
            commands += _leave(agent, queue, member)
        else:
            commands += _stay(agent, queue, profile, state, member)
    return _together(commands) if set(actual) <= set(profile.queues) else commands


def _together(commands: list[AnyCommand]) -> list[AnyCommand]:
    """The same pause for several queues as one command for all: nobody is half on a break."""
    pauses = [command for command in commands if isinstance(command, PauseQueueMember)]
    if len(pauses) < len(commands) or len({(p.paused, p.reason) for p in pauses}) != 1:
        return commands
    return [replace(pauses[0], queue="")] if len(pauses) > 1 else commands


def _leave(agent: str, queue: str, member: Membership | None) -> list[AnyCommand]:
    if member is None:
        return []
    if member.dynamic:
        return [RemoveQueueMember(queue=queue, agent=agent)]
    if member.paused:
        return []
    return [PauseQueueMember(agent=agent, queue=queue, paused=True, reason=OFFLINE_REASON)]


def _stay(
    agent: str, queue: str, profile: AgentProfile, state: AgentState, member: Membership | None
) -> list[AnyCommand]:
    paused, reason = state.is_paused, state.pause_reason
    pause = PauseQueueMember(agent=agent, queue=queue, paused=paused, reason=reason)
    if member is None:
        penalty = profile.queues[queue]
        add = AddQueueMember(
            queue=queue, agent=agent, name=profile.name, penalty=penalty, paused=paused
        )
        return [add, pause] if reason else [add]
    same = member.paused == paused and (not paused or member.reason == reason)
    return [] if same else [pause]


def after(command: AnyCommand, actual: Mapping[str, Membership]) -> dict[str, Membership]:
    """``actual`` (queue to membership of one agent) once the PBX accepted ``command``."""
    match command:
        case AddQueueMember():
            return {**actual, command.queue: Membership(command.paused, "")}
        case RemoveQueueMember():
            return {queue: member for queue, member in actual.items() if queue != command.queue}
        case PauseQueueMember():
            return {
                queue: dataclasses.replace(member, paused=command.paused, reason=command.reason)
                if command.queue in {"", queue}
                else member
                for queue, member in actual.items()
            }
        case _:
            return dict(actual)
