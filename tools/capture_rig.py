"""What the scenarios of tools/record_captures.py play on: an Asterisk, phones, AMI."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Self

from cti.ami.codec import Framer, Message, encode_action, parse
from ringdesk.demo.asterisk import AsteriskInstance
from ringdesk.demo.phone import Call, Phone

AGENTS = ("101", "102", "103")
CUSTOMER, OUTSIDE = "+447700900147", "02079460123"
BUSY, UNKNOWN, SILENT = "02079460486", "02079460404", "02079460408"

DIALPLAN = {
    "extensions.conf": """
[from-trunk](+)
exten => 700,1,Answer()
 same => n,Queue(support,c,,,60)
 same => n,Hangup()
exten => 701,1,Answer()
 same => n,Queue(sales,c,,,60)
 same => n,Hangup()
exten => 702,1,Answer()
 same => n,Queue(support,c,,,2)
 same => n,Hangup()
exten => 703,1,Answer()
 same => n,Queue(support,t,,,60)
 same => n,Hangup()
exten => 704,1,Answer()
 same => n,Queue(support,c,,,60)
 same => n,Wait(1)
 same => n,Hangup()
exten => 710,1,Dial(PJSIP/101&PJSIP/102,20)
exten => 711,1,Dial(PJSIP/101,3)
 same => n,Hangup()
exten => 712,1,Answer()
 same => n,Wait(30)
exten => 713,1,Answer()
 same => n,VoiceMail(100,s)
 same => n,Hangup()
exten => 714,1,Answer()
 same => n,Wait(1)
 same => n,Hangup()
exten => 715,1,Answer()
 same => n,Dial(Local/102@internal,30)
 same => n,Hangup()
exten => 716,1,Dial(PJSIP/101,2)
 same => n,Answer()
 same => n,VoiceMail(100,s)
 same => n,Hangup()
exten => 720,1,Answer()
 same => n,ConfBridge(720)
exten => 721,1,Dial(PJSIP/102,20)
 same => n,Hangup()
exten => 722,1,Busy(1)
exten => 723,1,Congestion(1)
exten => 724,1,Answer()
 same => n,Queue(ringall,c,,,60)
 same => n,Hangup()
exten => 725,1,Answer()
 same => n,Queue(strict,c,,,60)
 same => n,Wait(1)
 same => n,Hangup()
exten => 726,1,Answer()
 same => n,Queue(keys,c,,,60)
 same => n,Hangup()
exten => 727,1,Answer()
 same => n,Queue(support,c,,,1)
 same => n,Queue(sales,c,,,60)
 same => n,Hangup()
exten => 728,1,Answer()
 same => n,Queue(support,c,,vm-goodbye,60)
 same => n,Hangup()
exten => 729,1,Dial(PJSIP/02079460486@trunk,20)
 same => n,Hangup()
exten => 730,1,Dial(PJSIP/101,20,U(screen))
 same => n,Hangup()
exten => 731,1,Dial(PJSIP/101,2)
 same => n,Dial(PJSIP/102,20)
 same => n,Hangup()
exten => 732,1,Dial(Local/101@members&Local/102@members,20)
 same => n,Hangup()
exten => 733,1,Answer()
 same => n,FollowMe(one,dn)
 same => n,Hangup()

[screen]
exten => s,1,Wait(0.5)
 same => n,Return()

[out-of-the-queue]
exten => 1,1,Dial(PJSIP/102,20)
 same => n,Hangup()

[internal](+)
exten => 701,1,Goto(from-trunk,701,1)
exten => 720,1,Answer()
 same => n,ConfBridge(720)
exten => 750,1,Park()
exten => 751,1,ParkedCall(default,751)
exten => 760,1,Park(short)
exten => 797,1,ChanSpy(PJSIP/101,q)
exten => 781,1,PickupChan(PJSIP/101)
exten => _78X,1,Hangup()

[members]
exten => _10X,1,Dial(PJSIP/${EXTEN},30)
""",
    "res_parking.conf": """
[general]
[default]
parkext = 750
parkpos = 751-759
context = parked
parkingtime = 45
[short]
parkext = 760
parkpos = 761-769
context = parked-short
parkingtime = 1
comebackdialtime = 10
""",
    "queues.conf": """
[ringall](ringdesk-lean)
strategy = ringall
timeout = 2
retry = 1
[keys](ringdesk-lean)
timeout = 15
context = out-of-the-queue
[strict](ringdesk-lean)
timeout = 2
retry = 1
joinempty = paused,unavailable,invalid
leavewhenempty = paused,unavailable,invalid
""",
    "followme.conf": """
