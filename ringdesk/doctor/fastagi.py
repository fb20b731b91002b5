"""Can the PBX reach FastAGI? Asked by a call of our own, answered by whoever holds the port.

A running Ringdesk answers the path ``/doctor``. When nobody holds the port, the doctor listens
there itself for as long as the call lasts.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from cti.agi.server import AgiServer, AgiSession
from cti.ami.codec import Message
from ivr.settings import IvrSettings
from ringdesk.doctor.check import Check, not_checked
from ringdesk.doctor.hook import PASTE, Dialplan, agi_addresses, no_call
from ringdesk.doctor.visit import Visit

NAME = "FastAGI"
VERDICT_SECONDS = 6.5
"""The hook's silence time-out (4 s) and a little."""
_PROBE_SECONDS = 1.0
_PROBE = b"agi_network: yes\nagi_network_script: doctor\nagi_uniqueid: doctor\n\n"


@dataclass
class Listener:
    """Who listens on the port: ``doctor``, ``ringdesk``, ``somebody`` or (with ``error``) nobody.

    ``counts`` tells how sessions with the doctor's own server ended.
    """

    who: str
    error: str = ""
    counts: dict[str, int] = field(default_factory=dict)


async def check_fastagi(visit: Visit, settings: IvrSettings, dialplan: Dialplan | None) -> Check:
    """Let the PBX call FastAGI and say what came of it."""
    reason = no_call(visit, dialplan, "agi")
    if reason or dialplan is None:
        return not_checked(NAME, reason)
    if not settings.port:
        return Check(NAME, "fail", "ivr.port is 0, which nobody can call", "[ivr]\nport = 4573")
    async with _listener(settings) as listener:
        if listener.error:
            return _no_listener(settings, listener.error)
        status = await _status_by_call(visit, listener)
    called = ", ".join(dict.fromkeys(agi_addresses(dialplan.doctor)))
    return judge(status, listener, called=called, settings=settings, pbx=visit.pbx_address)


async def _status_by_call(visit: Visit, listener: Listener) -> str:
    """AGISTATUS after the call; empty when the PBX does not tell."""
    async with visit.call("agi") as call_id:

        def is_verdict(event: Message) -> bool:
            return "AGIStatus" in event and event.get("Linkedid") == call_id

        deadline = asyncio.get_running_loop().time() + VERDICT_SECONDS
        while not (event := await visit.heard(is_verdict, 0.5)):
            if listener.counts or asyncio.get_running_loop().time() > deadline:
                return ""
    return event.get("AGIStatus")


@contextlib.asynccontextmanager
async def _listener(settings: IvrSettings) -> AsyncIterator[Listener]:
    server = AgiServer(_greet, host=settings.host, port=settings.port, allow=settings.pbx_networks)
    try:
        await server.start()
    except OSError as error:
        yield await _other(settings, error)
        return
    try:
        yield Listener("doctor", counts=server.counts)
    finally:
        await server.stop()


async def _greet(session: AgiSession) -> None:
    await session.command("NOOP")


async def _other(settings: IvrSettings, error: OSError) -> Listener:
    if error.errno != errno.EADDRINUSE:
        return Listener("nobody", error.strerror or str(error))
    return Listener("ringdesk" if await _is_ringdesk(settings) else "somebody")


async def _is_ringdesk(settings: IvrSettings) -> bool:
    """Whether what listens there answers as our FastAGI does."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            reader, writer = await asyncio.open_connection(host, settings.port)
            try:
                writer.write(_PROBE)
                answer = await reader.readline()
                writer.write(b"200 result=0\n")
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
    return answer == b"NOOP\n"


def _no_listener(settings: IvrSettings, error: str) -> Check:
    said = f"Ringdesk cannot listen on {settings.host}:{settings.port}: {error}"
    fix = "set host under [ivr] to an address of this machine, or to 0.0.0.0 for all of them"
    return Check(NAME, "fail", said, fix)


def judge(
    status: str, listener: Listener, *, called: str, settings: IvrSettings, pbx: str
) -> Check:
    """``status``: AGISTATUS after the call (empty: none was heard); ``called``: host:port."""
    ours = f"{settings.host}:{settings.port}"
    if listener.counts.get("served") or (status == "SUCCESS" and listener.who == "ringdesk"):
        by = "the running Ringdesk" if listener.who == "ringdesk" else "the doctor"
        return Check(NAME, "ok", f"the PBX called {called} and {by} answered")
    if listener.counts.get("not_allowed"):
        said = f"the PBX reaches {ours}, but comes from an address that pbx_networks leaves out"
        return Check(NAME, "fail", said, f'under [ivr]:\npbx_networks = ["{pbx}/32"]')
    if listener.who == "somebody":
        said = f"another program holds {ours}, or a Ringdesk that does not let this machine in"
        fix = f"ss -ltnp 'sport = :{settings.port}'   # who is it?\nend it, or set port under [ivr]"
        return Check(NAME, "fail", said, fix)
    return _not_reached(status, called, ours)


def _not_reached(status: str, called: str, ours: str) -> Check:
    if not status:
        said = "the PBX did not say how the call went (originate or read = user may be missing)"
        return Check(NAME, "unknown", said)
    slow = "got no answer in time" if status == "TIMEOUT" else "could not connect"
    said = f"the PBX called {called} and {slow}; Ringdesk listens on {ours}"
    same = called.rpartition(":")[2] == ours.rpartition(":")[2]
    return Check(NAME, "fail", said, _way(called, ours) if same else PASTE)


def _way(called: str, ours: str) -> str:
    host, _, port = called.rpartition(":")
    return (
        f"on the PBX, `nc -vz {host} {port}` must connect: open the firewall for it, let [ivr] host"
        f" (now {ours.rpartition(':')[0]}) be an address the PBX can reach or 0.0.0.0, and set"
        " hook.agi_address to this machine's address as the PBX sees it; then:\n" + PASTE
    )
