"""What an agent does with the call in hand, on a real Asterisk with real phones."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import pytest_asyncio

from cti.control.places import Target
from cti.control.service import CallControl, ControlRefused, InHand
from cti.domain import events as ev
from ringdesk.demo.call import Call
from ringdesk.demo.phone import Phone
from ringdesk.demo.prefix import Prefix
from ringdesk.demo.world import World, asterisk_world
from ringdesk.settings import Settings
from tests.pbx.fixtures_world import call_in, phones_of, until

pytestmark = [pytest.mark.pbx, pytest.mark.asyncio(loop_scope="module")]

E = TypeVar("E", bound=ev.Event)

CUSTOMER = "+447700900151"
ANNA, IVAN = "PJSIP/101", "PJSIP/102"
MENU = """title = "Short"
[step.on]
do = "play"
prompt = { sound = "beep" }
go = "queue support"
"""


def with_short_menu(settings: Settings) -> Settings:
    for menu in settings.ivr.menus_folder.glob("*.toml"):
        menu.unlink()
    (settings.ivr.menus_folder / "main.toml").write_text(MENU)
    return settings


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    asterisk_prefix: Prefix, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    folder: Path = tmp_path_factory.mktemp("house")
    async with asterisk_world(
        folder, wrap_up=0, change=with_short_menu, progress=lambda _text: None
    ) as made:
        yield made


class Scene:
    """A customer who talks with Anna; Ivan's phone is registered, nobody else is available."""

    def __init__(self, world: World, trunk: Phone, anna: Phone, ivan: Phone) -> None:
        self.world, self.trunk, self.anna, self.ivan = world, trunk, anna, ivan
        self.call_id = ""

    @property
    def control(self) -> CallControl:
        return self.world.server.services.control

    @property
    def hand(self) -> InHand:
        return InHand(self.call_id, ANNA, "anna")

    async def begins(self) -> tuple[Call, Call]:
        """The customer's call, and Anna's end of it."""
        customer = await call_in(self.trunk, CUSTOMER)
        at_anna = await self.anna.incoming(timeout=15)
        await at_anna.answer()
        book = self.world.server.core.feed.reducer.book
        await until(lambda: any(leg.talk for leg in book.legs.values()), "the talk to begin")
        self.call_id = next(leg.call.id for leg in book.legs.values() if leg.talk)
        return customer, at_anna

    async def told(self, kind: type[E], count: int = 1) -> list[E]:
        found: list[E] = []

        async def there() -> bool:
            if self.world.task.done():
                self.world.task.result()
            events = await self.world.server.core.journal.written.of_call(self.call_id)
            found[:] = [event for event in events if isinstance(event, kind)]
            return len(found) >= count

        await until(there, f"{count} {kind.__name__}", 20)
        return found

    async def over(self) -> None:
        assert self.world.asterisk is not None
        await self.world.asterisk.hangup_all()
        book = self.world.server.core.feed.reducer.book
        await until(lambda: book.is_empty, "an empty book", 10)


@contextlib.asynccontextmanager
async def scene(world: World) -> AsyncIterator[Scene]:
    available = world.server.services.availability
    async with phones_of(world, "101", "102") as (trunk, anna, ivan):
        await available.set(ANNA, "available")
        made = Scene(world, trunk, anna, ivan)
        yield made
        await made.over()
        await available.set(ANNA, "offline")


def hears(call: Call, since: int) -> bool:
    heard = np.abs(np.asarray(call.received[since:], int))
    return bool(heard.max(initial=0) > 4000)


def tone() -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    return np.tile(np.array([9000, -9000], dtype=np.int16), 8000)


async def test_a_caller_is_handed_on_to_a_colleague_whose_desk_says_by_whom(house: World) -> None:
    async with scene(house) as play:
        customer, at_anna = await play.begins()
        await play.control.transfer(play.hand, Target("agent", IVAN))
        at_ivan = await play.ivan.incoming(timeout=5)
        await at_anna.ended(timeout=5)
        transferred = (await play.told(ev.CallTransferred))[0]
        assert (transferred.kind, transferred.to, transferred.by) == ("blind", IVAN, ANNA)
        await play.told(ev.AgentOffered, 2)
        desk = house.server.page.dashboard.desk
        await until(lambda: desk.call_on_desk(IVAN) is not None, "the pop on Ivan's desk")
        popped = desk.call_on_desk(IVAN)
        assert popped is not None
        assert popped.customer is not None
        assert (popped.call_id, popped.customer.name) == (play.call_id, "Anna Orlova")
        assert (popped.handed_by, popped.queue) == (ANNA, "support")
        await at_ivan.answer()
        answered = (await play.told(ev.CallAnswered, 2))[1]
        assert answered.agent == IVAN
        before = len(customer.received)
        at_ivan.play(tone())
        await until(lambda: hears(customer, before), "the customer to hear Ivan", 5)
        await at_ivan.hangup()
        await customer.ended(timeout=5)
        assert [e.outcome for e in await play.told(ev.CallEnded)] == ["answered"]
        assert [e.ended for e in await play.told(ev.QueueLeft)] == ["connected"]


