"""Who is served next and who may be rung, on a real app_queue with real SIP callers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from callqueue.agent_state import AgentProfile
from callqueue.availability import AvailabilityRefused, AvailabilityService
from callqueue.moves import plan_moves
from callqueue.policy_file import PolicyFile
from callqueue.service import QueueService
from callqueue.settings import QueueSettings
from callqueue.waiting_line import Place, WaitingLine
from cti.ami.settings import AmiSettings
from cti.bus import Bus
from cti.clock import now
from cti.domain.commands import MoveInQueue, ReadQueues
from cti.domain.events import (
    AgentAvailabilityChanged,
    AgentOffered,
    CallArrived,
    CallQueued,
    CustomerIdentified,
    CustomerRef,
    Event,
    QueueMoved,
    QueueMoveFailed,
    SwitchConnected,
)
from cti.feed import SwitchFeed
from ringdesk.demo.asterisk import AsteriskInstance
from ringdesk.demo.phone import Phone

pytestmark = pytest.mark.pbx

POLICY = Path(__file__).parents[2] / "config" / "policies" / "default.toml"
AGENT = "PJSIP/101"


class House:
    """The link, the queue service and the availability service on one Asterisk."""

    def __init__(self, asterisk: AsteriskInstance) -> None:
        host, port = asterisk.ami
        settings = AmiSettings(
            host=host,
            port=port,
            username=asterisk.ami_user,
            secret=asterisk.ami_secret,  # type: ignore[arg-type]
        )
        self.asterisk = asterisk
        self.bus = Bus()
        self.events: list[Event] = []
        self.tiers: dict[str, str] = {}
        self.crm_answers = True
        self.feed = SwitchFeed("demo", settings, self.record, now, lambda i: i == AGENT)
        self.perform = self.feed.switch.perform
        policy = PolicyFile(POLICY)
        self.queues = QueueService(policy, self.bus, self.record, self.perform, now)
        self.availability = AvailabilityService(
            lambda: {AGENT: AgentProfile(name="Ada", queues={"support": 0, "sales": 1})},
            self.bus,
            self.record,
            self.perform,
            now,
            QueueSettings(policy=POLICY, wrap_up=0.3),
        )

    def record(self, event: Event) -> Event:
        self.events.append(event)
        self.bus.publish(event)
        if isinstance(event, CallArrived) and self.crm_answers:
            self.identify(event)
        return event

    def identify(self, arrived: CallArrived) -> None:
        tier = self.tiers.get(arrived.caller_number, "")
        customer = CustomerRef(id=1, name="Ada", tier=tier) if tier else None
        self.record(
            CustomerIdentified(
                at=now(),
                switch=arrived.switch,
                call_id=arrived.call_id,
                number=arrived.caller_number,
                match="one" if tier else "none",
                customer=customer,
            )
        )

    def all(self, kind: type[Event]) -> list:  # type: ignore[type-arg]
        return [event for event in self.events if isinstance(event, kind)]

    async def rows(self, kind: str = "QueueEntry") -> list[dict[str, str]]:
        reply = await self.perform(ReadQueues(queue="support"))
        return [dict(row) for row in reply.rows if row["Event"] == kind]

    async def numbers(self) -> list[str]:
        """The callers' numbers as app_queue has them, front first."""
        return [row["CallerIDNum"] for row in await self.rows()]


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def open_house(asterisk: AsteriskInstance) -> AsyncIterator[House]:
    house = House(asterisk)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(service.run())
            for service in (house.queues, house.availability, house.feed)
        ]
        await until(lambda: house.all(SwitchConnected))
        try:
            yield house
        finally:
            for task in tasks:
                task.cancel()


@pytest.fixture
def numbers() -> Iterator[str]:
    return (f"+447700900{n:03}" for n in range(100, 200))


async def call(house: House, phone: Phone, number: str) -> None:
    """Call in and return when app_queue told of it."""
    waiting = len(house.all(CallQueued))
    await phone.call("400", from_user=number)
    await until(lambda: len(house.all(CallQueued)) > waiting)


async def test_a_vip_who_calls_last_is_answered_first(
    asterisk: AsteriskInstance, numbers: Iterator[str]
) -> None:
    standard = [next(numbers) for _ in range(6)]
    vip = next(numbers)
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(open_house(asterisk))
        house.tiers[vip] = "vip"
        phone = await stack.enter_async_context(Phone("127.0.0.2", asterisk.sip))
        for number in [*standard, vip]:
            await call(house, phone, number)
        await until(lambda: house.all(QueueMoved))
        assert await house.numbers() == [vip, *standard]
        [moved] = house.all(QueueMoved)
        assert (moved.from_rank, moved.to_rank, moved.of, moved.confirmed) == (7, 1, 7, True)
        assert moved.sentence == "VIP +240 s, waited 0 s: 1st of 7"

        agent = await stack.enter_async_context(
            Phone("127.0.0.1", asterisk.sip, user="101", password=asterisk.agent_password)
        )
        await agent.register()
        await house.availability.set(AGENT, "available")
        ringing = await agent.incoming(timeout=10)
        await until(lambda: house.all(AgentOffered))
        assert ringing.caller == vip
        assert house.all(QueueMoveFailed) == []


