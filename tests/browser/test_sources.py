"""What the browser's sources promise, read without a browser."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

from tools import vendor

STATIC = Path(__file__).resolve().parents[2] / "dashboard" / "static"
SCRIPTS = [p for p in STATIC.rglob("*.js") if "vendor" not in p.parts and "types" not in p.parts]
TEXTS = STATIC / "texts" / "en.js"
LARGEST_TOGETHER = 80_000


def test_the_libraries_are_what_the_manifest_says() -> None:
    for folder in (vendor.VENDOR, vendor.TEST_VENDOR):
        assert vendor.problems(vendor.manifest(folder), folder) == []


def test_a_changed_library_is_noticed(tmp_path: Path) -> None:
    packages = vendor.manifest(vendor.VENDOR)
    for package in packages:
        for name in package["files"]:
            (tmp_path / name).write_bytes((vendor.VENDOR / name).read_bytes())
    (tmp_path / "htm.mjs").write_text("changed")
    (tmp_path / "preact.mjs").unlink()
    (tmp_path / "stray.mjs").write_text("")
    assert [problem.split(" (")[0] for problem in vendor.problems(packages, tmp_path)] == [
        "preact.mjs is missing",
        "htm.mjs was changed",
        "stray.mjs is not in the manifest",
    ]


def test_each_text_used_is_there_and_each_text_there_is_used() -> None:
    texts = set(re.findall(r"^  '([^']+)':", TEXTS.read_text(), re.MULTILINE))
    source = "\n".join(p.read_text() for p in SCRIPTS if p != TEXTS)
    asked = set(re.findall(r"\bt\('([^']+)'", source))
    built = set(re.findall(r"\b(?:t\(`|word\(')([a-z]+)\b", source))
    named = set(re.findall(r"'([a-z]+(?:\.[a-z_]+)?)'", source))
    assert asked - texts == set()
    unused = {text for text in texts if text.split(".")[0] not in built} - asked - named
    assert unused == set()


def test_the_script_is_small_and_every_module_is_checked() -> None:
    libraries = (STATIC / "vendor").glob("*.mjs")
    together = b"".join(path.read_bytes() for path in (*SCRIPTS, *libraries))
    assert len(gzip.compress(together)) < LARGEST_TOGETHER
    assert [p.name for p in SCRIPTS if not p.read_text().startswith("// @ts-check")] == []


def test_each_module_is_asked_for_at_once() -> None:
    page = (STATIC / "index.html").read_text()
    preloaded = re.findall(r'<link rel="modulepreload" href="/static/([^"]+)">', page)
    started = re.findall(r'<script(?: type="module")? src="/static/([^"]+)">', page)
    modules = [p for p in STATIC.rglob("*.*js") if "types" not in p.parts]
    assert preloaded + started == sorted(preloaded) + started
    assert {*preloaded, *started} == {p.relative_to(STATIC).as_posix() for p in modules}
    # A module that begins to load before the import map is known cannot name its libraries.
    assert page.index("importmap") < page.index("modulepreload")


def test_no_style_and_no_script_is_inline() -> None:
    page = (STATIC / "index.html").read_text()
    assert re.findall(r"\sstyle=|<style|\son\w+=", page) == []
    inline = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", page)
    assert inline == ['<script type="importmap">']


def test_a_class_is_styled_in_one_file_only() -> None:
    """Two rooms that give one class two meanings spoil each other's layout."""
    homes: dict[str, set[str]] = {}
    for file in (STATIC / "styles").glob("*.css"):
        for name in re.findall(r"^\.([a-z][\w-]*) \{", file.read_text(), re.MULTILINE):
            homes.setdefault(name, set()).add(file.name)
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}
