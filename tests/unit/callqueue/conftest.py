"""A PBX with one queue's rules, the bus, and a journal that only keeps what it was given."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import msgspec
import pytest

from callqueue.waiting_line import WaitingLine
from cti.bus import Bus
from cti.domain.commands import (
    AddQueueMember,
    AnyCommand,
    CommandFailed,
    MoveInQueue,
    PauseQueueMember,
    ReadQueues,
    RemoveQueueMember,
    Reply,
)
from cti.domain.events import Event

E = TypeVar("E", bound=Event)


@dataclass
class Pbx:
    """Answers commands as Asterisk 22 does; ``fail`` may raise or answer in its place."""

    lines: dict[str, WaitingLine] = field(default_factory=dict)
    members: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    commands: list[AnyCommand] = field(default_factory=list)
    fail: Callable[[AnyCommand], Reply | None] = lambda _command: None
    leave_priorities_out: bool = False

    @property
    def changes(self) -> list[AnyCommand]:
        """All commands that change something."""
        return [c for c in self.commands if not isinstance(c, ReadQueues)]

    async def perform(self, command: AnyCommand) -> Reply:
        self.commands.append(command)
        await asyncio.sleep(0)
        instead = self.fail(command)
        reply = self._answer(command) if instead is None else instead
        for _ in range(3):  # the answer is on its way, and the world goes on
            await asyncio.sleep(0)
        return reply

    def _answer(self, command: AnyCommand) -> Reply:
        match command:
            case MoveInQueue():
                return self._move(command)
            case ReadQueues():
                return Reply(ok=True, rows=tuple(self._rows(command.queue)))
            case AddQueueMember():
                return self._add(command)
            case RemoveQueueMember():
                return self._remove(command)
            case PauseQueueMember():
                return self._pause(command)
        raise AssertionError(command)

    def _move(self, command: MoveInQueue) -> Reply:
        line = self.lines[command.queue]
        if not line.rank(command.channel):
            return _no("Unable to change priority caller on queue: No such caller")
        line.move(command.channel, command.priority)
        return Reply(ok=True, message="Priority change for caller on queue")

    def _add(self, command: AddQueueMember) -> Reply:
        if command.queue not in self.members:
            return _no("Unable to add interface to queue: No such queue")
        if command.agent in self.members[command.queue]:
            return _no("Unable to add interface: Already there")
        self.put(command.queue, command.agent, paused=command.paused, penalty=command.penalty)
        return Reply(ok=True, message="Added interface to queue")

    def put(
        self,
        queue: str,
        agent: str,
        *,
        paused: bool = False,
        reason: str = "",
        penalty: int = 0,
        membership: str = "dynamic",
    ) -> None:
        self.members.setdefault(queue, {})[agent] = {
            "Paused": str(int(paused)),
            "PausedReason": reason,
            "Penalty": str(penalty),
            "Membership": membership,
        }

    def _remove(self, command: RemoveQueueMember) -> Reply:
        member = self.members.get(command.queue, {}).get(command.agent)
        if member is None:
            return _no("Unable to remove interface: Not there")
        if member["Membership"] != "dynamic":
            return _no("Member not dynamic")
        del self.members[command.queue][command.agent]
        return Reply(ok=True, message="Removed interface from queue")

    def _pause(self, command: PauseQueueMember) -> Reply:
        queues = [command.queue] if command.queue else list(self.members)
        found = [q for q in queues if command.agent in self.members.get(q, {})]
        for queue in found:
            member = self.members[queue][command.agent]
            member["Paused"] = str(int(command.paused))
            member["PausedReason"] = command.reason
        return Reply(ok=True) if found else _no("Interface not found")

    def _rows(self, only: str) -> Iterator[dict[str, str]]:
        for queue, agents in self.members.items():
            for agent, member in agents.items():
                yield {"Event": "QueueMember", "Queue": queue, "Location": agent, **member}
        for queue, line in self.lines.items():
            for position, place in enumerate(line.places, start=1):
                row = {
                    "Event": "QueueEntry",
                    "Queue": queue,
                    "Position": str(position),
                    "Channel": place.entry_id,
                    "Uniqueid": leg_of(place.entry_id),
                    "Priority": str(place.priority),
                }
                if only in {"", queue}:
                    yield row


def leg_of(channel: str) -> str:
    return f"leg-{channel}"


def _no(message: str) -> Reply:
    return Reply(ok=False, message=message)


@dataclass
class Journal:
    """Numbers events, keeps and publishes them."""

    bus: Bus
    events: list[Event] = field(default_factory=list)

    def record(self, event: Event) -> Event:
        numbered = msgspec.structs.replace(event, seq=len(self.events) + 1)
        self.events.append(numbered)
        self.bus.publish(numbered)
        return numbered

    def all(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]


@dataclass
class Clock:
    """Time stands still until a test moves it. Microseconds."""

    micros: int = 1_800_000_000_000_000

    def __call__(self) -> int:
        return self.micros

    def forward(self, seconds: float) -> None:
        self.micros += round(seconds * 1_000_000)


class Runs(Protocol):
    async def run(self) -> None: ...


Running = Callable[[Runs], AbstractAsyncContextManager[None]]


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
def journal(bus: Bus) -> Journal:
    return Journal(bus)


@pytest.fixture
def pbx() -> Pbx:
    return Pbx()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def running() -> Running:
    """Runs a service for the length of a block; what the service raises fails the test."""

    @asynccontextmanager
    async def start(service: Runs):  # type: ignore[no-untyped-def]
        task = asyncio.create_task(service.run())
        await asyncio.sleep(0)
        try:
            yield
            assert not task.done(), task.exception()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    return start


async def until(condition: Callable[[], object], seconds: float = 2.0) -> None:
    """Wait until ``condition()`` is true."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0)


async def quiet(rounds: int = 200) -> None:
    """Let everything that can go on do so."""
    for _ in range(rounds):
        await asyncio.sleep(0)


@pytest.fixture
def wait_until() -> Callable[..., object]:
    return until


@pytest.fixture
def settled() -> Callable[..., object]:
    return quiet


@pytest.fixture
def link_failure() -> type[CommandFailed]:
    return CommandFailed
