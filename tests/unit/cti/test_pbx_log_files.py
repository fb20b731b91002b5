"""The end of a file that grows, is rotated, or was torn; and what is said when it is not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cti.pbx_logs import tail
from cti.pbx_logs.heard import LastHeard
from cti.pbx_logs.queue_log import read_queue_log
from cti.pbx_logs.settings import PbxLogSettings
from cti.pbx_logs.source import PbxLogs, Written
from cti.pbx_logs.tail import read_since

SECOND = 1_000_000
NOON = 1_795_600_000


def line(number: int) -> str:
    return f"{NOON + number}|pbx-{number}|support|NONE|ENTERQUEUE||+447700900147|1\n"


def numbers(path: Path, since: int) -> list[int]:
    found = read_since(path, (NOON + since) * SECOND, read_queue_log)
    return [row.at // SECOND - NOON for row in found]


@pytest.mark.parametrize("block", [7, 64, 1000, 1 << 17])
def test_only_the_end_is_read(tmp_path: Path, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "BLOCK", block)
    file = tmp_path / "queue_log"
    file.write_text("".join(map(line, range(100))))
    assert numbers(file, 90) == list(range(90, 100))
    assert numbers(file, 100) == []
    assert numbers(file, 0) == list(range(100))


def test_a_file_of_hundreds_of_megabytes_costs_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "queue_log"
    with file.open("w") as out:
        out.truncate(400 * 1024 * 1024)  # a hole: to read it would be 400 MB of zeros
        out.seek(0, os.SEEK_END)
        out.write("\n" + "".join(map(line, range(20_000))))
    handed_out: list[int] = []
    real = tail._blocks_backwards

    def counted(path: Path) -> object:
        for lines in real(path):
            handed_out.append(len(lines))
            yield lines

    monkeypatch.setattr(tail, "_blocks_backwards", counted)
    assert numbers(file, 19_995) == list(range(19_995, 20_000))
    assert len(handed_out) <= 2


def test_a_half_written_line_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "queue_log"
    file.write_text(line(1) + line(2) + line(3)[:30])
    assert numbers(file, 0) == [1, 2]
    file.write_text(line(1) + "\0\0\0torn by a power cut\n" + line(2))
    assert numbers(file, 0) == [1, 2]


def test_a_rotated_file_goes_on_in_the_old_one(tmp_path: Path) -> None:
    file = tmp_path / "queue_log"
    file.write_text(line(7) + line(8))
    (tmp_path / "queue_log.1").write_text(line(4) + line(5) + line(6))
    (tmp_path / "queue_log.2").write_text(line(1) + line(2) + line(3))
    (tmp_path / "queue_log.3.gz").write_bytes(b"\x1f\x8b nothing to read")
    for age, name in enumerate(("queue_log", "queue_log.1", "queue_log.2")):
        os.utime(tmp_path / name, (NOON + 9 - 3 * age, NOON + 9 - 3 * age))
    assert numbers(file, 5) == [5, 6, 7, 8]
    assert numbers(file, 2) == [2, 3, 4, 5, 6, 7, 8]
    assert numbers(file, 8) == [8]


async def test_what_is_not_there_is_said_and_nothing_breaks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = PbxLogs(PbxLogSettings(cel=tmp_path / "missing.csv"), "pbx")
    assert await logs.rows(NOON * SECOND, (NOON + 1) * SECOND) == Written()
    assert "No such file" in capsys.readouterr().out


async def test_nothing_named_nothing_read() -> None:
    assert await PbxLogs(PbxLogSettings(), "pbx").rows(1, 2) == Written()


def test_the_last_thing_heard_is_remembered(tmp_path: Path) -> None:
    file = tmp_path / "data" / "pbx.heard"
    first = LastHeard(file)
    first.open()
    assert first.at == 0
    first.at = 4711
    first._write()
    second = LastHeard(file)
    second.open()
    assert second.at == 4711
    file.write_text("torn")
    second.open()
    assert second.at == 0
