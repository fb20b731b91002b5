from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from cti.agi.server import (
    AgiHangup,
    AgiLimits,
    AgiRefused,
    AgiServer,
    AgiSession,
    AgiTimeout,
)

ENVIRONMENT = b"agi_network: yes\nagi_network_script: menu/main\nagi_uniqueid: 1.1\n\n"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def one_command(session: AgiSession) -> None:
    await session.command("SET", "VARIABLE", "A", session.env["agi_uniqueid"])


@asynccontextmanager
async def serving(
    handler: Callable[[AgiSession], Awaitable[None]] = one_command,
    allow: str = "127.0.0.0/8",
    limits: AgiLimits | None = None,
) -> AsyncIterator[AgiServer]:
    server = AgiServer(
        handler, host="127.0.0.1", port=0, allow=[ipaddress.ip_network(allow)], limits=limits
    )
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def connect(server: AgiServer) -> Streams:
    return await asyncio.open_connection("127.0.0.1", server.port)


async def counted(server: AgiServer, how: str, times: int = 1) -> None:
    async with asyncio.timeout(5):
        while server.counts[how] < times:
            await asyncio.sleep(0.005)
    assert server.counts[how] == times


async def is_closed(reader: asyncio.StreamReader) -> bool:
    async with asyncio.timeout(5):
        try:
            while await reader.read(4096):
                pass
        except ConnectionResetError:
            pass
    return True


async def served(server: AgiServer) -> None:
    """A good call from beginning to end."""
    before = server.counts["served"]
    reader, writer = await connect(server)
    writer.write(ENVIRONMENT)
    assert await reader.readline() == b"SET VARIABLE A 1.1\n"
    writer.write(b"200 result=1\n")
    assert await reader.read() == b""
    writer.close()
    await counted(server, "served", before + 1)


async def test_a_call_is_served() -> None:
    async with serving() as server:
        await served(server)


async def test_connect_and_close_harms_nobody() -> None:
    async with serving() as server:
        for _ in range(50):
            _, writer = await connect(server)
            writer.close()
        await counted(server, "hangup", 50)
        await served(server)


async def test_a_silent_client_is_closed_after_the_deadline_while_others_are_served() -> None:
    async with serving(limits=AgiLimits(environment_seconds=0.2)) as server:
        reader, writer = await connect(server)
        half_reader, half = await connect(server)
        half.write(ENVIRONMENT[:30])
        await served(server)
        assert await is_closed(reader)
        assert await is_closed(half_reader)
        await counted(server, "silent", 2)
        writer.close()
        half.close()


@pytest.mark.parametrize("data", [b"x" * 100_000, b"agi_a: 1\n" * 5000, b"GET / HTTP/1.0\n\n"])
async def test_a_client_that_speaks_no_agi_is_closed(data: bytes) -> None:
    async with serving() as server:
        reader, writer = await connect(server)
        writer.write(data)
        assert await is_closed(reader)
        await counted(server, "not_agi")
        await served(server)
        writer.close()


async def test_rubbish_instead_of_a_reply_ends_the_session() -> None:
    async with serving() as server:
        reader, writer = await connect(server)
        writer.write(ENVIRONMENT + b"rubbish\n")
        assert await is_closed(reader)
        await counted(server, "not_agi")
        writer.close()


async def test_more_sessions_than_allowed_are_refused_at_once() -> None:
    async with serving(limits=AgiLimits(sessions=1)) as server:
        first_reader, first = await connect(server)
        first.write(ENVIRONMENT)
        await first_reader.readline()
        reader, second = await connect(server)
        assert await is_closed(reader)
        await counted(server, "too_many")
        first.close()
        await counted(server, "hangup")
        await served(server)
        second.close()


async def test_a_stranger_is_refused() -> None:
    async with serving(allow="192.0.2.0/24") as server:
        reader, writer = await connect(server)
        assert await is_closed(reader)
        await counted(server, "not_allowed")
        writer.close()


async def test_a_failing_handler_ends_only_its_own_session() -> None:
    async def fail(session: AgiSession) -> None:
        if "agi_bad" in session.env:
            raise RuntimeError("a defect")
        await one_command(session)

    async with serving(fail) as server:
        reader, writer = await connect(server)
        writer.write(b"agi_bad: 1\n\n")
        assert await is_closed(reader)
        assert server.counts["failed"] == 1
        await served(server)
        writer.close()


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (b"510 Invalid or unknown command\n", AgiRefused, "510 Invalid"),
        (b"520-Invalid\nusage\n520 End\n", AgiRefused, "520 520-Invalid"),
        (b"511 Command Not Permitted on a dead channel\n", AgiHangup, "channel is gone"),
        (b"", AgiTimeout, "no answer to NOOP within 0.2"),
    ],
)
async def test_commands_that_fail(answer: bytes, error: type[Exception], message: str) -> None:
    async def handler(session: AgiSession) -> None:
        with pytest.raises(error, match=message):
            await session.command("NOOP", timeout=0.2)
        caught.set()

    caught = asyncio.Event()
    async with serving(handler) as server:
        _, writer = await connect(server)
        writer.write(ENVIRONMENT + answer)
        async with asyncio.timeout(5):
            await caught.wait()
        writer.close()


async def test_a_hangup_line_between_replies_ends_after_the_reply() -> None:
    async def handler(session: AgiSession) -> None:
        replies.append((await session.command("NOOP")).result)
        await session.command("NOOP")
        replies.append("never")

    replies: list[str] = []
    async with serving(handler) as server:
        _, writer = await connect(server)
        writer.write(ENVIRONMENT + b"HANGUP\n200 result=7\n")
        await counted(server, "hangup")
        assert replies == ["7"]
        writer.close()


async def test_stopping_waits_for_the_running_calls_and_takes_no_more() -> None:
    async with serving() as server:
        reader, writer = await connect(server)
        writer.write(ENVIRONMENT)
        await reader.readline()
        stopping = asyncio.create_task(server.stop())
        await asyncio.sleep(0.02)
        with pytest.raises(OSError, match=r"refused|failed"):
            await asyncio.open_connection("127.0.0.1", server.port)
        assert not stopping.done()
        writer.write(b"200 result=1\n")
        await stopping
        assert server.counts == {"served": 1}
        writer.close()


async def test_stopping_has_a_deadline() -> None:
    async with serving(limits=AgiLimits(drain_seconds=0.1)) as server:
        reader, writer = await connect(server)
        writer.write(ENVIRONMENT)
        await reader.readline()
        async with asyncio.timeout(2):
            await server.stop()
        assert server.counts == {"stopped": 1}
        assert await is_closed(reader)
        writer.close()


async def test_run_serves_until_cancelled() -> None:
    server = AgiServer(one_command, host="127.0.0.1", port=0)
    task = asyncio.create_task(server.run())
    async with asyncio.timeout(5):
        while not server.port:
            await asyncio.sleep(0.005)
    await served(server)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