[general]
enable_callee_prompt = no
[one]
context => members
number => 101,2
number => 102,10
""",
    "confbridge.conf": "quiet=yes\n",
    "features.conf": "[featuremap]\natxfer => *2\n",
}


class Rig:
    """Phones of the agents 101 to 103, the customers' trunk, and a recording AMI connection.

    ``stream`` are all bytes the connection received. ``stalled`` is the longest time in seconds
    for which this process had to wait for a processor: the phones' clocks are no truer. Outside
    numbers on the trunk do what their names say; others ring until the scenario answers them.
    """

    def __init__(self, asterisk: AsteriskInstance) -> None:
        self.asterisk = asterisk
        self.stream = bytearray()
        self.messages: list[Message] = []
        self._members: list[tuple[str, str]] = []
        self._news = asyncio.Event()
        self._stack = AsyncExitStack()
        self._action = 0
        self.stalled = 0.0

    async def __aenter__(self) -> Self:
        await self._connect()
        secret = self.asterisk.agent_password
        port = self.asterisk.settings.trunk_port
        self.trunk = await self._open(Phone("127.0.0.2", self.asterisk.sip, local_port=port))
        self.trunk.on_incoming = self._outside
        self._taken: asyncio.Queue[Call] = asyncio.Queue()
        self.phones = {}
        for name in AGENTS:
            phone = await self._open(Phone("127.0.0.1", self.asterisk.sip, name, secret))
            await phone.register()
            self.phones[name] = phone
        watch = asyncio.create_task(self._watch())
        self._stack.callback(watch.cancel)
        return self

    async def _watch(self) -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.01)
            self.stalled = max(self.stalled, time.monotonic() - began - 0.01)

    async def __aexit__(self, *_error: object) -> None:
        for queue, interface in self._members:
            await self.asterisk.cli(f"queue remove member {interface} from {queue}")
        await self.asterisk.hangup_all()
        await self._stack.aclose()

    async def _open(self, phone: Phone) -> Phone:
        return await self._stack.enter_async_context(phone)

    # --- AMI

    async def _connect(self) -> None:
        reader, self._writer = await asyncio.open_connection(*self.asterisk.ami)
        task = asyncio.create_task(self._record(reader))
        self._stack.callback(task.cancel)
        self._stack.callback(self._writer.close)
        user, secret = self.asterisk.ami_user, self.asterisk.ami_secret
        await self.ami("Login", Username=user, Secret=secret)

    async def _record(self, reader: asyncio.StreamReader) -> None:
        framer = Framer()
        while data := await reader.read(65536):
            self.stream += data
            self.messages += [parse(raw) for raw in framer.feed(data)]
            self._news.set()

    async def ami(self, action: str, **headers: str) -> Message:
        """Carry an action out; fails when Asterisk refuses it."""
        self._action += 1
        action_id = f"rec-{self._action}"
        self._writer.write(encode_action(action, [("ActionID", action_id), *headers.items()]))
        reply = await self.news(lambda m: m.response != "" and m.action_id == action_id)
        if reply.response == "Error":
            raise RuntimeError(f"{action}: {reply.get('Message')}")
        return reply

    async def news(self, wanted: Callable[[Message], bool], *, after: int = 0) -> Message:
        """The first message that is wanted; waits for it."""
        async with asyncio.timeout(10):
            while True:
                for message in self.messages[after:]:
                    if wanted(message):
                        return message
                self._news.clear()
                await self._news.wait()

    async def said(self, event: str, *, after: int = 0) -> Message:
        """The first event of a type."""
        return await self.news(lambda message: message.event == event, after=after)

    def channel(self, interface: str) -> str:
        """The name of the newest channel of an interface."""
        names = [m.get("Channel") for m in self.messages if m.event == "Newchannel"]
        return next(name for name in reversed(names) if name.startswith(f"{interface}-"))

    async def add(self, interface: str, queue: str = "support", **headers: str) -> None:
        """Make a phone a member of a queue."""
        self._members.append((queue, interface))
        await self.ami("QueueAdd", Queue=queue, Interface=interface, **headers)

    async def quiet(self) -> None:
        """Wait until no call is left."""
        for phone in (self.trunk, *self.phones.values()):
            for call in phone.calls.values():
                await call.hangup()
        async with asyncio.timeout(10):
            while await self.asterisk.channels():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.2)

    # --- phones

    async def call_in(self, did: str, number: str = CUSTOMER) -> Call:
        """A customer calls; what is dialled first answers by itself."""
        call = await self.trunk.call(did, from_user=number)
        await call.answered(timeout=10)
        return call

    async def rings(self, agent: str) -> Call:
        """The agent's phone rings."""
        return await self.phones[agent].incoming(timeout=10)

    async def outside(self) -> Call:
        """An outside phone rings."""
        return await asyncio.wait_for(self._taken.get(), 10)

    async def _outside(self, call: Call) -> None:
        uri = call.invite.uri if call.invite else ""
        for number, status in ((BUSY, 486), (UNKNOWN, 404)):
            if number in uri:
                await asyncio.sleep(0.3)
                await call.reject(status)
                return
        self._taken.put_nowait(call)
