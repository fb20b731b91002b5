"""The order under a storm on a real app_queue: 200 callers join, leave, are offered and moved."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import pytest

from callqueue.agent_state import AgentProfile
from callqueue.availability import AvailabilityService
from callqueue.policy_file import PolicyFile
from callqueue.service import QueueService
from callqueue.settings import QueueSettings
from cti.ami.settings import AmiSettings
from cti.bus import Bus
from cti.clock import now
from cti.domain.commands import AnyCommand, Hangup, MoveInQueue, Originate, ReadQueues, Reply
from cti.domain.events import (
    AgentOffered,
    CallQueued,
    CustomerIdentified,
    CustomerRef,
    Event,
    OfferEnded,
    QueueContested,
    QueueLeft,
    QueueMoved,
    QueueMoveFailed,
    SwitchConnected,
)
from cti.feed import SwitchFeed
from ringdesk.demo.asterisk import AsteriskInstance

pytestmark = pytest.mark.pbx

E = TypeVar("E", bound=Event)

CALLERS, AGENTS = 200, 6
KNOWN = 50_000
"""Microseconds after which everybody has heard that a phone rings."""
POLICY = Path(__file__).parents[2] / "config" / "policies" / "default.toml"
DIALPLAN = (
    "support,1,Queue,support",
    "sales,1,Queue,sales",
    "wait,1,Wait,90",
    "_aX,1,Wait,0.2",
    "_aX,2,Answer,",
    "_aX,3,Wait,0.4",
)


class Storm:
    """Callers of Local channels, the true link and queue service, and a CRM that takes its time."""

    def __init__(
        self, asterisk: AsteriskInstance, policy: Path, team: Mapping[str, AgentProfile]
    ) -> None:
        host, port = asterisk.ami
        settings = AmiSettings(
            host=host,
            port=port,
            username=asterisk.ami_user,
            secret=asterisk.ami_secret,  # type: ignore[arg-type]
        )
        self.asterisk = asterisk
        self.chance = random.Random(11)
        self.bus = Bus()
        self.events: list[Event] = []
        self.offered: dict[str, tuple[str, int]] = {}
        self.broken: list[MoveInQueue] = []
        self.moves = 0
        self.feed = SwitchFeed(
            "demo", settings, self.record, now, lambda i: i.startswith("Local/a")
        )
        self.queues = QueueService(
            PolicyFile(policy),
            self.bus,
            self.record,
            self.perform,
            now,
            first_switch="demo",
            agents=lambda: team,
        )
        self._channels: dict[str, str] = {}

    async def perform(self, command: AnyCommand) -> Reply:
        """Carry out, and note a move of somebody for whom a phone is known to ring."""
        if isinstance(command, MoveInQueue):
            self.moves += 1
            entry_id, known = self._channels.get(command.channel, ""), now() - KNOWN
            if any(who == entry_id and since < known for who, since in self.offered.values()):
                self.broken.append(command)
        return await self.feed.switch.perform(command)

    def record(self, event: Event) -> Event:
        self.events.append(event)
        match event:
            case CallQueued():
                self._channels[event.channel] = event.entry_id
            case AgentOffered():
                self.offered[event.offer_id] = event.entry_id, now()
                asyncio.get_running_loop().call_later(0.01, self.promote, event.call_id)
            case OfferEnded():
                self.offered.pop(event.offer_id, None)
        self.bus.publish(event)
        return event

    def all(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    async def call(self, number: int, queue: str = "support") -> None:
        """One caller; the CRM may answer before or after the join, or not at all."""
        leg = f"storm-{number}"
        channel = f"Local/{queue}@storm/n"
        command = Originate(channel=channel, context="storm", exten="wait", leg=leg)
        reply = await self.feed.switch.perform(command)
        assert reply.ok, reply.message

    def served(self) -> list[QueueLeft]:
        return [left for left in self.all(QueueLeft) if left.ended == "connected"]

    def identify(self, call_id: str, tier: str) -> None:
        customer = CustomerRef(id=1, name="Ada", tier=tier)
        self.record(
            CustomerIdentified(
                at=now(), switch="demo", call_id=call_id, number="", match="one", customer=customer
            )
        )

    def promote(self, call_id: str) -> None:
        """The CRM answers while the phone rings: this one would be moved, were it not for that."""
        self.identify(call_id, "vip" if self.chance.random() < 0.5 else "standard")

    async def rows(self) -> list[dict[str, str]]:
        reply = await self.feed.switch.perform(ReadQueues(queue="support"))
        return [dict(row) for row in reply.rows if row["Event"] == "QueueEntry"]

    async def hang_up(self, channel: str) -> None:
        await self.feed.switch.perform(Hangup(channel=channel))

    def wanted(self) -> list[str]:
        return [
            waiting.channel for _, queue, waiting in self.queues.waiting() if queue == "support"
        ]


def _is_agent(interface: str) -> bool:
    return interface.startswith("Local/a")


async def until(condition: object, what: str, seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.02)


@asynccontextmanager
async def raging(
    asterisk: AsteriskInstance,
    policy: Path = POLICY,
    team: Mapping[str, AgentProfile] = MappingProxyType({}),
) -> AsyncIterator[Storm]:
    for line in DIALPLAN:
        await asterisk.cli(f"dialplan add extension {line} into storm")
    storm = Storm(asterisk, policy, team)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(service.run()) for service in (storm.queues, storm.feed)]
        await until(lambda: storm.all(SwitchConnected), "the link")
        try:
            yield storm
        finally:
            for task in tasks:
                task.cancel()


async def settled(storm: Storm) -> list[str]:
    """The channels in app_queue once they stand as wanted. Fails with both orders otherwise."""
    found: list[str] = []
    for _ in range(100):
        found = [row["Channel"] for row in await storm.rows()]
        if found == storm.wanted():
            return found
        await asyncio.sleep(0.1)
    assert found == storm.wanted()
    return found


async def test_200_callers_stand_in_order_through_it_all(asterisk: AsteriskInstance) -> None:
    async with raging(asterisk) as storm:
        for number in range(CALLERS):
            await storm.call(number)
            if number == CALLERS // 2:
                for agent in range(AGENTS):
                    await asterisk.cli(f"queue add member Local/a{agent}@storm to support")
            waiting = storm.all(CallQueued)
            if waiting and storm.chance.random() < 0.6:
                one = storm.chance.choice(waiting)
                storm.identify(one.call_id, storm.chance.choice(["vip", "gold", "standard"]))
            if waiting and storm.chance.random() < 0.15:
                await storm.hang_up(storm.chance.choice(waiting).channel)
        await until(lambda: len(storm.all(CallQueued)) == CALLERS, "everybody to join")
        await until(lambda: len(storm.served()) > 15, "agents to answer")
        for agent in range(AGENTS):
            await asterisk.cli(f"queue remove member Local/a{agent}@storm from support")
        await until(lambda: not storm.offered, "the phones to be silent")
        channels = await settled(storm)

        rows = await storm.rows()
        priorities = [int(row["Priority"]) for row in rows]
        assert priorities == sorted(priorities, reverse=True)
        left = {event.entry_id for event in storm.all(QueueLeft)}
        assert len(channels) == CALLERS - len(left)
        assert 20 < len(channels) < CALLERS - 15
        assert storm.broken == []
        assert storm.all(QueueMoveFailed) == []
        assert storm.all(QueueContested) == []
        assert all(moved.confirmed for moved in storm.all(QueueMoved)[-1:])
        joined_in_order = sum(len(storm.all(kind)) for kind in (CallQueued, CustomerIdentified))
        assert storm.moves < 4 * joined_in_order


async def test_another_program_is_put_right_once(asterisk: AsteriskInstance) -> None:
    async with raging(asterisk) as storm:
        for number in range(4):
            await storm.call(number)
            await until(lambda n=number: len(storm.all(CallQueued)) > n, "the join")
        joined = storm.all(CallQueued)
        storm.identify(joined[3].call_id, "vip")
        await until(lambda: storm.all(QueueMoved), "the VIP to be moved")
        line = [joined[i].channel for i in (3, 0, 1, 2)]
        assert await settled(storm) == line

        for times, yielded in enumerate((False, True), start=1):
            other = MoveInQueue(queue="support", channel=joined[2].channel, priority=10**8)
            assert (await storm.feed.switch.perform(other)).ok
            await storm.call(10 + times)
            await until(lambda n=times: len(storm.all(CallQueued)) == 4 + n, "the next join")
            storm.identify(storm.all(CallQueued)[-1].call_id, "vip")
            await until(lambda n=times: len(storm.all(QueueContested)) == n, "it to be noticed")
            assert storm.all(QueueContested)[-1].yielded is yielded
            assert storm.all(QueueContested)[-1].entry_id == joined[2].entry_id
            if not yielded:
                await settled(storm)
        vips = [event.channel for event in storm.all(CallQueued)[4:]]
        wanted = [joined[2].channel, joined[3].channel, *vips, joined[0].channel, joined[1].channel]
        async with asyncio.timeout(10):
            while [row["Channel"] for row in await storm.rows()] != wanted:
                await asyncio.sleep(0.1)


async def test_a_shared_agent_gets_the_first_caller_of_all_their_queues(
    asterisk: AsteriskInstance,
) -> None:
    """By itself app_queue gives a free agent to its queues by turns, whoever stands there."""
    agent = "Local/a1@storm"
    async with raging(asterisk) as storm:
        availability = AvailabilityService(
            lambda: {agent: AgentProfile(name="Ada", queues={"support": 0, "sales": 0})},
            storm.bus,
            storm.record,
            storm.perform,
            now,
            QueueSettings(policy=POLICY, wrap_up=0),
            first_queue=storm.queues.first_queue,
        )
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(availability.run())
            for number in range(6):
                await storm.call(number, ("sales", "support")[number % 2])
            await until(lambda: len(storm.all(CallQueued)) == 6, "everybody to join")
            for number, queue in enumerate(("sales", "support", "sales", "sales", "support")):
                await storm.call(10 + number, queue)
                await until(lambda n=number: len(storm.all(CallQueued)) == 7 + n, "the VIP")
                entry = storm.all(CallQueued)[-1]
                assert entry.queue == queue
                storm.identify(entry.call_id, "vip")
                await until(lambda: storm.queues.first_queue("", ("sales", "support")), "a score")
                await availability.set(agent, "available")
                await until(lambda n=number: len(storm.all(AgentOffered)) > n, "the phone to ring")
                assert storm.all(AgentOffered)[number].entry_id == entry.entry_id
                await availability.set(agent, "break", "")
                await until(lambda: not storm.offered, "the talk to begin")
            listening.cancel()


SKILLED = """
name = "skilled"
default = "standard"
ceiling = 600
agents = { "Local/a1@storm" = ["german"] }
[[class]]
name = "german"
label = "German"
when = 'tier == "german"'
rings = [{ after = 0, skills = ["german"] }]
[[class]]
name = "standard"
label = "Standard"
"""


async def test_a_caller_waits_for_the_agent_with_the_skill(
    asterisk: AsteriskInstance, tmp_path: Path
) -> None:
    policy = tmp_path / "skilled.toml"
    policy.write_text(SKILLED)
    team = {f"Local/a{n}@storm": AgentProfile(name=f"a{n}", queues={"support": 0}) for n in (1, 2)}
    async with raging(asterisk, policy, team) as storm:
        availability = AvailabilityService(
            lambda: team,
            storm.bus,
            storm.record,
            storm.perform,
            now,
            QueueSettings(policy=POLICY, wrap_up=0),
            make_ready=storm.queues.make_ready,
        )
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(availability.run())
            for number in range(4):
                await storm.call(number)
                await until(lambda n=number: len(storm.all(CallQueued)) > n, "the join")
            german, *others = storm.all(CallQueued)
            storm.identify(german.call_id, "german")
            await until(lambda: storm.all(QueueMoved), "the others to come before")
            await settled(storm)
            await availability.set("Local/a2@storm", "available")
            await until(lambda: storm.all(AgentOffered), "a phone to ring")
            await availability.set("Local/a2@storm", "break", "")
            assert storm.all(AgentOffered)[0].entry_id == others[0].entry_id
            await until(lambda: not storm.offered, "the talk to begin")
            rung = len(storm.all(AgentOffered))
            await availability.set("Local/a1@storm", "available")
            await until(lambda: len(storm.all(AgentOffered)) > rung, "the next phone to ring")
            offer = storm.all(AgentOffered)[rung]
            assert (offer.agent, offer.entry_id) == ("Local/a1@storm", german.entry_id)
            listening.cancel()
