"""The picture as JSON objects for browsers. None means absent: :mod:`dashboard.merge_patch`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from cti.domain.events import ScreenPopReady
from dashboard.merge_patch import Object, pruned
from dashboard.picture import AgentCard, AgentState, Link, LiveCall, OwnCall, RecordingState, Wait


def link_row(link: Link, *, first: bool) -> Object:
    """Whether a switch can be seen, and since when. ``first``: agents' names do not name it."""
    return {"up": link.up, "since": link.since, "reason": link.reason, "first": first}


def me_row(agent: AgentState) -> Object:
    """An agent's own state."""
    row = {
        "availability": agent.availability,
        "reason": agent.reason,
        "since": agent.since,
        "until": agent.until or None,
        "activity": agent.activity,
        "activity_since": agent.activity_since,
    }
    return _object(row)


def today_row(agent: AgentState) -> Object:
    """An agent's day so far."""
    return {"calls": agent.calls, "talked": agent.talked, "missed": agent.missed}


def agent_row(agent: AgentState, card: AgentCard, call: LiveCall | None) -> Object:
    """An agent as a supervisor sees them; ``since``: the newer of both states."""
    live = call is not None and agent.own is not None and agent.own.phase != "ended"
    row = {
        "name": card.name,
        "availability": agent.availability,
        "reason": agent.reason,
        "activity": agent.activity,
        "since": max(agent.since, agent.activity_since),
        "call_id": call.call_id if call and live else None,
        "number": call.shown_number if call and live else None,
        "name_of_customer": call.customer.name if call and live and call.customer else None,
    }
    return _object(row)


def wait_row(wait: Wait, call: LiveCall | None, *, several: bool = False) -> Object:
    """A waiting caller, with the numbers from which the browser computes the order as time goes by.

    They are those of :class:`callqueue.curve.Curve` and who put the caller where; none: 0 and "".
    ``several``: there are several switches; queues of one name are a line on each.
    """
    customer = call.customer if call else None
    row = {
        "call_id": wait.call_id,
        "switch": wait.switch if several else None,
        "joined_at": wait.joined_at,
        "virtual_join": wait.virtual_join,
        "label": wait.label,
        "terms": [msgspec.to_builtins(term) for term in wait.terms],
        "urgency": wait.curve.urgency or None,
        "target": wait.curve.target or None,
        "ceiling": wait.curve.ceiling or None,
        "held": wait.held or None,
        "placed": wait.placed or None,
        "placed_at": wait.placed_at or None,
        "placed_by": wait.placed_by or None,
        "placed_why": wait.placed_why or None,
        "number": call.shown_number if call else "",
        "name": customer.name if customer else None,
        "tier": customer.tier if customer else None,
        "match": call.match if call else None,
        "offered": _offered(call, wait.entry_id),
    }
    return _object(row)


def _offered(call: LiveCall | None, entry_id: str) -> bool:
    return call is not None and any(o.entry_id == entry_id for o in call.offers.values())


def call_row(
    own: OwnCall, call: LiveCall, pop: Object | None, handed: Object | None = None
) -> Object:
    """The call on an agent's desk, with everything known of the caller.

    ``pop``: its :func:`pop_row`, when there is a screen-pop. ``handed``: see :func:`handed_row`.
    """
    row = {
        "call_id": own.call_id,
        "phase": own.phase,
        "since": own.since,
        "offered_at": own.offered_at,
        "answered_at": own.answered_at,
        "ended_at": own.ended_at,
        "direction": call.direction,
        "number": call.shown_number,
        "caller_number": call.caller_number,
        "did": call.did,
        "queue": call.queue,
        "waited": call.waited,
        "path": list(call.path),
        "why": call.why,
        "recording": _recording(call, own.talk_id),
        "pop": pop or _identity(call),
        "disposition": _disposition(call),
        "muted": own.muted or None,
        "handed": handed,
    }
    return _object(row)


def handed_row(
    own: OwnCall, call: LiveCall, agent: str, name_of: Callable[[str], str]
) -> Object | None:
    """Who handed the call on to this ``agent``, and what is written so far; None: nobody did."""
    since = own.offered_at or own.answered_at or own.since
    if not call.handed_at or call.handed_by == agent or call.handed_at > since:
        return None
    return {
        "by": name_of(call.handed_by) if call.handed_by else "",
        "at": call.handed_at,
        "note": call.disposition.note if call.disposition else "",
    }


def _recording(call: LiveCall, talk_id: str) -> Object | None:
    """The newest recording of this agent's own talk."""
    mine = [r for r in call.recordings.values() if r.talk_id == talk_id]
    return _recording_row(mine[-1]) if mine else None


def _recording_row(recording: RecordingState) -> Object:
    row = {"id": recording.id, "state": recording.state, "reason": recording.reason}
    return _object(row | {"until": recording.until})


def pop_row(pop: ScreenPopReady, name_of: Callable[[str], str]) -> Object:
    """The screen-pop. Made before the phone rings, it costs nothing when it does.

    ``name_of`` names an agent by the interface, for past contacts.
    """
    whole: Object = pruned(msgspec.to_builtins(pop))
    contacts = [_contact(contact, name_of) for contact in whole.get("contacts", [])]
    wanted = {name: whole[name] for name in ("number", "match", "customer") if name in whole}
    return wanted | _lists(whole | {"contacts": contacts})


def _identity(call: LiveCall) -> Object | None:
    """As long as only the identity is known, that much of the screen-pop."""
    if call.match is None:
        return None
    known: Object = {"number": call.number, "match": call.match} | _lists({})
    if call.customer:
        known["customer"] = pruned(msgspec.to_builtins(call.customer))
    return known


def _contact(contact: Object, name_of: Callable[[str], str]) -> Object:
    agent = contact.get("agent", "")
    return contact | {"agent": name_of(agent) if agent else ""}


def _lists(pop: Object) -> Object:
    return {name: pop.get(name, []) for name in ("candidates", "contacts", "notes")}


def _disposition(call: LiveCall) -> Object | None:
    saved = call.disposition
    if saved is None:
        return None
    return {
        "note": saved.note,
        "topic": saved.topic,
        "result": saved.result,
        "saved_at": saved.at,
    }


def _object(row: dict[str, Any]) -> Object:
    return {name: value for name, value in row.items() if value is not None}
