"""SIP transactions over UDP (RFC 3261, section 17): retransmission, answers kept for repeats."""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Self, cast

from ringdesk.demo.sip import Request, Response, SipError, address_uri, parse

T1 = 0.5
"""Seconds before the first retransmission."""
T2 = 4.0
"""Longest pause between retransmissions, seconds."""
GIVE_UP = 32.0
"""Seconds after which a request without any response has failed (64 * T1)."""
_KEPT_ANSWERS = 512


class SipTimeout(TimeoutError):
    """The server never answered a request."""


class SipTransport(asyncio.DatagramProtocol):
    """One UDP socket which talks to one server; datagrams of others are ignored."""

    def __init__(
        self,
        server: tuple[str, int],
        on_request: Callable[[Request], None],
        on_stray: Callable[[Response], None],
    ) -> None:
        self.server = server
        self.local: tuple[str, int] = ("", 0)
        self._on_request = on_request
        self._on_stray = on_stray
        self._transport: asyncio.DatagramTransport | None = None
        self._waiting: dict[tuple[str, str], asyncio.Queue[Response]] = {}
        self._answers: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    @classmethod
    async def open(
        cls,
        local: tuple[str, int],
        server: tuple[str, int],
        on_request: Callable[[Request], None],
        on_stray: Callable[[Response], None],
    ) -> Self:
        """Bind `local` (port 0: any free one). `on_stray` gets repeated final responses."""
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_datagram_endpoint(
            lambda: cls(server, on_request, on_stray), local_addr=local
        )
        return protocol

    def with_via(self, request: Request, branch: str = "") -> Request:
        """The request as a transaction of its own."""
        branch = branch or "z9hG4bK" + secrets.token_hex(8)
        via = f"SIP/2.0/UDP {self.local[0]}:{self.local[1]};rport;branch={branch}"
        return replace(request, headers=(("Via", via), *request.headers))

    async def request(
        self, request: Request, on_provisional: Callable[[Response], None] | None = None
    ) -> Response:
        """Send (with its Via) and return the final response; an INVITE may ring for ever.

        Raises SipTimeout. A refused INVITE is acknowledged here, an accepted one by the dialog.
        """
        key = (request.branch, request.method)
        responses = self._waiting[key] = asyncio.Queue()
        try:
            response = await self._exchange(request, responses, on_provisional)
        finally:
            del self._waiting[key]
        if request.method == "INVITE" and response.status >= 300:
            self.send(_ack_of_refusal(request, response))
        return response

    async def _exchange(
        self,
        request: Request,
        responses: asyncio.Queue[Response],
        on_provisional: Callable[[Response], None] | None,
    ) -> Response:
        pause: float | None = T1
        deadline = asyncio.get_running_loop().time() + GIVE_UP
        self.send(request)
        while True:
            try:
                async with asyncio.timeout(pause):
                    response = await responses.get()
            except TimeoutError:
                self._repeat(request, deadline)
                pause = min(2 * (pause or T1), T2)
                continue
            if response.status >= 200:
                return response
            if request.method == "INVITE":
                pause = None  # it has arrived: now it may ring
            if on_provisional:
                on_provisional(response)

    def _repeat(self, request: Request, deadline: float) -> None:
        if asyncio.get_running_loop().time() > deadline:
            host, port = self.server
            raise SipTimeout(f"the SIP server {host}:{port} does not answer {request.method}")
        self.send(request)

    def respond(self, request: Request, response: Response) -> None:
        """Send, and keep the answer for repeats of the request."""
        data = response.encode()
        key = (request.branch, request.method)
        self._answers[key] = data
        self._answers.move_to_end(key)
        while len(self._answers) > _KEPT_ANSWERS:
            self._answers.popitem(last=False)
        self._sendto(data)

    def send(self, message: Request) -> None:
        """Send once, without waiting for anything (ACK)."""
        self._sendto(message.encode())

    def close(self) -> None:
        """Free the port."""
        if self._transport:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio.DatagramProtocol."""
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.local = transport.get_extra_info("sockname")[:2]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Hand a response to its request, answer repeats, report new requests."""
        if addr[:2] != self.server:
            return
        with suppress(SipError):
            message = parse(data)
            if isinstance(message, Response):
                self._take_response(message)
            elif message.branch and (kept := self._answers.get((message.branch, message.method))):
                self._sendto(kept)
            elif message.cseq[1] == message.method:
                self._on_request(message)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there (yet): the retransmission decides."""

    def _take_response(self, response: Response) -> None:
        waiting = self._waiting.get((response.branch, response.cseq[1]))
        if waiting:
            waiting.put_nowait(response)
        else:
            self._on_stray(response)

    def _sendto(self, data: bytes) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.sendto(data, self.server)


def _ack_of_refusal(invite: Request, response: Response) -> Request:
    """RFC 3261, section 17.1.1.3: the INVITE's own branch and the response's To."""
    number = invite.cseq[0]
    headers = (
        ("Via", invite.get("Via")),
        ("Max-Forwards", "70"),
        ("From", invite.get("From")),
        ("To", response.get("To")),
        ("Call-ID", invite.get("Call-ID")),
        ("CSeq", f"{number} ACK"),
    )
    return Request(headers, b"", "ACK", invite.uri)


def target_of(message: Request | Response, fallback: str) -> str:
    """The Contact's URI: where requests inside the dialog go."""
    contact = message.get("Contact")
    return address_uri(contact) if contact else fallback
