"""The prefix is whole or absent, and what is missing is said with its cure."""

import json
import platform
from pathlib import Path

import pytest

from ringdesk.demo import prefix as prefix_module
from ringdesk.demo.apt_sources import AptSource
from ringdesk.demo.prefix import OLD, RECIPE, PrefixUnavailable, default_cache, ensure_prefix

NAME = f"asterisk-{platform.machine()}"


@pytest.fixture
def no_mirror_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' own apt-get needs no mirror; the machine may have none."""
    mirror = AptSource("http://mirror.invalid/debian", ("trixie",), ("main",))
    monkeypatch.setattr(prefix_module, "_machine_mirror", lambda: mirror)


def put_program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_a_complete_prefix_is_used_without_any_tool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "manifest.json").write_text(json.dumps({"recipe": RECIPE}))
    monkeypatch.setenv("PATH", "/nowhere")
    assert ensure_prefix(tmp_path).path == tmp_path / NAME


def test_each_release_has_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / f"asterisk-16-{platform.machine()}"
    old.mkdir()
    (old / "manifest.json").write_text(json.dumps({"recipe": RECIPE}))
    monkeypatch.setenv("PATH", "/nowhere")
    assert ensure_prefix(tmp_path, release=OLD).path == old
    with pytest.raises(PrefixUnavailable):
        ensure_prefix(tmp_path)


@pytest.mark.parametrize("manifest", ["", "[]", "null", '{"recipe": 0}'])
def test_a_broken_or_older_prefix_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manifest: str
) -> None:
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "manifest.json").write_text(manifest)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(PrefixUnavailable, match="apt-get"):
        ensure_prefix(tmp_path)


@pytest.mark.usefixtures("no_mirror_needed")
def test_without_a_network_both_suites_are_tried_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "programs"
    put_program(programs, "apt-get", "echo 'E: Could not resolve mirror.invalid' >&2; exit 100")
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    cache = tmp_path / "cache"
    with pytest.raises(PrefixUnavailable) as raised:
        ensure_prefix(cache, lambda _: None)
    assert raised.value.reason.count("Could not resolve mirror.invalid") == 2
    assert "http://mirror.invalid/debian" in raised.value.cure
    assert [f.name for f in cache.iterdir()] == ["asterisk.lock"]


@pytest.mark.usefixtures("no_mirror_needed")
def test_a_package_that_does_not_unpack_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "programs"
    script = """case "$*" in *print-uris*|*update*) exit 0;; esac
echo broken > "$(dirname "$APT_CONFIG")/cache/archives/asterisk_1_all.deb" """
    put_program(programs, "apt-get", script)
    put_program(programs, "dpkg-deb", "echo broken >&2; exit 2")
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    cache = tmp_path / "cache"
    with pytest.raises(PrefixUnavailable, match=r"asterisk_1_all\.deb does not unpack"):
        ensure_prefix(cache, lambda _: None)
    assert [f.name for f in cache.iterdir()] == ["asterisk.lock"]


def test_the_cache_folder_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGDESK_CACHE", str(tmp_path))
    assert default_cache() == tmp_path
    monkeypatch.delenv("RINGDESK_CACHE")
    assert default_cache().name == ".cache"
