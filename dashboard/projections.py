"""The desk: what each user sees live, and the deltas between.

Pure. :meth:`Desk.apply` takes one event; :meth:`Desk.changes` gives the rows that changed since it
was asked last. :meth:`Desk.view` is what one viewer sees in full, as of the last changes;
:meth:`Desk.delta` what one viewer's browser must change. For every sequence of events, a view taken
early and patched with every delta since equals a view taken late.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cti.domain import events as ev
from dashboard.fold import fold
from dashboard.merge_patch import Object, diff, put
from dashboard.picture import AgentCard, Link, LiveCall, Picture, Place, Wait
from dashboard.rights import Role, message_reach
from dashboard.rows import (
    agent_row,
    call_row,
    handed_row,
    link_row,
    me_row,
    pop_row,
    today_row,
    wait_row,
)


@dataclass(frozen=True)
class Change:
    """One row before and after; None: it was not, or is no more, there."""

    place: Place
    old: Object | None
    new: Object | None


@dataclass(frozen=True)
class Viewer:
    """A user, as far as what they see depends on it. ``me`` holds the fields of ``Me``."""

    role: Role
    agent: str
    queues: frozenset[str]
    me: Mapping[str, Any]


class Desk:
    """The live picture of one installation, as rows."""

    def __init__(
        self, at: ev.Micros, day_start: ev.Micros = 0, switches: Sequence[str] = ()
    ) -> None:
        self.seq = 0
        self._picture = Picture(at, day_start, switches)
        self._shown: dict[Place, Object] = {}
        self._queues: dict[str, dict[str, Object]] = {}
        self._touched: set[Place] = {("links", switch) for switch in self._picture.links}
        self.changes()

    # --- what happens --------------------------------------------------------------------------

    def apply(self, event: ev.Event) -> bool:
        """Fold one event; every one moves :attr:`seq`.

        True: it may have changed the call on somebody's desk, which is to be told at once.
        """
        self.seq = max(self.seq, event.seq)
        places = fold(self._picture, event)
        if isinstance(event, ev.ScreenPopReady) and (call := self.call(event.call_id)):
            self._pop_row(call)  # now, so that it need not be made when the phone rings
        self._touched |= places
        return any(place[0] == "call" for place in places)

    def enrol(self, cards: Mapping[str, AgentCard]) -> None:
        """Take in the user list's names and queues of agents, by interface."""
        self._picture.cards = dict(cards)
        for interface in cards:
            self._picture.agent(interface)
        self._touched |= {("agents", interface) for interface in self._picture.agents}

    def begin_day(self, day_start: ev.Micros) -> None:
        """Midnight: every agent's day begins again."""
        self._picture.day_start = day_start
        for agent in self._picture.agents.values():
            agent.calls = agent.talked = agent.missed = 0
        self._touched |= {("today", interface) for interface in self._picture.agents}

    def disconnected(self, at: ev.Micros) -> None:
        """A new run begins without a link, whatever the run before saw."""
        links = self._picture.links
        links.update({switch: Link(up=False, since=at) for switch in links})
        self._touched |= {("links", switch) for switch in links}

    @property
    def untold(self) -> int:
        """How many rows may have changed since :meth:`changes` was asked last."""
        return len(self._touched)

    def changes(self) -> list[Change]:
        """The rows that changed since the last time."""
        places, self._touched = self._touched, set()
        changes = []
        for place in sorted(places):
            old, new = self._shown.get(place), self._row(place)
            if old != new:
                changes.append(Change(place, old, new))
                self._show(place, new)
        return changes

    @property
    def picture(self) -> Picture:
        """Calls, waits and agents right now; for reading only."""
        return self._picture

    # --- what is known -------------------------------------------------------------------------

    @property
    def link_up(self) -> bool:
        """Every switch can be seen."""
        return bool(self.links) and all(self.links.values())

    @property
    def links(self) -> Mapping[str, bool]:
        """Which switches can be seen."""
        return {switch: link.up for switch, link in self._picture.links.items()}

    def call(self, call_id: str) -> LiveCall | None:
        """A call that is open or still on a desk."""
        return self._picture.calls.get(call_id)

    def wait_of(self, call_id: str) -> Wait | None:
        """Where this call waits, if it does."""
        call = self._picture.calls.get(call_id)
        waits = (self._picture.waits.get(entry_id) for entry_id in call.waits) if call else ()
        return next((wait for wait in waits if wait), None)

    def call_on_desk(self, agent: str) -> LiveCall | None:
        """The call on this agent's desk, if there is one."""
        return self._picture.call_on_desk(agent)

    def agents_in(self, queues: frozenset[str]) -> list[str]:
        """The interfaces of the agents who serve one of ``queues``, by the user list."""
        return [i for i, card in self._picture.cards.items() if card.queues & queues]

    def name_of(self, agent: str) -> str:
        """The agent's name, or the interface when the user list has none."""
        return self._picture.card(agent).name

    # --- what a viewer sees --------------------------------------------------------------------

    def view(self, viewer: Viewer) -> Object:
        """Everything ``viewer`` may see, as of the last :meth:`changes`."""
        nobody = self._picture.new_agent()
        view: Object = {
            "me": {**viewer.me, **self._own(viewer, "me", me_row(nobody))},
            "links": {switch: self._shown["links", switch] for switch in self.links},
            "today": self._own(viewer, "today", today_row(nobody)),
            "queues": self._queues_seen(viewer),
            "agents": self._agents_seen(viewer),
        }
        call = self._own(viewer, "call", None)
        return view if call is None else view | {"call": call}

    def delta(self, viewer: Viewer, changes: Iterable[Change]) -> Object:
        """The merge patch on ``viewer``'s view for ``changes``; empty: nothing they see."""
        patch: Object = {}
        for change in changes:
            if self._sees(viewer, change.place):
                put(patch, _path(change.place), diff(change.old, change.new))
        return patch

    def _own(self, viewer: Viewer, kind: str, default: Any) -> Any:
        return self._shown.get((kind, viewer.agent), default) if viewer.agent else default

    def _queues_seen(self, viewer: Viewer) -> Object:
        given: Object = {name: {"waiting": {}} for name in viewer.queues}
        seen = (name for name in self._queues if _sees_queue(viewer, name))
        return given | {name: {"waiting": dict(self._queues[name])} for name in seen}

    def _agents_seen(self, viewer: Viewer) -> Object:
        seen = (i for i in self._picture.agents if self._sees_agent(viewer, i))
        return {i: self._shown["agents", i] for i in seen if ("agents", i) in self._shown}

    def _sees(self, viewer: Viewer, place: Place) -> bool:
        match place:
            case ("links", _):
                return True
            case ("queues", queue, _):
                return _sees_queue(viewer, queue)
            case ("agents", interface):
                return self._sees_agent(viewer, interface)
            case (_, interface):
                return bool(viewer.agent) and viewer.agent == interface
        return False

    def _sees_agent(self, viewer: Viewer, interface: str) -> bool:
        if message_reach("agents", viewer.role) == "none":
            return False
        shared = self._picture.card(interface).queues & viewer.queues
        return _sees_everything("agents", viewer) or bool(shared)

    # --- rows ----------------------------------------------------------------------------------

    def _show(self, place: Place, row: Object | None) -> None:
        rows = self._queues.setdefault(place[1], {}) if place[0] == "queues" else {}
        if row is None:
            self._shown.pop(place, None)
            rows.pop(place[-1], None)
        else:
            self._shown[place] = rows[place[-1]] = row

    def _row(self, place: Place) -> Object | None:
        """What stands at ``place`` by the picture as it is now."""
        picture = self._picture
        match place:
            case ("links", switch):
                return link_row(picture.links[switch], first=switch == picture.first)
            case ("queues", _, entry_id):
                wait = picture.waits.get(entry_id)
                call = picture.calls.get(wait.call_id) if wait else None
                several = len(picture.links) > 1
                return wait_row(wait, call, several=several) if wait else None
            case (kind, interface):
                return self._agent_row(kind, interface)
        return None

    def _agent_row(self, kind: str, interface: str) -> Object | None:
        agent, call = self._picture.agent(interface), self._picture.call_on_desk(interface)
        match kind:
            case "me":
                return me_row(agent)
            case "today":
                return today_row(agent)
            case "agents":
                return agent_row(agent, self._picture.card(interface), call)
        if agent.own is None or call is None:
            return None
        handed = handed_row(agent.own, call, interface, self.name_of)
        row = call_row(agent.own, call, self._pop_row(call), handed)
        asked = agent.own.consults
        return row | {"consults": self.name_of(asked)} if asked else row

    def _pop_row(self, call: LiveCall) -> Object | None:
        if call.pop is not None and call.pop_row is None:
            call.pop_row = pop_row(call.pop, self.name_of)
        return call.pop_row


def _sees_queue(viewer: Viewer, queue: str) -> bool:
    if message_reach("queues", viewer.role) == "none":
        return False
    return _sees_everything("queues", viewer) or queue in viewer.queues


def _sees_everything(message: str, viewer: Viewer) -> bool:
    """Reach ``team`` without a list of queues is the whole house."""
    reach = message_reach(message, viewer.role)
    return reach == "all" or (reach == "team" and not viewer.queues)


def _path(place: Place) -> tuple[str, ...]:
    """Where the row of a place stands in a view."""
    match place:
        case ("queues", queue, entry_id):
            return ("queues", queue, "waiting", entry_id)
        case ("agents" | "links", _):
            return place
    return (place[0],)
