"""The oldest Asterisk Ringdesk works with, 16.28."""

from __future__ import annotations

import asyncio

import pytest

from cti.ami.settings import AmiSettings
from cti.clock import now
from cti.domain.events import CallEnded, Event, SwitchConnected
from cti.feed import SwitchFeed
from cti.summary import summarise
from cti.versions import can_move_waiting_callers
from ringdesk.demo.asterisk import AsteriskInstance
from ringdesk.demo.phone import Phone
from tests.pbx.fixtures_world import until

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
