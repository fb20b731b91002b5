"""Performs menus for one caller over FastAGI.

The agreement with the dialplan (see docs/menus.md):

- It answers the channel, sets ``TIMEOUT(absolute)`` to a few seconds and calls
  ``AGI(agi://HOST:PORT/menu/NAME)``; behind it, where there are several, the switch's name.
- We raise that timeout before each thing we do, to what it may last plus ``alive_margin``. So a
  Ringdesk that hangs loses the call to the dialplan's fallback that long after the prompt; one
  that is killed loses it at once or at the end of the prompt.
- ``RINGDESK_NEXT`` is set last of all. A dialplan that finds it empty uses its fallback.

The call's id is ``<switch>-<agi_uniqueid>``: the menu serves the caller's own leg, the first of
its call, whose Uniqueid is the Linkedid.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog

from cti.agi.server import AgiHangup, AgiSession
from cti.domain.events import Event, MenuChosen, MenuEntered, MenuLeft, Micros, WaitTold
from ivr.channel import Channel, Speak
from ivr.dialogue import (
    AskCustomer,
    AskWait,
    Chosen,
    CustomerKnown,
    Entered,
    Happening,
    HungUp,
    Instruction,
    KeepPlace,
    Leave,
    PlaceKept,
    Play,
    ReadDigits,
    SetVariable,
    Told,
    WaitKnown,
    WaitUnknown,
)
from ivr.interpreter import MenuError, State, Turn, advance, start
from ivr.menus import Menus
from ivr.settings import IvrSettings

log = structlog.get_logger(__name__)

CustomerOf = Callable[[str], Awaitable[Mapping[str, str] | None]]
"""The fields of the customer of a call, by the call's id; None: nobody knows them."""


class Wait(Protocol):
    """What may be told of a wait."""

    @property
    def position(self) -> int:
        """The caller's place, from 1."""
        ...

    @property
    def seconds(self) -> float | None:
        """How long it will be; None: nobody can tell."""
        ...


WaitOf = Callable[[str, str, str], Wait | None]
"""``wait_of(switch, queue, call_id)``: for a caller who would join the queue now; None: unknown."""

KeepPlaceOf = Callable[[str, str, str], Awaitable[str]]
"""``keep_place(call_id, switch, queue)``: empty, or why the caller will not be called back."""

_KEEPING_SECONDS = 3.0

PriorityOf = Callable[[str, str, str], int | None]
"""``priority_of(switch, call_id, queue)``: QUEUE_PRIO for who joins it; None: the usual one."""


