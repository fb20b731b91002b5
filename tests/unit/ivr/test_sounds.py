from __future__ import annotations

from pathlib import Path

import pytest

from ivr.sounds import PlayableSound, find_sound


@pytest.mark.parametrize(
    ("suffix", "size"), [("ulaw", 16000), ("gsm", 3300), ("sln16", 64000), ("g729", 2000)]
)
def test_the_length_comes_from_the_size(tmp_path: Path, suffix: str, size: int) -> None:
    (tmp_path / f"x.{suffix}").write_bytes(bytes(size))
    assert find_sound("x", tmp_path) == PlayableSound("x", 2.0)


def test_sounds_are_looked_for_as_asterisk_does(tmp_path: Path) -> None:
    (tmp_path / "en" / "custom").mkdir(parents=True)
    (tmp_path / "shared.siren7").write_bytes(b"x")
    (tmp_path / "en" / "custom" / "hello.ulaw").write_bytes(bytes(8000))
    (tmp_path / "en" / "custom" / "hello.gsm").write_bytes(bytes(3300))
    (tmp_path / "en" / "damaged.wav").write_bytes(b"RIFF")
    assert find_sound("custom/hello", tmp_path / "en") == PlayableSound("custom/hello", 2.0)
    assert find_sound("shared", tmp_path / "en") == PlayableSound("shared", None)
    assert find_sound("damaged", tmp_path / "en") == PlayableSound("damaged", None)
    assert find_sound("custom/hell", tmp_path / "en") is None
    assert find_sound("nowhere/hello", tmp_path / "en") is None
