"""The server as the browser sees it, without anything behind: the contract, and a test's wishes.

A test sets ``view`` and then changes it with ``patch``; what the browser sent is in ``received``.
Run ``python -m tests.browser.fake_server`` to look at the pages by hand.
"""

from __future__ import annotations

import asyncio
import io
import json
import math
import struct
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from dashboard.assets import Asset, add_page, read_assets
from dashboard.ladder import ladder
from dashboard.merge_patch import apply
from dashboard.security import headers_for
from tests.browser import samples
from tests.browser.samples import Json
from tests.unit.dashboard.test_ladder import call as a_call

STATIC = Path(__file__).resolve().parents[2] / "dashboard" / "static"
PASSWORD = "correct horse"


@cache
def tone(seconds: float = 6.0, rate: int = 8000) -> bytes:
    """A stereo WAV: another tone on each side."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((2, 2, rate, 0, "NONE", ""))
        for i in range(int(seconds * rate)):
            left, right = (int(9000 * math.sin(i * f / rate * 6.283)) for f in (440, 660))
            file.writeframesraw(struct.pack("<hh", left, right))
    return out.getvalue()


@cache
def page_files() -> dict[str, Asset]:
    """The page itself, as the real server serves it."""
    return read_assets(STATIC)


def problem(status: int, code: str, message: str, cure: str) -> web.Response:
    """The server's one shape of errors."""
    body = {"error": {"code": code, "message": message, "cure": cure}}
    return web.json_response(body, status=status)


