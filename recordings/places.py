"""Where a recording's files are. Pure: names are made from our own ids and nothing else."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Literal, TypeVar

from cti.domain.events import Micros

Side = Literal["caller", "agent"]
P = TypeVar("P", bound=PurePath)

_ID = re.compile(r"[0-9a-f]{32}\Z")


def day_folder(root: P, started_at: Micros) -> P:
    """``<root>/<yyyy>/<mm>/<dd>``, by the UTC day the talk began on."""
    day = datetime.fromtimestamp(started_at // 1_000_000, UTC)
    return root / f"{day:%Y}" / f"{day:%m}" / f"{day:%d}"


def leg_file(root: P, recording_id: str, started_at: Micros, side: Side) -> P:
    """The file Asterisk writes one side into. Raises ValueError for an id that is not ours."""
    return day_folder(root, started_at) / f"{_checked(recording_id)}-{side}.wav"


def audio_file(root: P, recording_id: str, started_at: Micros) -> P:
    """The joined stereo file. Raises ValueError for an id that is not ours."""
    return day_folder(root, started_at) / f"{_checked(recording_id)}.wav"


def _checked(recording_id: str) -> str:
    if not _ID.match(recording_id):
        raise ValueError("a recording's id is 32 hexadecimal digits")
    return recording_id
