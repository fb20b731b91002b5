"""Who calls: found by number within the deadline, or late and then all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine

from crm_bridge.identify import IdentifyService
from crm_bridge.importing import import_customers
from crm_bridge.lookup import Caller, CallerLookup
from crm_bridge.settings import CrmSettings
from cti.bus import Bus
from cti.clock import now
from cti.domain import events as ev

ROWS = """name,phone,tier
Marina Ivanova,+447700900147,vip
Anna Orlova,+447700900150,
Boris Orlov,+447700900150,gold
"""


class SlowLookup(CallerLookup):
    """The store behind a slow line."""

    seconds = 0.0
    error: Exception | None = None

    async def by_number(self, number: str) -> Caller:
        await asyncio.sleep(self.seconds)
        if self.error:
            raise self.error
        return await super().by_number(number)


@pytest.fixture
async def slow_store(engine: AsyncEngine) -> AsyncIterator[SlowLookup]:
    await import_customers(engine, ROWS, region="GB", at=1)
    lookup = SlowLookup(engine.url, contacts=3)
    yield lookup
    await lookup.close()


def arrived(
    number: str, direction: ev.Direction = "inbound", did: str = "400", call_id: str = "pbx-1.1"
) -> ev.CallArrived:
    return ev.CallArrived(
        at=now(),
        call_id=call_id,
        direction=direction,
        channel="PJSIP/trunk-1",
        leg="1.1",
        caller_number=number,
        caller_name="",
        did=did,
    )


@asynccontextmanager
async def running(
    store: CallerLookup, deadline: float = 0.3
) -> AsyncIterator[tuple[IdentifyService, Bus, list[ev.Event]]]:
    bus, seen = Bus(), list[ev.Event]()

    def record(event: ev.Event) -> ev.Event:
        seen.append(event)
        return event

    settings = CrmSettings(deadline_seconds=deadline)
    service = IdentifyService(settings, store, bus, record, now)
    task = asyncio.create_task(service.run())
    yield service, bus, seen
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(3):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_known_caller_is_found_and_the_pop_is_ready(slow_store: SlowLookup) -> None:
    async with running(slow_store) as (service, bus, seen):
        bus.publish(arrived("07700 900147"))
        await until(lambda: len(seen) == 2)
        who, pop = seen
        assert isinstance(who, ev.CustomerIdentified)
        assert isinstance(pop, ev.ScreenPopReady)
        assert (who.match, who.number) == ("one", "+447700900147")
        assert pop.customer is not None
        assert pop.customer.name == "Marina Ivanova"
        assert await service.identity("pbx-1.1", 0.1) == who


@pytest.mark.parametrize(
    ("number", "match", "candidates"),
    [("+447700900150", "several", 2), ("+447700900999", "none", 0), ("anonymous", "anonymous", 0)],
)
async def test_several_unknown_and_anonymous(
    slow_store: SlowLookup, number: str, match: str, candidates: int
) -> None:
    async with running(slow_store) as (_, bus, seen):
        bus.publish(arrived(number))
        await until(lambda: len(seen) == 2)
        assert isinstance(seen[1], ev.ScreenPopReady)
        assert (seen[1].match, len(seen[1].candidates)) == (match, candidates)


async def test_an_outbound_call_is_known_by_the_dialled_number(slow_store: SlowLookup) -> None:
    async with running(slow_store) as (_, bus, seen):
        bus.publish(arrived("101", "outbound", "07700900147"))
        await until(lambda: len(seen) == 2)
        assert isinstance(seen[0], ev.CustomerIdentified)
        assert seen[0].match == "one"


async def test_a_late_store_gives_the_default_first_and_the_answer_later(
    slow_store: SlowLookup,
) -> None:
    slow_store.seconds = 0.15
    async with running(slow_store, deadline=0.02) as (service, bus, _):
        bus.publish(arrived("+447700900147"))
        late = await service.identity("pbx-1.1", 0.06)
        assert late is not None
        assert late.match == "late"
        found = await service.identity("pbx-1.1", 1)
        assert found is not None
        assert found.match == "one"


async def test_a_broken_store_is_late_and_the_next_caller_is_served(slow_store: SlowLookup) -> None:
    slow_store.error = OSError("away")
    async with running(slow_store) as (_, bus, seen):
        bus.publish(arrived("+447700900147"))
        await until(lambda: len(seen) == 2)
        assert isinstance(seen[0], ev.CustomerIdentified)
        assert seen[0].match == "late"
        slow_store.error = None
        bus.publish(arrived("+447700900147"))
        await until(lambda: len(seen) == 4)


async def test_nothing_is_kept_of_ended_calls(slow_store: SlowLookup) -> None:
    slow_store.seconds = 0.05
    async with running(slow_store) as (service, bus, seen):
        bus.publish(arrived("+447700900147"))
        bus.publish(
            ev.CallEnded(
                at=now(), call_id="pbx-1.1", direction="inbound", outcome="abandoned", lasted=1
            )
        )
        await until(lambda: len(seen) == 2)
        assert await service.identity("pbx-1.1", 0.01) is None
        assert not any((service._known, service._waiting, service._live, service._tasks))
        assert not service._pops


async def test_what_was_known_survives_a_restart(slow_store: SlowLookup) -> None:
    async with running(slow_store) as (service, _, _seen):
        who = ev.CustomerIdentified(at=1, call_id="pbx-1.1", number="+447700900147", match="none")
        service.restore([arrived("+447700900147"), who])
        assert await service.identity("pbx-1.1", 0.01) == who


async def test_a_call_over_a_trunk_is_from_who_called_the_first_switch(
    slow_store: SlowLookup,
) -> None:
    async with running(slow_store) as (service, bus, seen):
        bus.publish(arrived("+447700900147"))
        await until(lambda: len(seen) == 2)
        bus.publish(arrived("2000", call_id="west-9.1"))
        joined = ev.CallJoined(at=1, switch="west", call_id="west-9.1", to_call_id="pbx-1.1")
        bus.publish(joined)
        await until(lambda: len(seen) >= 6)
        who, pop = seen[-2:]
        assert isinstance(who, ev.CustomerIdentified)
        assert isinstance(pop, ev.ScreenPopReady)
        assert (who.switch, who.call_id, who.cause) == ("west", "west-9.1", joined.id)
        assert who.customer == pop.customer
        assert who.customer is not None
        assert who.customer.name == "Marina Ivanova"
        assert len({event.id for event in seen}) == len(seen)
        assert await service.identity("west-9.1", 0.1) == who


async def test_a_stranger_on_the_first_switch_leaves_what_the_second_one_knows(
    slow_store: SlowLookup,
) -> None:
    async with running(slow_store) as (service, bus, seen):
        bus.publish(arrived("anonymous"))
        bus.publish(arrived("+447700900147", call_id="west-9.1"))
        bus.publish(ev.CallJoined(at=1, call_id="west-9.1", to_call_id="pbx-1.1"))
        await until(lambda: len(seen) == 4)
        known = await service.identity("west-9.1", 1)
        assert known is not None
        assert known.match == "one"


async def test_who_is_dialled_for_a_caller_is_nobody_to_look_up(slow_store: SlowLookup) -> None:
    async with running(slow_store) as (_, bus, seen):
        bus.publish(arrived("+447700900147"))
        await until(lambda: len(seen) == 2)
        mobile = replace(
            arrived("", call_id="pbx-m-7.1"), direction="outbound", did="+447700900149"
        )
        bus.publish(mobile)
        bus.publish(ev.CallJoined(at=1, call_id=mobile.call_id, to_call_id="pbx-1.1"))
        bus.publish(arrived("anonymous", call_id="pbx-3.1"))
        await until(lambda: len(seen) >= 4)
        assert {event.call_id for event in seen} == {"pbx-1.1", "pbx-3.1"}


@pytest.mark.parametrize("ended", [False, True], ids=["first lives", "first is over"])
async def test_an_answer_that_comes_after_the_call_went_on_reaches_both(
    slow_store: SlowLookup, ended: bool
) -> None:
    slow_store.seconds = 0.3
    async with running(slow_store, deadline=0.05) as (service, bus, seen):
        bus.publish(arrived("+447700900147"))
        bus.publish(arrived("2000", call_id="west-9.1"))
        joined = ev.CallJoined(at=1, switch="west", call_id="west-9.1", to_call_id="pbx-1.1")
        bus.publish(joined)
        if ended:
            over = {"direction": "inbound", "outcome": "no_answer", "lasted": 1}
            bus.publish(ev.CallEnded(at=2, call_id="pbx-1.1", **over))
        both = {"pbx-1.1", "west-9.1"}
        await until(lambda: {pop.call_id for pop in known(seen, ev.ScreenPopReady)} == both)
        whos = known(seen, ev.CustomerIdentified)
        assert [who.call_id for who in whos] == ["pbx-1.1", "west-9.1"]
        assert [who.match for who in whos] == ["one", "one"]
        assert len(known(seen, ev.ScreenPopReady)) == 2
        assert await service.identity("west-9.1", 1) == whos[1]


def known(
    events: list[ev.Event], kind: type[ev.CustomerIdentified] | type[ev.ScreenPopReady]
) -> list[ev.CustomerIdentified | ev.ScreenPopReady]:
    return [event for event in events if isinstance(event, kind) and event.customer]
