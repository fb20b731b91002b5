"""The examples of docs/menus.md are menus that load."""

from __future__ import annotations

import re
from pathlib import Path

from ivr.loading import load_menus
from ivr.model import (
    AnnounceStep,
    AskStep,
    BranchStep,
    CallbackStep,
    HoursStep,
    PlayStep,
    SetStep,
)
from ivr.settings import IvrSettings, SpeechSettings

DOCS = (Path(__file__).parents[3] / "docs" / "menus.md").read_text()


def test_the_example_loads_without_a_warning(tmp_path: Path) -> None:
    main, calendar, offer, announce = re.findall(r"```toml\n(.*?)```", DOCS, re.DOTALL)
    for folder, name, text in [
        ("menus", "main", main),
        ("menus", "offer", offer),
        (
            "menus",
            "vip",
            'title = "VIP"\n[step.go]\ndo = "set"\nvariables = { A = "1" }\ngo = "queue support"\n',
        ),
        ("menus", "wait", f'title = "Wait"\n{announce}'),
        ("calendars", "office", calendar),
    ]:
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / f"{name}.toml").write_text(text)
    menus = load_menus(
        IvrSettings(
            menus_folder=tmp_path / "menus",
            calendars_folder=tmp_path / "calendars",
            speech=SpeechSettings(cache_folder=tmp_path / "cache"),
        )
    )
    assert menus.warnings == ()


def test_every_key_of_every_step_is_explained() -> None:
    steps = (AskStep, PlayStep, HoursStep, BranchStep, SetStep, AnnounceStep, CallbackStep)
    for step in steps:
        missing = [name for name in step.model_fields if f"`{name}" not in DOCS]
        assert missing == []