async def test_the_crm_answers_after_the_join(
    asterisk: AsteriskInstance, numbers: Iterator[str]
) -> None:
    standard, vip = [next(numbers) for _ in range(3)], next(numbers)
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(open_house(asterisk))
        house.tiers[vip], house.crm_answers = "vip", False
        phone = await stack.enter_async_context(Phone("127.0.0.2", asterisk.sip))
        for number in [*standard, vip]:
            await call(house, phone, number)
        assert await house.numbers() == [*standard, vip]
        for arrived in house.all(CallArrived):
            house.identify(arrived)
        await until(lambda: house.all(QueueMoved))
        assert await house.numbers() == [vip, *standard]


async def test_the_line_and_the_plan_are_those_of_app_queue(
    asterisk: AsteriskInstance, numbers: Iterator[str]
) -> None:
    """The rules in `waiting_line` hold move by move, and the plans reach their orders."""
    chance = random.Random(7)
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(open_house(asterisk))
        phone = await stack.enter_async_context(Phone("127.0.0.2", asterisk.sip))
        for _ in range(8):
            await call(house, phone, next(numbers))
        line = line_of(await house.rows())
        for step in range(60):
            crowd = chance.choice([line.places, line.places[:4]])
            priority = chance.choice([0, 0, 1, 5, 5, -3, 1_000_000_000])
            await move(house, line, chance.choice(crowd).entry_id, priority)
            assert line_of(await house.rows()).places == line.places
            if step % 10 == 9:
                wanted = chance.sample(line.entry_ids, len(line.entry_ids))
                for one in plan_moves(line.places, wanted):
                    await move(house, line, one.entry_id, one.priority)
                assert [row["Channel"] for row in await house.rows()] == wanted


def line_of(rows: list[dict[str, str]]) -> WaitingLine:
    return WaitingLine(Place(row["Channel"], int(row["Priority"])) for row in rows)


async def move(house: House, line: WaitingLine, channel: str, priority: int) -> None:
    command = MoveInQueue(queue="support", channel=channel, priority=priority)
    reply = await house.perform(command)
    assert reply.ok
    line.move(channel, priority)


async def test_a_shift_of_an_agent(asterisk: AsteriskInstance, numbers: Iterator[str]) -> None:
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(open_house(asterisk))
        agent = await stack.enter_async_context(
            Phone("127.0.0.1", asterisk.sip, user="101", password=asterisk.agent_password)
        )
        await agent.register()
        customer = await stack.enter_async_context(Phone("127.0.0.2", asterisk.sip))

        await house.availability.set(AGENT, "break", "lunch")
        [member] = await house.rows("QueueMember")
        assert (member["Paused"], member["PausedReason"]) == ("1", "lunch")

        await house.availability.set(AGENT, "available")
        talk = await customer.call("400", from_user=next(numbers))
        ringing = await agent.incoming(timeout=10)
        await ringing.answer()
        await talk.answered(timeout=5)
        await asyncio.sleep(0.2)
        await ringing.hangup()
        changes = house.all
        await until(lambda: len(changes(AgentAvailabilityChanged)) == 4)
        said = [change.availability for change in changes(AgentAvailabilityChanged)]
        assert said == ["break", "available", "wrap_up", "available"]
        [member] = await house.rows("QueueMember")
        assert member["Paused"] == "0"

        await house.availability.set(AGENT, "offline")
        assert await house.rows("QueueMember") == []


async def test_what_was_chosen_comes_back_after_asterisk_forgot_it(
    asterisk: AsteriskInstance,
) -> None:
    async with open_house(asterisk) as house:
        await house.availability.set(AGENT, "break", "lunch")
        for queue in ("support", "sales"):
            await asterisk.cli(f"queue remove member {AGENT} from {queue}")
        assert await house.rows("QueueMember") == []
        await house.availability.reconcile()
        [member] = await house.rows("QueueMember")
        assert (member["Paused"], member["PausedReason"]) == ("1", "lunch")


async def test_a_break_with_a_line_break_is_refused(asterisk: AsteriskInstance) -> None:
    async with open_house(asterisk) as house:
        with pytest.raises(AvailabilityRefused, match="leave line breaks out"):
            await house.availability.set(AGENT, "break", "lunch\r\nAction: Logoff")
        assert house.all(AgentAvailabilityChanged) == []
        assert await house.rows("QueueMember") == []