class FakeServer:
    """One user's server. ``view`` is what their browser holds."""

    def __init__(self, user: Json | None = None, *, logged_in: bool = True) -> None:
        self.user = user or samples.me()
        self.logged_in = logged_in
        self.view = samples.view(self.user)
        self.seq = 100
        self.calls = samples.history()
        self.notes: list[Json] = [
            {
                "id": 1,
                "at": samples.now() - 6 * samples.DAY,
                "author": "Pavel Reznik",
                "text": "Prefers calls before noon.",
            }
        ]
        self.users = [
            {**samples.me(role), "active": True} for role in ("admin", "agent", "supervisor")
        ]
        self.callbacks: list[Json] = []
        self.received: list[tuple[str, str, Any]] = []
        self.resyncs = 0
        self.answers_pings = True
        self.broken_saves = 0
        self.custody = "intact"
        self.missing: list[Json] = []
        self.control_answers = asyncio.Event()
        self.control_answers.set()
        self.control_refused: tuple[str, str] | None = None
        self.refuse_sockets = False
        self.sockets: set[web.WebSocketResponse] = set()
        self.url = ""
        self._tone = tone()

    # --- what a test does ---

    async def patch(self, patch: Json, *, lose: bool = False) -> None:
        """Change the view and tell the browsers; ``lose``: the frame gets lost on the way."""
        self.view = apply(self.view, patch)
        before, self.seq = self.seq, self.seq + 1
        frame = {"type": "delta", "seq": self.seq, "prev": before, "at": samples.now()}
        for socket in () if lose else tuple(self.sockets):
            await socket.send_json({**frame, "patch": patch})

    async def show(self, view: Json) -> None:
        """Another view altogether, as a fresh snapshot."""
        self.view, self.seq = {**samples.view(self.user), **view}, self.seq + 1
        for socket in tuple(self.sockets):
            await self._snapshot(socket)

    async def cut(self, code: int = 1011) -> None:
        """Drop every websocket."""
        for socket in tuple(self.sockets):
            await socket.close(code=code)

    def sent(self, method: str, path: str) -> list[Any]:
        """The bodies of the requests ``method`` ``path``."""
        return [body for m, p, body in self.received if (m, p) == (method, path)]

    # --- HTTP ---

    def app(self) -> web.Application:
        """The routes."""
        app = web.Application(middlewares=[self._note])
        headers = headers_for(STATIC)

        async def prepare(_request: web.Request, response: web.StreamResponse) -> None:
            response.headers.update(headers)
            response.headers["Cache-Control"] = "no-cache"

        app.on_response_prepare.append(prepare)
        add_page(app, page_files())
        app.add_routes(
            [
                web.get("/ws", self._ws),
                web.post("/api/login", self._login),
                web.post("/api/logout", self._logout),
                web.get("/api/me", self._me),
                web.put("/api/me/password", self._password),
                web.put("/api/me/availability", self._availability),
                web.get("/api/calls", self._list_calls),
                web.get("/api/calls/{id}", self._one_call),
                web.get("/api/calls/{id}/ladder", self._ladder),
                web.get("/api/calls/{id}/raw", self._raw),
                web.put("/api/calls/{id}/disposition", self._disposition),
                web.put("/api/calls/{id}/place", self._place),
                web.get("/api/calls/{id}/place", self._why),
                web.get("/api/transfer-targets", self._targets),
                web.get("/api/calls/{id}/controls", self._controls),
                web.post("/api/calls/{id}/transfer", self._control),
                web.post("/api/calls/{id}/hangup", self._control),
                web.post("/api/calls/{id}/consult", self._control),
                web.post("/api/calls/{id}/consult/{how}", self._control),
                web.put("/api/calls/{id}/mute", self._control),
                web.post("/api/calls/{id}/digits", self._control),
                web.get("/api/customers", self._customers),
                web.get("/api/customers/{id}", self._customer),
                web.get("/api/customers/{id}/calls", self._list_calls),
                web.post("/api/customers/{id}/notes", self._add_note),
                web.get("/api/recordings", self._search),
                web.get("/api/recordings/{id}/audio", self._audio),
                web.get("/api/recordings/{id}/transcript", self._transcript),
                web.get("/api/recordings/{id}/peaks", self._peaks),
                web.get("/api/callbacks", self._list_callbacks),
                web.post("/api/callbacks/{id}/cancel", self._cancel_callback),
                web.post("/api/recordings/{id}/pause", self._pause),
                web.post("/api/recordings/{id}/resume", self._resume),
                web.get("/api/users", self._list_users),
                web.post("/api/users", self._add_user),
                web.patch("/api/users/{id}", self._change_user),
            ]
        )
        return app

    @web.middleware
    async def _note(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.method not in {"GET", "HEAD"}:
            assert request.headers.get("X-Ringdesk") == "1", "the page forgot its CSRF header"
            body = await request.json() if request.can_read_body else None
            self.received.append((request.method, request.path, body))
        response: web.StreamResponse = await handler(request)
        return response

    async def _login(self, request: web.Request) -> web.Response:
        if (await request.json())["password"] != PASSWORD:
            return problem(401, "wrong", "The name or the password is wrong.", "Try again.")
        self.logged_in = True
        return web.json_response({"user": self.user})

    async def _logout(self, _request: web.Request) -> web.Response:
        self.logged_in = False
        return web.Response(status=204)

    async def _me(self, _request: web.Request) -> web.Response:
        if not self.logged_in:
            return problem(401, "unauthorized", "Nobody is logged in.", "Log in.")
        return web.json_response({"user": self.user})

    async def _password(self, _request: web.Request) -> web.Response:
        return web.Response(status=204)

    async def _availability(self, request: web.Request) -> web.Response:
        body = await request.json()
        if not self.view["links"]["sw1"]["up"]:
            return problem(409, "not_connected", "The PBX is away.", "Wait for it.")
        await self.patch({"me": {**body, "since": samples.now(), "until": None}})
        return web.json_response({**body, "until": 0})

    async def _list_calls(self, request: web.Request) -> web.Response:
        before = int(request.query.get("before", str(1 << 62)).partition("-")[0])
        limit = int(request.query.get("limit", 50))
        rows = [row for row in self.calls if row["arrived_at"] < before]
        if outcome := request.query.get("outcome"):
            rows = [row for row in rows if row["outcome"] == outcome]
        if q := request.query.get("q"):
            rows = [row for row in rows if q.lower() in json.dumps(row).lower()]
        if customer := request.match_info.get("id"):
            rows = [row for row in rows if (row["customer"] or {}).get("id") == int(customer)]
        page = rows[:limit]
        last = page[-1] if len(rows) > limit else None
        more = f"{last['arrived_at']}-{last['call_id']}" if last else None
        return web.json_response({"calls": page, "next": more})

    async def _one_call(self, request: web.Request) -> web.Response:
        for row in self.calls:
            if row["call_id"] == request.match_info["id"]:
                steps = [
                    {
                        "seq": i,
                        "at": row["arrived_at"] + i * 3_000_000,
                        "type": "x",
                        "text": text,
                        "reconstructed": row["reconstructed"] and i > 6,
                    }
                    for i, text in enumerate(samples.STEPS)
                ]
                return web.json_response({"call": row, "steps": steps})
        return problem(404, "not_found", "There is no such call.", "Look in the list of calls.")

    async def _ladder(self, request: web.Request) -> web.Response:
        names = {"PJSIP/101": "Anna Petrova", "PJSIP/102": "Ivan Todorov"}
        call_id, events = request.match_info["id"], a_call()
        if any(row["reconstructed"] for row in self.calls if row["call_id"] == call_id):
            later = [msgspec.structs.replace(event, reconstructed=True) for event in events[-3:]]
            events = [*events[:-3], *later]
        drawn = ladder(call_id, events, lambda agent: names.get(agent, agent))
        return web.json_response(drawn.model_dump())

    async def _raw(self, _request: web.Request) -> web.Response:
        joined = next(event for event in a_call() if type(event).__name__ == "CallQueued")
        message = {"at": joined.at, "text": "Event: QueueCallerJoin\nQueue: support"}
        return web.json_response({"hours": 24, "messages": [message], "more": False})

    async def _disposition(self, request: web.Request) -> web.Response:
        if self.broken_saves:
            self.broken_saves -= 1
            return problem(503, "journal", "The disk is full.", "Free some space.")
        body, saved_at = await request.json(), samples.now()
        if (self.view["call"] or {}).get("call_id") == request.match_info["id"]:
            await self.patch({"call": {"disposition": {**body, "saved_at": saved_at}}})
        return web.json_response({"saved_at": saved_at})

    async def _why(self, request: web.Request) -> web.Response:
        def row(rank: int, sentence: str) -> samples.Json:
            return {
                "call_id": "", "rank": rank, "of": 4, "waited": 0, "label": "VIP", "terms": [],
                "sentence": sentence, "policy": "default@1f4c09ae", "must_be_served": False,
                "placed": "", "placed_by": "", "placed_why": "",
            }  # fmt: skip

        own = row(2, "VIP +120 s, waited 12 s: 2nd of 4")
        return web.json_response(
            {
                "call_id": request.match_info["id"],
                "switch": "sw1",
                "queue": "support",
                "at": int(request.query["at"]),
                "place": own,
                "before": [row(1, "must be served, Standard, waited 900 s: 1st of 4")],
                "behind": [row(3, "Standard, waited 70 s: 3rd of 4")],
                "last_move": "VIP +120 s, waited 1 s: 3rd of 5",
                "moved_at": None,
            }
        )

    async def _place(self, request: web.Request) -> web.Response:
        body, call_id = await request.json(), request.match_info["id"]
        for queue, row in self.view["queues"].items():
            for entry_id, caller in row["waiting"].items():
                if caller["call_id"] == call_id:
                    placed = body["placed"] or None
                    patch = {
                        "placed": placed,
                        "placed_at": samples.now() if placed else None,
                        "placed_by": "sam" if placed else None,
                        "placed_why": body["reason"] if placed else None,
                    }
                    await self.patch({"queues": {queue: {"waiting": {entry_id: patch}}}})
                    return web.json_response({**body, "by": "sam", "at": samples.now()})
        return problem(409, "not_waiting", "The caller does not wait any more.", "Look again.")

    async def _targets(self, _request: web.Request) -> web.Response:
        return web.json_response(samples.targets())

    async def _controls(self, _request: web.Request) -> web.Response:
        return web.json_response({"missing": self.missing})

    async def _control(self, request: web.Request) -> web.Response:
        await self.control_answers.wait()
        if self.control_refused:
            return problem(409, "refused", *self.control_refused)
        body = await request.json()
        if "muted" in body:
            await self.patch({"call": {"muted": body["muted"] or None}})
        if request.path.endswith("/consult"):
            await self.patch({"call": {"phase": "on_hold", "consults": "Ivan Todorov"}})
        if request.path.endswith("/back"):
            await self.patch({"call": {"phase": "talking", "consults": None}})
        if request.path.endswith(("/transfer", "/hangup", "/complete")):
            await self.patch({"call": {"phase": "ended", "ended_at": samples.now()}})
        return web.json_response({"call_id": request.match_info["id"], "at": samples.now()})

    async def _customers(self, request: web.Request) -> web.Response:
        q = request.query.get("q", "").lower()
        known = (samples.MARINA, samples.ANTON, samples.LENA)
        return web.json_response({"customers": [c for c in known if q in c["name"].lower()]})

    async def _customer(self, request: web.Request) -> web.Response:
        known = {c["id"]: c for c in (samples.MARINA, samples.ANTON, samples.LENA, samples.LONG)}
        customer = known[int(request.match_info["id"])]
        return web.json_response({"customer": customer, "notes": self.notes})

    async def _add_note(self, request: web.Request) -> web.Response:
        text = (await request.json())["text"]
        note = {
            "id": len(self.notes) + 1,
            "at": samples.now(),
            "author": self.user["name"],
            "text": text,
        }
        self.notes = [note, *self.notes]
        return web.json_response({"note": note})

    async def _pause(self, _request: web.Request) -> web.Response:
        until = samples.now() + 120 * samples.SECOND
        await self.patch({"call": {"recording": {"state": "paused", "until": until}}})
        return web.json_response({"until": until})

    async def _resume(self, _request: web.Request) -> web.Response:
        await self.patch({"call": {"recording": {"state": "recording", "until": None}}})
        return web.Response(status=204)

    async def _search(self, request: web.Request) -> web.Response:
        self.received.append(("GET", "/api/recordings", dict(request.query)))
        before = int(request.query.get("before", 1 << 62))
        rows = samples.found(self.calls, request.query["q"].lower())
        rows = [row for row in rows if row["recording"]["started_at"] < before]
        if speaker := request.query.get("speaker"):
            rows = [row for row in rows if row["hits"][0]["speaker"] == speaker]
        more = str(rows[19]["recording"]["started_at"]) if len(rows) > 20 else None
        return web.json_response({"found": rows[:20], "next": more})

    async def _audio(self, request: web.Request) -> web.Response:
        wanted = request.http_range
        part = self._tone[wanted.start or 0 : wanted.stop]
        start = wanted.start or 0
        headers = {
            "Content-Range": f"bytes {start}-{start + len(part) - 1}/{len(self._tone)}",
            "Accept-Ranges": "bytes",
        }
        return web.Response(body=part, status=206, content_type="audio/wav", headers=headers)

    async def _transcript(self, request: web.Request) -> web.Response:
        return web.json_response(samples.transcript(request.match_info["id"]))

    async def _peaks(self, _request: web.Request) -> web.Response:
        return web.json_response({**samples.peaks(), "custody": self.custody})

    async def _list_callbacks(self, _request: web.Request) -> web.Response:
        return web.json_response({"callbacks": self.callbacks})

    async def _cancel_callback(self, request: web.Request) -> web.Response:
        for row in self.callbacks:
            if row["callback_id"] == request.match_info["id"]:
                row["state"] = "cancelled"
                return web.json_response(row)
        return problem(404, "not_found", "There is no such open callback.", "Look again.")

    async def _list_users(self, _request: web.Request) -> web.Response:
        return web.json_response({"users": self.users})

    async def _add_user(self, request: web.Request) -> web.Response:
        body = await request.json()
        password = body.pop("password")
        self.users.append({**body, "active": True})
        made = {} if password else {"password": "lake-otter-piano-42"}
        return web.json_response({"user": self.users[-1], **made})

    async def _change_user(self, request: web.Request) -> web.Response:
        change = await request.json()
        for user in self.users:
            if user["username"] == request.match_info["id"]:
                user.update(change)
                return web.json_response({"user": user})
        return problem(404, "not_found", "There is no such person.", "Look in the list.")

    # --- the websocket ---

    async def _ws(self, request: web.Request) -> web.WebSocketResponse:
        if self.refuse_sockets or not self.logged_in:
            raise web.HTTPServiceUnavailable
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.add(socket)
        await self._snapshot(socket)
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._answer(socket, json.loads(message.data))
        finally:
            self.sockets.discard(socket)
        return socket

    async def _answer(self, socket: web.WebSocketResponse, asked: Json) -> None:
        if asked["type"] == "resync":
            self.resyncs += 1
            await self._snapshot(socket)
        elif asked["type"] == "ping" and self.answers_pings:
            await socket.send_json({"type": "pong", "at": samples.now()})

    async def _snapshot(self, socket: web.WebSocketResponse) -> None:
        frame = {"type": "snapshot", "seq": self.seq, "at": samples.now(), "view": self.view}
        await socket.send_json(frame)


@asynccontextmanager
async def serving(server: FakeServer, port: int = 0) -> AsyncIterator[FakeServer]:
    """The server on a port of this machine; its address is ``server.url``."""
    runner = web.AppRunner(server.app(), shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    bound = runner.addresses[0][1]
    server.url = f"http://127.0.0.1:{bound}/"
    try:
        yield server
    finally:
        await server.cut()
        await runner.cleanup()


async def _show() -> None:
    server = FakeServer()
    server.view["call"] = samples.call("ringing")
    async with serving(server, 8088):
        print(f"{server.url}  (Ctrl-C ends)")
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_show())
