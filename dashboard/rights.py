"""Who may do what: one table for routes, one for what a websocket carries.

A right says how far it reaches: ``none``; ``own`` (the user's own calls, customers, recordings);
``team`` (the queues the user is given; every queue when none is given); ``all``. Routes without
a reach of their own have ``all`` (may) or ``none`` (may not).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from dashboard.settings import DashboardSettings, Reach

Role = Literal["agent", "supervisor", "telemarketer", "manager", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)

PUBLIC = frozenset({"login", "health", "ready", "openapi", "ask_callback"})
"""Routes that need no session; ask_callback needs a token."""

Row = Mapping[Role, Reach]


def _row(
    agent: Reach, supervisor: Reach, telemarketer: Reach, manager: Reach, admin: Reach
) -> dict[Role, Reach]:
    return dict(zip(ROLES, (agent, supervisor, telemarketer, manager, admin), strict=True))


ROUTES: Mapping[str, Row] = {
    # route                    agent  superv. telem. manager admin
    "logout": _row("all", "all", "all", "all", "all"),
    "me": _row("all", "all", "all", "all", "all"),
    "change_password": _row("all", "all", "all", "all", "all"),
    "set_availability": _row("own", "own", "own", "own", "own"),
    "list_calls": _row("own", "team", "own", "all", "all"),
    "read_call": _row("own", "team", "own", "all", "all"),
    "read_ladder": _row("own", "team", "own", "all", "all"),
    "read_place": _row("own", "team", "own", "all", "all"),
    "place_caller": _row("none", "team", "none", "none", "all"),
    "transfer_targets": _row("all", "all", "all", "all", "all"),
    "read_controls": _row("own", "team", "own", "own", "all"),
    "transfer_call": _row("own", "team", "own", "own", "all"),
    "hang_up_call": _row("own", "team", "own", "own", "all"),
    "begin_consult": _row("own", "own", "own", "own", "own"),
    "end_consult": _row("own", "own", "own", "own", "own"),
    "complete_consult": _row("own", "own", "own", "own", "own"),
    "mute_call": _row("own", "own", "own", "own", "own"),
    "press_keys": _row("own", "own", "own", "own", "own"),
    "read_raw": _row("none", "none", "none", "none", "all"),
    "set_disposition": _row("own", "team", "own", "none", "all"),
    "search_customers": _row("own", "all", "own", "all", "all"),
    "read_customer": _row("own", "all", "own", "all", "all"),
    "customer_calls": _row("own", "all", "own", "all", "all"),
    "add_customer_note": _row("own", "all", "own", "none", "all"),
    "search_recordings": _row("own", "team", "own", "all", "all"),
    "read_recording": _row("own", "team", "own", "all", "all"),
    "hear_recording": _row("own", "team", "own", "all", "all"),
    "read_transcript": _row("own", "team", "own", "all", "all"),
    "read_peaks": _row("own", "team", "own", "all", "all"),
    "pause_recording": _row("own", "team", "own", "none", "all"),
    "resume_recording": _row("own", "team", "own", "none", "all"),
    "list_callbacks": _row("none", "team", "none", "all", "all"),
    "request_callback": _row("all", "all", "all", "none", "all"),
    "cancel_callback": _row("none", "team", "none", "none", "all"),
    "list_users": _row("none", "none", "none", "none", "all"),
    "add_user": _row("none", "none", "none", "none", "all"),
    "change_user": _row("none", "none", "none", "none", "all"),
    "read_lab": _row("none", "all", "none", "all", "all"),
    "check_policy": _row("none", "all", "none", "all", "all"),
    "begin_trial": _row("none", "all", "none", "all", "all"),
    "read_trial": _row("none", "all", "none", "all", "all"),
    "cancel_trial": _row("none", "all", "none", "all", "all"),
    "read_version": _row("none", "all", "none", "all", "all"),
    "publish_policy": _row("none", "all", "none", "none", "all"),
    "restore_policy": _row("none", "all", "none", "none", "all"),
    "live": _row("all", "all", "all", "all", "all"),
}

MESSAGES: Mapping[str, Row] = {
    # what the socket carries  agent  superv. telem. manager admin
    "resync": _row("all", "all", "all", "all", "all"),
    "me": _row("own", "own", "own", "own", "own"),
    "links": _row("all", "all", "all", "all", "all"),
    "today": _row("own", "own", "own", "own", "own"),
    "call": _row("own", "own", "own", "own", "own"),
    "queues": _row("own", "team", "own", "team", "team"),
    "agents": _row("none", "team", "none", "team", "team"),
}

_CALLS = {"list_calls", "read_call", "read_ladder", "read_place"}
_CUSTOMERS = {"search_customers", "read_customer", "customer_calls"}
_RECORDINGS = {
    "search_recordings",
    "read_recording",
    "hear_recording",
    "read_transcript",
    "read_peaks",
}


def reach(route: str, role: Role, settings: DashboardSettings) -> Reach:
    """How far ``role`` reaches on ``route``; what is not in the table may nobody."""
    row = ROUTES.get(route)
    if row is None:
        return "none"
    return _configured(route, settings) if role in {"agent", "telemarketer"} else row[role]


def _configured(route: str, settings: DashboardSettings) -> Reach:
    if route in _CALLS:
        return settings.agents_see_calls
    if route in _CUSTOMERS:
        return settings.agents_see_customers
    if route in _RECORDINGS:
        return settings.agents_hear
    return ROUTES[route]["agent"]


def message_reach(message: str, role: Role) -> Reach:
    """How far ``role`` reaches in one part of the live view, or with one message to the server."""
    row = MESSAGES.get(message)
    return row[role] if row is not None else "none"
