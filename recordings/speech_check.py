"""Is this folder a Vosk model that reads telephone audio? For ``ringdesk doctor``.

Files first, because their absence is what people meet; then the model is tried in a process of
its own, because Kaldi ends the process at what it does not like.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from recordings.speech_process import WORKER, environment
from recordings.speech_worker import STAGES

TRY_SECONDS = 300
"""A large model takes minutes to load from a cold disk."""

_FILES = ("am/final.mdl", "conf/model.conf", "conf/mfcc.conf")
_FETCH = "unpack a Vosk model there, or correct the path"
_AGAIN = "unpack the model again"


@dataclass(frozen=True, kw_only=True)
class ModelProblem:
    """What is wrong with a model, and what to do. ``slow``: it may work, given more time."""

    reason: str
    cure: str
    slow: bool = False

    def __str__(self) -> str:
        return f"{self.reason} ({self.cure})"


def check_model(folder: Path, *, seconds: float = TRY_SECONDS) -> list[ModelProblem]:
    """All that is wrong with the model in ``folder``; empty: it works.

    Blocks for as long as loading takes, at most ``seconds``.
    """
    return list(_missing(folder)) or _tried(folder, seconds)


def _missing(folder: Path) -> Iterator[ModelProblem]:
    if folder.is_file():
        yield ModelProblem(reason=f"{folder} is a file", cure="unpack it and name the folder")
    elif not folder.is_dir():
        yield ModelProblem(reason=f"there is no folder {folder}", cure=_FETCH)
    elif not (folder / _FILES[0]).exists():
        yield _no_model(folder)
    else:
        yield from _missing_files(folder)


def _no_model(folder: Path) -> ModelProblem:
    reason = f"{folder} holds no {_FILES[0]}"
    inside = next((model.parent.parent for model in folder.glob(f"*/{_FILES[0]}")), None)
    return ModelProblem(reason=reason, cure=f"name {inside} instead" if inside else _FETCH)


def _missing_files(folder: Path) -> Iterator[ModelProblem]:
    for name in _FILES:
        if not (folder / name).is_file():
            yield ModelProblem(reason=f"{folder} holds no {name}", cure=_AGAIN)
    graph = folder / "graph"
    if not (graph / "words.txt").is_file() or not (graph / "words.txt").stat().st_size:
        yield ModelProblem(reason=f"{folder} holds no words in graph/words.txt", cure=_AGAIN)
    static = (graph / "HCLG.fst").is_file()
    for name in () if static else ("HCLr.fst", "Gr.fst", "disambig_tid.int"):
        if not (graph / name).is_file():
            yield ModelProblem(
                reason=f"{folder} holds neither graph/HCLG.fst nor graph/{name}", cure=_AGAIN
            )


def _tried(folder: Path, seconds: float) -> list[ModelProblem]:
    try:
        tried = subprocess.run(
            [*WORKER, "--check", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(),
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        reason = f"{folder} did not load within {seconds:g} s"
        return [ModelProblem(reason=reason, cure="use a smaller model or a faster disk", slow=True)]
    passed = tried.stdout.decode().split()
    return [_at_stage(folder, stage) for stage in STAGES if stage not in passed][:1]


def _at_stage(folder: Path, stage: str) -> ModelProblem:
    match stage:
        case "load":
            return ModelProblem(reason=f"Vosk cannot load {folder}", cure=_AGAIN)
        case "recognise":
            return ModelProblem(reason=f"the graph in {folder} is broken", cure=_AGAIN)
        case _:
            return ModelProblem(
                reason=f"the model in {folder} does not take telephone audio (8 kHz)",
                cure=f"add the line --allow-upsample=true to {folder / 'conf/mfcc.conf'}",
            )
