"""The table of rights: every route for every role, against the running server."""

from __future__ import annotations

from typing import Any

import pytest

from cti.domain import events as ev
from dashboard.app import ENDPOINTS
from dashboard.projections import Desk, Viewer
from dashboard.rights import MESSAGES, PUBLIC, ROLES, ROUTES, Role, message_reach, reach
from dashboard.settings import DashboardSettings
from tests.unit.dashboard.house import House, call

MAY: dict[str, str] = {
    # route: initials of the roles that may use it at all (a, s, t, m = manager, d = admin)
    "logout": "astmd",
    "me": "astmd",
    "change_password": "astmd",
    "set_availability": "astmd",
    "list_calls": "astmd",
    "read_call": "astmd",
    "read_ladder": "astmd",
    "read_place": "astmd",
    "place_caller": "sd",
    "transfer_targets": "astmd",
    "read_controls": "astmd",
    "transfer_call": "astmd",
    "hang_up_call": "astmd",
    "begin_consult": "astmd",
    "end_consult": "astmd",
    "complete_consult": "astmd",
    "mute_call": "astmd",
    "press_keys": "astmd",
    "read_raw": "d",
    "set_disposition": "astd",
    "search_customers": "astmd",
    "read_customer": "astmd",
    "customer_calls": "astmd",
    "add_customer_note": "astd",
    "search_recordings": "astmd",
    "read_recording": "astmd",
    "hear_recording": "astmd",
    "read_transcript": "astmd",
    "read_peaks": "astmd",
    "pause_recording": "astd",
    "resume_recording": "astd",
    "list_callbacks": "smd",
    "request_callback": "astd",
    "cancel_callback": "sd",
    "list_users": "d",
    "add_user": "d",
    "change_user": "d",
    "read_lab": "smd",
    "check_policy": "smd",
    "begin_trial": "smd",
    "read_trial": "smd",
    "cancel_trial": "smd",
    "read_version": "smd",
    "publish_policy": "sd",
    "restore_policy": "sd",
    "live": "astmd",
}
INITIAL: dict[Role, str] = {
    "agent": "a",
    "supervisor": "s",
    "telemarketer": "t",
    "manager": "m",
    "admin": "d",
}
BODIES: dict[str, Any] = {
    "change_password": {"old": "x", "new": "another long password"},
    "set_availability": {"availability": "available"},
    "set_disposition": {"note": "n"},
    "transfer_call": {"kind": "queue", "to": "support", "request_id": "12345678"},
    "hang_up_call": {"request_id": "12345678"},
    "begin_consult": {"agent": "PJSIP/102", "request_id": "12345678"},
    "end_consult": {"request_id": "12345678"},
    "complete_consult": {"request_id": "12345678"},
    "mute_call": {"muted": True},
    "press_keys": {"digits": "1", "request_id": "12345678"},
    "place_caller": {"placed": "front", "reason": "r"},
    "add_customer_note": {"text": "n"},
    "request_callback": {"number": "+44 7700 900151", "queue": "support"},
    "add_user": {"username": "new", "name": "New", "role": "agent"},
    "change_user": {"name": "Changed"},
    "check_policy": {"text": "x"},
    "begin_trial": {"text": "x", "load": "short"},
    "publish_policy": {"text": "x", "instead_of": "x"},
    "restore_policy": {"instead_of": "x"},
}
IDS = {
    "call_id": "c",
    "customer_id": 1,
    "recording_id": "r",
    "username": "nobody",
    "callback_id": "0",
    "trial_id": "0" * 32,
    "at": 1,
}


def test_every_route_is_in_the_table() -> None:
    declared = {endpoint.name for endpoint in ENDPOINTS} | {"live"}
    assert declared == ROUTES.keys() | PUBLIC
    assert MAY.keys() == ROUTES.keys()


@pytest.mark.parametrize("role", ROLES)
def test_the_table_says_who_may(role: Role) -> None:
    settings = DashboardSettings()
    allowed = {route for route in ROUTES if reach(route, role, settings) != "none"}
    assert allowed == {route for route, initials in MAY.items() if INITIAL[role] in initials}


@pytest.mark.parametrize("role", ROLES)
async def test_every_route_answers_by_the_table(house: House, role: Role) -> None:
    await house.user("somebody", role)
    for endpoint in ENDPOINTS:
        if endpoint.name in PUBLIC:
            continue
        browser = await house.browser("somebody")
        address = endpoint.address.format(**IDS)
        status, answer = await call(browser, endpoint.method, address, BODIES.get(endpoint.name))
        allowed = INITIAL[role] in MAY[endpoint.name]
        assert (status == 403) is not allowed, (endpoint.name, status, answer)
        assert status < 500


async def test_every_route_but_the_public_ones_wants_a_session(house: House) -> None:
    browser = await house.browser()
    for endpoint in ENDPOINTS:
        address = endpoint.address.format(**IDS)
        status, answer = await call(browser, endpoint.method, address, {})
        if endpoint.name not in PUBLIC:
            assert (status, answer["error"]["code"]) == (401, "no_session"), endpoint.name
    assert (await call(browser, "GET", "/ws"))[0] == 401


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("message", MESSAGES)
def test_the_live_view_holds_what_the_table_says(role: Role, message: str) -> None:
    desk = Desk(at=0, switches=["pbx"])
    desk.apply(
        ev.CallQueued(
            at=1, call_id="c", entry_id="e", queue="support", channel="x", leg="1", position=1
        )
    )
    desk.apply(ev.AgentOffered(at=2, call_id="c", offer_id="o", agent="PJSIP/101", channel="y"))
    desk.changes()
    view = desk.view(Viewer(role, "PJSIP/101", frozenset({"support"}), {}))
    if message_reach(message, role) == "none":
        assert not view.get(message)
    elif message not in {"resync", "agents"}:
        assert view[message]


@pytest.mark.parametrize("who", ["none", "own", "all"])
def test_what_agents_hear_is_a_setting(who: Any) -> None:
    settings = DashboardSettings(agents_hear=who)
    assert reach("hear_recording", "agent", settings) == who
    assert reach("hear_recording", "admin", settings) == "all"


def test_nobody_may_what_is_not_in_the_table() -> None:
    assert reach("drop_everything", "admin", DashboardSettings()) == "none"
    assert message_reach("drop_everything", "admin") == "none"
