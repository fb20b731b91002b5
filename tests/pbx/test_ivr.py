"""Our own IVR on a real Asterisk, with real callers who press keys."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from cti.agi.codec import AgiReply
from cti.agi.server import AgiSession
from cti.domain.events import Event, MenuChosen, MenuLeft
from ivr.book import MenuBook
from ivr.service import IvrService
from ivr.settings import IvrSettings, SpeechSettings
from ringdesk.demo.asterisk import AsteriskInstance
from ringdesk.demo.phone import Call, Phone

pytestmark = pytest.mark.pbx

MENU = """\
title = "Main"
[step.who]
do = "branch"
rules = [{ when = { tier = "vip" }, go = "step vip" }]
otherwise = "step ask"
[step.ask]
do = "ask"
prompt = [{ say = "Welcome." }, { sound = "vm-press" }]
wait = 1
tries = 2
on_invalid = "queue support"
on_timeout = "queue support"
keys.2 = { label = "Sales", go = "queue sales" }
keys.345 = { label = "Bye", go = "step bye" }
keys.9 = { label = "Nothing to hear", go = "step missing" }
[step.bye]
do = "play"
prompt = { say = "Bye." }
go = "hang up"
[step.missing]
do = "play"
prompt = { sound = "no-such-sound" }
go = "queue support"
[step.vip]
do = "set"
variables = { QUEUE_PRIO = "7" }
go = "queue sales"
"""


@dataclass
class Place:
    """An Asterisk, a customer, our IVR and what it recorded."""

    asterisk: AsteriskInstance
    customer: Phone
    service: IvrService
    task: asyncio.Task[None]
    events: list[Event] = field(default_factory=list)
    tier: str = ""

    async def customer_of(self, call_id: str) -> Mapping[str, str] | None:
        return {"tier": self.tier} if self.tier else None

    async def dial(self) -> Call:
        call = await self.customer.call("400", from_user="+447700900147")
        await call.answered(timeout=5)
        return call

    async def hears(self, call: Call) -> None:
        """Until the caller hears the welcome."""
        async with asyncio.timeout(5):
            while loudest(call) < 3000:
                await asyncio.sleep(0.02)

    async def waits_in(self, queue: str, within: float) -> str:
        async with asyncio.timeout(within):
            while True:
                shown = await self.asterisk.cli(f"queue show {queue}")
                if f"{queue} has 1 calls" in shown:
                    return shown
                await asyncio.sleep(0.1)

    async def left(self) -> MenuLeft:
        async with asyncio.timeout(5):
            while True:
                for event in self.events:
                    if isinstance(event, MenuLeft):
                        return event
                await asyncio.sleep(0.02)


def loudest(call: Call) -> int:
    """The largest sample heard so far."""
    return int(np.abs(np.asarray(call.received, dtype=int)).max(initial=0))


@pytest_asyncio.fixture
async def place(asterisk: AsteriskInstance, tmp_path: Path) -> AsyncIterator[Place]:
    (tmp_path / "menus").mkdir()
    (tmp_path / "menus" / "main.toml").write_text(MENU)
    settings = IvrSettings(
        port=asterisk.settings.hook.agi_port,
        menus_folder=tmp_path / "menus",
        calendars_folder=tmp_path / "calendars",
        speech=SpeechSettings(cache_folder=tmp_path / "prompts"),
        unknown_prompt_seconds=2,
        alive_margin=2,
        drain_seconds=0,
    )
    events: list[Event] = []

    def record(event: Event) -> Event:
        events.append(event)
        return event

    async def customer_of(call_id: str) -> Mapping[str, str] | None:
        return await place.customer_of(call_id)

    service = IvrService(settings, MenuBook.load(settings), record, lambda: 1, customer_of, ["pbx"])
    task = asyncio.create_task(service.run())
    async with Phone("127.0.0.2", asterisk.sip) as customer:
        place = Place(asterisk, customer, service, task, events)
        yield place
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_key_pressed_in_mid_prompt_leads_to_the_queue(place: Place) -> None:
    call = await place.dial()
    await place.hears(call)
    await call.send_digits("2")
    await place.waits_in("sales", within=3)
    chosen = next(event for event in place.events if isinstance(event, MenuChosen))
    assert (chosen.digits, chosen.label) == ("2", "Sales")
    assert (await place.left()).call_id.startswith("pbx-")
    assert place.service.server.counts == {"served": 1}


async def test_silence_leads_to_the_queue_after_two_tries(place: Place) -> None:
    await place.dial()
    await place.waits_in("support", within=10)
    assert (await place.left()).reason == "nothing was pressed 2 times"


async def test_a_longer_number_and_hang_up(place: Place) -> None:
    call = await place.dial()
    await place.hears(call)
    await call.send_digits("345")
    await call.ended(timeout=5)
    assert (await place.left()).next == "hangup"
    chosen = next(event for event in place.events if isinstance(event, MenuChosen))
    assert (chosen.digits, chosen.label) == ("345", "Bye")


async def test_a_known_vip_never_hears_the_question(place: Place) -> None:
    place.tier = "VIP"
    await place.dial()
    assert "prio: 7" in await place.waits_in("sales", within=2)


async def test_a_missing_sound_is_passed_over(place: Place) -> None:
    call = await place.dial()
    await place.hears(call)
    await call.send_digits("9")
    assert (await place.left()).reason == "after missing"
    await place.waits_in("support", within=5)


async def test_the_caller_hangs_up_in_mid_prompt(place: Place) -> None:
    call = await place.dial()
    await place.hears(call)
    await call.hangup()
    assert (await place.left()).reason == "the caller hung up"


async def test_a_stopped_ivr_gives_its_callers_to_the_fallback(place: Place) -> None:
    call = await place.dial()
    await place.hears(call)
    place.task.cancel()
    await place.waits_in("support", within=3)
    assert (await place.left()).reason == "given back to the dialplan: Ringdesk stopped"


async def test_a_hung_ivr_loses_its_callers_to_the_fallback(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(session: AgiSession, *words: str | int, **_: float) -> AgiReply:
        if words[0] == "STREAM":
            await asyncio.sleep(30)
        return await command(session, *words)

    command = AgiSession.command
    monkeypatch.setattr(AgiSession, "command", hang)
    await place.dial()
    # welcome (0.7 s), an unknown sound (2 s), waiting (1 s + 2 x 2 s), and the margin of 2 s
    await place.waits_in("support", within=20)
