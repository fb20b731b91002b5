"""A caller keeps the place, hangs up, and is called back when an agent is free: a real Asterisk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from callqueue.callback.settings import CallbackSettings
from cti.domain import events as ev
from ringdesk.demo.prefix import Prefix
from ringdesk.demo.world import World, asterisk_world
from ringdesk.settings import Settings
from tests.pbx.fixtures_world import call_in, phones_of, until

pytestmark = [pytest.mark.pbx, pytest.mark.asyncio(loop_scope="module")]

GOLD = "+447700900151"
MENU = """title = "Short"
[step.offer]
do = "ask"
prompt = { sound = "beep" }
wait = 5
on_invalid = "queue support"
on_timeout = "queue support"
keys.1 = { label = "Call me back", go = "step keep" }
[step.keep]
do = "callback"
queue = "support"
prompt = { sound = "beep" }
otherwise = "queue support"
"""


def with_callbacks(settings: Settings) -> Settings:
    for menu in settings.ivr.menus_folder.glob("*.toml"):
        menu.unlink()
    (settings.ivr.menus_folder / "main.toml").write_text(MENU)
    callback = CallbackSettings(
        enabled=True, calendar="office", sound="beep", tries=1, answer=2, pause=10, ring=5
    )
    return settings.model_copy(update={"callback": callback})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    asterisk_prefix: Prefix, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    folder: Path = tmp_path_factory.mktemp("house")
    async with asterisk_world(folder, change=with_callbacks, progress=lambda _text: None) as made:
        yield made


async def test_the_place_is_kept_and_the_customer_is_called_back(house: World) -> None:
    assert house.asterisk is not None
    services, core = house.server.services, house.server.core
    async with phones_of(house, "101") as (trunk, desk):
        caller = await call_in(trunk, GOLD, "1")
        await caller.ended(timeout=10)
        kept = (await services.callbacks.book.newest())[0]
        assert (kept.state, kept.number, kept.queue) == ("requested", GOLD, "support")
        gold = next(one for one in services.policy().classes if one.name == "gold")
        assert kept.virtual_join == kept.requested_at - gold.head_start * 1_000_000
        asked = await core.journal.written.of_call(kept.call_id)
        assert [e.callback_id for e in asked if isinstance(e, ev.CallbackRequested)] == [
            kept.callback_id
        ]

        await services.availability.set("PJSIP/101", "available")
        back = await trunk.incoming(timeout=10)
        await back.answer()
        await until(lambda: bool(back.received.any()), "the question")
        await back.send_digits("1")
        ringing = await desk.incoming(timeout=10)
        await ringing.answer()

        async def done() -> bool:
            return (await services.callbacks.book.newest())[0].state == "done"

        await until(done, "the callback to be done")
        own = (await services.callbacks.book.newest())[0].own_call
        events = await core.journal.written.of_call(own)
        scored = next(e for e in events if isinstance(e, ev.QueueEntryScored))
        assert (scored.joined_at, scored.virtual_join) == (kept.requested_at, kept.virtual_join)
        who = next(e for e in events if isinstance(e, ev.CustomerIdentified))
        assert who.customer is not None
        assert who.customer.name == "Anna Orlova"
        answered = next(e for e in events if isinstance(e, ev.CallAnswered))
        assert (answered.agent, answered.queue) == ("PJSIP/101", "support")
        assert [type(e) for e in events].count(ev.ScreenPopReady) == 1
        await ringing.hangup()
        await back.ended(timeout=5)
        await services.availability.set("PJSIP/101", "offline")


async def test_a_mailbox_is_no_customer(house: World) -> None:
    services = house.server.services
    async with phones_of(house, "101") as (trunk, _):
        await services.availability.set("PJSIP/101", "available")
        asked = await services.callbacks.book.request("+447700900152", "support", "", "web")
        mailbox = await trunk.incoming(timeout=10)
        await mailbox.answer()
        await mailbox.ended(timeout=10)

        async def over() -> bool:
            found = await services.callbacks.book.newest()
            return found[0].state == "requested"

        await until(over, "the attempt to be over")
        found = (await services.callbacks.book.newest())[0]
        assert (found.callback_id, found.reason) == (asked.callback_id, "nobody pressed 1")
        assert found.attempts == 1
        await services.availability.set("PJSIP/101", "offline")
