"""A VIP's personal manager is called on the mobile, on a real Asterisk with real phones."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import pytest_asyncio

from callqueue.manager.attempt import Attempt
from callqueue.manager.calls import ManagerCalls
from callqueue.manager.settings import Deputy, ManagerSettings
from cti.clock import now
from cti.domain import events as ev
from cti.domain.commands import AnyCommand, Redirect
from ringdesk.demo.phone import Call, Phone
from ringdesk.demo.prefix import Prefix
from ringdesk.demo.world import World, asterisk_world
from ringdesk.settings import Settings
from tests.pbx.fixtures_world import call_in, phones_of, until

pytestmark = [pytest.mark.pbx, pytest.mark.asyncio(loop_scope="module")]

VIP, MOBILE, DEPUTY = "+447700900147", "+447700900104", "+447700900105"
MANAGER = "Pavel Reznik"

E = TypeVar("E", bound=ev.Event)


MENU = """title = "Short"
[step.on]
do = "play"
prompt = { sound = "beep" }
go = "queue support"
"""


def with_managers(settings: Settings) -> Settings:
    for menu in settings.ivr.menus_folder.glob("*.toml"):
        menu.unlink()
    (settings.ivr.menus_folder / "main.toml").write_text(MENU)
    managers = ManagerSettings(
        classes=("vip",),
        calendar="office",
        ring=5,
        tries=1,
        answer=1,
        whisper="",
        names="digits",  # "one" for the customer with the number 1
        ask="beep",
        deputies=(Deputy(of="104", name="Vera Zotova", extension="105", mobile=DEPUTY),),
    )
    return settings.model_copy(update={"personal_manager": managers})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    asterisk_prefix: Prefix, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    folder: Path = tmp_path_factory.mktemp("house")
    async with asterisk_world(folder, change=with_managers, progress=lambda _text: None) as made:
        yield made


class Scene:
    """A VIP who waits, the mobiles behind the trunk, and what was told of the call."""

    def __init__(self, world: World, trunk: Phone, desk: Phone) -> None:
        self.world, self.trunk, self.desk = world, trunk, desk
        self.call_id = ""

    async def vip(self) -> Call:
        call = await call_in(self.trunk, VIP)
        book = self.world.server.core.feed.reducer.book
        await until(lambda: len(book.waiting()) == 1, "the VIP to wait")
        self.call_id = book.waiting()[0].leg.call.id
        return call

    async def events(self) -> list[ev.Event]:
        return await self.world.server.core.journal.written.of_call(self.call_id)

    async def told(self, kind: type[E], count: int = 1) -> list[E]:
        found: list[E] = []

        async def there() -> bool:
            if self.world.task.done():
                self.world.task.result()
            found[:] = [event for event in await self.events() if isinstance(event, kind)]
            return len(found) >= count

        await until(there, f"{count} {kind.__name__}", 20)
        return found

    async def ends(self, count: int) -> list[tuple[str, str]]:
        found = await self.told(ev.ManagerCallEnded, count)
        return [(event.manager, event.ended) for event in found]

    @property
    def waits(self) -> bool:
        waiting = self.world.server.core.feed.reducer.book.waiting()
        return [entry.leg.call.id for entry in waiting] == [self.call_id]

    async def over(self) -> None:
        assert self.world.asterisk is not None
        await self.world.asterisk.hangup_all()
        await self.told(ev.CallEnded)
        await until(lambda: self.world.server.core.feed.reducer.book.is_empty, "an empty book", 10)


@contextlib.asynccontextmanager
async def scene(world: World) -> AsyncIterator[Scene]:
    async with phones_of(world, "101") as (trunk, desk):
        made = Scene(world, trunk, desk)
        yield made
        await made.over()


async def press(mobile: Call, key: str) -> None:
    """Once the whisper is heard."""
    await mobile.answer()
    await until(lambda: bool(np.abs(np.asarray(mobile.received, int)).max(initial=0) > 500), "it")
    await mobile.send_digits(key)


@pytest.mark.parametrize("dial", ["PJSIP/{number}@trunk", "Local/{number}@internal"])
async def test_the_manager_presses_1_and_talks_with_the_vip(
    house: World, monkeypatch: pytest.MonkeyPatch, dial: str
) -> None:
    managers = house.server.services.managers
    other = managers._settings.model_copy(update={"dial": dial})
    monkeypatch.setattr(managers, "_settings", other)
    began = now()
    async with scene(house) as play:
        vip = await play.vip()
        mobile = await play.trunk.incoming(timeout=10)
        assert play.waits
        await press(mobile, "1")
        answered = (await play.told(ev.CallAnswered))[0]
        assert (answered.agent, answered.queue, answered.restored) == (MANAGER, "support", False)
        assert answered.waited > 0
        assert [event.ended for event in await play.told(ev.QueueLeft)] == ["connected"]
        assert await play.ends(1) == [(MANAGER, "connected")]

        before = len(mobile.received)
        vip.play(np.full(8000, 9000, dtype=np.int16) * np.tile([1, -1], 4000).astype(np.int16))
        await until(
            lambda: bool(np.abs(np.asarray(mobile.received[before:], int)).max(initial=0) > 4000),
            "the manager to hear the VIP",
        )
        await play.told(ev.RecordingStarted)
        await mobile.hangup()
        await vip.ended(timeout=5)
        ended = (await play.told(ev.CallEnded))[0]
        assert (ended.outcome, ended.direction) == ("answered", "inbound")
        await play.told(ev.RecordingStopped)

        core = house.server.core
        rows = (await core.history.interactions([play.call_id]))[play.call_id]
        first = rows[0]
        assert (first.call_id, first.agent, first.outcome) == (play.call_id, MANAGER, "answered")
        assert [(row.did, row.direction, row.joined_to) for row in rows[1:]] == [
            (MOBILE, "outbound", play.call_id)
        ]
        talks = await core.history.talks(play.call_id)
        assert [(talk.agent, talk.queue) for talk in talks] == [(MANAGER, "support")]
        assert rows[1].call_id not in [row.call_id for row in await core.history.newest()]

        async def billed() -> bool:
            calls = await ManagerCalls(core.engine).since(began)
            return [None in (call.answered_at, call.over_at) for call in calls] == [False]

        await until(billed, "what it cost")


async def test_a_mailbox_answers_then_the_deputy_is_busy_and_the_vip_waits_on(
    house: World,
) -> None:
    async with scene(house) as play:
        await play.vip()
        mailbox = await play.trunk.incoming(timeout=10)
        play.trunk.busy = True  # the deputy's mobile
        await mailbox.answer()
        assert await play.ends(2) == [(MANAGER, "not_accepted"), ("Vera Zotova", "busy")]
        await mailbox.ended(timeout=5)
        assert play.waits
        entry = (await play.told(ev.CallQueued))[0].entry_id
        assert {event.entry_id for event in await play.told(ev.CallQueued)} == {entry}
        called = await play.told(ev.ManagerCalled, 2)
        assert [event.number for event in called] == [MOBILE, DEPUTY]
        play.trunk.busy = False


async def test_nobody_answers_the_manager_and_the_deputy_refuses(house: World) -> None:
    async with scene(house) as play:
        await play.vip()
        silent = await play.trunk.incoming(timeout=10)
        deputy = await play.trunk.incoming(timeout=15)
        await press(deputy, "2")
        assert await play.ends(2) == [(MANAGER, "no_answer"), ("Vera Zotova", "declined")]
        assert silent.is_ended
        assert play.waits


async def test_the_vip_hangs_up_meanwhile(house: World) -> None:
    async with scene(house) as play:
        vip = await play.vip()
        mobile = await play.trunk.incoming(timeout=10)
        await vip.hangup()
        await mobile.ended(timeout=5)
        assert await play.ends(1) == [(MANAGER, "cancelled")]
        assert (await play.told(ev.ManagerCallEnded))[0].reason == "the caller hung up"
        assert [event.ended for event in await play.told(ev.QueueLeft)] == ["abandoned"]
        await asyncio.sleep(0)
        assert len(await play.told(ev.ManagerCalled)) == 1  # no deputy for nobody


async def test_an_agent_answers_meanwhile(house: World) -> None:
    async with scene(house) as play:
        await play.vip()
        mobile = await play.trunk.incoming(timeout=10)
        await house.server.services.availability.set("PJSIP/101", "available")
        try:
            ringing = await play.desk.incoming(timeout=10)
            await ringing.answer()
            await mobile.ended(timeout=5)
            assert await play.ends(1) == [(MANAGER, "cancelled")]
            reason = (await play.told(ev.ManagerCallEnded))[0].reason
            assert reason == "an agent has answered"
            assert [event.agent for event in await play.told(ev.CallAnswered)] == ["PJSIP/101"]
        finally:
            await house.server.services.availability.set("PJSIP/101", "offline")


async def test_who_has_accepted_and_is_gone_leaves_the_vip_with_their_age(
    house: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    carry_out = Attempt._perform

    async def after_a_hang_up(attempt: Attempt, command: AnyCommand) -> str:
        if isinstance(command, Redirect):
            legs = house.server.core.feed.reducer.book.legs
            assert house.asterisk is not None
            await house.asterisk.cli(f"channel request hangup {legs[attempt.leg].channel}")
            await until(lambda: attempt.leg not in legs, "the mobile to be gone")
        return await carry_out(attempt, command)

    monkeypatch.setattr(Attempt, "_perform", after_a_hang_up)
    async with scene(house) as play:
        await play.vip()
        await press(await play.trunk.incoming(timeout=10), "1")
        assert (await play.ends(1))[0] == (MANAGER, "failed")
        first, second = await play.told(ev.QueueEntryScored, 2)
        assert (first.entry_id, first.joined_at) != (second.entry_id, first.at)
        assert second.joined_at == first.joined_at
        assert play.waits
