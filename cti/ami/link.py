"""One TCP connection to Asterisk's manager interface, from the greeting to its end.

What is panoramisk's: the log-in and the sending of actions (``Manager``), the identity of actions,
their futures and the rule that tells when a list of events is complete (``Action``). What is ours,
and why:

* **the protocol**: panoramisk decodes each network read on its own and loses half of a character
  that was cut in two; it writes values with line breaks as they are; a callback that raises drops
  the link. Here bytes go to :class:`cti.ami.codec.Framer`, values are checked, and a message that
  cannot be handled is logged and counted. Events go straight to one plain callable, no task each;
* **the end**: panoramisk keeps unanswered actions and sends them again after it has reconnected,
  so an Originate would call a customer twice. Here each fails with ``lost``; a new link has a new
  ``Manager`` and nothing to send again;
* **answers**: panoramisk waits for ever for the list that QueueAdd never sends ("Added interface
  to queue") and takes an event which carries an ActionID (UserEvent) for the answer. Here the
  caller says whether a list answers, and only a Response begins an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

import structlog
from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager
from panoramisk.message import Message as PanoramiskMessage

from cti.ami.codec import EVENT, Framer, Headers, Message, encode_action, event_name, parse
from cti.ami.density import FULL, REST, Density
from cti.ami.settings import AmiSettings
from cti.domain.commands import CommandFailed, Reply

log = structlog.get_logger(__name__)


class LinkLost(Exception):
    """The link could not be made or broke; the text says why and what to do."""


class LoginRefused(LinkLost):
    """Asterisk does not know the user, or not with this secret."""


@dataclass
class Counters:
    """What all links of one client have seen."""

    events: int = 0
    unwanted_events: int = 0
    callback_errors: int = 0
    discarded_messages: int = 0
    unknown_messages: int = 0
    late_answers: int = 0
    links: int = 0


class _LinkManager(Manager):  # type: ignore[misc]
    """panoramisk's manager for the life of one link: it logs in and sends, no more.

    Its pings have no deadline, its reconnect has one fixed pause, and its log-in callback raises
    into the event loop when the link breaks meanwhile; :mod:`cti.ami.client` does these.
    """

    def login(self, future: asyncio.Future[Any]) -> None:
        """Nothing: :meth:`Link.log_in` waits for the answer."""

    def connection_lost(self, exc: object) -> None:
        """Nothing: the client connects again."""


class Link(AMIProtocol):  # type: ignore[misc]
    """Frames bytes, matches answers to actions, hands raw events to ``on_event``.

    ``greeted`` becomes the AMI version (empty: not an Asterisk), ``lost`` the reason of the end;
    ``heard_at`` is the loop's time of the last byte.
    """

    def __init__(
        self, settings: AmiSettings, on_event: Callable[[bytes], None], counters: Counters
    ) -> None:
        loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport
        self.greeted: asyncio.Future[str] = loop.create_future()
        self.lost: asyncio.Future[str] = loop.create_future()
        self.heard_at = loop.time()
        self.responses: dict[str, Action] = {}
        self._settings = settings
        self._framer = Framer(settings.max_message)
        self._on_event = on_event
        self._counters = counters
        self._abandoned: set[str] = set()
        self._density = Density()
        self._resting = False

    @classmethod
    async def connect(
        cls, settings: AmiSettings, on_event: Callable[[bytes], None], counters: Counters
    ) -> Link:
        """A TCP connection. Raises :class:`OSError`, :class:`LinkLost` when it takes too long."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(settings.connect_timeout):
                _, link = await loop.create_connection(
                    lambda: cls(settings, on_event, counters), settings.host, settings.port
                )
        except TimeoutError:
            where = f"{settings.host}:{settings.port}"
            raise LinkLost(f"{where} does not answer; check address and firewall") from None
        return link

    # --- what we ask ---------------------------------------------------------------------------

    async def log_in(self) -> str:
        """Wait for the greeting, log in, return the AMI version.

        Raises :class:`LoginRefused`, :class:`LinkLost`.
        """
        version = await self._greeting()
        manager = _LinkManager(
            loop=asyncio.get_running_loop(),
            username=self._settings.username,
            secret=self._settings.secret.get_secret_value(),
        )
        made: asyncio.Future[tuple[asyncio.Transport, Link]] = asyncio.Future()
        made.set_result((self.transport, self))
        manager.connection_made(made)
        manager.pinger.cancel()
        self._check_login(await self._answer_of(manager.authenticated_future))
        return version

    async def _greeting(self) -> str:
        seconds = self._settings.connect_timeout
        await asyncio.wait(
            {self.greeted, self.lost}, timeout=seconds, return_when="FIRST_COMPLETED"
        )
        if self.greeted.done() and self.greeted.result():
            return self.greeted.result()
        if self.greeted.done():
            raise LinkLost("what listens there is not Asterisk's manager; check host and port")
        if self.lost.done():
            raise LinkLost("closed before the greeting; check permit/deny and acl in manager.conf")
        raise LinkLost(f"no greeting within {seconds:g} s; is it the AMI port, is Asterisk stuck?")

    async def _answer_of(self, login: asyncio.Future[Any]) -> Any:
        try:
            async with asyncio.timeout(self._settings.connect_timeout):
                return await login
        except TimeoutError:
            raise LinkLost("no answer to the log-in; Asterisk is overloaded or stuck") from None
        except CommandFailed as failed:
            raise LinkLost(f"during the log-in: {failed.reason}") from None

    def _check_login(self, answer: Any) -> None:
        if answer.success:
            return
        user = self._settings.username
        raise LoginRefused(
            f"Asterisk refused the log-in of {user!r}: {answer.message}. Compare the section "
            f"[{user}] and its secret in manager.conf with [ami] in Ringdesk's configuration, "
            "check permit/deny, then run `asterisk -rx 'manager reload'`"
        )

    async def ask(
        self,
        name: str,
        headers: Headers = (),
        *,
        as_list: bool = False,
        timeout: float,  # noqa: ASYNC109
    ) -> Reply:
        """Send one action and wait for its answer. Raises :class:`CommandFailed`."""
        action = Action(_grouped([("Action", name), *headers]))
        future = self.send(action, as_list=None if as_list else False)
        try:
            async with asyncio.timeout(timeout):
                return _reply(await future)
        except TimeoutError:
            reason = f"Asterisk gave no answer to {name} within {timeout:g} s"
            raise CommandFailed("timeout", reason) from None
        finally:
            self._abandon(action)

    def send(self, data: Any, as_list: bool | None = None) -> asyncio.Future[Any]:
        """Write an action; the future of its answer. Raises :class:`CommandFailed`.

        ``as_list`` is panoramisk's: False for one answer, None to let the Response say "a list"
        (or an error, which True would wait behind for ever).
        """
        action = data if isinstance(data, Action) else Action(data)
        action.as_list = as_list
        wire = encode_action(action["action"], _headers_of(action))
        if self.lost.done():
            raise CommandFailed("not_connected", self.lost.result())
        self.responses[action.action_id] = action
        self.transport.write(wire)
        future: asyncio.Future[Any] = action.future
        return future

    def _abandon(self, action: Action) -> None:
        """Nobody waits for this answer any more; what still comes of a list is dropped."""
        if self.responses.pop(action.action_id, None) is not None and action.as_list is None:
            self._abandoned.add(action.action_id)

    # --- what we hear --------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's: the connection is up."""
        self.transport = cast(asyncio.Transport, transport)
        self.closed = False

    def data_received(self, data: bytes) -> None:
        """asyncio's: some bytes. Never raises, for asyncio would drop the link."""
        self.heard_at = asyncio.get_running_loop().time()
        discarded = self._framer.discarded
        raws = self._framer.feed(data)
        for raw in raws:
            try:
                if not raw.startswith(EVENT):
                    self._take_answer(raw)
                elif not ((self.responses or self._abandoned) and self._belongs_to_a_list(raw)):
                    self._on_event(raw)
            except Exception:
                self._counters.callback_errors += 1
                log.exception("ami_message_failed", event_type=event_name(raw))
        self._note_discarded(self._framer.discarded - discarded)
        if self._framer.banner is not None and not self.greeted.done():
            self.greeted.set_result(self._framer.banner)
        if self._density.take(len(raws), self.heard_at) and len(data) < FULL:
            self._rest()

    def _rest(self) -> None:
        """Read on a moment later, all that came meanwhile at once."""
        if not self._resting and not self.transport.is_closing():
            self._resting = True
            self.transport.pause_reading()
            asyncio.get_running_loop().call_later(REST, self._read_on)

    def _read_on(self) -> None:
        self._resting = False
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def _note_discarded(self, count: int) -> None:
        if count:
            self._counters.discarded_messages += count
            log.warning(
                "ami_message_too_long",
                dropped=count,
                limit=self._settings.max_message,
                cure="raise max_message if Asterisk sends such messages on purpose",
            )

    def _take_answer(self, raw: bytes) -> None:
        if not raw.startswith(b"Response: "):
            self._counters.unknown_messages += 1
            return
        message = parse(raw)
        action = self.responses.get(message.action_id)
        if action is None or action.responses:
            self._counters.late_answers += 1
        else:
            self._add(action, message)

    def _belongs_to_a_list(self, raw: bytes) -> bool:
        """Whether it is a row that somebody asked for (not to be asked while nobody waits)."""
        if b"\r\nActionID: " not in raw:
            return False
        message = parse(raw)
        action = self.responses.get(message.action_id)
        if action is not None and action.responses:
            self._add(action, message)
            return True
        if message.action_id in self._abandoned:
            self._counters.late_answers += 1
            return True
        return False

    def _add(self, action: Action, message: Message) -> None:
        if action.add_message(PanoramiskMessage(message.fields())):
            del self.responses[action.action_id]
        elif len(action.responses) > self._settings.max_rows + 1:
            self._abandon(action)
            _fail(action, f"the list has more than {self._settings.max_rows} rows: raise max_rows")

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio's: the connection is gone."""
        self.end(f"Asterisk closed the link ({exc or 'end of stream'})")

    def close(self) -> None:
        """Panoramisk's name for :meth:`end`."""
        self.end("closed")

    def end(self, reason: str) -> None:
        """Close, and fail every pending action; none is ever sent again. May be called twice."""
        self.transport.abort()
        if not self.lost.done():
            self.lost.set_result(reason)
        pending, self.responses = self.responses, {}
        for action in pending.values():
            _fail(action, reason)


