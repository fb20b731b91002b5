"""The recordings folder: shared with Asterisk's user, and sometimes full."""

from __future__ import annotations

import errno
import stat
from collections.abc import Sequence
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

_FOLDER_MODE = 0o2770


def disk_reason(error: OSError) -> str:
    """What the disk refused, and the cure."""
    said = f"the recordings folder refused: {error.strerror or error}"
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return f"{said} (free some space: it is tried again by itself)"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return f"{said} (let the user who runs Ringdesk read and write there)"
        case _:
            return f"{said} (check the disk: it is tried again by itself)"


def make_folder(root: Path, folder: Path) -> None:
    """Make ``folder`` below ``root``; new folders take the mode of ``root``.

    So that one ``chmod g+ws`` on the root lets Asterisk's user write everywhere. Raises OSError.
    """
    if not root.exists():
        root.mkdir(parents=True)
        root.chmod(_FOLDER_MODE)
    mode = stat.S_IMODE(root.stat().st_mode)
    for level in (folder.parent.parent, folder.parent, folder):
        if not level.exists():
            level.mkdir(exist_ok=True)
            level.chmod(mode)


def remove(files: Sequence[Path]) -> None:
    """Remove what is there; what the disk refuses to remove stays."""
    for file in files:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            log.warning("recording_leg_not_removed", reason=disk_reason(error))
