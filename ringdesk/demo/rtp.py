"""RTP packets, G.711 mu-law, RFC 4733 digits and test tones. Pure; numpy does the sums.

Audio is int16 at 8000 Hz everywhere; a frame is 20 ms, 160 samples.
"""

import struct
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 8000
FRAME = 160
FRAME_SECONDS = FRAME / RATE
PCMU = 0
SILENCE = b"\xff" * FRAME
"""A frame of mu-law silence."""

Samples = NDArray[np.int16]

_DIGITS = "0123456789*#ABCD"


class RtpError(ValueError):
    """These bytes are no RTP packet."""


@dataclass(frozen=True)
class Packet:
    """One RTP packet (RFC 3550, section 5.1), without contributing sources."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False

    def encode(self) -> bytes:
        """The datagram."""
        second = self.payload_type | (self.marker << 7)
        head = struct.pack("!BBHII", 0x80, second, self.sequence, self.timestamp, self.ssrc)
        return head + self.payload


def parse_packet(data: bytes) -> Packet:
    """Read one datagram: skips sources and extension, drops padding. Raises RtpError."""
    if len(data) < 12 or data[0] >> 6 != 2:
        raise RtpError("no RTP version 2 header")
    first, second, sequence, timestamp, ssrc = struct.unpack_from("!BBHII", data)
    start = 12 + 4 * (first & 0x0F)
    if first & 0x10:
        if len(data) < start + 4:
            raise RtpError("the header extension is cut off")
        start += 4 + 4 * int(struct.unpack_from("!H", data, start + 2)[0])
    end = len(data) - (data[-1] if first & 0x20 else 0)
    if start > end:
        raise RtpError("the packet is shorter than its header says")
    return Packet(second & 0x7F, sequence, timestamp, ssrc, data[start:end], bool(second & 0x80))


def _mulaw_table() -> Samples:
    """Byte -> sample (ITU-T G.711)."""
    code = ~np.arange(256, dtype=np.uint8)
    exponent, mantissa = (code >> 4) & 7, code & 0x0F
    magnitude = (((mantissa.astype(np.int32) << 3) + 0x84) << exponent) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


_DECODE = _mulaw_table()


def _encode_table() -> NDArray[np.uint8]:
    """Sample as uint16 -> the byte that decodes nearest to it."""
    order = np.argsort(_DECODE, kind="stable")
    levels = _DECODE[order].astype(np.int32)
    samples = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    nearest = np.searchsorted((levels[1:] + levels[:-1]) / 2, samples)
    return order[nearest].astype(np.uint8)


_ENCODE = _encode_table()


def encode_mulaw(samples: Samples) -> bytes:
    """Samples to mu-law, a byte each."""
    return bytes(_ENCODE[samples.view(np.uint16)])


def decode_mulaw(data: bytes) -> Samples:
    """Mu-law bytes to samples."""
    return _DECODE[np.frombuffer(data, np.uint8)]


def digit_payloads(digit: str, duration: float = 0.1) -> list[bytes]:
    """The telephone-event payloads of one key, one for each 20 ms; the last three say "end".

    RFC 4733, section 2.3. Raises ValueError for a key no telephone has.
    """
    if len(digit) != 1 or digit.upper() not in _DIGITS:
        raise ValueError(f"{digit!r} is no DTMF digit: use 0-9, *, #, A-D")
    event = _DIGITS.index(digit.upper())
    steps = max(2, round(duration / FRAME_SECONDS))
    running = [struct.pack("!BBH", event, 10, n * FRAME) for n in range(1, steps)]
    return running + [struct.pack("!BBH", event, 0x80 | 10, steps * FRAME)] * 3


class DigitReceiver:
    """Turns telephone-event packets into digits: each key once, however often it is sent."""

    def __init__(self) -> None:
        self._last: tuple[int, int] | None = None

    def feed(self, packet: Packet) -> str:
        """The digit that begins with this packet, or ''."""
        event = (packet.ssrc, packet.timestamp)
        if event == self._last or len(packet.payload) < 4 or packet.payload[0] >= len(_DIGITS):
            return ""
        self._last = event
        return _DIGITS[packet.payload[0]]


def tone(frequency: float, seconds: float = 1.0, level: float = 0.3) -> Samples:
    """A sine wave; `level` 1.0 is full scale. Loops without a click at whole hertz and seconds."""
    time = np.arange(round(seconds * RATE)) / RATE
    return (np.sin(2 * np.pi * frequency * time) * level * 32767).astype(np.int16)


def tone_share(samples: Samples, frequency: float) -> float:
    """The share (0..1) of the sound's power that lies at `frequency` (Goertzel's single bin).

    A pure tone gives about 1, silence and other tones about 0.
    """
    signal = samples.astype(np.float64)
    power = float(np.mean(signal**2)) if len(signal) else 0.0
    if power < 100:  # quieter than -70 dBFS: no sound at all
        return 0.0
    turn = np.exp(-2j * np.pi * frequency / RATE * np.arange(len(signal)))
    amplitude = 2 * abs(complex(np.dot(signal, turn))) / len(signal)
    return float(min(1.0, amplitude**2 / 2 / power))


def frames(samples: Samples) -> Iterator[bytes]:
    """Mu-law frames of 20 ms, the last one filled with silence."""
    data = encode_mulaw(samples)
    for start in range(0, len(data), FRAME):
        yield data[start : start + FRAME].ljust(FRAME, b"\xff")


def load_wav(path: Path) -> Samples:
    """A 16-bit PCM wav of any rate, as 8 kHz mono. Raises ValueError for other kinds."""
    with wave.open(str(path), "rb") as file:
        if file.getsampwidth() != 2:
            raise ValueError(f"{path}: 16-bit PCM is needed: convert it with sox or ffmpeg")
        raw = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        mono = raw.reshape(-1, file.getnchannels())[:, 0]
        return resample(mono, file.getframerate())


def resample(samples: Samples, rate: int) -> Samples:
    """To 8 kHz: a windowed-sinc low-pass below 3.8 kHz, then linear interpolation."""
    if rate == RATE:
        return samples.astype(np.int16)
    signal = samples.astype(np.float64)
    if rate > RATE:
        reach = np.arange(-64, 65)
        cut = 2 * 3800 / rate
        signal = np.convolve(signal, cut * np.sinc(cut * reach) * np.hamming(129), "same")
    wanted = np.arange(int(len(signal) * RATE / rate)) * rate / RATE
    return np.clip(np.interp(wanted, np.arange(len(signal)), signal), -32768, 32767).astype(
        np.int16
    )
