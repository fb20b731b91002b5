"""What the doctor says of the PBX's own records."""

from __future__ import annotations

from pathlib import Path

import pytest

from cti.pbx_logs.settings import PbxLogSettings
from ringdesk.doctor.check import Check
from ringdesk.doctor.missed import check_logs, sizes

RECORDED = Path(__file__).parents[2] / "pbx_logs" / "22"
CEL, CDR, QUEUE_LOG = (RECORDED / f"hold.{kind}" for kind in ("cel", "cdr", "queue_log"))


def states(checks: list[Check]) -> list[str]:
    return [check.state for check in checks]


def test_none_is_told_what_is_lost() -> None:
    (check,) = check_logs(PbxLogSettings(), None)
    assert check.state == "warn"
    assert "--part logs" in check.fix
    assert "[pbx_logs]" in check.fix


def test_cel_is_all_there_is_to_know() -> None:
    assert states(check_logs(PbxLogSettings(cel=CEL, queue_log=QUEUE_LOG), None)) == ["ok", "ok"]


def test_a_file_that_does_not_grow_by_our_calls_is_another_one(tmp_path: Path) -> None:
    settings = PbxLogSettings(cel=tmp_path / "cel.csv")
    (tmp_path / "cel.csv").write_bytes(CEL.read_bytes())
    before = sizes(settings)
    (check,) = check_logs(settings, before)
    assert check.state == "fail"
    assert "did not grow" in check.said
    with (tmp_path / "cel.csv").open("ab") as file:
        file.write(CEL.read_bytes())
    assert states(check_logs(settings, before)) == ["ok"]


def test_cdr_tells_less_and_without_queue_log_still_less() -> None:
    both = check_logs(PbxLogSettings(cdr=CDR, queue_log=QUEUE_LOG), None)
    assert states(both) == ["ok", "ok", "warn"]
    assert states(check_logs(PbxLogSettings(cdr=CDR), None)) == ["ok", "warn", "warn"]


@pytest.mark.parametrize("kind", ["cel", "cdr"])
def test_a_missing_file_and_one_in_another_form(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "log.csv"
    (check,) = check_logs(PbxLogSettings(**{kind: file}), None)
    assert (check.state, f"{kind}_custom.conf" in check.fix) == ("fail", True)
    file.write_text("this,is,something\nquite,else,altogether\n")
    (check,) = check_logs(PbxLogSettings(**{kind: file}), None)
    assert check.state == "fail"
    assert "form" in check.said
