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
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog

from cti.agi.server import AgiHangup, AgiSession
from cti.domain.events import Event, MenuChosen, MenuEntered, MenuLeft, Micros, WaitTold
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
    Pressed,
    ReadDigits,
    SetVariable,
    Silence,
    Told,
    WaitKnown,
    WaitUnknown,
)
from ivr.interpreter import MenuError, State, Turn, advance, start
from ivr.menus import Menus
from ivr.settings import IvrSettings
from ivr.sounds import PlayableSound, Sound
from ivr.speech import SpeechError

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


_ANY_KEY = "0123456789*#"
_SPEAK_SECONDS = 2.0
_SLACK = 5.0  # seconds beyond its expected length after which a command counts as lost


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What all sessions share."""

    settings: IvrSettings
    record: Callable[[Event], Event]
    now: Callable[[], Micros]
    customer_of: CustomerOf
    wait_of: WaitOf
    speak: Callable[[str, str], PlayableSound]
    switch: str
    keep_place: KeepPlaceOf | None = None
    priority_of: PriorityOf = usual_priority


class MenuSession:
    """One caller in our menus."""

    def __init__(self, agi: AgiSession, menus: Menus, around: Surroundings) -> None:
        self._agi = agi
        self._menus = menus
        self._around = around
        self._settings = around.settings
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
            await self._stay_alive(0)
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
                case Play():
                    sounds = await self._spoken(instruction.sounds)
                    await self._stay_alive(self._length(sounds))
                    await self._play(sounds, keys="")
                case SetVariable(name=name, value=value):
                    self._variables.add(name)
                    await self._set(name, value)
                case ReadDigits():
                    return await self._read(instruction)
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

    async def _spoken(self, sounds: tuple[Sound, ...]) -> tuple[PlayableSound, ...]:
        """The sounds, with texts spoken now; a text that takes too long is left out."""
        playable = []
        for sound in sounds:
            if isinstance(sound, PlayableSound):
                playable.append(sound)
                continue
            try:
                async with asyncio.timeout(_SPEAK_SECONDS):
                    speak = self._around.speak
                    playable.append(await asyncio.to_thread(speak, sound.text, sound.voice))
            except (SpeechError, TimeoutError) as error:
                log.warning("text_not_spoken", reason=str(error) or "espeak-ng took too long")
        return tuple(playable)

    async def _leave(self, leave: Leave) -> None:
        await self._stay_alive(0)
        if leave.next == "queue" and "QUEUE_PRIO" not in self._variables:
            priority = self._around.priority_of(self._around.switch, self.call_id, leave.target)
            if priority is not None:
                await self._set("QUEUE_PRIO", str(priority))
        await self._set("RINGDESK_TARGET", leave.target)
        await self._set("RINGDESK_NEXT", leave.next)
        self._record_left(leave)

    async def _stay_alive(self, seconds: float) -> None:
        """Tell the PBX to take the call back if we are silent for ``seconds`` and the margin."""
        await self._set("TIMEOUT(absolute)", str(math.ceil(seconds + self._settings.alive_margin)))

    async def _set(self, name: str, value: str) -> None:
        await self._agi.command("SET", "VARIABLE", name, value)

    async def _read(self, read: ReadDigits) -> Happening:
        between = read.wait_between * (read.most - 1)
        await self._stay_alive(self._length(read.sounds) + read.wait + between)
        digits = await self._play(read.sounds, keys=_ANY_KEY) or await self._digit(read.wait)
        if digits and digits != "#" and read.most > 1:
            digits += await self._more_digits(read)
        return Pressed(digits) if digits else Silence()

    async def _play(self, sounds: tuple[PlayableSound, ...], keys: str) -> str:
        """Play one after the other; the key that stopped them ("": none)."""
        for sound in sounds:
            reply = await self._agi.command(
                "STREAM", "FILE", sound.file, keys, timeout=self._length((sound,)) + _SLACK
            )
            if reply.endpos == 0 and reply.result in {"0", "-1"}:
                # -1 also for a missing file; a caller who is gone is seen at the next command
                log.warning("prompt_not_played", sound=sound.file)
            elif key := _key(reply.result):
                return key
        return ""

    async def _digit(self, wait: float) -> str:
        milliseconds = round(wait * 1000)
        reply = await self._agi.command("WAIT", "FOR", "DIGIT", milliseconds, timeout=wait + _SLACK)
        return _key(reply.result)

    async def _more_digits(self, read: ReadDigits) -> str:
        """All other keys of a number by one command: between commands a key could be lost."""
        reply = await self._agi.command(
            "GET",
            "DATA",
            "",
            round(read.wait_between * 1000),
            read.most - 1,
            timeout=read.wait_between * read.most + _SLACK,
        )
        if reply.result == "-1":
            raise AgiHangup("the caller hung up")
        return reply.result

    async def _keep_place(self, queue: str) -> str:
        """Empty, or why not. Whatever goes wrong, the caller goes on in the menu."""
        around = self._around
        if around.keep_place is None:
            return "callbacks are switched off"
        await self._stay_alive(_KEEPING_SECONDS)
        try:
            async with asyncio.timeout(_KEEPING_SECONDS):
                return await around.keep_place(self.call_id, around.switch, queue)
        except TimeoutError:
            return "it took too long"

    async def _customer(
        self, lookup: asyncio.Future[Mapping[str, str] | None]
    ) -> Mapping[str, str] | None:
        await asyncio.wait({lookup}, timeout=self._settings.customer_deadline)
        if not lookup.done():
            log.warning("menu_customer_late")
            return None
        if error := lookup.exception():
            log.error("menu_customer_failed", error=repr(error))
            return None
        return lookup.result()

    def _length(self, sounds: tuple[PlayableSound, ...]) -> float:
        unknown = self._settings.unknown_prompt_seconds
        return sum(unknown if sound.seconds is None else sound.seconds for sound in sounds)

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


def _key(result: str) -> str:
    """The key in a reply: an ASCII code, 0 for none. Raises AgiHangup for -1."""
    if result == "-1":
        raise AgiHangup("the caller hung up")
    return chr(int(result)) if result.isdecimal() and 0 < int(result) < 128 else ""