def usual_priority(_switch: str, _call_id: str, _queue: str) -> int | None:
    """Nobody says: the caller joins with the PBX's own."""
    return None


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What all sessions share."""

    settings: IvrSettings
    record: Callable[[Event], Event]
    now: Callable[[], Micros]
    customer_of: CustomerOf
    wait_of: WaitOf
    speak: Speak
    switch: str
    keep_place: KeepPlaceOf | None = None
    priority_of: PriorityOf = usual_priority


class MenuSession:
    """One caller in our menus."""

    def __init__(self, agi: AgiSession, menus: Menus, around: Surroundings) -> None:
        self._agi = agi
        self._menus = menus
        self._around = around
        self._channel = Channel(agi, around.settings, around.speak)
        self._variables: set[str] = set()
        self.call_id = f"{around.switch}-{agi.env.get('agi_uniqueid', '')}"

    async def run(self) -> None:
        """Perform from the menu in the URL to the end.

        Raises :class:`MenuError` (unknown menu, endless menu) and the errors of
        :mod:`cti.agi.server`; then nothing tells the dialplan where to go but its fallback.
        """
        turn = start(self._menus, menu_of(self._agi.env), self._around.now())
        lookup = asyncio.ensure_future(self._around.customer_of(self.call_id))
        try:
            await self._perform(turn, lookup)
        finally:
            lookup.cancel()
            await asyncio.gather(lookup, return_exceptions=True)

    async def _perform(self, turn: Turn, lookup: asyncio.Future[Mapping[str, str] | None]) -> None:
        state = turn.state
        try:
            await self._channel.stay_alive(0)
            while True:
                happened = await self._carry_out(turn.instructions, lookup)
                if happened is None:
                    return
                turn = advance(state, happened, self._around.now())
                state = turn.state
        except AgiHangup:
            self._record_left(advance(state, HungUp(), self._around.now()).instructions[-1])
            raise
        except BaseException as error:  # also when we are told to stop
            self._give_back(state, error)
            raise

    async def _carry_out(
        self,
        instructions: tuple[Instruction, ...],
        lookup: asyncio.Future[Mapping[str, str] | None],
    ) -> Happening | None:
        """Carry out one turn; what came of its last instruction (None: it was the end)."""
        for instruction in instructions:
            match instruction:
                case Play(sounds=sounds):
                    await self._channel.play(sounds)
                case SetVariable(name=name, value=value):
                    self._variables.add(name)
                    await self._channel.set(name, value)
                case ReadDigits():
                    return await self._channel.read(instruction)
                case AskCustomer():
                    return CustomerKnown(await self._customer(lookup))
                case AskWait(queue=queue):
                    return self._wait(queue)
                case KeepPlace(queue=queue):
                    return PlaceKept(await self._keep_place(queue))
                case Leave():
                    await self._leave(instruction)
                case Entered() | Chosen() | Told():
                    self._record(instruction)
        return None

    def _wait(self, queue: str) -> Happening:
        wait = self._around.wait_of(self._around.switch, queue, self.call_id)
        return WaitKnown(wait.position, wait.seconds) if wait else WaitUnknown()

    async def _leave(self, leave: Leave) -> None:
        await self._channel.stay_alive(0)
        if leave.next == "queue" and "QUEUE_PRIO" not in self._variables:
            priority = self._around.priority_of(self._around.switch, self.call_id, leave.target)
            if priority is not None:
                await self._channel.set("QUEUE_PRIO", str(priority))
        await self._channel.set("RINGDESK_TARGET", leave.target)
        await self._channel.set("RINGDESK_NEXT", leave.next)
        self._record_left(leave)

    async def _keep_place(self, queue: str) -> str:
        """Empty, or why not. Whatever goes wrong, the caller goes on in the menu."""
        around = self._around
        if around.keep_place is None:
            return "callbacks are switched off"
        await self._channel.stay_alive(_KEEPING_SECONDS)
        try:
            async with asyncio.timeout(_KEEPING_SECONDS):
                return await around.keep_place(self.call_id, around.switch, queue)
        except TimeoutError:
            return "it took too long"

    async def _customer(
        self, lookup: asyncio.Future[Mapping[str, str] | None]
    ) -> Mapping[str, str] | None:
        await asyncio.wait({lookup}, timeout=self._around.settings.customer_deadline)
        if not lookup.done():
            log.warning("menu_customer_late")
            return None
        if error := lookup.exception():
            log.error("menu_customer_failed", error=repr(error))
            return None
        return lookup.result()

    def _record(self, what: Entered | Chosen | Told) -> None:
        at, switch = self._around.now(), self._around.switch
        event: Event
        match what:
            case Entered(menu=menu, version=version):
                event = MenuEntered(
                    at=at, switch=switch, call_id=self.call_id, menu=menu, version=version
                )
            case Told(queue=queue, position=position, seconds=seconds):
                event = WaitTold(
                    at=at,
                    switch=switch,
                    call_id=self.call_id,
                    queue=queue,
                    position=position,
                    estimated=None if seconds is None else round(seconds * 1_000_000),
                )
            case Chosen(menu=menu, digits=digits, label=label, valid=valid):
                event = MenuChosen(
                    at=at,
                    switch=switch,
                    call_id=self.call_id,
                    menu=menu,
                    digits=digits,
                    label=label,
                    valid=valid,
                )
        self._around.record(event)

    def _give_back(self, state: State, error: BaseException) -> None:
        why = "Ringdesk stopped" if isinstance(error, asyncio.CancelledError) else str(error)
        self._left(state.menu, "", "", f"given back to the dialplan: {why or repr(error)}")

    def _record_left(self, leave: Instruction) -> None:
        if isinstance(leave, Leave):
            self._left(leave.menu, leave.next, leave.target, leave.reason)

    def _left(self, menu: str, where: str, target: str, reason: str) -> None:
        self._around.record(
            MenuLeft(
                at=self._around.now(),
                switch=self._around.switch,
                call_id=self.call_id,
                menu=menu,
                next=where,
                target=target,
                reason=reason,
            )
        )


def menu_of(env: Mapping[str, str]) -> str:
    """The menu in the URL ``agi://HOST:PORT/menu/NAME``. Raises :class:`MenuError`."""
    script = env.get("agi_network_script", "")
    kind, _, name = script.partition("/")
    if kind != "menu" or not name:
        raise MenuError(f'the URL ends in "{script}": write agi://HOST:PORT/menu/NAME')
    return name
