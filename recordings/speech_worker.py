"""The speech process: reads recordings with Vosk, apart from the server.

A process of its own, because a model takes a core and up to gigabytes, and because Kaldi ends the
process at an internal error. It is a plain subprocess that speaks over its standard input and
output (not multiprocessing: nothing of the server is imported or inherited, asyncio waits for it
without a thread, and it ends by itself when its parent's end of the pipe is closed).

Each message is a length (4 bytes, big-endian) and so much JSON: a :class:`Job` in, a
:class:`Heard` or a :class:`Refused` out, in turn.

``python -m recordings.speech_worker --check FOLDER`` tries a model, printing each stage of
:data:`STAGES` when it has passed.
"""

from __future__ import annotations

import os
import struct
import sys
import wave
from typing import Any, BinaryIO

import msgspec
import numpy as np

from recordings.transcription import Word

STAGES = ("load", "recognise", "listen")
"""What a model must pass: loading, making a recogniser, and a second of silence at 8 kHz."""
LENGTH = struct.Struct(">I")

_CHUNK_SECONDS = 0.2
_TELEPHONE = 8000
_SAMPLE = 2
_NICENESS = 10
_QUIET = -1


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One stereo recording to be read with one model folder."""

    audio: str
    model: str


class Heard(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The words of each channel, in order."""

    channels: tuple[tuple[Word, ...], ...]


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """It cannot be done, and why (with the cure)."""

    reason: str


class _Result(msgspec.Struct):
    """One result of Vosk, as JSON. ``conf`` is absent when alternatives are asked for."""

    result: list[dict[str, Any]] = []


class Channel:
    """One speaker: a recogniser of its own, and what it heard."""

    def __init__(self, model: Any, rate: int) -> None:
        import vosk

        self._recogniser = vosk.KaldiRecognizer(model, rate)
        self._recogniser.SetWords(True)
        self._words: list[Word] = []

    def listen(self, samples: bytes) -> None:
        """Mono 16 bit samples, 100 to 200 ms of them."""
        if self._recogniser.AcceptWaveform(samples):
            self._take(self._recogniser.Result())

    def words(self) -> tuple[Word, ...]:
        """All words, at the end of the audio."""
        self._take(self._recogniser.FinalResult())
        return tuple(self._words)

    def _take(self, result: str) -> None:
        for word in msgspec.json.decode(result, type=_Result).result:
            self._words.append(
                Word(
                    text=word["word"],
                    start=word["start"],
                    end=word["end"],
                    confidence=word.get("conf", 1.0),
                )
            )


class Models:
    """Models by folder, loaded when first needed and kept."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    def get(self, folder: str) -> Any:
        """The model in ``folder``. Raises Exception (of vosk) for one that does not load."""
        import vosk

        if folder not in self._loaded:
            vosk.SetLogLevel(_QUIET)
            # Never a name: vosk would download it, or end the process.
            self._loaded[folder] = vosk.Model(model_path=folder)
        return self._loaded[folder]


def read(job: Job, models: Models) -> Heard | Refused:
    """The words of each channel of ``job.audio``."""
    try:
        with wave.open(job.audio, "rb") as audio:
            return Heard(channels=_channels(audio, models.get(job.model)))
    except (OSError, EOFError, wave.Error) as error:
        return Refused(reason=f"the recording cannot be read: {error}")
    except Exception as error:  # vosk raises nothing narrower
        return Refused(reason=f"the model refused: {error} (check it: ringdesk doctor)")


def _channels(audio: wave.Wave_read, model: Any) -> tuple[tuple[Word, ...], ...]:
    rate, count = audio.getframerate(), audio.getnchannels()
    channels = [Channel(model, rate) for _ in range(count)]
    while data := audio.readframes(int(rate * _CHUNK_SECONDS)):
        frames = np.frombuffer(data, dtype="<i2").reshape(-1, count)
        for number, channel in enumerate(channels):
            channel.listen(frames[:, number].tobytes())
    return tuple(channel.words() for channel in channels)


def serve(jobs: BinaryIO, answers: BinaryIO) -> None:
    """Answer jobs until the other end is closed."""
    models = Models()
    while len(head := jobs.read(LENGTH.size)) == LENGTH.size:
        job = msgspec.json.decode(jobs.read(LENGTH.unpack(head)[0]), type=Job)
        body = msgspec.json.encode(read(job, models))
        answers.write(LENGTH.pack(len(body)) + body)
        answers.flush()


def check(folder: str, answers: BinaryIO) -> None:
    """Try the model in ``folder``; write the name of each stage that was passed."""
    model = Models().get(folder)
    _say(answers, "load")
    channel = Channel(model, _TELEPHONE)
    _say(answers, "recognise")
    for _ in range(int(1 / _CHUNK_SECONDS)):
        channel.listen(bytes(int(_TELEPHONE * _CHUNK_SECONDS) * _SAMPLE))
    channel.words()
    _say(answers, "listen")


def _say(answers: BinaryIO, stage: str) -> None:
    answers.write(stage.encode() + b"\n")
    answers.flush()


def main(arguments: list[str]) -> None:
    """The process. What libraries print goes to standard error, never among the answers."""
    os.nice(_NICENESS)  # calls come first
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        if arguments[:1] == ["--check"]:
            check(arguments[1], answers)
        else:
            serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main(sys.argv[1:])
