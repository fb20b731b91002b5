"""The real Vosk, in its process, listening to real (synthetic) speech."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from recordings.settings import DEMO_MODEL
from recordings.speech_check import check_model
from recordings.speech_process import WORKER, SpeechProcess, SpeechProcessDied, environment
from recordings.speech_worker import Heard, Job, Refused
from tests.unit.recordings.conftest import silence, speak, write_stereo

CUSTOMER = "please call me back tomorrow morning"
AGENT = "hello how can i help you"


@pytest.fixture(scope="module")
def dialogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agent speaks from second 1, the customer from second 4."""
    agent = np.concatenate([silence(1), speak(AGENT, "en+f2"), silence(1)])
    customer = np.concatenate([silence(4), speak(CUSTOMER), silence(1)])
    return write_stereo(tmp_path_factory.mktemp("audio") / "call.wav", customer, agent)


def job(audio: Path, model: Path = DEMO_MODEL) -> Job:
    return Job(audio=str(audio), model=str(model))


async def buried(pid: int) -> None:
    """Wait until asyncio knows that the process is dead."""
    with contextlib.suppress(ProcessLookupError):
        while True:
            os.kill(pid, 0)
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)


async def test_each_channel_is_heard_apart_with_times(dialogue: Path) -> None:
    async with SpeechProcess() as speech:
        heard = await speech.read(job(dialogue), 60)
    assert isinstance(heard, Heard)
    customer, agent = heard.channels
    assert [word.text for word in customer] == CUSTOMER.split()
    assert [word.text for word in agent] == AGENT.split()
    assert agent[0].start == pytest.approx(1, abs=0.15)
    assert customer[0].start == pytest.approx(4, abs=0.15)
    for word in (*customer, *agent):
        assert word.start < word.end
        assert word.confidence > 0.5


async def test_one_process_reads_many_recordings(dialogue: Path) -> None:
    async with SpeechProcess() as speech:
        first = await speech.read(job(dialogue), 60)
        pid = speech.pid
        assert await speech.read(job(dialogue), 60) == first
        assert speech.pid == pid


@pytest.mark.parametrize("content", [None, b"", b"no audio at all", b"RIFF\x10\0\0\0WAVEfmt "])
async def test_bad_audio_is_refused_and_the_process_lives_on(
    dialogue: Path, tmp_path: Path, content: bytes | None
) -> None:
    bad = tmp_path / "bad.wav"
    if content is not None:
        bad.write_bytes(content)
    async with SpeechProcess() as speech:
        refused = await speech.read(job(bad), 60)
        assert isinstance(refused, Refused)
        assert "cannot be read" in refused.reason
        pid = speech.pid
        assert isinstance(await speech.read(job(dialogue), 60), Heard)
        assert speech.pid == pid


async def test_bad_model_is_refused_and_names_the_doctor(dialogue: Path, tmp_path: Path) -> None:
    async with SpeechProcess() as speech:
        refused = await speech.read(job(dialogue, tmp_path), 60)
    assert isinstance(refused, Refused)
    assert "ringdesk doctor" in refused.reason


async def test_killed_process_is_told_and_replaced(dialogue: Path) -> None:
    async with SpeechProcess() as speech:
        reading = asyncio.create_task(speech.read(job(dialogue), 60))
        while speech.pid is None:
            await asyncio.sleep(0.01)
        killed = speech.pid
        os.kill(killed, signal.SIGKILL)
        with pytest.raises(SpeechProcessDied, match="status -9"):
            await reading
        assert isinstance(await speech.read(job(dialogue), 60), Heard)
        assert speech.pid != killed


async def test_process_that_died_between_jobs_costs_no_job(dialogue: Path) -> None:
    async with SpeechProcess() as speech:
        await speech.read(job(dialogue), 60)
        assert speech.pid is not None
        os.kill(speech.pid, signal.SIGKILL)
        await buried(speech.pid)
        assert isinstance(await speech.read(job(dialogue), 60), Heard)


async def test_process_that_hangs_is_killed(dialogue: Path) -> None:
    async with SpeechProcess() as speech:
        await speech.read(job(dialogue), 60)
        pid = speech.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(SpeechProcessDied, match="no answer within"):
            await speech.read(job(dialogue), 0.2)
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_no_process_is_left_behind(dialogue: Path) -> None:
    async with SpeechProcess() as speech:
        await speech.read(job(dialogue), 60)
        pid = speech.pid
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_process_ends_by_itself_when_its_parent_is_gone() -> None:
    orphan = subprocess.run(WORKER, stdin=subprocess.DEVNULL, env=environment(), timeout=30)
    assert orphan.returncode == 0


def test_the_demo_model_passes_the_check() -> None:
    assert check_model(DEMO_MODEL) == []


def remove(name: str) -> Callable[[Path], None]:
    return lambda model: (model / name).unlink()


def cut(name: str, size: int) -> Callable[[Path], None]:
    return lambda model: os.truncate(model / name, size)


def wideband(model: Path) -> None:
    conf = model / "conf/mfcc.conf"
    conf.write_text(conf.read_text().replace("8000", "16000").replace("3800", "7600"))


@pytest.mark.parametrize(
    ("spoil", "reason", "cure"),
    [
        (remove("am/final.mdl"), "holds no am/final.mdl", "unpack a Vosk model there"),
        (remove("conf/mfcc.conf"), "holds no conf/mfcc.conf", "unpack the model again"),
        (remove("graph/Gr.fst"), "neither graph/HCLG.fst nor graph/Gr.fst", "unpack"),
        (remove("graph/words.txt"), "holds no words", "unpack"),
        (cut("graph/words.txt", 0), "holds no words", "unpack"),
        (cut("am/final.mdl", 1000), "Vosk cannot load", "unpack"),
        (cut("graph/HCLr.fst", 500), "the graph in", "unpack"),
        (wideband, "does not take telephone audio", "--allow-upsample=true"),
    ],
)
def test_spoilt_model_is_told_with_its_cure(
    tmp_path: Path, spoil: Callable[[Path], None], reason: str, cure: str
) -> None:
    model = tmp_path / "model"
    shutil.copytree(DEMO_MODEL, model)
    spoil(model)
    (problem,) = check_model(model)
    assert reason in problem.reason
    assert cure in problem.cure
    assert str(model) in problem.reason


def test_folder_around_a_model_names_the_one_inside(tmp_path: Path) -> None:
    shutil.copytree(DEMO_MODEL, tmp_path / "vosk-model")
    (problem,) = check_model(tmp_path)
    assert problem.cure == f"name {tmp_path / 'vosk-model'} instead"


def test_missing_folder_and_packed_model(tmp_path: Path) -> None:
    assert "there is no folder" in str(check_model(tmp_path / "none")[0])
    packed = tmp_path / "vosk-model.zip"
    packed.write_bytes(b"PK")
    assert "unpack it" in str(check_model(packed)[0])
