"""The doctor's report as people and machines read it."""

from __future__ import annotations

import json

import pytest

from ringdesk.doctor.check import Check, listed, not_checked
from ringdesk.doctor.report import lines_of, print_report

GOOD = Check("AMI", "ok", "logged in")
DOUBT = Check("clock", "warn", "2.0 s ahead", "timedatectl set-ntp true")
BROKEN = Check("dialplan hook", "fail", "there is none", "first line\n  second line")
LEFT_OUT = [not_checked(name, "there is no AMI link") for name in ("queues", "FastAGI")]


def test_aligned_with_the_cure_below_and_a_summary() -> None:
    assert lines_of([GOOD, DOUBT, BROKEN], width=80, coloured=False) == [
        "✓ ok       AMI            logged in",
        "! warn     clock          2.0 s ahead",
        "               timedatectl set-ntp true",
        "✗ fail     dialplan hook  there is none",
        "               first line",
        "                 second line",
        "",
        "1 ok, 1 failed, 1 to look at",
    ]


def test_long_sentences_are_wrapped_and_what_is_to_be_pasted_is_not() -> None:
    long = Check("AMI", "fail", "word " * 30, "paste " * 30)
    lines = lines_of([long], width=60, coloured=False)
    said = [line for line in lines if "word" in line]
    assert len(said) > 2
    assert max(map(len, said)) <= 60
    assert all(line.startswith(" " * 16) for line in said[1:])
    assert ("paste " * 30).strip() in "\n".join(lines)


def test_what_one_failure_made_impossible_is_one_line() -> None:
    lines = lines_of([GOOD, *LEFT_OUT, GOOD], width=100, coloured=False)
    assert lines[1] == "? unknown  2 checks  not checked: there is no AMI link (queues, FastAGI)"
    assert lines[-1] == "2 ok, 2 unknown"


def test_colours_only_when_asked_for() -> None:
    assert "\x1b[31m✗ fail" in lines_of([BROKEN], width=80, coloured=True)[0]
    assert "\x1b" not in "\n".join(lines_of([BROKEN, DOUBT], width=80, coloured=False))


def test_json_keeps_every_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert print_report([GOOD, DOUBT, *LEFT_OUT], as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is True
    assert told["counts"] == {"ok": 1, "warn": 1, "fail": 0, "unknown": 2}
    assert told["checks"][1] == {
        "name": "clock",
        "state": "warn",
        "said": "2.0 s ahead",
        "fix": "timedatectl set-ntp true",
    }
    assert len(told["checks"]) == 4


def test_the_exit_status_is_1_only_when_something_is_broken(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert print_report([GOOD, DOUBT, *LEFT_OUT], as_json=False) == 0
    assert print_report([GOOD, BROKEN], as_json=False) == 1
    assert "\x1b" not in capsys.readouterr().out


def test_lists_in_words() -> None:
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(list("abcdefg")) == "a, b, c, d, e and 2 more"
