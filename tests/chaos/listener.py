"""A second listener at the PBX's AMI, read without any of Ringdesk's readers.

It stands for what a program can know at best: CEL has the moment at which the PBX published what
happened, while an AMI event has the one at which the manager's thread wrote it down. On a busy
machine that was 146 ms later once. Nothing in an AMI event tells the earlier moment, and all
sessions get the same stamp; so what Ringdesk saw is held against both, and must be within 20 ms of
the time between them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path

Message = dict[str, str]

_SAID_BY = {
    "CHAN_START": "Newchannel",
    "HANGUP": "Hangup",
    "BRIDGE_ENTER": "BridgeEnter",
    "BRIDGE_EXIT": "BridgeLeave",
}
AGAIN_SECONDS = 0.05


@contextlib.asynccontextmanager
async def listening(
    ami: tuple[str, int], user: str, secret: str, tape: Path
) -> AsyncIterator[None]:
    """Write to ``tape`` all that the PBX says, also after it has booted again."""
    task = asyncio.create_task(_listen(ami, user, secret, tape))
    try:
        await _heard(tape, task)
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _listen(ami: tuple[str, int], user: str, secret: str, tape: Path) -> None:
    login = f"Action: Login\r\nUsername: {user}\r\nSecret: {secret}\r\n\r\n".encode()
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection(*ami)
            with contextlib.closing(writer), tape.open("ab") as file:
                writer.write(login)
                while data := await reader.read(65536):
                    file.write(data)
                    file.flush()
        await asyncio.sleep(AGAIN_SECONDS)


async def _heard(tape: Path, task: asyncio.Task[None]) -> None:
    async with asyncio.timeout(30):
        while not (tape.exists() and b"Event: FullyBooted" in tape.read_bytes()):
            assert not task.done(), task
            await asyncio.sleep(0.02)


def said(tape: Path) -> Mapping[tuple[str, str], list[float]]:
    """When which kind of event was told of which leg (Uniqueid), in order."""
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    for text in tape.read_bytes().decode("utf-8", "replace").split("\r\n\r\n"):
        lines = (line.partition(": ") for line in text.split("\r\n"))
        message = {name: value for name, _, value in lines}
        if "Timestamp" in message and "Event" in message:
            times[message["Event"], message.get("Uniqueid", "")].append(float(message["Timestamp"]))
    return times


def as_said(rows: Iterable[Message], times: Mapping[tuple[str, str], list[float]]) -> list[Message]:
    """CEL's rows of one call with the times at which the same was said over AMI, where it was.

    A wait begins and ends when the queue says so, or when its caller begins to hang up.
    """
    counts: dict[tuple[str, str], int] = defaultdict(int)
    found: list[Message] = []
    caller = ""
    for row in rows:
        leg, kind = row["leg"], row["kind"]
        caller = caller or leg
        event = _SAID_BY.get(kind, "")
        if kind in ("APP_START", "APP_END") and row["app"] == "Queue":
            event = "QueueCallerJoin" if kind == "APP_START" else "QueueCallerLeave"
        if kind == "ANSWER" and row["app"] == "AppQueue":
            event, leg = "QueueCallerLeave", caller
        if event == "QueueCallerLeave" and times.get(("QueueCallerAbandon", leg)):
            event = "HangupRequest"
        place = counts[event, leg]
        counts[event, leg] += 1
        stamps = times.get((event, leg), [])
        found.append(row | {"at": str(stamps[place])} if place < len(stamps) else row)
    return found
