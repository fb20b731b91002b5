"""The sound of one call: sends a frame each 20 ms, records what arrives.

Frame n leaves at start + n * 20 ms, so pacing never drifts; nothing blocks the loop.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self, cast

import numpy as np

from ringdesk.demo.rtp import (
    FRAME,
    FRAME_SECONDS,
    PCMU,
    SILENCE,
    DigitReceiver,
    Packet,
    RtpError,
    Samples,
    decode_mulaw,
    digit_payloads,
    encode_mulaw,
    frames,
    parse_packet,
)

_KEPT_FRAMES = 30_000
"""Ten minutes: a robot that talks for days must not fill the memory."""
_LATE = 0.5
"""Seconds behind after which the missed frames are given up: the machine was asleep."""

_KEY_PAUSE = 4
"""Frames of silence between two keys: 80 ms."""


@dataclass
class _Key:
    payloads: list[bytes]
    pressed: asyncio.Future[None]
    is_new: bool = True


class Media(asyncio.DatagramProtocol):
    """One RTP session; open it with `Media.open`."""

    def __init__(self) -> None:
        self.remote: tuple[str, int] | None = None
        self.dtmf_payload = 101
        self.sending = True
        self.digits = ""
        self.on_digit: Callable[[str], None] | None = None
        self.sent = 0
        self.received_frames: deque[tuple[float, Samples]] = deque(maxlen=_KEPT_FRAMES)
        self._receiver = DigitReceiver()
        self._transport: asyncio.DatagramTransport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._start = 0.0
        self._ticks = 0
        # Not for secrecy: RFC 3550 wants random starts.
        self._ssrc = random.getrandbits(32)
        self._sequence = random.getrandbits(15)
        self._timestamp = random.getrandbits(30)
        self._sound: Iterator[bytes] = iter(())
        self._played: asyncio.Future[None] | None = None
        self._keys: deque[_Key] = deque()
        self._key_pause = 0

    @classmethod
    async def open(cls, local_ip: str) -> Self:
        """Bind a free port of `local_ip`."""
        loop = asyncio.get_running_loop()
        _, media = await loop.create_datagram_endpoint(cls, local_addr=(local_ip, 0))
        return media

    @property
    def port(self) -> int:
        """The local UDP port; 0 once closed."""
        if not self._transport or self._transport.is_closing():
            return 0
        return int(self._transport.get_extra_info("sockname")[1])

    def start(self) -> None:
        """Begin to send to `remote`; does nothing when already sending."""
        if not self._timer:
            loop = asyncio.get_running_loop()
            self._start, self._ticks = loop.time(), 0
            self._timer = loop.call_later(0, self._tick)

    def play(self, samples: Samples, *, loop: bool = False) -> asyncio.Future[None]:
        """Play from now on, in place of what plays. The future ends with the sound (or its end)."""
        self._end_sound()
        self._sound = _looped(samples) if loop else frames(samples)
        self._played = asyncio.get_running_loop().create_future()
        return self._played

    def press(self, digit: str, duration: float = 0.1) -> asyncio.Future[None]:
        """Queue one key (RFC 4733). The future ends with the key. Raises ValueError."""
        pressed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._keys.append(_Key(digit_payloads(digit, duration), pressed))
        return pressed

    def heard(self, seconds: float | None = None) -> Samples:
        """The last `seconds` of what arrived, or all of it."""
        kept = list(self.received_frames)
        if seconds is not None:
            kept = kept[-max(1, round(seconds / FRAME_SECONDS)) :]
        return np.concatenate([np.zeros(0, np.int16), *(samples for _, samples in kept)])

    def close(self) -> None:
        """Stop sending and free the port. What was heard stays."""
        if self._timer:
            self._timer.cancel()
        if self._transport:
            self._transport.close()
        self._end_sound()
        for key in self._keys:
            key.pressed.cancel()
        self._keys.clear()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio.DatagramProtocol."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Record a voice frame or note a digit; ignore everything else."""
        try:
            packet = parse_packet(data)
        except RtpError:
            return
        if packet.payload_type == PCMU:
            self.received_frames.append((time.time(), decode_mulaw(packet.payload)))
        elif packet.payload_type == self.dtmf_payload and (digit := self._receiver.feed(packet)):
            self.digits += digit
            if self.on_digit:
                self.on_digit(digit)

    def error_received(self, exc: Exception) -> None:
        """The far end closed its port first: its BYE is on the way."""

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() - (self._start + self._ticks * FRAME_SECONDS) > _LATE:
            self._start, self._ticks = loop.time(), 0
        self._send_frame()
        self._ticks += 1
        self._timer = loop.call_at(self._start + self._ticks * FRAME_SECONDS, self._tick)

    def _send_frame(self) -> None:
        if self._keys and not self._key_pause:
            self._send_key()
            return
        self._key_pause = max(0, self._key_pause - 1)
        self._timestamp = (self._timestamp + FRAME) & 0xFFFFFFFF
        payload = next(self._sound, None)
        if payload is None:
            self._end_sound()
        self._send(PCMU, payload or SILENCE)

    def _send_key(self) -> None:
        # The timestamp of a key stands still at its beginning: RFC 4733, section 2.3.
        key = self._keys[0]
        if key.is_new:
            self._timestamp = (self._timestamp + FRAME) & 0xFFFFFFFF
        payload = key.payloads.pop(0)
        self._send(self.dtmf_payload, payload, marker=key.is_new)
        key.is_new = False
        if not key.payloads:
            self._end_key(key, int.from_bytes(payload[2:], "big"))

    def _end_key(self, key: _Key, duration: int) -> None:
        self._timestamp += duration + 2 * FRAME  # the two repeats of the end took time as well
        self._keys.popleft()
        self._key_pause = _KEY_PAUSE
        if not key.pressed.done():
            key.pressed.set_result(None)

    def _send(self, payload_type: int, payload: bytes, *, marker: bool = False) -> None:
        self._sequence = (self._sequence + 1) & 0xFFFF
        packet = Packet(
            payload_type, self._sequence, self._timestamp & 0xFFFFFFFF, self._ssrc, payload, marker
        )
        if self._transport and self.remote and self.sending:
            self._transport.sendto(packet.encode(), self.remote)
            self.sent += 1

    def _end_sound(self) -> None:
        self._sound = iter(())
        if self._played and not self._played.done():
            self._played.set_result(None)


def _looped(samples: Samples) -> Iterator[bytes]:
    """Endless frames; one may hold the end and the new beginning, so that nothing clicks."""
    data = np.frombuffer(encode_mulaw(samples), np.uint8)
    position = np.arange(FRAME)
    while len(data):
        yield bytes(data.take(position, mode="wrap"))
        position = (position + FRAME) % len(data)
