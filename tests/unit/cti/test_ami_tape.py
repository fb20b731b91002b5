"""The tape: the messages of one call come back whole and alone; nothing it does can hurt."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from cti.ami.codec import Framer, Message, parse
from cti.ami.settings import TapeSettings
from cti.ami_tape import AmiTape
from cti.domain.events import Micros

CAPTURES = Path(__file__).parents[2] / "captures"
HOUR = 3_600_000_000


def messages(capture: str) -> list[bytes]:
    framer = Framer()
    data = (CAPTURES / f"{capture}.ami").read_bytes()
    return [raw for raw in framer.feed(data) if raw.startswith(b"Event: ")]


def ids_of(message: Message) -> set[str]:
    named = ("linkedid", "uniqueid")
    return {value for name, value in message.headers if name.lower().endswith(named)}


class Clock:
    def __init__(self, at: Micros) -> None:
        self.at = at

    def __call__(self) -> Micros:
        return self.at


def tape_at(folder: Path, at: Micros, **settings: int) -> tuple[AmiTape, Clock]:
    clock = Clock(at)
    return AmiTape(folder / "tape", TapeSettings(**settings), clock), clock


def time_of(raw: bytes) -> Micros:
    seconds, _, fraction = parse(raw).get("Timestamp").partition(".")
    return int(seconds) * 1_000_000 + int(fraction or 0)


async def test_the_messages_of_one_call_come_back_whole_in_order_and_alone(tmp_path: Path) -> None:
    mine, other = (
        messages("a1_queue_answered_hold_agent_hangup"),
        messages("c1_ivr_dtmf_then_queue"),
    )
    timed = [time_of(raw) for raw in mine if "Timestamp" in parse(raw)]
    tape, clock = tape_at(tmp_path, min(timed))
    for pair in zip(mine, other, strict=False):
        for raw in pair:
            tape.take(raw)
    for raw in mine[len(other) :]:
        tape.take(raw)
    join = next(parse(raw) for raw in mine if b"Event: QueueCallerJoin" in raw)
    linkedid = join.get("Linkedid")
    found = await tape.of_call(linkedid, clock.at, max(timed))
    expected = [m for m in map(parse, mine) if linkedid in ids_of(m)]
    lines = ["\n".join(f"{name}: {value}" for name, value in m.headers) for m in expected]
    assert [one.text for one in found] == lines
    assert join.get("Timestamp") in {f"{one.at // 10**6}.{one.at % 10**6:06}" for one in found}


async def test_a_leg_is_followed_when_its_call_becomes_another(tmp_path: Path) -> None:
    tape, _ = tape_at(tmp_path, HOUR)
    for text in (
        "Event: Newchannel\r\nUniqueid: 1.1\r\nLinkedid: 1.1",
        "Event: Newchannel\r\nUniqueid: 2.2\r\nLinkedid: 2.2",
        "Event: BridgeEnter\r\nUniqueid: 2.2\r\nLinkedid: 1.1",
        "Event: Hangup\r\nUniqueid: 1.1\r\nLinkedid: 0.9",
    ):
        tape.take(text.encode())
    found = await tape.of_call("1.1", HOUR, HOUR)
    assert [one.text.splitlines()[0] for one in found] == [
        "Event: Newchannel",
        "Event: BridgeEnter",
        "Event: Hangup",
    ]


async def test_hours_pass_and_old_files_go(tmp_path: Path) -> None:
    tape, clock = tape_at(tmp_path, 100 * HOUR, hours=2)
    for _ in range(5):
        tape.take(b"Event: Hangup\r\nUniqueid: 1.1\r\nLinkedid: 1.1")
        await tape.flush()
        clock.at += HOUR
    files = sorted((tmp_path / "tape").glob("*.ami"))
    assert [file.name for file in files] == [
        "1970-01-05T06.ami",
        "1970-01-05T07.ami",
        "1970-01-05T08.ami",
    ]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert len(await tape.of_call("1.1", 103 * HOUR + HOUR // 2, 104 * HOUR)) == 2


async def test_none_are_kept_at_zero_hours_and_what_there_was_goes(tmp_path: Path) -> None:
    tape, _ = tape_at(tmp_path, 100 * HOUR)
    tape.take(b"Event: Hangup\r\nUniqueid: 1.1")
    await tape.flush()
    off, _ = tape_at(tmp_path, 100 * HOUR, hours=0)
    await off.run()
    assert list((tmp_path / "tape").iterdir()) == []


async def test_a_full_hour_and_a_refusing_disk_lose_lines_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tape, clock = tape_at(tmp_path, 100 * HOUR, megabytes_an_hour=1)
    for _ in range(3):
        tape.take(b"Event: X\r\nUniqueid: 1.1\r\nY: " + b"y" * 1_000_000)
        await tape.flush()
    assert tape.dropped == 2
    clock.at += HOUR
    (tmp_path / "tape" / "1970-01-05T05.ami").mkdir()
    tape.take(b"Event: X\r\nUniqueid: 1.1")
    await tape.flush()
    assert tape.dropped == 3
    said = capsys.readouterr().out
    assert said.count("ami_tape_not_written") == 1
    assert "megabytes_an_hour" in said
