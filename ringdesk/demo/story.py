"""The fixed scenario of ``ringdesk demo --once``: one VIP, from the ring to the transcript.

Two standard customers wait, a VIP calls last. The agent logs in over HTTP as a browser does and
chooses Available; the VIP must be first, must be on the agent's screen before the phone is picked
up, and must be found recorded, transcribed and noted in the history afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import aiohttp

from dashboard import merge_patch
from ringdesk.demo.call import Call
from ringdesk.demo.phone import Phone
from ringdesk.demo.robots import CONVERSATIONS, DID, Lines, converse
from ringdesk.demo.world import PASSWORD, World

VIP = "+447700900147"
STANDARD = ("+447700900152", "+447700900153")
TALK = CONVERSATIONS[0][:4]
SPOKEN = ("refund", "invoice", "account")
"""Words of the conversation; the transcript may miss one, as it does on a busy machine."""

View = Mapping[str, Any]


@dataclass(frozen=True)
class Step:
    """One thing that had to happen; ``seconds`` since the scenario began."""

    name: str
    ok: bool
    said: str
    seconds: float


@dataclass
class Story:
    """What happened."""

    steps: list[Step] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    @property
    def ok(self) -> bool:
        """Whether all of it happened."""
        return bool(self.steps) and all(step.ok for step in self.steps)

    def tell(self, name: str, ok: bool, said: str) -> None:
        """Write down a step."""
        self.steps.append(Step(name, ok, said, round(time.monotonic() - self.began, 2)))

    def as_dict(self) -> dict[str, Any]:
        """For JSON: ``ok``, ``seconds`` and the steps."""
        seconds = self.steps[-1].seconds if self.steps else 0.0
        return {"ok": self.ok, "seconds": seconds, "steps": [asdict(step) for step in self.steps]}


class Browser:
    """An agent's browser without a screen: the same HTTP and the same websocket."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._http = aiohttp.ClientSession(
            base_url=address,
            headers={"X-Ringdesk": "1", "Origin": address},
            cookie_jar=aiohttp.CookieJar(unsafe=True),
        )
        self._changed = asyncio.Condition()
        self._reader: asyncio.Task[None] | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self.view: Any = {}

    async def log_in(self, username: str) -> None:
        """Log in and follow the live view."""
        await self.post("/api/login", {"username": username, "password": PASSWORD})
        self._socket = await self._http.ws_connect("/ws")
        self._reader = asyncio.create_task(self._read(self._socket))
        await self.until(bool, 5)

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in socket:
            message = frame.json()
            async with self._changed:
                if message["type"] == "snapshot":
                    self.view = message["view"]
                elif message["type"] == "delta":
                    self.view = merge_patch.apply(self.view, message["patch"])
                self._changed.notify_all()

    async def until(self, holds: Callable[[Any], Any], seconds: float) -> Any:
        """What ``holds`` says of the view once it is true, or its last word after ``seconds``."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: holds(self.view))
        return holds(self.view)

    async def get(self, path: str) -> Any:
        """GET as JSON. Raises aiohttp.ClientResponseError."""
        async with self._http.get(path, raise_for_status=True) as response:
            return await response.json()

    async def post(self, path: str, body: Any) -> Any:
        """POST JSON, answer as JSON."""
        async with self._http.post(path, json=body, raise_for_status=True) as response:
            return await response.json()

    async def put(self, path: str, body: Any) -> Any:
        """PUT JSON, answer as JSON."""
        async with self._http.put(path, json=body, raise_for_status=True) as response:
            return await response.json()

    async def close(self) -> None:
        """Leave."""
        if self._socket:
            await self._socket.close()
        if self._reader:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        await self._http.close()


@contextlib.asynccontextmanager
async def browser_of(world: World, username: str) -> AsyncIterator[Browser]:
    """A logged-in browser."""
    browser = Browser(world.address)
    try:
        await browser.log_in(username)
        yield browser
    finally:
        await browser.close()


async def play_story(world: World) -> Story:
    """Play it on the real Asterisk. Never raises for what did not happen: it is told."""
    assert world.asterisk is not None  # noqa: S101 - the caller's choice
    sip, secret = world.asterisk.sip, world.asterisk.agent_password
    lines = Lines(world.folder / "lines", world.settings.ivr.speech.command)
    await lines.speak(TALK)
    story = Story()
    async with (
        Phone("127.0.0.1", sip, "101", secret) as desk,
        Phone("127.0.0.2", sip, local_port=world.asterisk.settings.trunk_port) as trunk,
        browser_of(world, "anna") as browser,
    ):
        await desk.register()
        callers = {number: await _call(trunk, number) for number in STANDARD}
        await asyncio.gather(*(_press(call, "1") for call in callers.values()))
        await _told(story, "waiting", browser, lambda view: _waiting(view) == 2, _waits)
        callers[VIP] = await _call(trunk, VIP)
        await _told(story, "reordered", browser, _vip_first, _order)
        await browser.put("/api/me/availability", {"availability": "available", "reason": ""})
        await _be_answered(story, browser, desk, callers, lines)
        await _look_back(story, browser)
        for call in callers.values():
            await call.hangup()
    return story


async def _call(trunk: Phone, number: str) -> Call:
    call = await trunk.call(DID, from_user=number)
    await call.answered(timeout=10)
    return call


async def _press(call: Call, digit: str) -> None:
    await asyncio.sleep(2)
    await call.send_digits(digit)


async def _told(
    story: Story,
    name: str,
    browser: Browser,
    holds: Callable[[Any], Any],
    says: Callable[[Any], str],
    seconds: float = 15,
) -> None:
    ok = bool(await browser.until(holds, seconds))
    story.tell(name, ok, says(browser.view))


def _entries(view: View) -> list[Any]:
    queue = view.get("queues", {}).get("support", {})
    return sorted(queue.get("waiting", {}).values(), key=lambda entry: int(entry["virtual_join"]))


def _waiting(view: View) -> int:
    return len(_entries(view))


def _waits(view: View) -> str:
    return f"{_waiting(view)} standard customers wait in support"


def _vip_first(view: View) -> bool:
    entries = _entries(view)
    return len(entries) == 3 and entries[0]["number"] == VIP


def _order(view: View) -> str:
    said = [f"{entry['name'] or entry['number']} ({entry['label']})" for entry in _entries(view)]
    return "in the order of serving: " + ", ".join(said)


async def _be_answered(
    story: Story, browser: Browser, desk: Phone, callers: Mapping[str, Call], lines: Lines
) -> None:
    ringing = await desk.incoming(timeout=15)
    story.tell("vip_first", ringing.caller == VIP, f"phone 101 rings for {ringing.caller}")
    await _told(story, "pop_before_answer", browser, _pop, _pop_said, 5)
    await ringing.answer()
    await _told(story, "talking", browser, lambda v: _phase(v) == "talking", _why)
    customer = callers.get(ringing.caller)
    if customer:
        await converse(TALK, {"agent": ringing, "customer": customer}, lines)
    await ringing.hangup()
    await _told(story, "ended", browser, lambda v: _phase(v) == "ended", lambda v: _phase(v))


def _phase(view: View) -> str:
    return str((view.get("call") or {}).get("phase", ""))


def _pop(view: View) -> bool:
    call = view.get("call") or {}
    customer = (call.get("pop") or {}).get("customer") or {}
    return call.get("phase") == "ringing" and customer.get("tier") == "vip"


def _pop_said(view: View) -> str:
    call = view.get("call") or {}
    customer = (call.get("pop") or {}).get("customer") or {}
    return (
        f"on anna's screen while {call.get('phase', 'nothing')}: {customer.get('name', 'nobody')}"
    )


def _why(view: View) -> str:
    return str((view.get("call") or {}).get("why") or "no reason shown")


async def _look_back(story: Story, browser: Browser) -> None:
    """What is left of the call: note, recording, transcript, history."""
    call_id = (browser.view.get("call") or {}).get("call_id", "")
    note = {"note": "Wants a refund for October", "topic": "billing", "result": "solved"}
    await browser.put(f"/api/calls/{call_id}/disposition", {**note, "customer_id": None})
    call = await _until(lambda: _call_row(browser, call_id), _is_complete, 20)
    story.tell("history", call["outcome"] == "answered", f"history: {call['outcome']}")
    story.tell("note", call["note"] == note["note"], f"note: {call['note']!r}")
    recording = next(iter(call["recordings"]), {"state": "none", "transcript": "none", "id": ""})
    story.tell("recorded", recording["state"] == "stored", f"recording {recording['state']}")
    said = await _transcript(browser, recording)
    missing = [word for word in SPOKEN if word not in said.get("customer", "")]
    story.tell(
        "transcribed",
        len(missing) <= 1,
        f"the customer said: {said.get('customer', '')}" if said else "no transcript",
    )


async def _call_row(browser: Browser, call_id: str) -> Any:
    return (await browser.get(f"/api/calls/{call_id}"))["call"]


def _is_complete(call: Any) -> bool:
    transcripts = [recording["transcript"] for recording in call["recordings"]]
    return bool(call["outcome"]) and bool(transcripts) and set(transcripts) <= {"ready", "failed"}


async def _until(
    read: Callable[[], Awaitable[Any]], holds: Callable[[Any], bool], seconds: float
) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        value = await read()
        if holds(value) or time.monotonic() > deadline:
            return value
        await asyncio.sleep(0.2)


async def _transcript(browser: Browser, recording: Any) -> dict[str, str]:
    """What each side said, as one text."""
    if recording["transcript"] != "ready":
        return {}
    transcript = await browser.get(f"/api/recordings/{recording['id']}/transcript")
    said: dict[str, list[str]] = {}
    for segment in transcript["segments"]:
        said.setdefault(segment["speaker"], []).append(segment["text"])
    return {speaker: " ".join(texts) for speaker, texts in said.items()}


async def play_replay_story(world: World) -> Story:
    """On the replay PBX: a recorded call rings at an agent, and pops up."""
    story = Story()
    async with browser_of(world, "anna") as browser:
        await _told(
            story,
            "ringing",
            browser,
            lambda view: _phase(view) == "ringing",
            lambda view: f"anna's phone: {_phase(view) or 'nothing happened'}",
            90,
        )
        await _told(story, "talking", browser, lambda view: _phase(view) == "talking", _phase, 60)
        await _told(story, "ended", browser, lambda view: _phase(view) == "ended", _phase, 90)
    return story
