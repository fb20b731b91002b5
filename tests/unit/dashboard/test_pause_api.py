"""Who may pause a recording, and what they are told."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from cti.clock import now
from cti.domain.commands import MuteRecording
from dashboard.rights import Role
from dashboard.tables import audit
from recordings import rows
from recordings.talk import Talk
from tests.unit.dashboard.house import House, call

ANNA = "PJSIP/101"
RECORDING = f"{1:032x}"
PAUSE, RESUME = f"/api/recordings/{RECORDING}/pause", f"/api/recordings/{RECORDING}/resume"


async def record(house: House, *, begun: bool = True) -> Talk:
    """A talk of Anna's in support that is being recorded."""
    talk = Talk(
        recording_id=RECORDING, call_id="sw1-1", talk_id="t", switch="sw1", agent=ANNA,
        queue="support", channel="PJSIP/trunk-1", language="en", started_at=now(), begun=begun,
    )  # fmt: skip
    house.talks[RECORDING] = talk
    await rows.save(house.dashboard.deps.engine, RECORDING, talk.row())
    return talk


@pytest.mark.parametrize(
    ("role", "agent", "queues", "status"),
    [
        ("agent", ANNA, (), 200),
        ("agent", "PJSIP/102", ("support",), 404),
        ("telemarketer", ANNA, (), 200),
        ("supervisor", "", ("support",), 200),
        ("supervisor", "", ("sales",), 404),
        ("supervisor", "", (), 200),
        ("manager", "", (), 403),
        ("admin", "", (), 200),
    ],
)
async def test_who_may(
    house: House, role: Role, agent: str, queues: tuple[str, ...], status: int
) -> None:
    await house.user("somebody", role, agent=agent, queues=list(queues))
    await record(house)
    browser = await house.browser("somebody")
    given, answer = await call(browser, "POST", PAUSE)
    assert given == status, answer
    assert (await call(browser, "POST", RESUME))[0] == (204 if status == 200 else status)
    muted = [command.muted for command in house.commands if isinstance(command, MuteRecording)]
    assert muted == ([True, False] if status == 200 else [])


async def test_a_pause_is_in_the_audit_and_says_when_it_ends(house: House) -> None:
    await house.user("anna", "agent", agent=ANNA)
    await record(house)
    browser = await house.browser("anna")
    status, answer = await call(browser, "POST", PAUSE)
    assert status == 200
    assert 110_000_000 < answer["until"] - now() <= 120_000_000
    query = select(audit.c.username, audit.c.subject).where(audit.c.action == "pause_recording")
    async with house.dashboard.deps.engine.connect() as connection:
        assert (await connection.execute(query)).all() == [("anna", RECORDING)]


async def test_what_cannot_be_paused_says_why(house: House) -> None:
    await house.user("anna", "agent", agent=ANNA)
    await record(house, begun=False)
    browser = await house.browser("anna")
    status, answer = await call(browser, "POST", PAUSE)
    assert (status, answer["error"]["code"]) == (409, "refused")
    assert "not begun" in answer["error"]["message"]
    house.talks.clear()
    status, answer = await call(browser, "POST", PAUSE)
    assert (status, answer["error"]["message"]) == (409, "this talk is not being recorded")
