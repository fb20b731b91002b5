"""Texts spoken by espeak-ng into wave files of 8 kHz, 16 bit, mono: what telephones carry.

Files are named by what they hold (text, voice, speed), so a text is spoken once and a file never
changes under a call that plays it.
"""

from __future__ import annotations

import array
import hashlib
import io
import os
import subprocess
import tempfile
import warnings
import wave
from pathlib import Path

from ivr.settings import SpeechSettings
from ivr.sounds import PlayableSound, wave_seconds

with warnings.catch_warnings():
    # pydub warns when ffmpeg is missing; plain PCM, as here, never needs it.
    warnings.simplefilter("ignore")
    from pydub import AudioSegment
    from pydub.effects import normalize

_RATE = 8000
_MADE_AS = "1"  # part of the name: change it when the sound of the same text changes
_SECONDS = 60


class SpeechError(Exception):
    """A text cannot be spoken: ``reason`` and ``cure``."""

    def __init__(self, reason: str, cure: str) -> None:
        super().__init__(f"{reason} ({cure})")
        self.reason = reason
        self.cure = cure


class Speaker:
    """Gives a text as a sound file, from the cache or spoken now (20 to 300 ms)."""

    def __init__(self, settings: SpeechSettings) -> None:
        self._settings = settings
        self._pbx_folder = settings.pbx_cache_folder or str(settings.cache_folder.absolute())

    def speak(self, text: str, voice: str = "") -> PlayableSound:
        """``text`` as a sound. ``voice`` empty: the one of the settings. Raises SpeechError."""
        voice = voice or self._settings.voice
        file = self._settings.cache_folder / f"{self._name(text, voice)}.wav"
        try:
            seconds = wave_seconds(file) if file.exists() else None
            if seconds is None:
                _write(file, _telephone_wave(self._synthesize(text, voice)))
                seconds = wave_seconds(file)
        except OSError as error:
            raise SpeechError(
                f"the spoken text cannot be kept in {file.parent}: {error.strerror}",
                "set ivr.speech.cache_folder to a folder that Ringdesk may write",
            ) from error
        return PlayableSound(f"{self._pbx_folder.rstrip('/')}/{file.stem}", seconds)

    def _name(self, text: str, voice: str) -> str:
        made_from = "\0".join((_MADE_AS, voice, str(self._settings.words_per_minute), text))
        return hashlib.sha256(made_from.encode()).hexdigest()[:32]

    def _synthesize(self, text: str, voice: str) -> bytes:
        """A wave file as espeak-ng makes it. The text goes by stdin: it can be no option."""
        command = [self._settings.command, "--stdin", "--stdout", "-b", "1", "-v", voice]
        command += ["-s", str(self._settings.words_per_minute)]
        plain = text.replace("[[", "[ [")  # [[ ]] would be read as phonemes
        try:
            done = subprocess.run(
                command, input=plain.encode(), capture_output=True, timeout=_SECONDS, check=False
            )
        except (FileNotFoundError, PermissionError):
            raise SpeechError(
                f"{self._settings.command} cannot be run, so the text cannot be spoken",
                "install it (apt-get install espeak-ng) or use a sound file: sound = ...",
            ) from None
        except subprocess.TimeoutExpired:
            raise SpeechError(
                f"{self._settings.command} took longer than {_SECONDS} s", "shorten the text"
            ) from None
        if done.returncode or len(done.stdout) <= 44:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no sound"]
            raise SpeechError(
                f'{self._settings.command} cannot speak this with voice "{voice}": {said[-1]}',
                "espeak-ng --voices lists the voices; the text needs letters or digits",
            )
        return done.stdout


def _telephone_wave(spoken: bytes) -> bytes:
    """The wave file ``spoken``, as 8 kHz, 16 bit, mono and evenly loud."""
    with wave.open(io.BytesIO(spoken)) as source:
        rate, width, channels = (
            source.getframerate(),
            source.getsampwidth(),
            source.getnchannels(),
        )
        # On stdout espeak-ng cannot know the length: the header says nearly 2^31 frames.
        frames = source.readframes(len(spoken))
    frames = frames[: len(frames) // (width * channels) * width * channels]
    sound = AudioSegment(data=frames, sample_width=width, frame_rate=rate, channels=channels)
    sound = sound.set_channels(1).set_sample_width(2).low_pass_filter(3400)  # before fewer samples
    sound = normalize(sound.set_frame_rate(_RATE), headroom=3.0)
    return _wave(array.array("h", sound.raw_data).tobytes())


def _wave(frames: bytes) -> bytes:
    target = io.BytesIO()
    with wave.open(target, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(_RATE)
        out.writeframes(frames)
    return target.getvalue()


def _write(file: Path, data: bytes) -> None:
    """Write at once or not at all: the PBX must never see half a file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=file.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        os.chmod(temporary, 0o644)  # the PBX mostly runs as another user
        os.replace(temporary, file)
    except BaseException:
        os.unlink(temporary)
        raise
