"""The three ways from an AMI line to a browser, each run in a process of its own.

`ringdesk` is the whole server as `ringdesk serve` runs it: rights, journal on SQLite, customers'
look-up, queue order, log. The others do nothing but carry the message.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import uvloop
from aiohttp import WSMsgType, web
from panoramisk import Manager
from pydantic import SecretStr

from bench.paced_pbx import AGENT
from cti.ami.settings import AmiSettings
from ringdesk import logs
from ringdesk.demo.world import PASSWORD, demo_settings, running
from ringdesk.server import collect_seldom

USER = "ringdesk"


@dataclass(frozen=True)
class Door:
    """Where the browser goes; with a log-in when ``username`` is given."""

    port: int
    path: str = "/ws"
    username: str = ""
    password: str = ""


def ringdesk(port: int, secret: str, ready: Connection) -> None:
    """The whole server. Recording is off: there is no media to record."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sys.stderr = (folder / "log").open("w", buffering=1)
        logs.set_up("text", "info")
        uvloop.run(_ringdesk(folder, port, secret, ready))


async def _ringdesk(folder: Path, port: int, secret: str, ready: Connection) -> None:
    ami = AmiSettings(port=port, username=USER, secret=SecretStr(secret))
    settings = demo_settings(folder, ami, port=0, agi_port=0, espeak="espeak-ng")
    for menu in settings.ivr.menus_folder.glob("*.toml"):
        menu.unlink()
    (settings.ivr.menus_folder / "main.toml").write_text(
        'title = "Nobody calls in"\n[step.on]\ndo = "play"\nprompt = { sound = "beep" }\n'
        'go = "queue support"\n'
    )
    off = settings.recordings.model_copy(update={"enabled": False})
    settings = settings.model_copy(update={"recordings": off})
    async with running(settings):
        collect_seldom()  # as `ringdesk serve` does
        ready.send(Door(settings.dashboard.port, "/ws", "anna", PASSWORD))
        await asyncio.to_thread(ready.recv)


class RelayProtocol(asyncio.Protocol):
    """Every read from the PBX goes out as one frame, unseen."""

    def __init__(self, secret: str) -> None:
        self.browsers: set[asyncio.Transport] = set()
        self._secret = secret

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        login = f"Action: Login\r\nUsername: {USER}\r\nSecret: {self._secret}\r\n\r\n"
        transport.write(login.encode())  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        size = len(data)
        head = b"\x82\x7e" + size.to_bytes(2) if 125 < size < 65536 else _other_head(size)
        for browser in self.browsers:
            if not browser.is_closing():
                browser.write(head + data)


def _other_head(size: int) -> bytes:
    return b"\x82" + (bytes([size]) if size <= 125 else b"\x7f" + size.to_bytes(8))


def relay(port: int, secret: str, ready: Connection) -> None:
    """The floor: what two sockets and an event loop (uvloop) cost."""
    uvloop.run(_relay(port, secret, ready))


async def _relay(port: int, secret: str, ready: Connection) -> None:
    loop = asyncio.get_running_loop()
    _, protocol = await loop.create_connection(lambda: RelayProtocol(secret), "127.0.0.1", port)

    async def browser(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        assert request.transport is not None
        protocol.browsers.add(request.transport)
        await ws.send_str("{}")
        async for _ in ws:
            pass
        protocol.browsers.discard(request.transport)
        return ws

    await _serve(browser, ready)


def panoramisk(port: int, secret: str, ready: Connection) -> None:
    """The peer: the program one writes with panoramisk and aiohttp, on asyncio's own loop."""
    asyncio.run(_panoramisk(port, secret, ready))


async def _panoramisk(port: int, secret: str, ready: Connection) -> None:
    manager = Manager(
        loop=asyncio.get_running_loop(), host="127.0.0.1", port=port, username=USER, secret=secret
    )
    browsers: dict[str, set[web.WebSocketResponse]] = {AGENT: set()}

    async def agent_called(_manager: Manager, event: Mapping[str, str]) -> None:
        for ws in browsers.get(event["Interface"], ()):
            await ws.send_json(
                {
                    "call_id": event["Linkedid"],
                    "number": event["CallerIDNum"],
                    "name": event["CallerIDName"],
                    "queue": event["Queue"],
                }
            )

    manager.register_event("AgentCalled", agent_called)
    await manager.connect()

    async def browser(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        await ws.send_str("{}")
        browsers[AGENT].add(ws)
        async for message in ws:
            assert message.type is not WSMsgType.ERROR
        browsers[AGENT].discard(ws)
        return ws

    await _serve(browser, ready)


async def _serve(browser: Callable[[web.Request], web.StreamResponse], ready: Connection) -> None:
    app = web.Application()
    app.router.add_get("/ws", browser)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    ready.send(Door(runner.addresses[0][1]))
    await asyncio.to_thread(ready.recv)
    await runner.cleanup()


CONTENDERS = {"byte relay": relay, "Ringdesk": ringdesk, "panoramisk + aiohttp": panoramisk}
