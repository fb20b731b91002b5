from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from cti.config_files import MAX_BYTES, ConfigFileError, Problem, dotted, load_toml, parse_toml
from cti.toml_lines import key_lines


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Wait(Strict):
    do: Literal["wait"]
    seconds: int


class Say(Strict):
    do: Literal["say"]
    text: str = Field(description="What is said.\nMore words.")


class Server(Strict):
    host: str = "127.0.0.1"
    port: int = Field(default=4573, ge=1, le=65535, description="TCP port of the server.")
    api_token: int = 0

    @field_validator("host")
    @classmethod
    def _no_star(cls, host: str) -> str:
        if host == "*":
            raise PydanticCustomError("host", "a star is no host", {"cure": 'write "0.0.0.0"'})
        if host == "?":
            raise ValueError("a question mark is no host")
        return host


class Config(Strict):
    name: str = ""
    server: Server = Server()
    steps: list[Annotated[Wait | Say, Field(discriminator="do")]] = []
    named: dict[str, Server] = {}
    pair: tuple[int, int] | None = None


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigFileError) as caught:
        parse_toml(text, "x.toml", Config)
    assert str(caught.value) == "\n".join(map(str, caught.value.problems))
    return [str(problem) for problem in caught.value.problems]


def test_reads_a_file_into_its_model(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes('\ufeffname = "Zoë"\r\n[server]\r\nport = 99\r\n'.encode())
    assert load_toml(path, Config) == Config(name="Zoë", server=Server(port=99))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nmae = 1", 'x.toml:1: nmae: unknown key (did you mean "name"?)'),
        ("zzz = 1", "x.toml:1: zzz: unknown key (known: name, named, pair, server, steps)"),
        (
            "\n[server]\nport = 0",
            "x.toml:3: server.port: should be greater than or equal to 1, not 0 "
            "(TCP port of the server)",
        ),
        ("server.host = '*'", 'x.toml:1: server.host: a star is no host (write "0.0.0.0")'),
        ("server.host = '?'", "x.toml:1: server.host: a question mark is no host"),
        ("server = 5", "x.toml:1: server: should be a table (write { key = value })"),
        ("# c\nserver = { prt = 1 }", 'x.toml:2: server.prt: unknown key (did you mean "port"?)'),
        (
            '[named."a b"]\nport = 1\n[named.c]\nhosst = "h"',
            'x.toml:4: named.c.hosst: unknown key (did you mean "host"?)',
        ),
        ('named."a b".prt = 1', 'x.toml:1: named."a b".prt: unknown key (did you mean "port"?)'),
        (
            '[[steps]]\ndo = "wait"\nseconds = 1\n\n[[steps]]\ndo = "say"',
            "x.toml:5: steps[2].text: this key is required (add it: What is said)",
        ),
        (
            'steps = [\n  { do = "wait", seconds = 1 },\n\n  { do = "say", txt = "t",'
            ' text = "t" },\n]',
            'x.toml:4: steps[2].txt: unknown key (did you mean "text"?)',
        ),
        (
            '[[steps]]\ndo = "sya"',
            'x.toml:2: steps[1].do: there is no "sya" (did you mean "say"?)',
        ),
        ("[[steps]]\nseconds = 1", "x.toml:1: steps[1].do: this key is required (add it)"),
        ('name = """\na\nb\n"""\nfoo = 1', "x.toml:5: foo: unknown key"),
        ("pair = [1,\n'x']", "x.toml:2: pair[2]: should be a valid integer"),
    ],
)
def test_a_wrong_value_is_told_at_its_line_and_key(text: str, expected: str) -> None:
    (problem,) = problems(text)
    assert problem.startswith(expected)


