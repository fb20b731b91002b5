"""Menus over real sockets, with a scripted Asterisk at the other end."""

from __future__ import annotations

import asyncio
import itertools
import shlex
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from cti.domain.events import Event, MenuChosen, MenuEntered, MenuLeft, WaitTold
from ivr.book import MenuBook
from ivr.service import IvrService
from ivr.session import CustomerOf, PriorityOf, WaitOf, usual_priority
from ivr.sounds import wave_seconds
from ivr.speech import Speaker, SpeechError

from .conftest import Write

MAIN = """\
title = "Main"
[step.who]
do = "branch"
rules = [{ when = { tier = "vip" }, go = "menu vip" }]
otherwise = "step ask"
[step.ask]
do = "ask"
prompt = [{ sound = "hello" }, { sound = "again" }]
tries = 2
on_invalid = "queue support"
on_timeout = "queue support"
keys.1 = { label = "Sales", go = "queue sales" }
keys.22 = { label = "Operator", go = "extension 100" }
"""
VIP = """\
title = "VIP"
[step.mark]
do = "set"
variables = { CLASS = 'a "b" \\ c' }
go = "step hello"
[step.hello]
do = "play"
prompt = { sound = "hello" }
go = "voicemail 100"
"""


class Asterisk:
    """The PBX's side of one AGI session: answers commands, presses the keys of a script.

    Each play or wait takes one entry of ``keys``: a key, "" for none, or -1: the caller is gone.
    """

    def __init__(self, keys: tuple[str, ...] = ()) -> None:
        self.keys = iter(keys)
        self.said: list[list[str]] = []
        self.variables: dict[str, str] = {}
        self.env = {"agi_network": "yes", "agi_uniqueid": "17.4"}

    async def call(self, port: int, menu: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        env = self.env | {"agi_network_script": menu}
        writer.write("".join(f"{name}: {value}\n" for name, value in env.items()).encode() + b"\n")
        async with asyncio.timeout(5):
            while line := await reader.readline():
                words = shlex.split(line.decode())
                self.said.append(words)
                writer.write(f"200 {self.answer(words)}\n".encode())
        writer.close()

    def answer(self, words: list[str]) -> str:
        match words:
            case ["NOOP"]:
                return "result=0"
            case ["SET", "VARIABLE", name, value]:
                self.variables[name] = value
                return "result=1"
            case ["STREAM", "FILE", _, ""]:
                return "result=0 endpos=4000"
            case ["STREAM", "FILE", *_]:
                return f"result={self.key()} endpos=4000"
            case ["WAIT", "FOR", "DIGIT", _]:
                return f"result={self.key()}"
            case ["GET", "DATA", "", _, _]:
                return f"result={next(self.keys, '')} (timeout)"
        raise AssertionError(words)

    def key(self) -> int:
        key = next(self.keys, "")
        return -1 if key == "-1" else ord(key) if key else 0

    @property
    def order(self) -> list[str]:
        """The variables in the order in which they were set."""
        return [words[2] for words in self.said if words[0] == "SET"]


async def nobody(call_id: str) -> Mapping[str, str] | None:
    return None


async def vip(call_id: str) -> Mapping[str, str] | None:
    return {"tier": "vip"} if call_id == "pbx1-17.4" else None


async def broken(call_id: str) -> Mapping[str, str] | None:
    raise RuntimeError("the CRM store is away")


async def slow(call_id: str) -> Mapping[str, str] | None:
    await asyncio.sleep(60)
    return {"tier": "vip"}


class Ivr:
    def __init__(self, service: IvrService, events: list[Event], cache: Path) -> None:
        self.service = service
        self.events = events
        self.cache = cache

    async def call(self, *keys: str, menu: str = "menu/main", **env: str) -> Asterisk:
        asterisk = Asterisk(keys)
        asterisk.env |= env
        await asterisk.call(self.service.server.port, menu)
        return asterisk

    @property
    def left(self) -> MenuLeft:
        (left,) = [event for event in self.events if isinstance(event, MenuLeft)]
        return left


@asynccontextmanager
async def serving(
    write: Write,
    customer_of: CustomerOf = nobody,
    menus: Mapping[str, str] | None = None,
    wait_of: WaitOf = lambda *_: None,
    priority_of: PriorityOf = usual_priority,
) -> AsyncIterator[Ivr]:
    files = menus or {"main": MAIN, "vip": VIP}
    settings = write(**files).model_copy(update={"customer_deadline": 0.1})
    events: list[Event] = []
    clock = itertools.count(1)

    def record(event: Event) -> Event:
        events.append(event)
        return event

    service = IvrService(
        settings,
        MenuBook.load(settings),
        record,
        lambda: next(clock),
        customer_of,
        ["pbx1", "west"],
        wait_of,
        priority_of=priority_of,
    )
    task = asyncio.create_task(service.run())
    async with asyncio.timeout(5):
        while not service.server.port:
            await asyncio.sleep(0.005)
    try:
        yield Ivr(service, events, settings.speech.cache_folder)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_call_is_from_the_switch_that_its_hook_names(write: Write) -> None:
    async with serving(write) as ivr:
        await ivr.call("", "1", "")
        await ivr.call("", "1", "", agi_arg_1="west")
    calls = [(e.switch, e.call_id) for e in ivr.events if isinstance(e, MenuLeft)]
    assert calls == [("pbx1", "pbx1-17.4"), ("west", "west-17.4")]


async def test_a_caller_presses_a_key_and_goes_to_the_queue(write: Write) -> None:
    async with serving(write) as ivr:
        asterisk = await ivr.call("", "1", "")
    assert asterisk.variables["RINGDESK_NEXT"] == "queue"
    assert asterisk.variables["RINGDESK_TARGET"] == "sales"
    assert asterisk.said[-1] == ["SET", "VARIABLE", "RINGDESK_NEXT", "queue"]
    entered, chosen, left = ivr.events
    assert isinstance(entered, MenuEntered)
    assert (entered.menu, entered.call_id, entered.switch) == ("main", "pbx1-17.4", "pbx1")
    assert isinstance(chosen, MenuChosen)
    assert (chosen.digits, chosen.label, chosen.valid) == ("1", "Sales", True)
    assert isinstance(left, MenuLeft)
    assert (left.next, left.target, left.reason) == ("queue", "sales", "pressed 1: Sales")
    assert entered.at < chosen.at < left.at


async def test_the_timeout_is_raised_first_and_before_each_wait(write: Write) -> None:
    async with serving(write) as ivr:
        asterisk = await ivr.call("", "", "", "", "", "")
    assert asterisk.said[0] == ["SET", "VARIABLE", "TIMEOUT(absolute)", "4"]
    raised = [words[3] for words in asterisk.said if words[2] == "TIMEOUT(absolute)"]
    # 2 prompts of 0.5 s + 5 s for the first key + 2 s for the second + 4 s of margin
    assert raised == ["4", "12", "12", "4"]


async def test_a_longer_number(write: Write) -> None:
    async with serving(write) as ivr:
        asterisk = await ivr.call("", "", "2", "2")
    assert asterisk.variables["RINGDESK_TARGET"] == "100"
    assert asterisk.said[-4] == ["GET", "DATA", "", "2000", "1"]


async def test_a_known_customer_and_variables_with_quotes(write: Write) -> None:
    async with serving(write, vip) as ivr:
        asterisk = await ivr.call()
    assert asterisk.variables["CLASS"] == 'a "b" \\ c'
    assert asterisk.order[-2:] == ["RINGDESK_TARGET", "RINGDESK_NEXT"]
    assert asterisk.variables["RINGDESK_NEXT"] == "voicemail"
    assert [event.menu for event in ivr.events if isinstance(event, MenuEntered)] == ["main", "vip"]


@pytest.mark.parametrize("customer_of", [broken, slow, nobody])
async def test_without_an_answer_about_the_customer_the_menu_goes_on(
    write: Write, customer_of: CustomerOf
) -> None:
    async with serving(write, customer_of) as ivr:
        async with asyncio.timeout(2):
            asterisk = await ivr.call("1", "")
    assert asterisk.variables["RINGDESK_TARGET"] == "sales"


@pytest.mark.parametrize("keys", [("-1",), ("", "", "-1"), ("", "2", "-1")])
async def test_a_caller_who_hangs_up(write: Write, keys: tuple[str, ...]) -> None:
    async with serving(write) as ivr:
        asterisk = await ivr.call(*keys)
        assert ivr.service.server.counts == {"hangup": 1}
    assert "RINGDESK_NEXT" not in asterisk.variables
    assert (ivr.left.next, ivr.left.reason) == ("hangup", "the caller hung up")


@pytest.mark.parametrize("menu", ["menu/none", "menu/", "main", "", "menu/../main"])
async def test_an_unknown_menu_sets_nothing(write: Write, menu: str) -> None:
    async with serving(write) as ivr:
        asterisk = await ivr.call(menu=menu)
    assert asterisk.said == []
    assert ivr.events == []


async def test_the_doctor_is_answered(write: Write) -> None:
    async with serving(write) as ivr:
        asterisk = await ivr.call(menu="doctor")
        assert ivr.service.server.counts == {"served": 1}
    assert asterisk.said == [["NOOP"]]


async def test_an_error_in_mid_menu_leaves_the_call_to_the_dialplan(write: Write) -> None:
    class Refusing(Asterisk):
        def answer(self, words: list[str]) -> str:
            return "oops" if words[0] == "WAIT" else super().answer(words)

    async with serving(write) as ivr:
        asterisk = Refusing()
        await asterisk.call(ivr.service.server.port, "menu/main")
    assert "RINGDESK_NEXT" not in asterisk.variables
    assert ivr.left.next == ""
    assert ivr.left.reason.startswith("given back to the dialplan: ")


async def test_stopping_in_mid_menu_leaves_the_call_to_the_dialplan(write: Write) -> None:
    async with serving(write) as ivr:
        reader, writer = await asyncio.open_connection("127.0.0.1", ivr.service.server.port)
        writer.write(b"agi_network_script: menu/main\nagi_uniqueid: 17.4\n\n")
        await reader.readline()
    assert await reader.read() == b""
    assert ivr.left.reason == "given back to the dialplan: Ringdesk stopped"
    writer.close()


async def test_a_port_that_is_taken_is_tried_again(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ivr.service._LISTEN_AGAIN", 0.02)
    holder = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
    port = holder.sockets[0].getsockname()[1]
    settings = write(main=MAIN, vip=VIP).model_copy(update={"port": port})
    service = IvrService(
        settings, MenuBook.load(settings), lambda event: event, lambda: 0, nobody, ["pbx1"]
    )
    task = asyncio.create_task(service.run())
    await asyncio.sleep(0.05)
    assert not task.done()
    holder.close()
    asterisk = Asterisk(("1",))
    async with asyncio.timeout(5):
        while "RINGDESK_NEXT" not in asterisk.variables:
            await asyncio.sleep(0.02)
            await asyncio.gather(asterisk.call(port, "menu/main"), return_exceptions=True)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


ANNOUNCE = """\
title = "Wait"
[step.tell]
do = "announce"
queue = "support"
prompt = { say = "Number {position}, about {minutes} minutes." }
go = "queue support"
"""


@dataclass(frozen=True)
class Known:
    position: int
    seconds: float | None


async def test_the_wait_is_spoken_and_kept_in_the_journal(write: Write) -> None:
    asked: list[tuple[str, str, str]] = []

    def wait_of(switch: str, queue: str, call_id: str) -> Known:
        asked.append((switch, queue, call_id))
        return Known(4, 150)

    async with serving(write, menus={"main": ANNOUNCE}, wait_of=wait_of) as ivr:
        asterisk = await ivr.call(agi_arg_1="west")
    assert asked == [("west", "support", "west-17.4")]
    [told] = [event for event in ivr.events if isinstance(event, WaitTold)]
    assert (told.queue, told.position, told.estimated) == ("support", 4, 150_000_000)
    [played] = [words[2] for words in asterisk.said if words[:2] == ["STREAM", "FILE"]]
    assert wave_seconds(Path(f"{played}.wav")) == pytest.approx(3, abs=1.5)
    assert asterisk.variables["RINGDESK_TARGET"] == "support"


async def test_a_text_that_cannot_be_spoken_is_left_out(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mute(*_: object) -> None:
        raise SpeechError("espeak-ng has gone", "install it")

    async with serving(write, menus={"main": ANNOUNCE}, wait_of=lambda *_: Known(1, 90)) as ivr:
        monkeypatch.setattr(Speaker, "_synthesize", mute)
        shutil.rmtree(ivr.cache)
        asterisk = await ivr.call()
    assert not any(words[0] == "STREAM" for words in asterisk.said)
    assert asterisk.variables["RINGDESK_NEXT"] == "queue"


async def test_who_leaves_for_a_queue_is_given_a_priority(write: Write) -> None:
    asked: list[tuple[str, str, str]] = []

    def priority_of(switch: str, call_id: str, queue: str) -> int | None:
        asked.append((switch, call_id, queue))
        return 77 if queue == "sales" else None

    async with serving(write, priority_of=priority_of) as ivr:
        sales = await ivr.call("1")
        unsaid = await ivr.call("", "", "", "", "", "")
        elsewhere = await ivr.call("2", "2")
    assert sales.variables["QUEUE_PRIO"] == "77"
    assert "QUEUE_PRIO" not in unsaid.variables | elsewhere.variables
    assert asked == [("pbx1", "pbx1-17.4", "sales"), ("pbx1", "pbx1-17.4", "support")]


async def test_a_priority_that_the_menu_sets_stays(write: Write) -> None:
    menu = MAIN.replace('otherwise = "step ask"', 'otherwise = "step mark"') + (
        '[step.mark]\ndo = "set"\nvariables = { QUEUE_PRIO = "5" }\ngo = "step ask"\n'
    )
    async with serving(write, priority_of=lambda *_: 77, menus={"main": menu, "vip": VIP}) as ivr:
        asterisk = await ivr.call("1")
    assert asterisk.variables["QUEUE_PRIO"] == "5"
