"""Callbacks over HTTP: who may ask, list and cancel, and what a web site is held to."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from callqueue.agent_state import AgentProfile
from callqueue.callback.book import CallbackBook
from callqueue.callback.office import Office
from callqueue.callback.settings import CallbackSettings
from callqueue.callback.store import CallbackStore
from crm_bridge.numbers import to_e164
from cti.clock import now
from dashboard.callback_limit import CallbackLimit
from dashboard.deps import Callbacks
from tests.unit.dashboard.house import House, call

WEB = "/api/callbacks/web"
ANNA = AgentProfile(name="Anna", queues={"support": 0, "sales": 0})
BEARER = {"headers": {"Authorization": "Bearer t0ken"}}


def asked(number: str = "07700 900151", queue: str = "support") -> dict[str, str]:
    return {"number": number, "queue": queue}


@pytest.fixture
async def desk(house: House) -> House:
    """A house with callbacks switched on."""

    async def nobody(_number: str) -> None:
        return None

    async def unknown(*_: Any) -> None:
        return None

    deps = house.dashboard.deps
    office = Office(
        switch="pbx",
        sound="beep",
        agents=lambda _switch: {"PJSIP/101": ANNA},
        availability=lambda _agent: None,
        is_open=lambda _calendar: True,
        identify=nobody,
        virtual_join=lambda _who, _queue, at: at,
        to_e164=lambda number: to_e164(number, "GB"),
        may_not_call=lambda _number: "",
        call=unknown,
        was_made=unknown,
    )
    store = CallbackStore(deps.engine)
    book = CallbackBook(CallbackSettings(enabled=True), store, office, deps.journal.record, now)
    callbacks = Callbacks(book, CallbackLimit(per_address=4, per_number=2), "t0ken")
    house.dashboard.deps = dataclasses.replace(deps, callbacks=callbacks)
    await house.user("vera", "supervisor", queues=["support"])
    await house.user("anna", "agent", agent="PJSIP/101")
    return house


async def test_asked_for_listed_and_cancelled(desk: House) -> None:
    anna, vera = await desk.browser("anna"), await desk.browser("vera")
    status, made = await call(anna, "POST", "/api/callbacks", asked())
    assert (status, made["number"], made["state"]) == (200, "+447700900151", "requested")
    assert made["asked_by"] == "anna"
    _, again = await call(anna, "POST", "/api/callbacks", asked("+44 7700 900151"))
    assert again["callback_id"] == made["callback_id"]
    await call(anna, "POST", "/api/callbacks", asked("07700 900152", "sales"))
    assert (await call(anna, "GET", "/api/callbacks"))[0] == 403

    _, listed = await call(vera, "GET", "/api/callbacks")
    assert [row["number"] for row in listed["callbacks"]] == ["+447700900151"]  # her queue's
    address = f"/api/callbacks/{made['callback_id']}/cancel"
    assert (await call(anna, "POST", address))[0] == 403
    status, over = await call(vera, "POST", address)
    assert (status, over["state"], over["reason"]) == (200, "cancelled", "cancelled by vera")
    assert (await call(vera, "POST", address))[0] == 404


async def test_another_teams_callback_is_not_hers_to_cancel(desk: House) -> None:
    anna, vera = await desk.browser("anna"), await desk.browser("vera")
    _, made = await call(anna, "POST", "/api/callbacks", asked(queue="sales"))
    status, answer = await call(vera, "POST", f"/api/callbacks/{made['callback_id']}/cancel")
    assert (status, answer["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (asked("12"), 422, "number"),
        (asked("call me"), 422, "number"),
        (asked("999 999"), 422, "this is no number"),
        (asked(queue="nowhere"), 409, "no agent serves the queue nowhere"),
        ({"number": "07700 900151"}, 422, "queue"),
    ],
)
async def test_what_cannot_be_asked_for(
    desk: House, body: dict[str, str], status: int, said: str
) -> None:
    found, answer = await call(desk.client, "POST", WEB, body, **BEARER)
    assert found == status
    assert said in answer["error"]["message"]


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "t0ken", "Bearer t0ken "])
async def test_a_web_site_needs_the_token(desk: House, header: str) -> None:
    headers = {"Authorization": header} if header else {}
    status, answer = await call(desk.client, "POST", WEB, asked(), headers=headers)
    if header.strip() == "Bearer t0ken":  # blanks around a header's value are no part of it
        assert status == 200
        return
    assert (status, answer["error"]["code"]) == (401, "no_token")


async def test_a_web_site_is_told_no_name_and_held_to_its_limits(desk: House) -> None:
    status, answer = await call(desk.client, "POST", WEB, asked(), **BEARER)
    assert (status, set(answer)) == (200, {"callback_id", "state"})
    assert (await call(desk.client, "POST", WEB, asked(), **BEARER))[0] == 200
    assert (await call(desk.client, "POST", WEB, asked(), **BEARER))[0] == 429
    assert (await call(desk.client, "POST", WEB, asked("07700 900153"), **BEARER))[0] == 200
    assert (await call(desk.client, "POST", WEB, asked("07700 900154"), **BEARER))[0] == 429


async def test_switched_off(house: House) -> None:
    await house.user("vera", "supervisor")
    vera = await house.browser("vera")
    assert await call(vera, "GET", "/api/callbacks") == (200, {"callbacks": []})
    status, answer = await call(vera, "POST", "/api/callbacks", asked())
    assert (status, answer["error"]["message"]) == (409, "callbacks are switched off")
    assert (await call(house.client, "POST", WEB, asked(), **BEARER))[0] == 409
