"""Robots for the demo: customers who call, press keys and speak, and agents who answer.

A conversation is led by one coroutine that holds both ends, so the robots take turns as people do.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from ringdesk.demo.call import Call, CallFailed
from ringdesk.demo.phone import Phone
from ringdesk.demo.world import World, espeak_voice

log = structlog.get_logger(__name__)

DID = "+442079460100"
PAUSE = 0.35
"""Seconds between two turns."""
AGENT_VOICE = "en-us+f2"
CUSTOMER_VOICE = "en-us+m3"

Turn = tuple[str, str]
"""Who speaks (``agent`` or ``customer``), and what: words the demo's speech model knows."""

CONVERSATIONS: tuple[tuple[Turn, ...], ...] = (
    (
        ("agent", "good morning support how can i help you"),
        ("customer", "hello the october invoice is wrong i want a refund"),
        ("agent", "i am sorry please let me check your account number"),
        ("customer", "my account number is five five zero one"),
        ("agent", "thank you we will send the refund on friday"),
        ("customer", "very nice thank you good bye"),
    ),
    (
        ("agent", "welcome how can i help you today"),
        ("customer", "my internet is slow and the router is broken"),
        ("agent", "we will send a new router tomorrow morning"),
        ("customer", "okay thanks please confirm it by email"),
        ("agent", "yes i will confirm it by email good bye"),
    ),
    (
        ("agent", "hello this is sales what can i do for you"),
        ("customer", "i would like to change my subscription in january"),
        ("agent", "the price is twenty pounds and fifty"),
        ("customer", "that is right please send me the contract"),
        ("agent", "thank you have a nice day"),
    ),
)


@dataclass(frozen=True)
class Customer:
    """A robot customer: what it shows, presses, and how long it waits (seconds)."""

    number: str
    press: str = "1"
    patience: float = 60.0
    vip: bool = False


CUSTOMERS = (
    Customer("+447700900147", vip=True),
    Customer("+447700900150", "2"),
    Customer("+447700900151"),
    Customer("+447700900152", patience=25),
    Customer("+447700900153"),
    Customer("+442079460160", "2"),
    Customer("+447700900154", patience=12),
    Customer("+447700900155"),
    Customer("+447700900156"),
    Customer("+447700900199"),
    Customer("anonymous"),
)


class Lines:
    """What robots say, spoken once and kept: turn -> WAV file."""

    def __init__(self, folder: Path, espeak: str) -> None:
        self._folder = folder
        self._espeak = espeak
        self._files: dict[Turn, Path] = {}

    async def speak(self, turns: Sequence[Turn]) -> None:
        """Have these turns spoken, off the event loop."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for turn in turns:
            if turn not in self._files:
                who, text = turn
                voice = AGENT_VOICE if who == "agent" else CUSTOMER_VOICE
                file = self._folder / f"{len(self._files)}.wav"
                made = await asyncio.to_thread(espeak_voice, self._espeak, text, voice, file)
                self._files[turn] = made

    def file(self, turn: Turn) -> Path:
        """The WAV of a turn that was spoken. Raises KeyError."""
        return self._files[turn]


async def converse(turns: Sequence[Turn], ends: Mapping[str, Call], lines: Lines) -> None:
    """Speak the turns one after the other; ends early when somebody hangs up."""
    for turn in turns:
        call = ends[turn[0]]
        if any(end.is_ended for end in ends.values()):
            return
        await asyncio.wait({call.play(lines.file(turn))})  # cancelled when the call ends
        await asyncio.sleep(PAUSE)


class Robots:
    """Agents on all demo phones and customers who keep calling, until cancelled."""

    def __init__(self, world: World, lines: Lines) -> None:
        assert world.asterisk is not None  # noqa: S101 - robots need a real PBX
        self._asterisk = world.asterisk
        self._lines = lines
        self._calling: dict[str, Call] = {}
        self._served: set[str] = set()
        self.registered = asyncio.Event()
        self._random = random.Random(7)  # noqa: S311 - a demo's dice

    async def run(self, agents: Sequence[str]) -> None:
        """Serve and call until cancelled."""
        await self._lines.speak([turn for turns in CONVERSATIONS for turn in turns])
        async with contextlib.AsyncExitStack() as stack:
            phones = [await stack.enter_async_context(self._phone(name)) for name in agents]
            trunk = await stack.enter_async_context(self._trunk())
            for phone in phones:
                await phone.register()
            self.registered.set()
            async with asyncio.TaskGroup() as group:
                for phone in phones:
                    group.create_task(self._agent(phone), name=f"robot-agent-{phone.user}")
                group.create_task(self._customers(trunk, group), name="robot-customers")

    def _phone(self, extension: str) -> Phone:
        return Phone("127.0.0.1", self._asterisk.sip, extension, self._asterisk.agent_password)

    def _trunk(self) -> Phone:
        port = self._asterisk.settings.trunk_port
        return Phone("127.0.0.2", self._asterisk.sip, local_port=port)

    async def _agent(self, phone: Phone) -> None:
        while True:
            call = await phone.incoming()
            await asyncio.sleep(self._random.uniform(3, 5))
            if call.is_ended:
                continue
            with contextlib.suppress(CallFailed, TimeoutError):
                await call.answer()
                self._served.add(call.caller)
                await self._talk(call)

    async def _talk(self, call: Call) -> None:
        customer = self._calling.get(call.caller)
        if customer is None:
            await call.ended(timeout=20)
            return
        turns = self._random.choice(CONVERSATIONS)
        await converse(turns, {"agent": call, "customer": customer}, self._lines)
        await call.hangup()

    async def _customers(self, trunk: Phone, group: asyncio.TaskGroup) -> None:
        while True:
            free = [customer for customer in CUSTOMERS if customer.number not in self._calling]
            if len(self._calling) < 8 and free:
                customer = self._random.choice(free)
                group.create_task(self._call(trunk, customer), name="robot-customer")
            await asyncio.sleep(self._random.uniform(4, 9))

    async def _call(self, trunk: Phone, customer: Customer) -> None:
        try:
            call = await trunk.call(DID, from_user=customer.number)
            self._calling[customer.number] = call
            await call.answered(timeout=10)
            await asyncio.sleep(self._random.uniform(2, 4))
            if not customer.vip:
                await call.send_digits(customer.press)
            await self._wait(call, customer)
        except (CallFailed, TimeoutError) as error:
            log.warning("robot_customer_gave_up", reason=str(error) or type(error).__name__)
        finally:
            self._calling.pop(customer.number, None)
            self._served.discard(customer.number)

    async def _wait(self, call: Call, customer: Customer) -> None:
        """Wait until hung up upon; a caller nobody has answered loses patience."""
        try:
            await call.ended(timeout=customer.patience)
        except TimeoutError:
            if customer.number in self._served:
                await call.ended(timeout=90)
            else:
                await call.hangup()
