"""Fetch the browser's libraries again, exactly as each ``vendor/manifest.json`` names them.

    python tools/vendor.py            # check the files in the checkout against the manifest
    python tools/vendor.py --fetch    # fetch every package again and write files and manifest

To move to another version, change ``version`` in the manifest and run it with ``--fetch``; the
new checksums are part of the diff to review. Only ``--fetch`` needs npm: nobody who runs, builds
or tests Ringdesk does, because the files are in the repository.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "dashboard" / "static" / "vendor"
TEST_VENDOR = ROOT / "tests" / "browser" / "vendor"
"""What only the tests use; it is no part of what is installed."""
MANIFEST = "manifest.json"

Package = dict[str, Any]
"""One entry of the manifest: name, version, licence, sha256 (of the package as published) and
``files``: path under vendor/ -> {"from": path in the package, "sha256": of the file}."""


def digest(data: bytes) -> str:
    """SHA-256 as hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def manifest(folder: Path) -> list[Package]:
    """What ``folder`` should hold."""
    packages: list[Package] = json.loads((folder / MANIFEST).read_text())
    return packages


def problems(packages: list[Package], folder: Path) -> list[str]:
    """What differs between the manifest and ``folder``, one sentence each; empty when nothing."""
    found = []
    known = {MANIFEST}
    for package in packages:
        for name, entry in package["files"].items():
            known.add(name)
            path = folder / name
            if not path.is_file():
                found.append(f"{name} is missing (run: python tools/vendor.py --fetch)")
            elif digest(path.read_bytes()) != entry["sha256"]:
                found.append(f"{name} was changed (run: python tools/vendor.py --fetch)")
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    found += [f"{name} is not in the manifest (remove it)" for name in sorted(present - known)]
    return found


def fetch(package: Package, work: Path, folder: Path) -> None:
    """Fetch one package with npm, copy its files into ``folder``, and note the checksums."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is not installed (cure: apt-get install npm, only to re-vendor)")
    wanted = f"{package['name']}@{package['version']}"
    packed = subprocess.run(
        [npm, "pack", "--silent", wanted], cwd=work, check=True, capture_output=True, text=True
    )
    archive = work / packed.stdout.split()[-1]
    package["sha256"] = digest(archive.read_bytes())
    with tarfile.open(archive) as tar:
        for name, entry in package["files"].items():
            member = tar.extractfile(f"package/{entry['from']}")
            if member is None:
                raise SystemExit(f"{entry['from']} is no file in {wanted}")
            data = member.read()
            entry["sha256"] = digest(data)
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)


def fetch_all(folder: Path) -> None:
    """Fetch every package of ``folder`` again and write its manifest anew."""
    packages = manifest(folder)
    with tempfile.TemporaryDirectory() as work:
        for package in packages:
            fetch(package, Path(work), folder)
    (folder / MANIFEST).write_text(json.dumps(packages, indent=2) + "\n")


def main() -> int:
    """Check, or with ``--fetch`` write. The exit status is 1 when something differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--fetch", action="store_true", help="fetch the packages again with npm")
    arguments = parser.parse_args()
    found = []
    for folder in (VENDOR, TEST_VENDOR):
        if arguments.fetch:
            fetch_all(folder)
        found += problems(manifest(folder), folder)
    print("\n".join(found) or "every package is as its manifest says")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