@pytest.mark.parametrize(
    ("text", "place", "cure"),
    [
        ("name = 'a'\nserver = oops", "x.toml:2: server: invalid value", "write text in quotes"),
        ("name = 'a'\nname = 'b'\n[server]\n", "x.toml:2: name: cannot overwrite", "given twice"),
        (
            "[server]\nport=1\n[server]\n",
            "x.toml:3: server: cannot declare the table twice",
            "given twice",
        ),
        ("server = {\nport=2}", "x.toml:1: server: invalid initial", "on one line"),
        ("server = {port=1, port=2}", "x.toml:1: server.port: duplicate", "given twice"),
        ('name = "abc', "x.toml:1: name: unterminated string", "close the text"),
        ('name = "a\nb = 1', "x.toml:1: name: illegal character", "close the text"),
        ("pair = [1,\n2", "x.toml:2:", "close the list"),
        ("name", "x.toml:1: expected '='", "key = value"),
        (r'name = "C:\path"', "x.toml:1: name: unescaped", "single quotes"),
        ("pair = " + "[" * 5000, "x.toml: it is nested too deeply", "fewer levels"),
        ("server.port = " + "9" * 5000, "x.toml:1: server.port: exceeds the limit", ""),
    ],
)
def test_broken_syntax_is_told_at_its_line(text: str, place: str, cure: str) -> None:
    (problem,) = problems(text)
    assert problem.startswith(place)
    assert cure in problem


def test_all_problems_are_told_at_once_in_the_order_of_the_lines() -> None:
    text = "b = 1\n[server]\nport = 0\nhost = '*'\n[a]\n"
    assert [line.split(":")[1] for line in problems(text)] == ["1", "3", "4", "5"]


def test_the_value_of_a_secret_is_not_told() -> None:
    (problem,) = problems("server.api_token = 'hunter2'")
    assert "hunter2" not in problem


def test_a_missing_file_a_folder_and_one_too_large(tmp_path: Path) -> None:
    large = tmp_path / "large.toml"
    large.write_bytes(b"#" * (MAX_BYTES + 1))
    for path, reason in [
        (tmp_path / "none.toml", "there is no such file"),
        (tmp_path, "this is a folder"),
        (large, "larger than"),
        (tmp_path / ("n" * 300), "cannot be read"),
    ]:
        with pytest.raises(ConfigFileError, match=reason) as caught:
            load_toml(path, Config)
        assert caught.value.problems[0].file == str(path)


def test_an_unreadable_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")  # as for anyone but root

    path = tmp_path / "x.toml"
    path.write_text("")
    path.chmod(0)
    if os.geteuid() == 0:
        monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ConfigFileError, match=r"may not be read \(give the user"):
        load_toml(path, Config)


def test_bytes_that_are_not_utf8_are_told_at_their_line(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"# one\nname = 'caf\xe9'\n")
    with pytest.raises(ConfigFileError) as caught:
        load_toml(path, Config)
    assert str(caught.value).startswith(f"{path}:2: byte 0xE9 is not UTF-8 text")


def test_lines_of_nested_arrays_of_tables() -> None:
    text = "[[a]]\nx=1\n[[a.b]]\ny=1\n[a.t]\nz=1\n[[a]]\nx=2\n[[a.b]]\ny=2\n[[a.b]]\ny=3\n"
    lines = key_lines(text)
    assert lines["a", 0, "b", 0, "y"] == 4
    assert lines["a", 0, "t", "z"] == 6
    assert lines["a", 1, "x"] == 8
    assert lines["a", 1, "b", 1, "y"] == 12


def test_paths_are_written_as_people_read_them() -> None:
    assert dotted(("step", 1, "a b", "c")) == 'step[2]."a b".c'
    assert dotted(()) == ""


@given(st.lists(st.text(min_size=1), unique=True, max_size=8), st.integers(0, 3))
def test_every_key_is_found_on_its_line_whatever_its_name(names: list[str], gap: int) -> None:
    quoted = ['"' + "".join(f"\\U{ord(char):08X}" for char in name) + '"' for name in names]
    lines = key_lines(("\n" * gap).join(f"{name} = 1\n" for name in quoted))
    assert lines == {(name,): 1 + index * (gap + 1) for index, name in enumerate(names)}


@given(st.text(alphabet="ab=[]{}.\"'\n#, 1\\", max_size=60))
def test_any_text_is_a_model_or_a_located_error(text: str) -> None:
    last = text.count("\n") + 1
    assert all(0 <= problem.line <= last for problem in outcome(text))


def outcome(text: str) -> tuple[Problem, ...]:
    try:
        parse_toml(text, "x.toml", Config)
    except ConfigFileError as error:
        return error.problems or (Problem(file="", line=-1, key="", reason="", cure=""),)
    return ()
