"""One call of a robot phone: a SIP dialog (RFC 3261, section 12) with its sound.

Made by Phone; never create one yourself. Times are seconds since the epoch.
"""

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from ringdesk.demo.media import Media
from ringdesk.demo.rtp import Samples, load_wav
from ringdesk.demo.sip import (
    Headers,
    Request,
    Response,
    Sdp,
    SipError,
    address_uri,
    display_name,
    parameter,
    parse_sdp,
    response_to,
    uri_user,
)
from ringdesk.demo.sip_transport import target_of

_FAREWELL = 2.0
"""Seconds a PBX gets to answer a BYE or CANCEL."""
_TRANSFER = 30.0
"""Seconds a PBX gets to report how a transfer went."""
_SDP_TYPE = ("Content-Type", "application/sdp")


class CallFailed(RuntimeError):
    """The call ended where it had to go on. `status` is the SIP status, 0 for a plain end."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Line(Protocol):
    """What a call needs of its phone."""

    @property
    def contact(self) -> str:
        """Our own Contact value."""

    async def request(
        self,
        request: Request,
        *,
        branch: str = "",
        on_provisional: Callable[[Response], None] | None = None,
    ) -> Response:
        """Send a request and return its final response."""

    def respond(self, request: Request, response: Response) -> None:
        """Answer a request."""

    def acknowledge(self, request: Request) -> None:
        """Send an ACK."""

    def run(self, work: Awaitable[object]) -> None:
        """Do some work beside; it ends with the phone."""


@dataclass
class Dialog:
    """The ids and addresses of RFC 3261, section 12: `local` and `remote` with their tags."""

    call_id: str
    local: str
    remote: str
    target: str
    cseq: int = field(default_factory=lambda: secrets.randbelow(1000) + 1)


class Call:
    """A call, from the first ring to the end.

    status: the final SIP status of the INVITE (200 answered, 486 busy...), 0 before.
    started_at, answered_at, ended_at: times of this phone, None until they happen.
    ended_by: "local" or "remote", "" while the call lives.
    """

    def __init__(
        self, line: Line, dialog: Dialog, media: Media, invite: Request | None = None
    ) -> None:
        self.dialog = dialog
        self.media = media
        self.invite = invite
        self.status = 0
        self.started_at = time.time()
        self.answered_at: float | None = None
        self.ended_at: float | None = None
        self.ended_by = ""
        self.on_hold = False
        self.held_by_remote = False
        self._line = line
        self.branch = "z9hG4bK" + secrets.token_hex(8)
        self._sdp_version = 1
        self._dtmf: int | None = 101
        self._ringing = asyncio.Event()
        self._answered = asyncio.Event()
        self._ended = asyncio.Event()
        self._transferred: asyncio.Future[int] | None = None
        self._ack: Request | None = None

    # --- what one can ask of it

    @property
    def incoming(self) -> bool:
        """Whether the other side called us."""
        return self.invite is not None

    @property
    def caller(self) -> str:
        """The other side's number: the user part of its From (or of what we dialled)."""
        return uri_user(address_uri(self.dialog.remote))

    @property
    def caller_name(self) -> str:
        """The other side's display name, or ''."""
        return display_name(self.dialog.remote)

    @property
    def received(self) -> Samples:
        """Everything heard so far (ten minutes at most), int16 at 8000 Hz."""
        return self.media.heard()

    @property
    def digits(self) -> str:
        """The keys the other side has pressed."""
        return self.media.digits

    @property
    def is_answered(self) -> bool:
        """Whether the two are (still) connected."""
        return self._answered.is_set() and not self._ended.is_set()

    @property
    def is_ended(self) -> bool:
        """Whether the call is over, answered or not."""
        return self._ended.is_set()

    async def ringing(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Wait until the other side rings (or answers). CallFailed, TimeoutError."""
        await self._reach(self._ringing, timeout)

    async def answered(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Wait for the answer. Raises CallFailed if the call ends instead, TimeoutError."""
        await self._reach(self._answered, timeout)

    async def ended(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Wait for the end. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            await self._ended.wait()

    async def _reach(self, event: asyncio.Event, timeout: float | None) -> None:  # noqa: ASYNC109
        waits = [asyncio.create_task(e.wait()) for e in (event, self._ended)]
        try:
            async with asyncio.timeout(timeout):
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if not event.is_set():
            raise CallFailed(f"the call ended with SIP status {self.status}", self.status)

    # --- what one can do with it

    async def answer(self, after: float = 0.0) -> None:
        """Take an incoming call, `after` seconds. Raises CallFailed if the caller gave up."""
        await asyncio.sleep(after)
        if not self.invite or self.is_ended or self.is_answered:
            raise CallFailed("there is no ringing call to answer", self.status)
        self._line.respond(self.invite, self._accept(self.invite))
        self._connected()

    async def reject(self, status: int = 486) -> None:
        """Refuse an incoming call: 486 busy, 603 declined, 480 unavailable."""
        if self.invite and not self._answered.is_set() and not self.is_ended:
            self._line.respond(self.invite, self._reply(self.invite, status, "Refused"))
            self._finish("local", status)

    async def hangup(self) -> None:
        """End the call in whatever state it is: BYE, CANCEL or 603. No error if it is over."""
        if self.is_ended:
            return
        if self.invite and not self._answered.is_set():
            await self.reject(603)
            return
        with suppress(TimeoutError):  # the PBX is gone, and the call with it
            async with asyncio.timeout(_FAREWELL):
                await self._leave()
        self._finish("local")

    async def _leave(self) -> None:
        if self._answered.is_set():
            self._finish("local")
            await self._line.request(self._request("BYE"))
        else:
            await self._line.request(self._request("CANCEL"), branch=self.branch)
            await self._ended.wait()

    async def hold(self) -> None:
        """Put the other side on hold (re-INVITE, sendonly). Raises CallFailed when refused."""
        await self._reinvite("sendonly")
        self.on_hold = True

    async def unhold(self) -> None:
        """Take it back. Raises CallFailed when refused."""
        await self._reinvite("sendrecv")
        self.on_hold = False

    async def send_digits(self, digits: str) -> None:
        """Press keys (RFC 4733), 100 ms each; returns when the last is sent, or the call ended.

        Raises CallFailed when the other side takes no digits.
        """
        if self._dtmf is None:
            raise CallFailed("the other side takes no RFC 4733 digits")
        for digit in digits:
            await asyncio.wait({self.media.press(digit)})

    def play(self, sound: Samples | Path, *, loop: bool = False) -> asyncio.Future[None]:
        """Play samples (8 kHz) or a wav file; await the result to wait for its end."""
        return self.media.play(load_wav(sound) if isinstance(sound, Path) else sound, loop=loop)

    async def transfer(self, target: str) -> int:
        """Blind transfer (REFER, RFC 3515) to an extension or number.

        Returns the final SIP status of the new call: 200 done, 400 when Asterisk has not yet
        bridged the call (wait until the other side is heard), 404 no such extension. Raises
        CallFailed when it is refused at once, TimeoutError when 30 seconds bring no news.
        """
        return await self._refer(f"<{self._uri(target)}>")

    async def transfer_to(self, other: "Call") -> int:
        """Attended transfer: connect this call's other side with that of `other` (RFC 3891)."""
        remote, local = (parameter(v, "tag") for v in (other.dialog.remote, other.dialog.local))
        replaces = f"{other.dialog.call_id};to-tag={remote};from-tag={local}"
        target = f"<{self._uri(other.caller)}?Replaces={quote(replaces, safe='')}>"
        status = await self._refer(target)
        if status < 300:
            await other.hangup()
        return status

    def _uri(self, user: str) -> str:
        return f"sip:{quote(user, safe='+*')}@{address_uri(self.dialog.remote).rpartition('@')[2]}"

    async def _refer(self, refer_to: str) -> int:
        self._transferred = asyncio.get_running_loop().create_future()
        headers = (("Refer-To", refer_to), ("Referred-By", f"<{address_uri(self.dialog.local)}>"))
        response = await self._line.request(self._request("REFER", headers))
        if response.status >= 300:
            raise CallFailed(f"the transfer was refused with {response.status}", response.status)
        async with asyncio.timeout(_TRANSFER):
            status = await self._transferred
        if status < 300:
            await self.hangup()  # our part is over, and ours to end (RFC 5589, section 6.1)
        return status

    async def _reinvite(self, direction: str) -> None:
        request = self._request("INVITE", (_SDP_TYPE,), self._sdp(direction).encode())
        response = await self._line.request(request)
        if response.status >= 300:
            raise CallFailed(f"hold was refused with {response.status}", response.status)
        self._take_answer(response)

    # --- the dialog: used by Phone

    async def place(self, headers: Headers = ()) -> None:
        """Send the INVITE and follow it to its final response."""
        offer = self._request("INVITE", (*headers, _SDP_TYPE), self._sdp("sendrecv").encode())
        try:
            response = await self._line.request(
                offer, branch=self.branch, on_provisional=self._progress
            )
        except TimeoutError:
            self._finish("remote", 408)
            return
        self.status = response.status
        if response.status >= 300:
            self._finish("remote", response.status)
            return
        self.dialog.remote = response.get("To")
        self._take_answer(response)
        self._connected()

    def _progress(self, response: Response) -> None:
        if response.status > 100:
            self._ringing.set()
        if response.body:  # early media
            self._listen_to(response.body)

    def ring(self) -> None:
        """Tell the caller that it rings."""
        if self.invite:
            self._listen_to(self.invite.body)
            self._line.respond(self.invite, self._reply(self.invite, 180, "Ringing"))
            self._ringing.set()

    def handle(self, request: Request) -> None:
        """A request of the other side inside this dialog."""
        if request.method == "BYE":
            self._line.respond(request, self._reply(request, 200, "OK"))
            self._finish("remote")
        elif request.method == "INVITE":
            self._line.respond(request, self._accept(request))
        elif request.method in ("NOTIFY", "INFO", "UPDATE", "OPTIONS"):
            self._line.respond(request, self._reply(request, 200, "OK"))
            self._note_transfer(request)
        else:
            self._line.respond(request, self._reply(request, 405, "Method Not Allowed"))

    def cancelled(self) -> None:
        """The caller gave up before the answer."""
        if self.invite and not self._answered.is_set() and not self.is_ended:
            self._line.respond(self.invite, self._reply(self.invite, 487, "Request Terminated"))
            self._finish("remote", 487)

    def acknowledge_again(self) -> None:
        """Our ACK was lost: the other side repeats its 200."""
        if self._ack:
            self._line.acknowledge(self._ack)

    def _note_transfer(self, request: Request) -> None:
        # RFC 3515: the body tells how the new call goes, as the first line of a response.
        found = re.match(rb"SIP/2\.0 ([2-6]\d\d)", request.body)
        if found and self._transferred and not self._transferred.done():
            self._transferred.set_result(int(found[1]))

    def _accept(self, request: Request) -> Response:
        offer = self._listen_to(request.body)
        self._sdp_version += 1
        port = self.media.port
        answer = (
            offer.answered_with(self._ip, port, self._sdp_version)
            if offer
            else self._sdp("sendrecv")
        )
        self.held_by_remote = bool(offer) and answer.direction in ("recvonly", "inactive")
        self.media.sending = not self.held_by_remote
        return self._reply(request, 200, "OK", (_SDP_TYPE,), answer.encode())

    def _take_answer(self, response: Response) -> None:
        self.dialog.target = target_of(response, self.dialog.target)
        self._listen_to(response.body)
        # Of the request that was answered: after a challenge that is not the first one.
        self._ack = self._request("ACK", cseq=response.cseq[0])
        self._line.acknowledge(self._ack)

    def _listen_to(self, body: bytes) -> Sdp | None:
        try:
            sdp = parse_sdp(body)
        except SipError:
            return None
        self.media.remote = (sdp.ip, sdp.port)
        self._dtmf = sdp.dtmf
        if sdp.dtmf is not None:
            self.media.dtmf_payload = sdp.dtmf
        return sdp

    def _connected(self) -> None:
        self.status = 200
        self.answered_at = time.time()
        self.media.start()
        self._ringing.set()
        self._answered.set()

    def _finish(self, by: str, status: int = 0) -> None:
        if self.is_ended:
            return
        self.status = status or self.status
        self.ended_at, self.ended_by = time.time(), by
        self.media.close()
        if self._transferred and not self._transferred.done():
            self._transferred.set_result(200)  # ended by the server: it has taken over
        self._ended.set()

    def lost(self) -> None:
        """The phone closes: end without a word to the other side."""
        self._finish("local")

    @property
    def _ip(self) -> str:
        return address_uri(self.dialog.local).rpartition("@")[2].partition(":")[0]

    def _sdp(self, direction: str) -> Sdp:
        self._sdp_version += 1
        return Sdp(self._ip, self.media.port, direction=direction, version=self._sdp_version)

    def _request(
        self, method: str, headers: Headers = (), body: bytes = b"", *, cseq: int = 0
    ) -> Request:
        if method == "CANCEL":
            cseq = self.dialog.cseq
        elif not cseq:
            self.dialog.cseq += 1
            cseq = self.dialog.cseq
        own: Headers = (
            ("Max-Forwards", "70"),
            ("From", self.dialog.local),
            ("To", self.dialog.remote),
            ("Call-ID", self.dialog.call_id),
            ("CSeq", f"{cseq} {method}"),
            ("Contact", self._line.contact),
        )
        return Request((*own, *headers), body, method, self.dialog.target)

    def _reply(
        self,
        request: Request,
        status: int,
        reason: str,
        headers: Headers = (),
        body: bytes = b"",
    ) -> Response:
        own = (("Contact", self._line.contact), *headers)
        tag = parameter(self.dialog.local, "tag")
        return response_to(request, status, reason, to_tag=tag, headers=own, body=body)