async def test_who_is_not_reached_gives_the_caller_back_to_the_queue(house: World) -> None:
    async with scene(house) as play:
        customer, at_anna = await play.begins()
        play.ivan.busy = True
        await play.control.transfer(play.hand, Target("agent", IVAN))
        await at_anna.ended(timeout=5)
        again = await play.anna.incoming(timeout=10)
        assert [e.queue for e in await play.told(ev.CallQueued, 2)] == ["support", "support"]
        await again.answer()
        await play.told(ev.CallAnswered, 2)
        play.trunk.busy = True
        await play.control.transfer(play.hand, Target("number", "199"))
        third = await play.anna.incoming(timeout=10)
        await play.told(ev.CallQueued, 3)
        play.trunk.busy = False
        await third.answer()
        await play.told(ev.CallAnswered, 3)
        with pytest.raises(ControlRefused, match="no queue lost-and-found"):
            await play.control.transfer(play.hand, Target("queue", "lost-and-found"))
        assert not customer.is_ended
        assert not third.is_ended
        await play.control.transfer(play.hand, Target("queue", "sales"))
        await third.ended(timeout=5)
        assert (await play.told(ev.CallQueued, 4))[3].queue == "sales"
        assert not customer.is_ended


async def test_mute_keys_and_hang_up(house: World) -> None:
    async with scene(house) as play:
        customer, at_anna = await play.begins()
        at_anna.play(tone(), loop=True)
        customer.play(tone(), loop=True)
        await until(lambda: hears(customer, 0), "the customer to hear Anna", 5)
        await play.control.mute(play.hand, muted=True)
        then, before = len(at_anna.received), len(customer.received)
        await until(lambda: len(at_anna.received) > then + 4000, "half a second of sound", 5)
        assert hears(at_anna, then)
        assert not hears(customer, before + 800)  # what was on its way
        await play.control.mute(play.hand, muted=False)
        before = len(customer.received)
        await until(lambda: hears(customer, before), "the customer to hear Anna again", 5)
        assert [e.muted for e in await play.told(ev.AgentMuted, 2)] == [True, False]
        await play.control.press(play.hand, "42#")
        await until(lambda: customer.digits == "42#", "the keys at the customer's end", 5)
        await play.control.hang_up(play.hand)
        await at_anna.ended(timeout=5)
        await customer.ended(timeout=5)
        await play.told(ev.CallEnded)
        with pytest.raises(ControlRefused, match="not in a talk"):
            await play.control.hang_up(play.hand)


async def test_a_colleague_is_asked_first_and_gets_the_caller(house: World) -> None:
    async with scene(house) as play:
        customer, at_anna = await play.begins()
        await play.control.consult(play.hand, Target("agent", IVAN))
        at_ivan = await play.ivan.incoming(timeout=5)
        desk = house.server.page.dashboard.desk
        await play.told(ev.TalkEnded)
        with pytest.raises(ControlRefused, match="not answered yet"):
            await play.control.complete(play.hand)
        await at_ivan.answer()
        await play.told(ev.CallAnswered, 2)
        own = desk.picture.agent(ANNA).own
        assert own is not None
        assert (own.phase, own.consults) == ("on_hold", IVAN)
        before = len(at_ivan.received)
        at_anna.play(tone())
        await until(lambda: hears(at_ivan, before), "Ivan to hear Anna", 5)
        await play.control.complete(play.hand)
        await at_anna.ended(timeout=5)
        await play.told(ev.CallAnswered, 3)
        before = len(customer.received)
        at_ivan.play(tone())
        await until(lambda: hears(customer, before), "the customer to hear Ivan", 5)
        own = desk.picture.agent(ANNA).own
        assert own is None or own.phase == "ended"
        handed = await play.told(ev.CallTransferred)
        assert [(e.kind, e.to, e.by) for e in handed] == [("attended", IVAN, ANNA)]
        await at_ivan.hangup()
        await customer.ended(timeout=5)
        assert [e.ended for e in await play.told(ev.QueueLeft)] == ["connected"]
        assert [e.outcome for e in await play.told(ev.CallEnded)] == ["answered"]


async def test_back_to_the_caller_by_command_and_because_nobody_answers(house: World) -> None:
    async with scene(house) as play:
        customer, at_anna = await play.begins()
        play.ivan.busy = True
        await play.control.consult(play.hand, Target("agent", IVAN))
        await play.told(ev.CallAnswered, 2)  # refused by Ivan's phone: with the caller again
        before = len(customer.received)
        at_anna.play(tone())
        await until(lambda: hears(customer, before), "the customer to hear Anna", 5)
        play.ivan.busy = False
        await play.control.consult(play.hand, Target("agent", IVAN))
        at_ivan = await play.ivan.incoming(timeout=5)
        await at_ivan.answer()
        await play.told(ev.CallAnswered, 3)
        await play.control.back(play.hand)
        await at_ivan.ended(timeout=5)
        await play.told(ev.CallAnswered, 4)
        before = len(customer.received)
        at_anna.play(tone())
        await until(lambda: hears(customer, before), "the customer to hear Anna again", 5)
        # Anna hangs up while Ivan's phone rings: the caller is not lost.
        await play.control.consult(play.hand, Target("agent", IVAN))
        await play.ivan.incoming(timeout=5)
        await at_anna.hangup()
        again = await play.anna.incoming(timeout=10)
        assert [e.queue for e in await play.told(ev.CallQueued, 2)] == ["support", "support"]
        assert not customer.is_ended
        await again.answer()
        await play.told(ev.CallAnswered, 5)
        events = await house.server.core.journal.written.of_call(play.call_id)
        assert not [e for e in events if isinstance(e, ev.CallTransferred)]
