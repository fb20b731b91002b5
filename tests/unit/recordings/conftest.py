"""Real speech, real WAV files, and a stand-in for the PBX that writes them as Asterisk does."""

from __future__ import annotations

import asyncio
import struct
import subprocess
import wave
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from cti import clock
from cti.bus import Bus
from cti.domain.commands import (
    AnyCommand,
    CommandFailed,
    GetVariable,
    Reply,
    StartRecording,
    StopRecording,
)
from cti.domain.events import CallAnswered, Event
from cti.journal import Journal
from cti.storage import metadata, open_engine
from recordings.settings import RecordingSettings

RATE = 8000
Samples = npt.NDArray[np.int16]
Speak = Callable[..., Samples]
WriteLeg = Callable[..., Path]


def tone(hertz: float, seconds: float) -> Samples:
    """A sine at half of full scale."""
    time = np.arange(int(seconds * RATE)) / RATE
    return (np.sin(2 * np.pi * hertz * time) * 16_000).astype("<i2")


def silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * RATE), dtype="<i2")


def loudest_hertz(samples: Samples) -> float:
    spectrum = np.abs(np.fft.rfft(samples.astype(float)))
    return float(spectrum.argmax() * RATE / len(samples))


def write_leg(path: Path, samples: Samples, *, closed: bool = True) -> Path:
    """A file as Asterisk writes it: not closed means that the header says no length yet."""
    audio = samples.astype("<i2").tobytes()
    length = len(audio) if closed else 0
    head = struct.pack(
        "<4sI4s4sIHHIIHH",
        b"RIFF",
        length + 36 if closed else 0,
        b"WAVE",
        b"fmt ",
        16,
        1,
        1,
        RATE,
        RATE * 2,
        2,
        16,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + struct.pack("<4sI", b"data", length) + audio)
    return path


def write_stereo(path: Path, left: Samples, right: Samples) -> Path:
    length = max(len(left), len(right))
    stereo = np.zeros((length, 2), dtype="<i2")
    stereo[: len(left), 0] = left
    stereo[: len(right), 1] = right
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as out:
        out.setparams((2, 2, RATE, length, "NONE", ""))
        out.writeframes(stereo.tobytes())
    return path


def read_stereo(path: Path) -> Samples:
    with wave.open(str(path), "rb") as audio:
        assert (audio.getnchannels(), audio.getframerate()) == (2, RATE)
        return np.frombuffer(audio.readframes(audio.getnframes()), dtype="<i2").reshape(-1, 2)


def speak(text: str, voice: str = "en-us", speed: int = 160) -> Samples:
    """``text`` as espeak-ng says it, brought to telephone quality (8 kHz)."""
    said = subprocess.run(
        ["espeak-ng", "-v", voice, "-s", str(speed), "--stdout", text],
        capture_output=True,
        check=True,
    ).stdout
    rate = struct.unpack_from("<I", said, 24)[0]
    start = said.index(b"data") + 8
    wide = np.frombuffer(said[start : start + (len(said) - start) // 2 * 2], dtype="<i2")
    at = np.arange(int(len(wide) * RATE / rate)) * (rate / RATE)
    return (np.interp(at, np.arange(len(wide)), wide) * 0.7).astype("<i2")


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(f"sqlite+aiosqlite:///{tmp_path}/ringdesk.db")
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield engine
    await engine.dispose()


class Log:
    """A real journal and bus, and what went over it."""

    def __init__(self, engine: AsyncEngine, spool: Path) -> None:
        self.bus = Bus()
        self.journal = Journal(engine, self.bus, clock.now, spool)
        self.events: list[Event] = []

    def record(self, event: Event) -> Event:
        self.events.append(event)
        return self.journal.record(event)

    def of(self, *kinds: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kinds)]

    async def until(self, kind: type[Event], count: int = 1, seconds: float = 20) -> Event:
        async with asyncio.timeout(seconds):
            while len(self.of(kind)) < count:
                await asyncio.sleep(0.01)
        return self.of(kind)[-1]


@pytest.fixture
async def log(engine: AsyncEngine, tmp_path: Path) -> AsyncIterator[Log]:
    log = Log(engine, tmp_path / "spool")
    await log.journal.open("test")
    writer = asyncio.create_task(log.journal.run())
    yield log
    writer.cancel()
    await asyncio.wait([writer])


class Pbx:
    """Writes recordings below ``disk`` when told paths below ``/pbx``."""

    def __init__(self, disk: Path) -> None:
        self.disk = disk
        self.said: list[AnyCommand] = []
        self.refuse_with = ""
        self.fail_with: CommandFailed | None = None
        self.writes = True
        self.channels: dict[str, str] = {}
        self.open: dict[str, StartRecording] = {}

    async def perform(self, command: AnyCommand) -> Reply:
        self.said.append(command)
        if self.fail_with:
            raise self.fail_with
        match command:
            case _ if self.refuse_with:
                return Reply(ok=False, message=self.refuse_with)
            case StartRecording():
                return self._start(command)
            case StopRecording():
                self.close(command.mixmonitor_id)
            case GetVariable(channel=channel) if channel not in self.channels:
                return Reply(ok=False, message="No such channel")
            case GetVariable(channel=channel):
                return Reply(ok=True, fields={"Value": self.channels[channel]})
        return Reply(ok=True)

    def commands(self, kind: type[AnyCommand]) -> list[AnyCommand]:
        return [command for command in self.said if isinstance(command, kind)]

    def local(self, path: str) -> Path:
        assert path.startswith("/pbx/")
        return self.disk / path.removeprefix("/pbx/")

    def _start(self, command: StartRecording) -> Reply:
        mixmonitor_id = f"0x{len(self.said)}"
        self.open[mixmonitor_id] = command
        if self.writes:
            for path in (command.caller_file, command.agent_file):
                write_leg(self.local(path), tone(50, 0.1), closed=False)
        return Reply(ok=True, fields={"MixMonitorID": mixmonitor_id})

    def close(self, mixmonitor_id: str, seconds: float = 1) -> None:
        """The talk's audio: 440 Hz from the customer, 1000 Hz from the agent."""
        command = self.open.pop(mixmonitor_id)
        if self.writes:
            write_leg(self.local(command.caller_file), tone(440, seconds))
            write_leg(self.local(command.agent_file), tone(1000, seconds / 2))

    def hang_up(self, seconds: float = 1) -> None:
        for mixmonitor_id in list(self.open):
            self.close(mixmonitor_id, seconds)


@pytest.fixture
def pbx(tmp_path: Path) -> Pbx:
    return Pbx(tmp_path / "recordings")


@pytest.fixture
def settings(tmp_path: Path) -> RecordingSettings:
    return make_settings(tmp_path)


def make_settings(tmp_path: Path, **more: object) -> RecordingSettings:
    values: Mapping[str, object] = {
        "folder": tmp_path / "recordings",
        "pbx_folder": "/pbx",
        "close_seconds": 20,
        "retry_seconds": 0.1,
    }
    return RecordingSettings.model_validate({**values, **more})


def answered(talk: str = "t1", **more: object) -> CallAnswered:
    values = {
        "at": clock.now(),
        "switch": "pbx1",
        "call_id": "pbx1-1700000000.1",
        "talk_id": talk,
        "agent": "PJSIP/101",
        "agent_channel": "PJSIP/101-00000002",
        "caller_channel": "PJSIP/trunk-00000001",
        "queue": "support",
    }
    return CallAnswered(**{**values, **more})  # type: ignore[arg-type]
