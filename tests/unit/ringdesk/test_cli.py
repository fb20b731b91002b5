"""The command line as a person types it, on a real database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ringdesk.cli import app

MENU = """title = "Main"
[step.hello]
do = "play"
prompt = { sound = "hello" }
go = "queue support"
"""
CUSTOMERS = """name,phone,tier
Marina Ivanova,07700 900147,vip
,07700 900148,
Igor Belov,not a number,
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settings file whose everything lies in the test's folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "menus").mkdir()
    (tmp_path / "menus" / "main.toml").write_text(MENU)
    (tmp_path / "calendars").mkdir()
    file = tmp_path / "my.toml"
    file.write_text(
        f"""database = "sqlite+aiosqlite:///{tmp_path}/r.db"
ami.secret = "swordfish"
[ivr]
menus_folder = "menus"
calendars_folder = "calendars"
"""
    )
    return file


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_help_names_every_command_and_the_way_in() -> None:
    said = run("--help").output
    for word in ("serve", "demo", "doctor", "asterisk-config", "customers", "users", "menus"):
        assert word in said
    assert "Start with ringdesk demo" in said
    for command in ("serve", "demo", "doctor", "asterisk-config"):
        assert run(command, "--help").exit_code == 0


def test_import_gives_a_verdict_for_each_row(config: Path, tmp_path: Path) -> None:
    file, report = tmp_path / "customers.csv", tmp_path / "report.csv"
    file.write_text(CUSTOMERS)
    dry = run("customers", "import", file, "-c", config, "--dry-run")
    assert "3 rows: 1 new, 0 merged, 0 unchanged, 2 rejected (dry run: nothing kept)" in dry.output
    real = run("customers", "import", file, "-c", config, "--report", report)
    assert real.exit_code == 1
    assert "line 3: rejected: no name" in real.output
    assert "line 4: rejected: 'not a number' is not a phone number" in real.output
    assert "3 rows: 1 new" in real.output
    assert report.read_text().splitlines()[1:] == [
        "2,new,1,",
        "3,rejected,0,no name",
        "4,rejected,0,'not a number' is not a phone number (write +<country><number>)",
    ]
    again = run("customers", "import", file, "-c", config)
    assert "0 new, 0 merged, 1 unchanged, 2 rejected" in again.output


def test_an_unreadable_file_or_database_says_why(config: Path, tmp_path: Path) -> None:
    missing = run("customers", "import", tmp_path / "nothing.csv", "-c", config)
    assert missing.exit_code == 2
    assert "Name a CSV file you may read" in missing.output
    config.write_text('database = "sqlite+aiosqlite:////proc/no/where.db"\nami.secret = "x"\n')
    (tmp_path / "c.csv").write_text(CUSTOMERS)
    nowhere = run("customers", "import", tmp_path / "c.csv", "-c", config)
    assert nowhere.exit_code == 2
    assert "/proc/no/where.db" in nowhere.output


def test_users_are_added_once_and_get_new_passwords(config: Path) -> None:
    added = run("users", "add", "anna", "--agent", "PJSIP/101", "--queue", "support", "-c", config)
    assert added.exit_code == 0
    assert "anna may log in with the password " in added.output
    twice = run("users", "add", "anna", "-c", config)
    assert twice.exit_code == 2
    assert "anna" in twice.output
    wrong = run("users", "add", "ivan", "--agent", "101", "-c", config)
    assert "write technology/name, such as PJSIP/101" in wrong.output
    fresh = run("users", "password", "anna", "-c", config)
    assert fresh.exit_code == 0
    assert fresh.output != added.output
    assert run("users", "password", "nobody", "-c", config).exit_code == 2


def test_menus_are_checked_with_file_line_and_key(config: Path, tmp_path: Path) -> None:
    assert "0 errors" in run("menus", "check", "-c", config).output
    (tmp_path / "menus" / "main.toml").write_text(MENU.replace("queue support", "menu nowhere"))
    checked = run("menus", "check", "-c", config)
    assert checked.exit_code == 1
    assert "main.toml:5: step.hello.go" in checked.output
    problems = json.loads(run("menus", "check", "--json", "-c", config).output)
    assert (problems[0]["line"], problems[0]["key"]) == (5, "step.hello.go")


def test_asterisk_config_prints_this_installation(config: Path) -> None:
    said = run("asterisk-config", "-c", config).output
    for word in ("secret = swordfish", "[ringdesk-in]", "agi://127.0.0.1:4573", "stasis"):
        assert word in said
    manager = run("asterisk-config", "--part", "manager", "-c", config).output
    assert "[ringdesk-in]" not in manager


def test_asterisk_config_of_a_further_switch_names_it(config: Path) -> None:
    first = run("asterisk-config", "-c", config).output
    assert "RINGDESK_JOINS" not in first
    more = '[switches.west.ami]\nport = 5039\nsecret = "x"\n[switches.west.hook]\nmenu = "west"\n'
    config.write_text(config.read_text() + more)
    west = run("asterisk-config", "--switch", "west", "-c", config).output
    for word in (
        "secret = x",
        "/menu/${RINGDESK_MENU},west)",
        "Set(RINGDESK_MENU=west)",
        "RINGDESK_CALL=west-${CHANNEL(linkedid)}",
        "RINGDESK_CALL,RINGDESK_JOINS",
        "[ringdesk-trunk-in]",
    ):
        assert word in west
    assert "/menu/${RINGDESK_MENU})" in run("asterisk-config", "-c", config).output
    refused = run("asterisk-config", "--switch", "north", "-c", config)
    assert refused.exit_code == 2
    assert "name one of pbx, west" in refused.output


def test_a_broken_settings_file_ends_with_its_problems(config: Path) -> None:
    config.write_text("ami.secret = 'x'\nquue = 1\n")
    refused = run("serve", "-c", config)
    assert refused.exit_code == 2
    assert "my.toml:2: quue" in refused.output
    assert "did you mean" in refused.output.lower()
    assert run("serve", "-c", config.with_name("none.toml")).exit_code == 2
