from __future__ import annotations

import hashlib
import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from recordings.audio import BrokenAudio, index, read_leg
from tests.unit.recordings.conftest import (
    loudest_hertz,
    read_stereo,
    silence,
    tone,
    write_leg,
    write_stereo,
)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "joined.wav"


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file may grow beyond 100 kB, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_customer_is_left_and_agent_is_right(tmp_path: Path, target: Path) -> None:
    caller = write_leg(tmp_path / "c.wav", tone(440, 2))
    agent = write_leg(tmp_path / "a.wav", tone(1000, 2))

    joined = index(caller, agent, target)

    stereo = read_stereo(target)
    assert loudest_hertz(stereo[:, 0]) == pytest.approx(440, abs=1)
    assert loudest_hertz(stereo[:, 1]) == pytest.approx(1000, abs=1)
    assert joined.seconds == 2
    assert joined.sha256 == hashlib.sha256(target.read_bytes()).hexdigest()
    assert joined.note == ""
    assert target.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("longer", [0, 1])
@pytest.mark.parametrize("frames", [(1, 2), (63_999, 64_000), (64_000, 64_001), (5, 130_000)])
def test_shorter_side_is_padded_with_silence(
    tmp_path: Path, target: Path, frames: tuple[int, int], longer: int
) -> None:
    short, long = (tone(440, 20)[:count] for count in frames)
    sides = (short, long) if longer else (long, short)
    caller = write_leg(tmp_path / "c.wav", sides[0])
    agent = write_leg(tmp_path / "a.wav", sides[1])

    index(caller, agent, target)

    stereo = read_stereo(target)
    assert len(stereo) == frames[1]
    for channel, side in enumerate(sides):
        assert np.array_equal(stereo[: len(side), channel], side)
        assert not stereo[len(side) :, channel].any()


def test_file_that_asterisk_never_closed_is_kept_as_far_as_it_was_written(
    tmp_path: Path, target: Path
) -> None:
    caller = write_leg(tmp_path / "c.wav", tone(440, 3), closed=False)
    agent = write_leg(tmp_path / "a.wav", tone(1000, 3))

    joined = index(caller, agent, target)

    assert joined.seconds == 3
    assert joined.note == "Asterisk did not finish the customer's side: kept what was written"


def test_file_cut_short_is_kept_as_far_as_it_goes(tmp_path: Path, target: Path) -> None:
    caller = write_leg(tmp_path / "c.wav", tone(440, 3))
    caller.write_bytes(caller.read_bytes()[: 44 + 16_001])
    agent = write_leg(tmp_path / "a.wav", tone(1000, 0.5))

    joined = index(caller, agent, target)

    assert joined.seconds == 1
    assert "did not finish the customer's side" in joined.note


def test_one_missing_side_is_silence_and_is_said(tmp_path: Path, target: Path) -> None:
    caller = write_leg(tmp_path / "c.wav", tone(440, 1))

    joined = index(caller, tmp_path / "a.wav", target)

    assert joined.note == "the agent's side is missing"
    assert not read_stereo(target)[:, 1].any()


def test_no_file_names_the_folder_and_both_settings(tmp_path: Path, target: Path) -> None:
    with pytest.raises(BrokenAudio) as caught:
        index(tmp_path / "c.wav", tmp_path / "a.wav", target)
    for word in (str(tmp_path), "recordings.folder", "recordings.pbx_folder"):
        assert word in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"RIFF"])
def test_empty_files_name_direct_media(tmp_path: Path, target: Path, content: bytes) -> None:
    caller = write_leg(tmp_path / "c.wav", silence(0))
    agent = tmp_path / "a.wav"
    agent.write_bytes(content)
    with pytest.raises(BrokenAudio, match="direct_media=no"):
        index(caller, agent, target)
    assert not target.exists()


def test_something_else_than_wav_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "c.wav"
    other.write_bytes(b"OggS" + bytes(100))
    with pytest.raises(BrokenAudio, match="not a WAV file"):
        read_leg(other)


def test_stereo_from_asterisk_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BrokenAudio, match="not mono 16 bit"):
        read_leg(write_stereo(tmp_path / "c.wav", tone(440, 1), tone(440, 1)))


def test_sides_of_different_rates_are_refused(tmp_path: Path, target: Path) -> None:
    caller = write_leg(tmp_path / "c.wav", tone(440, 1))
    agent = write_leg(tmp_path / "a.wav", tone(440, 1))
    agent.write_bytes(agent.read_bytes().replace((8000).to_bytes(4, "little"), b"\x80\x3e\0\0", 1))
    with pytest.raises(BrokenAudio, match="different sample rates"):
        index(caller, agent, target)


def test_header_alone_counts_as_nothing_yet(tmp_path: Path) -> None:
    leg = read_leg(write_leg(tmp_path / "c.wav", silence(0), closed=False))
    assert leg is not None
    assert (leg.size, leg.closed) == (0, False)


def test_full_disk_leaves_nothing_behind(tmp_path: Path, target: Path, small_disk: None) -> None:
    caller = write_leg(tmp_path / "c.wav", tone(440, 5))
    agent = write_leg(tmp_path / "a.wav", tone(440, 5))
    with pytest.raises(OSError, match="too large"):
        index(caller, agent, target)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "c.wav"]
