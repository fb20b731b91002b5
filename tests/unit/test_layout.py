"""Nothing at the root may hide a module of the standard library.

`import queue` must find the standard library's: asyncio.to_thread, thread pools and redis need
it, and would fail late. So `queue/` is a plain folder that holds the package `callqueue`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IMPORT_ROOTS = (ROOT, ROOT / "queue")


def importable_names(folder: Path) -> set[str]:
    modules = {path.stem for path in folder.glob("*.py")}
    return modules | {path.parent.name for path in folder.glob("*/__init__.py")}


@pytest.mark.parametrize("folder", IMPORT_ROOTS, ids=["root", "queue"])
def test_no_module_hides_a_standard_one(folder: Path) -> None:
    names = importable_names(folder)
    assert names, f"{folder} holds no module: is it still an import root?"
    assert not names & sys.stdlib_module_names


def test_queue_is_a_folder_and_no_package() -> None:
    assert (ROOT / "queue" / "callqueue" / "__init__.py").is_file()
    assert not (ROOT / "queue" / "__init__.py").exists()


def test_the_standard_queue_is_found_from_the_root_of_the_project() -> None:
    code = (
        "import sys; sys.path[:0] = [sys.argv[1]]; import queue; print(queue.SimpleQueue.__name__)"
    )
    found = subprocess.run(
        [sys.executable, "-I", "-c", code, str(ROOT)], capture_output=True, text=True, check=False
    )
    assert (found.stdout.strip(), found.stderr) == ("SimpleQueue", "")
