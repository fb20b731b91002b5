"""Websockets of a running server: snapshot, deltas, gaps, slow browsers, ended sessions."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, WSServerHandshakeError
from yarl import URL

from cti.domain import events as ev
from dashboard.client import DOES_NOT_READ, SESSION_ENDED, Client
from dashboard.merge_patch import apply
from dashboard.routes import COOKIE
from tests.unit.dashboard.conftest import OpenHouse
from tests.unit.dashboard.house import House, call

ANNA = "PJSIP/101"


class Tab:
    """What the page does with frames."""

    def __init__(self, ws: ClientWebSocketResponse) -> None:
        self.ws = ws
        self.seq = -1
        self.view: Any = None
        self.snapshots = 0

    async def frame(self) -> dict[str, Any]:
        message = await asyncio.wait_for(self.ws.receive(), 20)
        assert message.type is WSMsgType.TEXT, message
        frame: dict[str, Any] = message.json()
        if frame["type"] == "snapshot":
            self.seq, self.view, self.snapshots = frame["seq"], frame["view"], self.snapshots + 1
        elif frame["type"] == "delta":
            assert frame["prev"] == self.seq
            self.seq, self.view = frame["seq"], apply(self.view, frame["patch"])
        return frame

    async def until(self, wanted: Any) -> None:
        async with asyncio.timeout(20):
            while not wanted(self.view):
                await self.frame()

    async def closed(self) -> int:
        async with asyncio.timeout(20):
            while (message := await self.ws.receive()).type is WSMsgType.TEXT:
                pass
        assert message.type is WSMsgType.CLOSE, message
        return int(message.data)


@asynccontextmanager
async def tab_of(house: House, browser: ClientSession) -> AsyncIterator[Tab]:
    async with browser.ws_connect("/ws", headers={"Origin": house.origin}) as ws:
        tab = Tab(ws)
        await tab.frame()
        yield tab


async def anna(house: House) -> ClientSession:
    await house.user("anna", "agent", agent=ANNA, queues=["support"])
    return await house.browser("anna")


def offer(call_id: str = "c1") -> ev.AgentOffered:
    return ev.AgentOffered(
        at=5, call_id=call_id, offer_id=f"o-{call_id}", agent=ANNA, channel="PJSIP/101-1"
    )


def queued(n: int) -> ev.CallQueued:
    return ev.CallQueued(
        at=n, call_id=f"c{n}", entry_id=f"e{n}", queue="support", channel="x", leg="1", position=1
    )


async def test_a_snapshot_and_then_deltas(house: House) -> None:
    async with tab_of(house, await anna(house)) as tab:
        assert tab.view["me"]["username"] == "anna"
        assert tab.view["queues"] == {"support": {"waiting": {}}}
        house.record(offer())
        await tab.until(lambda view: "call" in view)
        house.record(ev.SwitchConnected(at=6, switch="sw1", asterisk_version="22"))
        await tab.until(lambda view: view["links"].get("sw1", {}).get("up"))
        assert tab.snapshots == 1
        assert tab.view["call"]["phase"] == "ringing"
        assert (await call(house.client, "GET", "/api/health"))[1]["link"] == "up"


async def test_two_tabs_of_one_agent_agree(house: House) -> None:
    browser = await anna(house)
    async with tab_of(house, browser) as first:
        house.record(offer())
        await first.until(lambda view: "call" in view)
        async with tab_of(house, browser) as second:
            assert (first.seq, first.view) == (second.seq, second.view)
            house.record(queued(7))
            frames = [await first.frame(), await second.frame()]
            assert frames[0] == frames[1]
            assert first.view == second.view


async def test_a_browser_that_found_a_gap_gets_a_snapshot(house: House) -> None:
    async with tab_of(house, await anna(house)) as tab:
        await tab.ws.send_json({"type": "resync"})
        assert (await tab.frame())["type"] == "snapshot"


@pytest.mark.parametrize("size", [1, 124, 125, 126, 65_534, 65_535, 65_536, 70_000])
async def test_frames_of_every_length_are_whole(house: House, size: int) -> None:
    async with tab_of(house, await anna(house)) as tab:
        (client,) = house.dashboard.hub._watches["anna"].clients
        assert client.offer(b"x" * size)
        assert client.offer(b"y" * (size + 1))
        got = [await asyncio.wait_for(tab.ws.receive_str(), 20) for _ in range(2)]
        assert got == ["x" * size, "y" * (size + 1)]


async def test_a_ping_is_answered(house: House) -> None:
    async with tab_of(house, await anna(house)) as tab:
        await tab.ws.send_json({"type": "ping"})
        assert (await tab.frame())["type"] == "pong"


@pytest.mark.parametrize(
    "text", ["", "{", "null", "[]", '{"type": 7}', '{"type": "drop"}', "[" * 900]
)
async def test_nonsense_from_a_browser_is_ignored(house: House, text: str) -> None:
    async with tab_of(house, await anna(house)) as tab:
        await tab.ws.send_str(text)
        await tab.ws.send_bytes(b"\x00\xff")
        await tab.ws.send_json({"type": "ping"})
        assert (await tab.frame())["type"] == "pong"


async def test_a_message_too_long_closes_this_browser_only(house: House) -> None:
    browser = await anna(house)
    async with tab_of(house, browser) as rude, tab_of(house, browser) as polite:
        await rude.ws.send_str("x" * 10_000)
        assert await rude.closed() == 1009
        house.record(offer())
        await polite.until(lambda view: "call" in view)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
async def test_another_site_gets_no_websocket(house: House, origin: str) -> None:
    browser = await anna(house)
    with pytest.raises(WSServerHandshakeError) as refused:
        await browser.ws_connect("/ws", headers={"Origin": origin} if origin else {})
    assert refused.value.status == 403


async def test_without_a_session_there_is_no_websocket(house: House) -> None:
    with pytest.raises(WSServerHandshakeError) as refused:
        await house.client.ws_connect("/ws", headers={"Origin": house.origin})
    assert refused.value.status == 401


async def test_log_out_closes_the_desk(house: House) -> None:
    browser = await anna(house)
    async with tab_of(house, browser) as tab:
        assert (await call(browser, "POST", "/api/logout"))[0] == 204
        assert await tab.closed() == SESSION_ENDED


async def test_an_expired_session_closes_the_desk(house: House) -> None:
    async with tab_of(house, await anna(house)) as tab:
        async with house.dashboard.deps.engine.begin() as connection:
            await connection.exec_driver_sql("UPDATE sessions SET expires_at = 0")
        assert await tab.closed() == SESSION_ENDED


async def test_an_open_desk_is_a_sign_of_life(house: House) -> None:
    async with tab_of(house, await anna(house)):
        async with house.dashboard.deps.engine.begin() as connection:
            await connection.exec_driver_sql("UPDATE sessions SET last_seen_at = last_seen_at - 60")
        seen = "SELECT last_seen_at - created_at FROM sessions"
        async with asyncio.timeout(20), house.dashboard.deps.engine.connect() as connection:
            while (await connection.exec_driver_sql(seen)).scalar_one() < 0:
                await asyncio.sleep(0.02)


async def test_a_change_of_the_name_is_a_fresh_snapshot(house: House) -> None:
    await house.user("root", "admin")
    async with tab_of(house, await anna(house)) as tab:
        admin = await house.browser("root")
        await call(admin, "PATCH", "/api/users/anna", {"name": "Anna Ivanova"})
        await tab.until(lambda view: view["me"]["name"] == "Anna Ivanova")


async def test_a_slow_browser_gets_one_snapshot_instead_of_everything(
    opened: OpenHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Client, "_write_now", lambda *_: False)  # it has not read the last one yet
    async with opened(client_buffer_messages=5) as house, tab_of(house, await anna(house)) as tab:
        for n in range(1, 60):  # without giving the browser's task a turn
            house.record(queued(n))
            house.dashboard.hub._tell()
        await tab.until(lambda view: len(view["queues"]["support"]["waiting"]) == 59)
        assert tab.snapshots == 2


async def test_the_call_on_a_desk_is_told_at_once_and_the_rest_is_gathered(house: House) -> None:
    async with tab_of(house, await anna(house)) as tab:
        for n in range(1, 20):
            house.record(queued(n))
        house.record(offer())
        house.record(queued(20))
        first, second = await tab.frame(), await tab.frame()
        assert first["patch"]["call"]["phase"] == "ringing"
        assert len(first["patch"]["queues"]["support"]["waiting"]) == 19
        assert list(second["patch"]["queues"]["support"]["waiting"]) == ["e20"]
        assert tab.snapshots == 1


async def test_what_happened_while_no_browser_was_open_is_in_the_snapshot(house: House) -> None:
    browser = await anna(house)
    for n in range(1, 2_500):
        house.record(queued(n))
    house.record(offer())
    async with tab_of(house, browser) as tab:
        assert len(tab.view["queues"]["support"]["waiting"]) == 2_499
        assert tab.view["call"]["phase"] == "ringing"


async def test_a_browser_that_does_not_read_is_left_and_delays_nobody(opened: OpenHouse) -> None:
    async with opened(client_stall_seconds=0.3, client_buffer_bytes=4096) as house:
        browser = await anna(house)
        reader = await _deaf(house, browser)
        async with tab_of(house, browser) as tab:
            assert house.dashboard.hub.clients == 2
            house.record(offer())
            await tab.until(lambda view: "call" in view)
            for n in range(1, 100):
                house.record(_long_story(n))
                await tab.until(lambda view, n=n: view["call"]["why"].endswith(f" {n}"))
            async with asyncio.timeout(30):
                while house.dashboard.hub.clients == 2:
                    n += 1
                    house.record(_long_story(n))
                    await tab.frame()
        rest = await asyncio.wait_for(_drained(reader), 20)
        assert b"snapshot" in rest


async def test_a_browser_that_reads_again_is_told_why_it_was_closed(opened: OpenHouse) -> None:
    async with opened(client_stall_seconds=0.2, client_buffer_bytes=4096) as house:
        browser = await anna(house)
        reader = await _deaf(house, browser)
        watch = house.dashboard.hub._watches["anna"]
        (client,) = watch.clients
        closing = asyncio.create_task(client.close(DOES_NOT_READ, b"the browser does not read"))
        rest = await asyncio.wait_for(_drained(reader), 20)
        await closing
        assert b"\x88" in rest
        assert DOES_NOT_READ.to_bytes(2) + b"the browser does not read" in rest


def _long_story(n: int) -> ev.Event:
    return ev.QueueMoved(
        at=n, call_id="c1", entry_id="e1", queue="support", from_rank=2, to_rank=1, of=2,
        priority=10, terms=(), waited=1, sentence="x" * 50_000 + f" {n}", policy="p",
    )  # fmt: skip


async def _deaf(house: House, browser: ClientSession) -> asyncio.StreamReader:
    """A browser with a small receive buffer that shakes hands and then reads nothing."""
    host, port = URL(house.origin).host, URL(house.origin).port
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, (host, port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=1024)
    token = browser.cookie_jar.filter_cookies(URL(house.origin))[COOKIE].value
    writer.write(
        f"GET /ws HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: {house.origin}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nCookie: {COOKIE}={token}\r\n\r\n".encode()
    )
    assert b"101" in await reader.readline()
    house.deaf.append(writer)
    return reader


async def _drained(reader: asyncio.StreamReader) -> bytes:
    data = b""
    try:
        while piece := await reader.read(65536):
            data += piece
            if b"the browser does not read" in data:
                return data
    except ConnectionError:
        pass
    return data


async def test_rows_that_cannot_be_made_end_the_hub_and_not_only_its_timer(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with tab_of(house, await anna(house)):
        hub = house.dashboard.hub
        assert hub._follower is not None
        monkeypatch.setattr(hub.desk, "changes", lambda: 1 // 0)
        house.record(queued(1))
        with pytest.raises(ZeroDivisionError):
            await asyncio.wait_for(asyncio.shield(hub._follower._failed), 5)
