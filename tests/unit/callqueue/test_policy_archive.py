"""A policy is replaced as a whole, and what was before is kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from callqueue.policy_archive import PolicyArchive, replace_file


@pytest.fixture
def archive(tmp_path: Path) -> PolicyArchive:
    (tmp_path / "p.toml").write_text("first")
    return PolicyArchive(tmp_path / "p.toml", tmp_path / "kept")


def test_what_was_edited_by_hand_is_kept_too(archive: PolicyArchive) -> None:
    first = archive.publish("second", "p@2", instead_of="p@1", author="ada", at=2**51)
    archive.path.write_text("edited")
    archive.publish("third", "p@3", instead_of="p@e", author="max", at=2**51 + 9)
    told = [(one.title, one.author, archive.text(one.at)) for one in archive.versions()]
    assert told == [
        ("p@3", "max", "third"),
        ("p@e", "", "edited"),
        ("p@2", "ada", "second"),
        ("p@1", "", "first"),
    ]
    assert (archive.path.read_text(), first.at, archive.text(5)) == ("third", 2**51, None)


def test_the_file_keeps_its_rights_and_no_half_file_is_left(archive: PolicyArchive) -> None:
    archive.path.chmod(0o640)
    archive.publish("second", "p@2", instead_of="p@1", author="ada", at=2**51)
    assert archive.path.stat().st_mode & 0o777 == 0o640
    assert sorted(os.listdir(archive.path.parent)) == ["kept", "p.toml"]


def test_a_file_that_cannot_be_replaced_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "p.toml"
    file.write_text("old")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        replace_file(file, "new")
    assert (file.read_text(), os.listdir(tmp_path)) == ("old", ["p.toml"])
