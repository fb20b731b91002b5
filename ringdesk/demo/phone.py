"""A robot telephone in asyncio: SIP over UDP, PCMU, RFC 4733. Twenty in a process are fine.

    async with Phone("127.0.0.1", server, user="101", password=secret) as agent:
        await agent.register()
        call = await agent.incoming(timeout=10)
        await call.answer()

    async with Phone("127.0.0.2", server) as customer:
        call = await customer.call("400", from_user="+447700900147")
        await call.answered(timeout=5)
        await call.send_digits("1")

Retransmits requests; does not repeat its own 200 (loopback and LAN lose nothing worth it).
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Self

from ringdesk.demo.call import Call, CallFailed, Dialog
from ringdesk.demo.media import Media
from ringdesk.demo.sip import (
    Headers,
    Request,
    Response,
    SipError,
    authorization,
    parameter,
    parse_challenge,
    response_to,
)
from ringdesk.demo.sip_transport import SipTransport, target_of

REGISTER_EXPIRES = 300
"""Seconds a registration lives; it is renewed at half of that."""
_REMEMBERED = 60.0
"""Seconds an ended call is kept."""

OnIncoming = Callable[[Call], Awaitable[None]]

__all__ = ["Call", "CallFailed", "Phone", "RegistrationFailed"]


class RegistrationFailed(RuntimeError):
    """The server refused our REGISTER: user, password or network address is wrong."""


class Phone:
    """One user agent on one UDP port of `local_ip`.

    server: (ip, port) of the PBX. user, password: for REGISTER and challenged requests.
    local_port: 0 for any free one. on_incoming: called as a task for each incoming call;
    without it, fetch them by `incoming()`. busy: answer 486 to every new call.
    """

    def __init__(
        self,
        local_ip: str,
        server: tuple[str, int],
        user: str = "anonymous",
        password: str = "",
        *,
        local_port: int = 0,
        display_name: str = "",
    ) -> None:
        self.local_ip = local_ip
        self.server = server
        self.user = user
        self.on_incoming: OnIncoming | None = None
        self.busy = False
        self.calls: dict[str, Call] = {}
        self._password = password
        self._local_port = local_port
        self._display_name = display_name
        self._waiting: asyncio.Queue[Call] = asyncio.Queue()
        self._tasks: set[asyncio.Future[object]] = set()
        self._registered = False
        self._transport: SipTransport | None = None

    async def __aenter__(self) -> Self:
        local = (self.local_ip, self._local_port)
        self._transport = await SipTransport.open(local, self.server, self._take, self._stray)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Hang up everything, unregister, free the port. Takes a second at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await asyncio.gather(*(c.hangup() for c in self._live()), return_exceptions=True)
                if self._registered:
                    await self._register_once(0)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for call in self._live():
            call.lost()
        self._sip.close()

    @property
    def contact(self) -> str:
        """Our Contact header."""
        return f"<sip:{self.user}@{self.local_ip}:{self._sip.local[1]}>"

    @property
    def port(self) -> int:
        """The UDP port we listen on."""
        return self._sip.local[1]

    async def register(self) -> None:
        """Register now and renew for as long as the phone lives. Raises RegistrationFailed."""
        await self._register_once(REGISTER_EXPIRES)
        if not self._registered:
            self._registered = True
            self.run(self._renew())

    async def call(
        self, number: str, *, from_user: str = "", from_name: str = "", headers: Headers = ()
    ) -> Call:
        """Dial; returns at once with a Call that rings. Await `call.answered()` next."""
        media = await Media.open(self.local_ip)
        host = f"{self.server[0]}:{self.server[1]}"
        name = from_name or self._display_name
        quoted = f'"{name}" ' if name else ""
        local = f"{quoted}<sip:{from_user or self.user}@{self.local_ip}>;tag={_token()}"
        dialog = Dialog(_token(), local, f"<sip:{number}@{host}>", f"sip:{number}@{host}")
        call = self._keep(Call(self, dialog, media))
        self.run(call.place(headers))
        return call

    async def incoming(self, timeout: float | None = None) -> Call:  # noqa: ASYNC109
        """The next incoming call, ringing. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while True:
                call = await self._waiting.get()
                if not call.is_ended:  # the caller may have given up meanwhile
                    return call

    # --- Line, for Call

    async def request(
        self,
        request: Request,
        *,
        branch: str = "",
        on_provisional: Callable[[Response], None] | None = None,
    ) -> Response:
        """Send a request, with our password if the server asks for it."""
        response = await self._sip.request(self._sip.with_via(request, branch), on_provisional)
        if response.status not in (401, 407) or not self._password:
            return response
        authorized = self._sip.with_via(self._authorize(request, response))
        call = self.calls.get(request.get("Call-ID"))
        if call:
            call.dialog.cseq = authorized.cseq[0]
            if branch:  # a later CANCEL must name this transaction
                call.branch = authorized.branch
        return await self._sip.request(authorized, on_provisional)

    def respond(self, request: Request, response: Response) -> None:
        """Answer a request."""
        self._sip.respond(request, response)

    def acknowledge(self, request: Request) -> None:
        """Send an ACK, a transaction of its own."""
        self._sip.send(self._sip.with_via(request))

    def run(self, work: Awaitable[object]) -> None:
        """Do some work beside; it ends with the phone."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- inside

    @property
    def _sip(self) -> SipTransport:
        if not self._transport:
            raise RuntimeError("open the phone first: async with Phone(...)")
        return self._transport

    def _live(self) -> list[Call]:
        return [call for call in self.calls.values() if not call.is_ended]

    def _keep(self, call: Call) -> Call:
        # Ended calls stay a while: the other side may still repeat itself.
        long_ago = time.time() - _REMEMBERED
        over = [k for k, c in self.calls.items() if c.ended_at and c.ended_at < long_ago]
        for call_id in over:
            del self.calls[call_id]
        self.calls[call.dialog.call_id] = call
        return call

    def _authorize(self, request: Request, response: Response) -> Request:
        proxy = response.status == 407
        challenge = parse_challenge(
            response.get("Proxy-Authenticate" if proxy else "WWW-Authenticate")
        )
        value = authorization(
            challenge, self.user, self._password, request.method, request.uri, _token()
        )
        number, method = request.cseq
        kept = tuple(h for h in request.headers if h[0] != "CSeq")
        name = "Proxy-Authorization" if proxy else "Authorization"
        return replace(request, headers=(*kept, ("CSeq", f"{number + 1} {method}"), (name, value)))

    async def _register_once(self, expires: int) -> None:
        address = f"<sip:{self.user}@{self.server[0]}>"
        headers: Headers = (
            ("Max-Forwards", "70"),
            ("From", f"{address};tag={_token()}"),
            ("To", address),
            ("Call-ID", _token()),
            ("CSeq", "1 REGISTER"),
            ("Contact", self.contact),
            ("Expires", str(expires)),
        )
        uri = f"sip:{self.server[0]}:{self.server[1]}"
        response = await self.request(Request(headers, b"", "REGISTER", uri))
        if response.status >= 300:
            raise RegistrationFailed(
                f"{self.user} cannot register at {uri}: {response.status} {response.reason}; "
                "check the user, the password and the address the phone is bound to"
            )

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(REGISTER_EXPIRES / 2)
            with suppress(TimeoutError, RegistrationFailed):  # the PBX restarts: try again later
                await self._register_once(REGISTER_EXPIRES)

    def _take(self, request: Request) -> None:
        call = self.calls.get(request.get("Call-ID"))
        if request.method == "ACK":
            return
        if request.method == "INVITE" and not parameter(request.get("To"), "tag"):
            self._take_invite(request)
        elif request.method == "CANCEL":
            self.respond(request, response_to(request, 200, "OK"))
            if call:
                call.cancelled()
        elif call and not call.is_ended:
            call.handle(request)
        elif request.method in ("OPTIONS", "NOTIFY"):
            self.respond(request, response_to(request, 200, "OK", to_tag=_token()))
        else:
            self.respond(request, response_to(request, 481, "Call Does Not Exist"))

    def _take_invite(self, request: Request) -> None:
        if self.busy:
            self.respond(request, response_to(request, 486, "Busy Here", to_tag=_token()))
            return
        # At once: a repeat of this INVITE finds an answer while the port is being opened.
        self.respond(request, response_to(request, 100, "Trying"))
        self.run(self._ring(request))

    async def _ring(self, request: Request) -> None:
        local = f"{request.get('To')};tag={_token()}"
        remote = request.get("From")
        dialog = Dialog(request.get("Call-ID"), local, remote, target_of(request, ""))
        media = await Media.open(self.local_ip)
        call = self._keep(Call(self, dialog, media, request))
        call.ring()
        if self.on_incoming:
            await self.on_incoming(call)
        else:
            self._waiting.put_nowait(call)

    def _stray(self, response: Response) -> None:
        with suppress(SipError):
            call = self.calls.get(response.get("Call-ID"))
            if call and response.cseq[1] == "INVITE" and 200 <= response.status < 300:
                call.acknowledge_again()


def _token() -> str:
    return secrets.token_hex(8)
