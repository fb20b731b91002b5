"""The oldest Asterisk Ringdesk works with, 16.28."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from callqueue.service import CannotMove
from cti.ami.settings import AmiSettings
from cti.clock import now
from cti.domain.events import CallEnded, Event, QueueEntryScored, QueueMoved, SwitchConnected
from cti.feed import SwitchFeed
from cti.summary import summarise
from cti.versions import can_move_waiting_callers
from ringdesk.demo.asterisk import AsteriskInstance
from ringdesk.demo.phone import Phone
from ringdesk.demo.prefix import OLD
from ringdesk.demo.world import asterisk_world
from tests.pbx.fixtures_world import call_in, phones_of, until

pytestmark = pytest.mark.pbx


async def test_a_call_through_the_queue_is_told_right(old_asterisk: AsteriskInstance) -> None:
    host, port = old_asterisk.ami
    settings = AmiSettings(
        host=host,
        port=port,
        username=old_asterisk.ami_user,
        secret=old_asterisk.ami_secret,  # type: ignore[arg-type]
    )
    events: list[Event] = []

    def keep(event: Event) -> Event:
        events.append(event)
        return event

    feed = SwitchFeed("old", settings, keep, now, lambda _: False)

    def told(kind: type[Event]) -> list[Event]:
        return [event for event in events if isinstance(event, kind)]

    run = asyncio.create_task(feed.run())
    await until(lambda: bool(told(SwitchConnected)), "the link")
    [connected] = told(SwitchConnected)
    assert isinstance(connected, SwitchConnected)
    assert connected.asterisk_version.startswith("16.28")
    assert not can_move_waiting_callers(connected.asterisk_version)

    agent = Phone("127.0.0.1", old_asterisk.sip, "101", old_asterisk.agent_password)
    async with agent, Phone("127.0.0.2", old_asterisk.sip) as customer:
        await agent.register()
        await old_asterisk.cli("queue add member PJSIP/101 to support")
        call = await customer.call("400", from_user="+447700900147")
        await call.answered(timeout=10)
        ring = await agent.incoming(timeout=10)
        await ring.answer(after=0.3)
        await asyncio.sleep(0.5)
        await ring.hangup()
        await until(lambda: bool(told(CallEnded)), "the end of the call")
    run.cancel()

    [summary] = summarise(events)
    assert (summary.direction, summary.outcome) == ("inbound", "answered")
    assert [(wait.queue, wait.ended) for wait in summary.waits] == [("support", "connected")]
    assert [(offer.agent, offer.ended) for offer in summary.offers] == [("PJSIP/101", "answered")]
    [talk] = summary.talks
    assert talk.agent == "PJSIP/101"
    assert 0.4 < talk.seconds < 2


async def test_it_boots_without_a_complaint(old_asterisk: AsteriskInstance) -> None:
    complaints = [x for x in old_asterisk.log().splitlines() if "WARNING[" in x or "ERROR[" in x]
    assert complaints == []


async def test_callers_join_at_their_place_and_nobody_is_moved(tmp_path: Path) -> None:
    """Without `Immediate` the menu's queue step says where: by class and time of arrival."""
    vip, *standard = "+447700900147", "+447700900180", "+447700900181", "+447700900182"
    made = asterisk_world(
        tmp_path, release=OLD, espeak=shutil.which("espeak-ng") or "", progress=lambda _text: None
    )
    async with made as world:
        assert world.asterisk is not None
        book, journal = world.server.core.feed.reducer.book, world.server.core.journal
        async with phones_of(world) as (trunk,):
            calls = []
            for number in (*standard[:2], vip, standard[2]):
                calls.append(await call_in(trunk, number, press="" if number == vip else "1"))
                await until(lambda: len(book.waiting()) == len(calls), "the join")
            shown = (await world.asterisk.cli("queue show support")).splitlines()
            places = [line.split("prio: ")[1].rstrip(")") for line in shown if "prio: " in line]
            first = next(line for line in shown if line.strip().startswith("1."))
            entry = next(entry for entry in book.waiting() if entry.leg.number == vip)
            assert entry.leg.channel in first
            assert [int(place) for place in places] == sorted(map(int, places), reverse=True)
            assert int(places[0]) - int(places[1]) > 100
            events = await journal.written.of_call(entry.leg.call.id)
            assert [e.label for e in events if isinstance(e, QueueEntryScored)] == ["VIP"]
            assert not [e for e in events if isinstance(e, QueueMoved)]
            with pytest.raises(CannotMove):
                world.server.services.queue.place(entry.leg.call.id, "end", "sue", "a test")
            for call in calls:
                await call.hangup()
