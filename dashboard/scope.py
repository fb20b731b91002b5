"""Whose calls, customers and recordings a user reaches: the rights table applied to rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, false, or_, select, true

from crm_bridge.store import Customer
from cti.domain import events as ev
from cti.history import talked_with
from cti.tables import calls
from dashboard.accounts import User
from dashboard.rights import reach
from dashboard.routes import Ask
from recordings.library import Recording
from recordings.tables import recordings


def whole_house(user: User, how_far: str) -> bool:
    """``team`` without queues means every queue for those who lead, nothing more for agents."""
    leads = user.role not in {"agent", "telemarketer"}
    return how_far == "all" or (how_far == "team" and leads and not user.queues)


def calls_within(ask: Ask) -> ColumnElement[bool]:
    """The condition on the history that leaves the calls which the user may see."""
    user, how_far = ask.user, ask.reach
    if whole_house(user, how_far):
        return true()
    own = talked_with(user.agent) if user.agent else false()
    if how_far != "team":
        return own
    team = ask.dashboard.desk.agents_in(frozenset(user.queues))
    return or_(own, calls.c.queue.in_(user.queues), talked_with(*team))


def _is_ours(ask: Ask, user: User, queue: str, agent: str) -> bool:
    team = ask.dashboard.desk.agents_in(frozenset(user.queues))
    return queue in user.queues or agent in team


def took_part(user: User, events: Sequence[ev.Event]) -> bool:
    """The user's phone was in one of the talks."""
    talks = (event for event in events if isinstance(event, ev.CallAnswered))
    return bool(user.agent) and any(talk.agent == user.agent for talk in talks)


def may_see_call(ask: Ask, row: Any, events: Sequence[ev.Event]) -> bool:
    """One call of the history (``row``), by what happened in it."""
    user = ask.user
    if whole_house(user, ask.reach) or took_part(user, events):
        return ask.reach != "none"
    on_desk = ask.dashboard.desk.call_on_desk(user.agent)
    if on_desk and on_desk.call_id == row.call_id:
        return True
    return ask.reach == "team" and _is_ours(ask, user, row.queue, row.agent)


def may_hear(ask: Ask, recording: Recording) -> bool:
    """One recording; the same for the sound, the outline and the transcript."""
    user = ask.user
    how_far = reach("hear_recording", user.role, ask.dashboard.settings)
    if how_far == "none":
        return False
    mine = bool(user.agent) and recording.agent == user.agent
    ours = how_far == "team" and _is_ours(ask, user, recording.queue, recording.agent)
    return mine or ours or whole_house(user, how_far)


def may_pause(ask: Ask, recording: Recording) -> bool:
    """One talk's recording: the agent's own, the team's, or any."""
    user = ask.user
    mine = bool(user.agent) and recording.agent == user.agent
    ours = ask.reach == "team" and _is_ours(ask, user, recording.queue, recording.agent)
    return mine or ours or whole_house(user, ask.reach)


def recordings_within(ask: Ask) -> ColumnElement[bool]:
    """The condition on recordings that leaves those which the user may hear."""
    user = ask.user
    how_far = reach("hear_recording", user.role, ask.dashboard.settings)
    if whole_house(user, how_far):
        return true()
    own = recordings.c.agent == user.agent if user.agent and how_far != "none" else false()
    if how_far != "team":
        return own
    team = ask.dashboard.desk.agents_in(frozenset(user.queues))
    return or_(own, recordings.c.queue.in_(user.queues), recordings.c.agent.in_(team))


async def customers_within(ask: Ask, found: Sequence[Customer]) -> list[Customer]:
    """Those of the customers whom the user may see."""
    user = ask.user
    if reach("read_customer", user.role, ask.dashboard.settings) == "all":
        return list(found)
    own = _on_desk(ask) | await _spoken_to(ask, [customer.id for customer in found])
    extension = user.agent.rpartition("/")[2]
    return [
        customer
        for customer in found
        if customer.id in own or (extension and customer.owner_extension == extension)
    ]


def _on_desk(ask: Ask) -> set[int]:
    """Who is (or may be) calling the user now."""
    call = ask.dashboard.desk.call_on_desk(ask.user.agent)
    if call is None:
        return set()
    candidates = call.pop.candidates if call.pop else ()
    return {customer.id for customer in (call.customer, *candidates) if customer}


async def _spoken_to(ask: Ask, ids: Sequence[int]) -> set[int]:
    if not ask.user.agent:
        return set()
    query = select(calls.c.customer_id).where(
        calls.c.customer_id.in_(ids), talked_with(ask.user.agent)
    )
    async with ask.dashboard.deps.engine.connect() as connection:
        return set((await connection.execute(query)).scalars())