def _fail(action: Action, reason: str) -> None:
    if not action.future.done():
        action.future.set_exception(CommandFailed("lost", reason))
        action.future.exception()  # asyncio complains of errors that nobody waits for any more


def _grouped(headers: Iterable[tuple[str, str]]) -> dict[str, str | list[str]]:
    """Headers as panoramisk's Action holds them: a list for a repeated name."""
    grouped: dict[str, list[str]] = {}
    for name, value in headers:
        grouped.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in grouped.items()}


def _headers_of(action: Action) -> list[tuple[str, str]]:
    """The reverse of :func:`_grouped`, without the action's name."""
    headers = []
    for name, value in action.items():
        if name.lower() != "action":
            values = value if isinstance(value, list) else [value]
            headers += [(name, str(one)) for one in values]
    return headers


def _reply(answer: Any) -> Reply:
    """A reply from panoramisk's result: one message, or Response, rows, and a closing event."""
    first, *rows = answer if isinstance(answer, list) else [answer]
    return Reply(
        ok=first.success,
        message=first.message,
        fields=_fields(first),
        rows=tuple(_fields(row) for row in rows[:-1]),
    )


def _fields(message: PanoramiskMessage) -> dict[str, str]:
    """Without ``content``, which panoramisk adds to each message."""
    return {name: value for name, value in message.items() if name != "content"}
