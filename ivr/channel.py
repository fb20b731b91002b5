"""The caller's channel over FastAGI: sounds into it, keys out of it.

Before each thing that lasts, the PBX is told after how long a silence of ours it takes the call
back: what that thing may last, and ``alive_margin`` (see :mod:`ivr.session`).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import structlog

from cti.agi.server import AgiHangup, AgiSession
from ivr.dialogue import Pressed, ReadDigits, Silence
from ivr.settings import IvrSettings
from ivr.sounds import PlayableSound, Sound
from ivr.speech import SpeechError

log = structlog.get_logger(__name__)

_ANY_KEY = "0123456789*#"
_SPEAK_SECONDS = 2.0
_SLACK = 5.0  # seconds beyond its expected length after which a command counts as lost

Speak = Callable[[str, str], PlayableSound]
"""``speak(text, voice)``: blocks; raises :class:`ivr.speech.SpeechError`."""


class Channel:
    """One caller's. Everything raises the errors of :mod:`cti.agi.server`."""

    def __init__(self, agi: AgiSession, settings: IvrSettings, speak: Speak) -> None:
        self._agi = agi
        self._settings = settings
        self._speak = speak

    async def stay_alive(self, seconds: float) -> None:
        """Tell the PBX to take the call back if we are silent for ``seconds`` and the margin."""
        await self.set("TIMEOUT(absolute)", str(math.ceil(seconds + self._settings.alive_margin)))

    async def set(self, name: str, value: str) -> None:
        """Set a variable of the channel."""
        await self._agi.command("SET", "VARIABLE", name, value)

    async def play(self, sounds: tuple[Sound, ...]) -> None:
        """Play these to their end; a text that takes too long to speak is left out."""
        playable = await self._spoken(sounds)
        await self.stay_alive(self._length(playable))
        await self._play(playable, keys="")

    async def read(self, read: ReadDigits) -> Pressed | Silence:
        """Play until a key is pressed, and read the keys."""
        between = read.wait_between * (read.most - 1)
        await self.stay_alive(self._length(read.sounds) + read.wait + between)
        digits = await self._play(read.sounds, keys=_ANY_KEY) or await self._digit(read.wait)
        if digits and digits != "#" and read.most > 1:
            digits += await self._more_digits(read)
        return Pressed(digits) if digits else Silence()

    async def _spoken(self, sounds: tuple[Sound, ...]) -> tuple[PlayableSound, ...]:
        """The sounds, with texts spoken now."""
        playable = []
        for sound in sounds:
            if isinstance(sound, PlayableSound):
                playable.append(sound)
                continue
            try:
                async with asyncio.timeout(_SPEAK_SECONDS):
                    speak = self._speak
                    playable.append(await asyncio.to_thread(speak, sound.text, sound.voice))
            except (SpeechError, TimeoutError) as error:
                log.warning("text_not_spoken", reason=str(error) or "espeak-ng took too long")
        return tuple(playable)

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

    def _length(self, sounds: tuple[PlayableSound, ...]) -> float:
        unknown = self._settings.unknown_prompt_seconds
        return sum(unknown if sound.seconds is None else sound.seconds for sound in sounds)


def _key(result: str) -> str:
    """The key in a reply: an ASCII code, 0 for none. Raises AgiHangup for -1."""
    if result == "-1":
        raise AgiHangup("the caller hung up")
    return chr(int(result)) if result.isdecimal() and 0 < int(result) < 128 else ""
