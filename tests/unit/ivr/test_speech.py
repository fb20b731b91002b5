from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from ivr.settings import SpeechSettings
from ivr.sounds import PlayableSound
from ivr.speech import Speaker, SpeechError


def samples(sound: PlayableSound) -> np.ndarray:
    with wave.open(f"{sound.file}.wav") as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (8000, 2, 1)
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")


def test_a_text_becomes_telephone_sound(tmp_path: Path) -> None:
    sound = Speaker(SpeechSettings(cache_folder=tmp_path)).speak("For sales, press two.")
    heard = samples(sound)
    assert sound.seconds == pytest.approx(len(heard) / 8000)
    assert 1 < len(heard) / 8000 < 4
    assert 20_000 < np.abs(heard.astype(int)).max() < 25_000  # 3 dB below full scale
    assert [file.suffix for file in tmp_path.iterdir()] == [".wav"]


def test_a_text_is_spoken_once(tmp_path: Path) -> None:
    speaker = Speaker(SpeechSettings(cache_folder=tmp_path))
    first = speaker.speak("hello")
    made = Path(f"{first.file}.wav").stat().st_mtime_ns
    assert speaker.speak("hello") == first
    assert Path(f"{first.file}.wav").stat().st_mtime_ns == made
    files = {first.file, speaker.speak("hello", "de").file, speaker.speak("hallo").file}
    slow = Speaker(SpeechSettings(cache_folder=tmp_path, words_per_minute=90)).speak("hello")
    assert len(files | {slow.file}) == 4


def test_half_a_file_in_the_cache_is_made_again(tmp_path: Path) -> None:
    speaker = Speaker(SpeechSettings(cache_folder=tmp_path))
    sound = speaker.speak("hello")
    Path(f"{sound.file}.wav").write_bytes(b"RIFF")
    assert speaker.speak("hello") == sound


@pytest.mark.parametrize("text", ["--help", "-w /tmp/x.wav", "-f", "$(id) `id`; id", "<a b", "-5"])
def test_a_text_is_never_an_option(tmp_path: Path, text: str) -> None:
    assert len(samples(Speaker(SpeechSettings(cache_folder=tmp_path)).speak(text))) > 2000
    assert len(list(tmp_path.iterdir())) == 1


def test_brackets_are_no_phonemes(tmp_path: Path) -> None:
    speaker = Speaker(SpeechSettings(cache_folder=tmp_path))
    brackets = samples(speaker.speak("[[ sales ]]"))
    assert abs(len(brackets) - len(samples(speaker.speak("[ [ sales ]]")))) < 10


def test_the_pbx_may_see_the_folder_elsewhere(tmp_path: Path) -> None:
    settings = SpeechSettings(cache_folder=tmp_path, pbx_cache_folder="/srv/prompts/")
    name = Speaker(settings).speak("hello").file
    assert name.startswith("/srv/prompts/")
    assert (tmp_path / f"{Path(name).name}.wav").is_file()


def test_what_cannot_be_spoken_is_told_with_its_cure(tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match=r'voice "xx".*does not exist.*\(espeak-ng --voices'):
        Speaker(SpeechSettings(cache_folder=tmp_path)).speak("hello", "xx")
    with pytest.raises(SpeechError, match=r"cannot be run.*\(install it"):
        Speaker(SpeechSettings(cache_folder=tmp_path, command="no-such")).speak("hello")
    (tmp_path / "file").write_text("")
    with pytest.raises(SpeechError, match=r"cannot be kept.*\(set ivr.speech.cache_folder"):
        Speaker(SpeechSettings(cache_folder=tmp_path / "file" / "x")).speak("hello")
