"""`ringdesk lab` as a person types it."""

from __future__ import annotations

import asyncio
import datetime
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cti.storage import open_engine
from ringdesk.cli import app
from ringdesk.migrate import migrate
from tests.contract.stories import AT
from tests.contract.test_lab_records import recorded

CONFIG = Path(__file__).parents[3] / "config"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a settings file that names a secret nobody may read here."""
    monkeypatch.chdir(tmp_path)
    for folder in ("lab", "policies", "calendars"):
        shutil.copytree(CONFIG / folder, tmp_path / "config" / folder)
    (tmp_path / "config" / "ringdesk.toml").write_text(
        f"""database = "sqlite+aiosqlite:///{tmp_path}/r.db"
ami_secret_file = "/nobody/reads/this"
"""
    )
    return tmp_path


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["lab", *map(str, words)])


def test_a_policy_is_tried_on_a_made_up_day() -> None:
    ran = run("--load", "weekday", "-n", 3)
    assert ran.exit_code == 0, ran.output
    lines = ran.stdout.splitlines()
    assert lines[0].startswith("weekday: 11") or lines[0].startswith("weekday: 12")
    assert [line.split("  ")[0] for line in lines if " s)" in line[:18]] == [
        "vip (20 s)",
        "gold (60 s)",
        "prospect (60 s)",
        "standard (120 s)",
    ]
    assert sum("by rank alone" in line for line in lines) == 5
    assert "\x1b" not in ran.output


def test_machines_get_all_figures(home: Path) -> None:
    other = home / "other.toml"
    text = (home / "config/policies/default.toml").read_text()
    other.write_text(text.replace('name = "default"', 'name = "other"').replace("240", "3000"))
    ran = run("config/policies/default.toml", other, "--load", "weekday", "-n", 2, "--json")
    told = json.loads(ran.stdout)
    names = [one["name"] for one in told["contenders"]]
    assert (told["on"], names) == ("weekday", ["default", "other", "fifo", "strict", "score"])
    vip = told["contenders"][1]["classes"]["vip"]
    assert set(vip["figures"]) == set(vip["against"]) >= {"in_target", "p99", "longest"}
    assert told["contenders"][0]["classes"]["vip"]["against"]["in_target"] == [0, 0]
    again = run("config/policies/default.toml", other, "--load", "weekday", "-n", 2, "--json")
    assert again.stdout == ran.stdout, "the same days, the same figures"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--load", "weekdy"], 'there is no load "weekdy" (did you mean "weekday"?)'),
        (["--load", "no.toml"], 'there is no load "no.toml"'),
        (["no.toml"], "no.toml: there is no such file"),
        (["--day", "24.11.2026"], '"24.11.2026" is no day (write 2026-11-24, or yesterday)'),
        (["--day", "2026-11-24"], "2026-11-24: no call has waited in a queue yet"),
        (["--busier", "90"], "callers a day are more than 200000"),
        (["config/policies/default.toml"] * 2, "the same policy file is given twice"),
    ],
)
def test_what_cannot_be_played_is_said_with_its_cure(words: list[str], said: str) -> None:
    ran = run(*words)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert said in ran.stderr


def test_a_broken_policy_is_told_at_its_line(home: Path) -> None:
    file = home / "config/policies/default.toml"
    file.write_text(file.read_text().replace("ceiling = 150", "ceilings = 150"))
    ran = run("--load", "weekday")
    assert ran.exit_code == 2
    assert 'class[4].ceilings: unknown key (did you mean "ceiling"?)' in ran.stderr


def test_a_recorded_day_stands_beside_what_was_recorded(home: Path) -> None:
    async def record() -> None:
        engine = open_engine(f"sqlite+aiosqlite:///{home}/r.db")
        await migrate(engine)
        await recorded(engine, home)
        await engine.dispose()

    asyncio.run(record())
    day = datetime.datetime.fromtimestamp(AT / 1e6).date()
    told = json.loads(run("--day", day, "-n", 2, "--json").stdout)
    assert (told["on"], told["days"]) == (str(day), 2)
    assert told["callers"] == sum(one["callers"] for one in told["recorded"].values()) > 200
    table = run("--day", day, "-n", 2).stdout
    assert table.count("(as it was)") == len(told["recorded"]) == 2


def test_a_load_is_changed_for_a_question() -> None:
    more = json.loads(run("--load", "weekday", "-n", 2, "--busier", 2, "--json").stdout)
    same = json.loads(run("--load", "weekday", "-n", 2, "--no-baselines", "--json").stdout)
    assert more["callers"] == pytest.approx(2 * same["callers"], rel=0.1)
    assert [one["name"] for one in same["contenders"]] == ["default"]
    many = json.loads(run("--load", "weekday", "-n", 2, "--agents", 40, "--json").stdout)
    assert many["contenders"][0]["occupancy"][0] < same["contenders"][0]["occupancy"][0] / 2
