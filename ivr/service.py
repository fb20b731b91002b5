"""The IVR as a service: FastAGI in front, menus behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import structlog

from cti.agi.server import AgiLimits, AgiServer, AgiSession, Handler
from cti.domain.events import Event, Micros
from ivr.book import MenuBook
from ivr.interpreter import MenuError
from ivr.session import (
    CustomerOf,
    KeepPlaceOf,
    MenuSession,
    PriorityOf,
    Surroundings,
    WaitOf,
    usual_priority,
)
from ivr.settings import IvrSettings
from ivr.speech import Speaker

log = structlog.get_logger(__name__)

_LISTEN_AGAIN = 2.0


def _nothing_known(_switch: str, _queue: str, _call_id: str) -> None:
    return None


class IvrService:
    """Serves callers in menus. ``server`` tells the port and how sessions ended.

    ``switches``: the names of all; a call that does not say its switch is from the first one.
    ``wait_of`` tells how long a wait will be.
    ``asks``: who serves people that Ringdesk has dialled, by the last part of ``ask/NAME``.
    ``keep_place``: what keeps the places of callers who want to be called back.
    """

    def __init__(
        self,
        settings: IvrSettings,
        book: MenuBook,
        record: Callable[[Event], Event],
        now: Callable[[], Micros],
        customer_of: CustomerOf,
        switches: Sequence[str],
        wait_of: WaitOf = _nothing_known,
        asks: Mapping[str, Handler] | None = None,
        keep_place: KeepPlaceOf | None = None,
        priority_of: PriorityOf = usual_priority,
    ) -> None:
        self._asks = asks or {}
        self._book = book
        self._switches = switches
        self._around = Surroundings(
            settings=settings,
            record=record,
            now=now,
            customer_of=customer_of,
            wait_of=wait_of,
            speak=Speaker(settings.speech).speak,
            switch=switches[0],
            keep_place=keep_place,
            priority_of=priority_of,
        )
        self.server = AgiServer(
            self._serve,
            host=settings.host,
            port=settings.port,
            allow=settings.pbx_networks,
            limits=AgiLimits(sessions=settings.max_sessions, drain_seconds=settings.drain_seconds),
        )

    async def run(self) -> None:
        """Serve until cancelled; an address that is taken is tried again and again.

        Meanwhile callers lose nothing: the dialplan's fallback serves them.
        """
        while True:
            try:
                await self.server.run()
            except OSError as error:
                settings = self._around.settings
                log.error(
                    "agi_cannot_listen",
                    host=settings.host,
                    port=settings.port,
                    error=str(error),
                    cure="end what holds the port, or set ivr.host and ivr.port",
                )
                await asyncio.sleep(_LISTEN_AGAIN)

    async def _serve(self, agi: AgiSession) -> None:
        if agi.env.get("agi_network_script") == "doctor":  # "ringdesk doctor" asks: are you there?
            await agi.command("NOOP")
            return
        kind, _, name = agi.env.get("agi_network_script", "").partition("/")
        if kind == "ask":
            await self._ask(agi, name)
            return
        session = MenuSession(agi, self._book.current, self._around_at(agi))
        structlog.contextvars.bind_contextvars(call_id=session.call_id)  # each has its own task
        try:
            await session.run()
        except MenuError as error:
            log.error("menu_failed", reason=str(error))

    async def _ask(self, agi: AgiSession, name: str) -> None:
        """Somebody whom we have dialled; without an answer the dialplan hangs up on them."""
        if handler := self._asks.get(name):
            await handler(agi)
        else:
            log.error("agi_unknown_question", name=name, cure="print the hook anew")

    def _around_at(self, agi: AgiSession) -> Surroundings:
        """The switch is the argument behind the URL, as the hook of a further switch has it.

        A name that nobody knows is some other installation's: their caller gets the menu, and the
        log says what to mend.
        """
        switch = agi.env.get("agi_arg_1", "") or self._switches[0]
        if switch not in self._switches:
            cure = "print the hook anew: ringdesk asterisk-config --part extensions --switch NAME"
            log.error("agi_unknown_switch", switch=switch, known=list(self._switches), cure=cure)
        return replace(self._around, switch=switch)
