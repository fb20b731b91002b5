"""The settings file: every wrong key is named with its line, and the secret may live elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from cti.config_files import ConfigFileError
from ringdesk.settings import SECRET_VARIABLE, load_settings


def write(folder: Path, text: str) -> Path:
    file = folder / "my.toml"
    file.write_text(text)
    return file


def test_the_secret_comes_from_the_file_the_environment_or_a_file_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SECRET_VARIABLE, raising=False)
    written = write(tmp_path, '[ami]\nsecret = "one"\n')
    assert load_settings(written).ami.secret.get_secret_value() == "one"

    monkeypatch.setenv(SECRET_VARIABLE, "two")
    elsewhere = write(tmp_path, 'switch = "main"\n')
    assert load_settings(elsewhere).ami.secret.get_secret_value() == "two"

    (tmp_path / "secret").write_text("three\n")
    named = write(tmp_path, f'ami_secret_file = "{tmp_path}/secret"\n')
    assert load_settings(named).ami.secret.get_secret_value() == "three"
    (tmp_path / "secret").unlink()
    assert load_settings(named).ami.secret.get_secret_value() == "two"


def test_no_secret_names_the_three_ways_to_give_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SECRET_VARIABLE, raising=False)
    for text in ("", f'ami_secret_file = "{tmp_path}/nothing"\n'):
        with pytest.raises(ConfigFileError, match=f"{SECRET_VARIABLE}, or name a readable"):
            load_settings(write(tmp_path, text))


def test_wrong_keys_and_values_are_told_at_their_line_all_at_once(tmp_path: Path) -> None:
    text = 'switch = "Main PBX"\n\n[ami]\nsecret = "x"\nprot = 5038\n\n[dashboard]\nport = "web"\n'
    with pytest.raises(ConfigFileError) as caught:
        load_settings(write(tmp_path, text))
    said = str(caught.value).splitlines()
    assert [line.split(": ")[0].rpartition(":")[2] for line in said] == ["1", "5", "8"]
    assert "ami.prot" in said[1]
    assert "port" in said[1].partition("ami.prot")[2]


def test_a_secret_never_stands_in_an_error_or_a_print(tmp_path: Path) -> None:
    file = write(tmp_path, '[ami]\nsecret = "hunter2\\nEvil: 1"\n')
    with pytest.raises(ConfigFileError) as caught:
        load_settings(file)
    assert "hunter2" not in str(caught.value)
    fine = load_settings(write(tmp_path, '[ami]\nsecret = "hunter2"\n'))
    assert "hunter2" not in repr(fine)


TWO = """
switch = "east"
[ami]
secret = "e"
[recordings]
folder = "/rec"
[switches.west]
pbx_recordings = "/var/spool/ringdesk"
[switches.west.ami]
host = "192.0.2.20"
[switches.west.hook]
fallback_queue = "help"
"""


def test_further_switches_have_a_link_a_hook_and_a_secret_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{SECRET_VARIABLE}_WEST", "w")
    settings = load_settings(write(tmp_path, TWO))
    assert settings.switch_names == ("east", "west")
    west = settings.at("west")
    assert (west.switch, west.ami.host, west.hook.fallback_queue) == ("west", "192.0.2.20", "help")
    assert west.ami.secret.get_secret_value() == "w"
    assert (str(west.recordings.folder), str(west.recordings.pbx_root)) == (
        "/rec/west",
        "/var/spool/ringdesk",
    )
    assert (settings.is_first, west.is_first) == (True, False)
    assert settings.at("east") is settings


def test_without_its_secret_a_further_switch_names_its_own_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, "of the first one only")
    monkeypatch.delenv(f"{SECRET_VARIABLE}_WEST", raising=False)
    with pytest.raises(ConfigFileError, match=f"set {SECRET_VARIABLE}_WEST, or") as caught:
        load_settings(write(tmp_path, TWO))
    assert "my.toml:9: switches.west.ami.secret: no AMI secret" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[switches.pbx.ami]\nport = 5039\n", ':1: switches.pbx: "pbx" is the name of the first'),
        ("[switches.west.ami]\nport = 5038\n", ":1: switches.west.ami: 127.0.0.1:5038 is the"),
        (
            "[switches.a.ami]\nport = 1\n[switches.b.ami]\nport = 1\n",
            ":3: switches.b.ami: 127.0.0.1:1 is the Asterisk of [switches.a.ami] already",
        ),
        ("[switches.West]\n", ":1: switches.West: string should match pattern"),
        ("[switches.west]\nqueue = 1\n", ":2: switches.west.queue: unknown key"),
        ("[switches.west]\n[switches.west]\n", ":2: switches.west: cannot declare the table twice"),
    ],
)
def test_switches_that_cannot_be_told_apart_are_refused_at_their_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, "x")
    with pytest.raises(ConfigFileError) as caught:
        load_settings(write(tmp_path, text))
    assert said in str(caught.value)
