from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.places import audio_file, leg_file

AT = 1_795_305_599_999_999  # 2026-11-21 23:59:59.999999 UTC
ID = "0123456789abcdef0123456789abcdef"


def test_names_are_the_day_and_the_id() -> None:
    assert audio_file(Path("/r"), ID, AT) == Path(f"/r/2026/11/21/{ID}.wav")
    assert leg_file(PurePosixPath("/r"), ID, AT + 1, "agent") == PurePosixPath(
        f"/r/2026/11/22/{ID}-agent.wav"
    )


@given(st.text().filter(lambda text: text != ID))
def test_no_other_name_becomes_a_path(name: str) -> None:
    with pytest.raises(ValueError, match="32 hexadecimal digits"):
        audio_file(Path("/r"), name, AT)


def test_a_line_feed_behind_the_id_is_refused() -> None:
    with pytest.raises(ValueError, match="32 hexadecimal digits"):
        audio_file(Path("/r"), ID + "\n", AT)
