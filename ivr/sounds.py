"""Sound files of the PBX: does one exist, and how long does it last?"""

from __future__ import annotations

import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BYTES_PER_SECOND = {
    ".gsm": 1650,  # 33 bytes each 20 ms
    ".ulaw": 8000,
    ".ul": 8000,
    ".pcm": 8000,
    ".mu": 8000,
    ".alaw": 8000,
    ".al": 8000,
    ".g722": 8000,
    ".g729": 1000,
    ".sln": 16000,
    ".sln16": 32000,
    ".sln32": 64000,
    ".sln48": 96000,
}
_WAVE = frozenset({".wav", ".wav16"})


@dataclass(frozen=True)
class PlayableSound:
    """A prompt ready to be played: ``file`` as the PBX names it, without extension.

    ``seconds``: how long it lasts (None: unknown).
    """

    file: str
    seconds: float | None


@dataclass(frozen=True)
class SpokenText:
    """A prompt that is known only when it is to be heard. ``voice`` empty: the settings'."""

    text: str
    voice: str


Sound = PlayableSound | SpokenText


def find_sound(name: str, folder: Path) -> PlayableSound | None:
    """The sound ``name`` in ``folder`` (of one language) or in the one above, as Asterisk looks."""
    files = [file for place in (folder, folder.parent) for file in _files(place / name)]
    if not files:
        return None
    lengths = [seconds for seconds in map(sound_seconds, files) if seconds is not None]
    return PlayableSound(name, max(lengths, default=None))


def sound_seconds(file: Path) -> float | None:
    """The length of a sound file, from its size or its header (None: a format not known here)."""
    if file.suffix in _WAVE:
        return wave_seconds(file)
    if file.suffix in _BYTES_PER_SECOND:
        return file.stat().st_size / _BYTES_PER_SECOND[file.suffix]
    return None


def wave_seconds(file: Path) -> float | None:
    """The length of a wave file (None: it is damaged, or holds no PCM)."""
    try:
        with wave.open(str(file)) as sound:
            return float(sound.getnframes() / sound.getframerate())
    except (wave.Error, EOFError, ZeroDivisionError):
        return None


def _files(base: Path) -> Iterator[Path]:
    """Existing files whose name is ``base`` and any extension."""
    if base.parent.is_dir():
        yield from (file for file in base.parent.glob(f"{base.name}.*") if file.is_file())
