"""Since when nobody looked, and when a PBX that is another process now was last alive."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from cti.domain import events as ev
from cti.domain.facts import LegStarted
from cti.past import Known, Past
from cti.pbx_logs.heard import LastHeard
from cti.pbx_logs.rows import SECOND, Row
from cti.pbx_logs.source import Written
from cti.reducer import Reducer
from cti.resync import LegRow, Snapshot
from tests.unit.cti.reducing import facts_of, is_agent

NOON = 1_795_600_000 * SECOND


def row(kind: str, leg: str, second: float, linkedid: str = "") -> Row:
    at = NOON + int(second * SECOND)
    return Row(at=at, kind=kind, leg=leg, linkedid=linkedid or leg, channel=f"PJSIP/trunk-{leg}")


class Logs:
    """Rows as they are given; notes what was asked for."""

    before = 0

    def __init__(self, *rows: Row) -> None:
        self._rows = rows
        self.asked: list[tuple[int, int]] = []

    async def rows(self, since: int, until: int) -> Written:
        self.asked.append((since, until))
        return Written(self._rows)


def reducer() -> Reducer:
    return Reducer("pbx", is_agent)


async def test_nothing_is_asked_before_anything_was_heard() -> None:
    logs = Logs(row("CHAN_START", "1", 1))
    missed = await Past(logs).missed(reducer().book, "pbx", Snapshot(at=NOON), 0)
    assert (list(missed.facts), missed.died_at, logs.asked) == ([], 0, [])


async def test_from_the_last_thing_heard_until_the_snapshot(tmp_path: Path) -> None:
    logs = Logs()
    past = Past(logs, heard=LastHeard(tmp_path / "heard"))
    past.hear(NOON)
    past.hold()
    past.hear(NOON + 5)  # live, while the picture is not whole: it may have to be read again
    await past.missed(reducer().book, "pbx", Snapshot(at=NOON + 9), 0)
    assert logs.asked == [(NOON, NOON + 9)]
    past.caught_up(NOON + 9)
    assert past.heard.at == NOON + 9


async def test_calls_that_the_history_has_are_not_told_again() -> None:
    rows = [row("CHAN_START", "7.1", 1), row("HANGUP", "7.1", 2)]
    rows += [row("CHAN_START", "7.2", 1), row("HANGUP", "7.2", 3)]

    async def known(call_ids: Sequence[str]) -> set[str]:
        assert sorted(call_ids) == ["pbx-7.1", "pbx-7.2"]
        return {"pbx-7.1"}

    past = Past(Logs(*rows), known)
    past.hear(NOON)
    ours = reducer()
    missed = await past.missed(ours.book, "pbx", Snapshot(at=NOON + 9 * SECOND), 0)
    events = ours.fill(missed.facts)
    assert [e.call_id for e in events if isinstance(e, ev.CallEnded)] == ["pbx-7.2"]


async def away(_call_ids: Sequence[str]) -> set[str]:
    raise OperationalError("select", {}, Exception("locked"))


async def silent(_call_ids: Sequence[str]) -> set[str]:
    """As a driver that waits for its database even when it is told not to."""
    for _ in range(2):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.2)
    return set()


@pytest.mark.parametrize("known", [away, silent])
async def test_a_history_that_does_not_answer_stops_nothing(
    known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cti.past.KNOWN_SECONDS", 0.01)
    past = Past(Logs(row("CHAN_START", "7.1", 1), row("HANGUP", "7.1", 2)), known)
    past.hear(NOON)
    ours = reducer()
    missed = await past.missed(ours.book, "pbx", Snapshot(at=NOON + 9 * SECOND), 0)
    assert any(isinstance(event, ev.CallEnded) for event in ours.fill(missed.facts))


async def test_a_pbx_that_died_lived_until_the_last_it_wrote() -> None:
    """Also of a call that nobody saw; what the new process wrote is no sign of the old one."""
    rows = [
        row("CHAN_START", "old", 1),
        row("APP_START", "old", 2.5),
        row("CHAN_START", "new", 4),
        row("HANGUP", "new", 5),
        row("CHAN_START", "live", 6),
    ]
    live = LegStarted(at=NOON, leg="live", linkedid="live", channel="PJSIP/trunk-live")
    snapshot = Snapshot(at=NOON + 9 * SECOND, legs=(LegRow(started=live),))
    past = Past(Logs(*rows))
    past.hear(NOON)
    missed = await past.missed(reducer().book, "pbx", snapshot, NOON + 3 * SECOND)
    assert missed.died_at == NOON + 2.5 * SECOND
    same = await past.missed(reducer().book, "pbx", snapshot, NOON - 3600 * SECOND)
    assert same.died_at == 0


def test_the_journal_tells_when_the_file_does_not() -> None:
    events = Reducer("pbx", is_agent)
    told = [
        e for fact in facts_of("a1_queue_answered_hold_agent_hangup") for e in events.apply(fact)
    ]
    past = Past()
    past.open(told)
    assert past.heard.at == max(e.at for e in told if isinstance(e, ev.TalkEnded))
