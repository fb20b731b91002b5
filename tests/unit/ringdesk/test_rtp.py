"""RTP packets, mu-law, digits and tones."""

import struct
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringdesk.demo.rtp import (
    FRAME,
    RATE,
    DigitReceiver,
    Packet,
    RtpError,
    decode_mulaw,
    digit_payloads,
    encode_mulaw,
    frames,
    load_wav,
    parse_packet,
    tone,
    tone_share,
)

packets = st.builds(
    Packet,
    st.integers(0, 127),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.binary(max_size=320),
    st.booleans(),
)


@given(packets)
def test_packets_read_back(packet: Packet) -> None:
    assert parse_packet(packet.encode()) == packet


def test_sources_extension_and_padding_are_skipped() -> None:
    head = struct.pack("!BBHII", 0x80 | 0x20 | 0x10 | 1, 0, 1, 2, 3)
    data = head + b"SRC1" + struct.pack("!HH", 0, 1) + b"EXT1" + b"voice" + b"\0\0\3"
    assert parse_packet(data).payload == b"voice"


@given(st.binary(max_size=64))
def test_any_bytes_give_a_packet_or_an_rtp_error(data: bytes) -> None:
    for datagram in (data, b"\xbf" + data):
        try:
            parse_packet(datagram)
        except RtpError:
            continue


def test_mulaw_bytes_survive_decoding_and_encoding() -> None:
    every = bytes(range(256))
    back = encode_mulaw(decode_mulaw(every))
    # 0x7f is the second zero of the code (minus zero)
    assert back.replace(b"\x7f", b"\xff") == every.replace(b"\x7f", b"\xff")


def test_mulaw_of_itu_g711() -> None:
    assert [int(s) for s in decode_mulaw(b"\x00\x80\xff\x8f\x0f")] == [
        -32124,
        32124,
        0,
        16764,
        -16764,
    ]


def test_mulaw_keeps_a_tone_clean() -> None:
    sound = tone(1000, 0.5)
    error = decode_mulaw(encode_mulaw(sound)).astype(float) - sound
    assert np.sqrt(np.mean(error**2)) < 0.02 * np.sqrt(np.mean(sound.astype(float) ** 2))


def test_a_digit_is_one_event_with_three_ends() -> None:
    payloads = digit_payloads("#", 0.1)
    assert len(payloads) == 7
    assert {p[0] for p in payloads} == {11}
    assert [p[1] >> 7 for p in payloads] == [0, 0, 0, 0, 1, 1, 1]
    durations = [int.from_bytes(p[2:], "big") for p in payloads]
    assert durations == [160, 320, 480, 640, 800, 800, 800]


@pytest.mark.parametrize("key", ["", "12", "x", "²", " "])
def test_keys_no_telephone_has(key: str) -> None:
    with pytest.raises(ValueError, match="DTMF"):
        digit_payloads(key)


@given(st.text("0123456789*#ABCD", max_size=12), st.integers(1, 3))
def test_digits_arrive_once_even_when_packets_are_lost(digits: str, keep_every: int) -> None:
    receiver = DigitReceiver()
    heard = ""
    for n, digit in enumerate(digits):
        for payload in digit_payloads(digit)[::keep_every]:
            heard += receiver.feed(Packet(101, 0, n * 1600, 1, payload))
    assert heard == digits


def test_damaged_events_are_no_digits() -> None:
    receiver = DigitReceiver()
    assert receiver.feed(Packet(101, 0, 0, 1, b"\x01")) == ""
    assert receiver.feed(Packet(101, 0, 0, 1, b"\x63\0\0\0")) == ""


@pytest.mark.parametrize("frequency", [350, 440, 1000, 1633, 3000])
def test_a_tone_is_found_and_no_other(frequency: int) -> None:
    sound = tone(frequency, 0.5)
    assert tone_share(sound, frequency) > 0.99
    assert tone_share(sound, frequency + 50) < 0.01


def test_a_tone_in_noise_and_beside_another_is_found() -> None:
    noise = np.random.default_rng(1).normal(0, 1000, RATE)
    mixed = (tone(440, level=0.2) + tone(1000, level=0.2) + noise).astype(np.int16)
    assert tone_share(mixed, 440) > 0.4
    assert tone_share(mixed, 1000) > 0.4
    assert tone_share(mixed, 700) < 0.01


@pytest.mark.parametrize("sound", [np.zeros(0, np.int16), np.zeros(RATE, np.int16)])
def test_silence_is_no_tone(sound: np.ndarray) -> None:
    assert tone_share(sound, 440) == 0.0


def test_frames_are_20_ms_and_the_last_is_filled_with_silence() -> None:
    parts = list(frames(tone(440, 0.05)))
    assert [len(p) for p in parts] == [FRAME] * 3
    assert parts[-1][80:] == b"\xff" * 80


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100])
def test_a_wav_of_any_rate_becomes_8_khz(tmp_path: Path, rate: int) -> None:
    time = np.arange(rate) / rate
    both = np.sin(2 * np.pi * 500 * time) + (np.sin(2 * np.pi * 7000 * time) if rate > 14000 else 0)
    with wave.open(str(tmp_path / "x.wav"), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes((both * 8000).astype("<i2").tobytes())
    sound = load_wav(tmp_path / "x.wav")
    assert abs(len(sound) - RATE) <= 1
    assert tone_share(sound[400:-400], 500) > 0.99  # 7000 Hz is gone and not folded to 1000


def test_a_wav_that_is_not_16_bit_says_the_cure(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "x.wav"), "wb") as file:
        file.setparams((1, 1, 8000, 0, "NONE", ""))
        file.writeframes(b"\x80" * 10)
    with pytest.raises(ValueError, match="convert"):
        load_wav(tmp_path / "x.wav")
