"""One visit at the PBX: a link of our own, what it hears, and harmless calls in our own context.

The calls are Local channels into the context ``ringdesk-doctor``: no phone rings, no queue sees
them. Each carries an id of ours as Uniqueid and is hung up at the end whatever happens.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable

from cti.ami.codec import Headers, Message, parse
from cti.ami.link import Counters, Link
from cti.ami.settings import AmiSettings
from cti.domain.commands import CommandFailed, Reply
from ringdesk.asterisk_config import DOCTOR_CONTEXT

PATIENCE = 3.0
"""Seconds for each step of connecting and each action: a doctor does not wait longer."""
CALL_MILLISECONDS = "9000"
_POLL = 0.02


class Visit:
    """A logged-in link.

    ``events``: everything heard so far. ``pbx_address``: the other end's. ``allowed``: the actions
    we may send, once they were asked for. ``calls_made``: our own calls so far.
    """

    def __init__(self, link: Link, events: list[Message], ami_version: str) -> None:
        self.events = events
        self.ami_version = ami_version
        self.pbx_address = str(link.transport.get_extra_info("peername")[0])
        self.allowed: frozenset[str] = frozenset()
        self.calls_made = 0
        self._link = link

    async def ask(self, action: str, *headers: tuple[str, str], as_list: bool = False) -> Reply:
        """Send one action. Silence, a lost link and a refusal all come back as a Reply not ok."""
        try:
            return await self._link.ask(action, headers, as_list=as_list, timeout=PATIENCE)
        except CommandFailed as failed:
            return Reply(ok=False, message=failed.reason)

    async def value(self, expression: str) -> str:
        """A dialplan function's value, such as ``QUEUE_EXISTS(support)``, or nothing."""
        reply = await self.ask("Getvar", ("Variable", expression))
        return reply.fields.get("Value", "") if reply.ok else ""

    async def heard(self, fits: Callable[[Message], bool], seconds: float) -> Message | None:
        """The first event that fits, waited for at most ``seconds``."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            found = next((event for event in self.events if fits(event)), None)
            if found or asyncio.get_running_loop().time() > deadline:
                return found
            await asyncio.sleep(_POLL)

    @contextlib.asynccontextmanager
    async def call(self, extension: str, variables: Headers = ()) -> AsyncIterator[str]:
        """A call to ``extension`` of our context while the block runs; gives its id."""
        call_id = f"ringdesk-doctor-{secrets.token_hex(6)}"
        reply = await self.ask(
            "Originate",
            ("Channel", f"Local/{extension}@{DOCTOR_CONTEXT}/n"),
            ("Application", "Wait"),
            ("Data", "8"),
            ("ChannelId", call_id),
            ("Timeout", CALL_MILLISECONDS),
            ("Async", "true"),
            *(("Variable", f"{name}={value}") for name, value in variables),
        )
        self.calls_made += reply.ok
        try:
            yield call_id
        finally:
            await self.ask("Hangup", ("Channel", call_id))


@contextlib.asynccontextmanager
async def visit(settings: AmiSettings) -> AsyncIterator[Visit]:
    """Connect and log in. Raises :class:`cti.ami.link.LinkLost` and :class:`OSError`."""
    events: list[Message] = []
    hasty = settings.model_copy(update={"connect_timeout": min(settings.connect_timeout, PATIENCE)})
    link = await Link.connect(hasty, lambda raw: events.append(parse(raw)), Counters())
    try:
        version = await link.log_in()
        yield Visit(link, events, version)
    finally:
        link.end("the visit is over")
