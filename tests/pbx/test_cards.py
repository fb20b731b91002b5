"""What must not be kept of a real call: a card number, and what was said in a pause."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import numpy as np
import pytest

from recordings.settings import DEMO_MODEL
from recordings.speech_worker import Heard, Job, Models, read
from ringdesk.demo.story import Browser
from ringdesk.demo.world import World
from tests.pbx.fixtures_world import call_in, phones_of, until
from tests.unit.recordings.conftest import speak

pytestmark = pytest.mark.pbx

NUMBER = "4556737586899855"  # passes the check; the words are the demo model's
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
WORDS = [NAMES[int(digit)] for digit in NUMBER]
FORBIDDEN = (
    NUMBER,
    *(" ".join(WORDS[at : at + 4]) for at in range(0, 16, 4)),
    *(NUMBER[at : at + 8] for at in range(9)),
)


class Recorder(Browser):
    """A browser that keeps every frame as it came."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.frames: list[str] = []

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        receive = socket.receive

        async def keep(timeout: float | None = None) -> aiohttp.WSMessage:
            message = await receive(timeout)
            self.frames.append(str(message.data))
            return message

        socket.receive = keep  # type: ignore[method-assign,assignment]
        await super()._read(socket)


def kept(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file that Ringdesk and its Asterisk wrote, but the sound itself."""
    for file in folder.rglob("*"):
        if file.is_file() and file.suffix not in {".wav", ".part"}:
            yield file, file.read_bytes()


def words_in(audio: Path) -> list[list[str]]:
    answer = read(Job(audio=str(audio), model=str(DEMO_MODEL)), Models())
    assert isinstance(answer, Heard)
    return [[word.text for word in channel] for channel in answer.channels]


async def test_a_card_number_and_what_was_said_in_a_pause_are_nowhere(
    world: World, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert world.asterisk is not None
    said = speak("my card number is " + " ".join(WORDS), speed=150)
    browser = Recorder(world.address)
    await browser.log_in("anna")
    await browser.put("/api/me/availability", {"availability": "available"})
    async with phones_of(world, "101") as (trunk, desk):
        customer = await call_in(trunk, "+447700900151", press="1")
        ringing = await desk.incoming(timeout=15)
        await ringing.answer()
        recorded = lambda view: ((view.get("call") or {}).get("recording") or {}).get("id")  # noqa: E731
        recording_id = await browser.until(recorded, 10)
        assert recording_id
        await customer.play(said)
        await browser.post(f"/api/recordings/{recording_id}/pause", None)
        paused = await browser.until(lambda view: view["call"]["recording"]["state"] == "paused", 5)
        await customer.play(speak("my password is october"))
        async with browser._http.post(f"/api/recordings/{recording_id}/resume") as answer:
            assert (answer.status, paused) == (204, True)
        await ringing.play(speak("thank you one moment please", "en+f2"))
        await customer.hangup()
        await ringing.ended(timeout=5)
    library = world.server.page.dashboard.deps.library

    async def is_ready() -> bool:
        found = await library.get(recording_id)
        return found is not None and found.transcript == "ready"

    await until(is_ready, "the transcript", 30)
    await world.server.core.journal.flush()
    transcript = await browser.get(f"/api/recordings/{recording_id}/transcript")
    call_id = browser.view["call"]["call_id"]
    story = await browser.get(f"/api/calls/{call_id}")
    found = await browser.get("/api/recordings?q=card")
    frames = [*browser.frames, str(transcript), str(story), str(found)]
    await browser.close()

    text = " ".join(segment["text"] for segment in transcript["segments"])
    assert "my card number is [card number]" in text
    assert "moment please" in text
    assert not {"password", "october"} & set(text.split()), "it was said in the pause"
    steps = " | ".join(step["text"] for step in story["steps"])
    assert "card number was taken out" in steps
    assert "anna paused the recording, for" in steps
    assert "anna resumed the recording" in steps
    assert found["found"][0]["recording"]["id"] == recording_id

    recording = await library.get(recording_id)
    assert recording is not None
    assert await library.verify(recording_id)
    audio = library.audio_path(recording)
    heard = await asyncio.to_thread(words_in, audio)
    assert heard[0][:3] == ["my", "card", "number"]
    assert not {*heard[0], *heard[1]} & {*NAMES} - {"one"}  # "one moment"
    assert list(audio.parent.glob(f"{recording_id}*")) == [audio]
    with wave.open(io.BytesIO(audio.read_bytes())) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    assert np.abs(samples[:, 0]).max() > 1000

    logs = capfd.readouterr()
    everything = [*kept(tmp_path), *kept(world.asterisk.logs)]
    assert any(file.name == "ringdesk.db" for file, _ in everything)
    everything += [(Path("stdout"), logs.out.encode()), (Path("stderr"), logs.err.encode())]
    everything += [(Path("frames"), frame.encode()) for frame in frames]
    leaks = {
        (str(file), part)
        for file, data in everything
        for part in FORBIDDEN
        if part.encode() in data
    }
    assert leaks == set()
