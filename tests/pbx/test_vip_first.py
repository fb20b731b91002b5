"""Six standard callers wait; the VIP who calls last is answered first, by a slow CRM too."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from crm_bridge.lookup import Caller, CallerLookup
from cti.domain.events import CustomerIdentified, QueueEntryScored, QueueMoved
from ringdesk.demo.prefix import Prefix
from ringdesk.demo.world import World, asterisk_world
from ringdesk.settings import Settings
from tests.pbx.fixtures_world import call_in, phones_of, until

pytestmark = pytest.mark.pbx

VIP = "+447700900147"
STANDARD = [f"+4477009001{n}" for n in (80, 81, 82, 83, 84, 85)]


class SlowLookup(CallerLookup):
    """A CRM that takes three seconds to say who calls."""

    async def by_number(self, number: str) -> Caller:
        await asyncio.sleep(3)
        return await super().by_number(number)


async def test_the_vip_who_calls_last_is_answered_first(world: World) -> None:
    await the_vip_is_first(world, press="")


async def test_the_same_with_a_slow_crm(asterisk_prefix: Prefix, tmp_path: Path) -> None:
    lookups: list[SlowLookup] = []

    def slow(settings: Settings) -> SlowLookup:
        lookups.append(SlowLookup(make_url(settings.database), contacts=3))
        return lookups[0]

    async with asterisk_world(tmp_path, customers=slow, progress=lambda _text: None) as world:
        call_id = await the_vip_is_first(world, press="1")
        events = await world.server.core.journal.written.of_call(call_id)
        matches = [event.match for event in events if isinstance(event, CustomerIdentified)]
        labels = [event.label for event in events if isinstance(event, QueueEntryScored)]
        assert matches == ["late", "one"]
        assert labels == ["Standard", "VIP"]
    await lookups[0].close()


async def the_vip_is_first(world: World, press: str) -> str:
    """Plays it; returns the VIP's call id."""
    assert world.asterisk is not None
    book, journal = world.server.core.feed.reducer.book, world.server.core.journal
    async with phones_of(world, "101") as (trunk, desk):
        waiting = await asyncio.gather(*(call_in(trunk, number, "1") for number in STANDARD))
        await until(lambda: len(book.waiting()) == 6, "six to wait")
        vip = await call_in(trunk, VIP, press=press)
        await until(lambda: len(book.waiting()) == 7, "the VIP to wait")
        call_id = next(entry.leg.call.id for entry in book.waiting() if entry.leg.number == VIP)

        async def moved() -> bool:
            events = await journal.written.of_call(call_id)
            return any(isinstance(event, QueueMoved) for event in events)

        await until(moved, "the VIP to be moved")
        order = await world.asterisk.cli("queue show support")
        first = next(line for line in order.splitlines() if line.strip().startswith("1."))
        events = await journal.written.of_call(call_id)
        move = next(event for event in events if isinstance(event, QueueMoved))
        assert (move.from_rank, move.to_rank, move.of) == (7, 1, 7)
        assert move.sentence.startswith("VIP +240 s, waited ")
        assert move.sentence.endswith(": 1st of 7")
        assert f"prio: {move.priority}" in first

        await world.server.services.availability.set("PJSIP/101", "available")
        ringing = await desk.incoming(timeout=15)
        assert ringing.caller == VIP
        await ringing.answer()
        await vip.hangup()
        for call in waiting:
            await call.hangup()
    return call_id
