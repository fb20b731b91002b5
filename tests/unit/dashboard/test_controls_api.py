"""The call in hand over HTTP: whose call, once only, and what a refusal says."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from cti.clock import now
from cti.control.places import Target
from cti.control.service import ControlRefused, InHand
from cti.domain import events as ev
from dashboard.tables import audit
from tests.unit.dashboard.house import House, call

CALL, ANNA = "sw1-1", "PJSIP/101"


class Control:
    """Notes what it is asked for."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []
        self.refuses: ControlRefused | None = None

    async def transfer(self, hand: InHand, target: Target) -> None:
        if self.refuses:
            raise self.refuses
        await asyncio.sleep(0.02)
        self.done.append((hand.agent, hand.by, target.kind, target.to))

    async def press(self, hand: InHand, digits: str) -> None:
        self.done.append((hand.agent, digits))


@pytest.fixture
async def control(house: House) -> Control:
    made = Control()
    object.__setattr__(house.dashboard.deps, "control", made)
    await house.user("anna", "agent", agent=ANNA, queues=["support"])
    await house.user("ivan", "agent", agent="PJSIP/102", queues=["support"])
    await house.user("vera", "supervisor", queues=["support"])
    await house.user("otto", "supervisor", queues=["sales"])
    at = now()
    house.record(
        ev.CallArrived(
            at=at, call_id=CALL, direction="inbound", channel="x", leg="1",
            caller_number="1", caller_name="", did="2",
        )
    )  # fmt: skip
    house.record(
        ev.CallAnswered(
            at=at, call_id=CALL, talk_id="t1", agent=ANNA, agent_channel="a", caller_channel="x"
        )
    )
    async with asyncio.timeout(5):
        while house.dashboard.desk.call_on_desk(ANNA) is None:
            await asyncio.sleep(0.01)
    return made


def transfer(request_id: str = "request-1") -> dict[str, str]:
    return {"kind": "number", "to": "+44 20 7946 0999", "request_id": request_id}


async def test_a_double_click_transfers_once(house: House, control: Control) -> None:
    browser = await house.browser("anna")
    address = f"/api/calls/{CALL}/transfer"
    asked = [call(browser, "POST", address, transfer()) for _ in range(2)]
    answers = await asyncio.gather(*asked)
    assert [status for status, _ in answers] == [200, 200]
    assert answers[0] == answers[1]
    assert control.done == [(ANNA, "anna", "number", "+442079460999")]
    async with house.dashboard.deps.engine.connect() as connection:
        query = select(audit.c.username, audit.c.detail).where(audit.c.action == "transfer_call")
        rows = (await connection.execute(query)).all()
    assert [tuple(row) for row in rows] == [("anna", "number +442079460999")]


async def test_only_those_whose_call_it_is(house: House, control: Control) -> None:
    for username, status in (("ivan", 409), ("otto", 409), ("vera", 200)):
        browser = await house.browser(username)
        answer = await call(browser, "POST", f"/api/calls/{CALL}/transfer", transfer())
        assert answer[0] == status, username
    assert control.done == [(ANNA, "vera", "number", "+442079460999")]
    keys = {"digits": "1", "request_id": "request-2"}
    vera = await house.browser("vera")
    assert (await call(vera, "POST", f"/api/calls/{CALL}/digits", keys))[0] == 409


async def test_a_refusal_comes_with_its_cure(house: House, control: Control) -> None:
    browser = await house.browser("anna")
    control.refuses = ControlRefused("timeout", "no answer", "look where the call is")
    status, answer = await call(browser, "POST", f"/api/calls/{CALL}/transfer", transfer())
    assert (status, answer["error"]["code"]) == (504, "timeout")
    assert answer["error"]["cure"] == "look where the call is"


async def test_colleagues_and_queues_are_told_with_how_busy_they_are(
    house: House, control: Control
) -> None:
    browser = await house.browser("ivan")
    _, targets = await call(browser, "GET", "/api/transfer-targets")
    assert [(one["agent"], one["why_not"]) for one in targets["agents"]] == [(ANNA, "")]
    assert targets["queues"] == [{"queue": "support", "waiting": 0, "free": 0}]
    assert control.done == []
