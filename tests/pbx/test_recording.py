"""Recording on a real Asterisk: whose voice is on which channel, and what a transfer stops."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from cti import clock
from cti.ami.actions import to_action
from cti.ami.client import AmiClient
from cti.ami.settings import AmiSettings
from cti.bus import Bus
from cti.domain.commands import AnyCommand, Reply
from cti.domain.events import (
    CallAnswered,
    CallEnded,
    Event,
    RecordingFailed,
    RecordingPaused,
    RecordingResumed,
    RecordingStarted,
    RecordingStopped,
    TalkEnded,
)
from cti.journal import Journal
from cti.storage import metadata, open_engine
from recordings.library import Library
from recordings.service import RecordingService
from recordings.settings import RecordingSettings
from ringdesk.demo.asterisk import AsteriskInstance

pytestmark = pytest.mark.pbx

CUSTOMER_HERTZ = 440
AGENT_HERTZ = 1000
CALL = "pbx1-1.1"
DIALPLAN = (
    "customer,1,Answer()",
    f"customer,2,Playtones({CUSTOMER_HERTZ})",
    "customer,3,Wait(60)",
    "agent,1,Answer()",
    f"agent,2,Playtones({AGENT_HERTZ})",
    "agent,3,Wait(60)",
    "talk,1,Dial(Local/agent@tones/n,20)",
)


class Site:
    """The recording service with a real Asterisk, database and journal."""

    def __init__(self, folder: Path, asterisk: AsteriskInstance) -> None:
        self.asterisk = asterisk
        self.events: list[Event] = []
        host, port = asterisk.ami
        ami = AmiSettings.model_validate(
            {"host": host, "port": port, "secret": asterisk.ami_secret}
        )
        self.client = AmiClient(ami, lambda line, raw: None)
        self.engine = open_engine(f"sqlite+aiosqlite:///{folder}/ringdesk.db")
        self.bus = Bus()
        self.journal = Journal(self.engine, self.bus, clock.now, folder / "spool")
        settings = RecordingSettings(folder=asterisk.recordings, pause_seconds=1.0)
        self.library = Library(self.engine, settings)
        self.recorder = RecordingService(
            settings, self.engine, self.bus, self.record, self.perform, clock.now
        )

    def record(self, event: Event) -> Event:
        self.events.append(event)
        return self.journal.record(event)

    async def perform(self, command: AnyCommand) -> Reply:
        name, headers, as_list = to_action(command)
        return await self.client.send(name, headers, as_list=as_list)

    async def prepare(self) -> None:
        async with self.engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        await self.journal.open("test")

    async def connected(self) -> None:
        async with asyncio.timeout(10):
            while not self.client.connected:
                await asyncio.sleep(0.02)

    async def begin_talk(self) -> str:
        """A customer who sounds at 440 Hz with an agent who sounds at 1000 Hz.

        Returns the customer's channel.
        """
        for line in DIALPLAN:
            await self.asterisk.cli(f"dialplan add extension {line} into tones")
        await self.asterisk.cli("channel originate Local/customer@tones/n extension talk@tones")
        async with asyncio.timeout(10):
            while True:
                for line in (await self.asterisk.cli("core show channels concise")).splitlines():
                    channel, *rest = line.split("!")
                    if "Local/customer@" in channel and channel.endswith(";1") and rest[-2]:
                        return channel  # it is in a bridge
                await asyncio.sleep(0.05)

    def answered(self, talk: str, channel: str, agent: str = "PJSIP/101") -> None:
        self.record(
            CallAnswered(
                at=clock.now(),
                switch="pbx1",
                call_id=CALL,
                talk_id=talk,
                agent=agent,
                agent_channel="",
                caller_channel=channel,
            )
        )

    async def until(self, kind: type[Event], count: int = 1) -> None:
        async with asyncio.timeout(20):
            while sum(isinstance(event, kind) for event in self.events) < count:
                assert not any(isinstance(event, RecordingFailed) for event in self.events)
                await asyncio.sleep(0.02)


@pytest.fixture
async def site(asterisk: AsteriskInstance, tmp_path: Path) -> AsyncIterator[Site]:
    site = Site(tmp_path, asterisk)
    await site.prepare()
    running = [
        asyncio.create_task(part.run()) for part in (site.client, site.journal, site.recorder)
    ]
    await site.connected()
    yield site
    for task in running:
        task.cancel()
    await asyncio.wait(running)
    await site.engine.dispose()


def loudest_hertz(path: Path) -> list[float]:
    """The strongest frequency of each channel."""
    with wave.open(str(path), "rb") as audio:
        samples = np.frombuffer(audio.readframes(audio.getnframes()), "<i2").reshape(-1, 2)
        rate = audio.getframerate()
    spectra = np.abs(np.fft.rfft(samples.astype(float), axis=0))
    return [float(peak) * rate / len(samples) for peak in spectra.argmax(axis=0)]


async def test_customer_is_left_agent_is_right_and_a_hang_up_closes_it(site: Site) -> None:
    channel = await site.begin_talk()
    site.answered("t1", channel)
    await site.until(RecordingStarted)
    await asyncio.sleep(2)
    await site.asterisk.hangup_all()
    site.record(
        CallEnded(
            at=clock.now(),
            switch="pbx1",
            call_id=CALL,
            direction="inbound",
            outcome="answered",
            lasted=2_000_000,
        )
    )
    await site.until(RecordingStopped)

    ((recording,),) = (await site.library.of_calls([CALL])).values()
    assert (recording.state, recording.reason) == ("stored", "")
    assert recording.seconds == pytest.approx(2, abs=0.5)
    assert await site.library.verify(recording.id)
    path = site.library.audio_path(recording)
    assert loudest_hertz(path) == pytest.approx([CUSTOMER_HERTZ, AGENT_HERTZ], abs=2)


async def test_end_of_a_talk_stops_its_recording_and_no_other(site: Site) -> None:
    channel = await site.begin_talk()
    foreign = site.asterisk.recordings / "of-the-site.wav"
    await site.asterisk.cli(f"mixmonitor start {channel} {foreign}")
    site.answered("t1", channel)
    await site.until(RecordingStarted)
    await asyncio.sleep(1)
    ended = TalkEnded(
        at=clock.now(),
        switch="pbx1",
        call_id=CALL,
        talk_id="t1",
        agent="PJSIP/101",
        talked=1_000_000,
    )
    site.record(ended)
    site.answered("t2", channel, agent="PJSIP/102")
    await site.until(RecordingStopped)
    await site.until(RecordingStarted, 2)

    listed = await site.asterisk.cli(f"mixmonitor list {channel}")
    first, second = (await site.library.of_calls([CALL]))[CALL]
    assert first.id not in listed
    assert second.id in listed
    assert foreign.stem in listed
    assert (first.state, second.state) == ("stored", "recording")


def quiet(path: Path) -> list[tuple[float, float]]:
    """When both channels are exactly silent, for at least a fifth of a second, in seconds."""
    with wave.open(str(path), "rb") as audio:
        samples = np.frombuffer(audio.readframes(audio.getnframes()), "<i2").reshape(-1, 2)
        rate = audio.getframerate()
    edges = np.flatnonzero(np.diff(np.concatenate([[0], ~samples.any(axis=1), [0]]).astype(int)))
    spans = [(float(a) / rate, float(b) / rate) for a, b in edges.reshape(-1, 2)]
    return [span for span in spans if span[1] - span[0] > 0.2]


async def test_a_pause_is_exact_silence_and_keeps_the_time(site: Site) -> None:
    channel = await site.begin_talk()
    site.answered("t1", channel)
    await site.until(RecordingStarted)
    started = next(event for event in site.events if isinstance(event, RecordingStarted))
    await asyncio.sleep(1.5)
    pauses = site.recorder.pauses
    await pauses.pause(started.recording_id, "anna")
    await site.until(RecordingResumed)  # by itself, after a second
    await asyncio.sleep(1)
    await pauses.pause(started.recording_id, "anna")
    await asyncio.sleep(0.5)
    await pauses.resume(started.recording_id, "anna")
    await asyncio.sleep(1)
    await site.asterisk.hangup_all()
    site.record(
        CallEnded(
            at=clock.now(),
            switch="pbx1",
            call_id=CALL,
            direction="inbound",
            outcome="answered",
            lasted=5_000_000,
        )
    )
    await site.until(RecordingStopped)

    ((recording,),) = (await site.library.of_calls([CALL])).values()
    first, second = quiet(site.library.audio_path(recording))
    changes = [e.at for e in site.events if isinstance(e, RecordingPaused | RecordingResumed)]
    told = [(after - before) / 1e6 for before, after in pairwise(changes)]
    heard = [first[1] - first[0], second[0] - first[1], second[1] - second[0]]
    assert heard == pytest.approx(told, abs=0.3)
    assert told[0] >= 0.99  # by two clocks
    assert loudest_hertz(site.library.audio_path(recording)) == pytest.approx(
        [CUSTOMER_HERTZ, AGENT_HERTZ], abs=2
    )
