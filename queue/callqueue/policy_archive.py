"""Publishing a policy: the file is replaced as a whole, and what was in it before is kept.

Beside each other in a folder: ``history.jsonl``, a line for each version that was in force
(:class:`Version`), and its text in a file of its own. A file that was edited by hand becomes a
version, by nobody, before it is replaced.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from cti.domain.events import Micros

MOST_SHOWN = 50


class Version(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One policy that was in force. ``at``: since when, in microseconds; its identity too.

    ``title`` is name and version of the policy, ``author`` who published it (empty: somebody edited
    the file), ``restored`` the ``at`` of the version that was taken back into force.
    """

    at: Micros
    title: str
    author: str = ""
    restored: Micros = 0


_lines = msgspec.json.Decoder(Version)


class PolicyArchive:
    """The versions of the policy file at ``path``, kept in ``folder``. All methods block."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path = path
        self._folder = folder

    def versions(self) -> Sequence[Version]:
        """Newest first, at most :data:`MOST_SHOWN`. Raises OSError."""
        index = self._folder / "history.jsonl"
        if not index.exists():
            return []
        known = [_lines.decode(line) for line in index.read_bytes().splitlines() if line]
        return known[::-1][:MOST_SHOWN]

    def text(self, at: Micros) -> str | None:
        """The text of one version; None: there is none. Raises OSError."""
        file = self._folder / f"{at}.toml"
        return file.read_text() if file.exists() else None

    def publish(
        self, text: str, title: str, *, instead_of: str, author: str, at: Micros, restored: int = 0
    ) -> Version:
        """Put ``text`` into the file. ``instead_of`` is the title of what is in it now.

        The version is in the archive before it is in force. Raises OSError: then what was in force
        still is.
        """
        versions = self.versions()
        if not versions or versions[0].title != instead_of:
            edited = min(self.path.stat().st_mtime_ns // 1000, at - 1)
            self._keep(Version(at=edited, title=instead_of), self.path.read_text())
        version = Version(at=at, title=title, author=author, restored=restored)
        self._keep(version, text)
        replace_file(self.path, text)
        return version

    def _keep(self, version: Version, text: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        replace_file(self._folder / f"{version.at}.toml", text)
        with (self._folder / "history.jsonl").open("ab") as index:
            index.write(msgspec.json.encode(version) + b"\n")
            index.flush()
            os.fsync(index.fileno())


def replace_file(path: Path, text: str) -> None:
    """Write ``text`` so that whoever reads ``path`` finds the old text or the new one, whole.

    The file keeps its mode. Raises OSError.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
