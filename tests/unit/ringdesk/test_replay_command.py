"""`ringdesk replay`, as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ringdesk.cli import app

CAPTURES = Path(__file__).parents[2] / "captures"
RING_NO_ANSWER = CAPTURES / "a3_queue_ringnoanswer_then_answer.ami"

run = CliRunner().invoke


def test_for_people() -> None:
    result = run(app, ["replay", str(RING_NO_ANSWER)])
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "rig1-1795298953.308  inbound  answered",
        "  wait      support                      10.324 s  connected",
        "  offer     PJSIP/6003                    4.000 s  no_answer",
        "  offer     PJSIP/6003                    4.002 s  no_answer",
        "  offer     PJSIP/6001                    0.312 s  answered",
        "  talk      PJSIP/6001                    0.506 s",
        "",
        "1 call",
    ]


def test_for_programs() -> None:
    result = run(app, ["replay", str(RING_NO_ANSWER), "--json"])
    assert json.loads(result.stdout) == [
        {
            "linkedid": "rig1-1795298953.308",
            "direction": "inbound",
            "outcome": "answered",
            "waits": [{"queue": "support", "seconds": 10.324, "ended": "connected"}],
            "offers": [
                {"agent": "PJSIP/6003", "seconds": 4.0, "ended": "no_answer"},
                {"agent": "PJSIP/6003", "seconds": 4.002, "ended": "no_answer"},
                {"agent": "PJSIP/6001", "seconds": 0.312, "ended": "answered"},
            ],
            "talks": [{"agent": "PJSIP/6001", "seconds": 0.506}],
            "transfers": [],
        }
    ]


def test_a_call_that_is_still_open(tmp_path: Path) -> None:
    stream = RING_NO_ANSWER.read_bytes()
    cut = tmp_path / "cut.ami"
    cut.write_bytes(stream[: stream.index(b"Event: AgentRingNoAnswer")])
    lines = run(app, ["replay", str(cut)]).stdout.splitlines()
    assert lines[0].endswith("inbound  still open")
    assert lines[1].endswith("still waiting")
    assert lines[2].endswith("still ringing")
    [call] = json.loads(run(app, ["replay", str(cut), "--json"]).stdout)
    assert (call["outcome"], call["waits"][0]["ended"]) == (None, None)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nowhere.ami", "No such file"),
        (".", "Is a directory"),
        ("rubbish.ami", "no AMI event"),
        ("empty.ami", "it is empty"),
    ],
)
def test_what_cannot_be_replayed(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "rubbish.ami").write_bytes(bytes(range(256)) * 9)
    (tmp_path / "empty.ami").touch()
    result = run(app, ["replay", str(tmp_path / name), "--json"])
    assert result.exit_code == 2
    assert reason in result.stderr
    assert result.stdout == ""


def test_a_stream_without_times_is_told_so(tmp_path: Path) -> None:
    file = tmp_path / "untimed.ami"
    file.write_bytes(b"Event: Reload\r\nModule: All\r\n\r\n")
    result = run(app, ["replay", str(file)])
    assert (result.exit_code, result.stdout) == (0, "0 calls\n")
    assert "timestampevents" in result.stderr
