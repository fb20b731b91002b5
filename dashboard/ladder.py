"""One call as a ladder: who took part side by side, what happened from top to bottom. Pure.

Each event is one *rung*, in the order of its time; it stands in a *lane* (the customer, the menus,
a queue, an agent) and may reach across to another one. What lasted (a leg, a menu, a wait, an
offer, a talk, a hold, a recording) is a *bar* from one rung to another. Times are microseconds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cti.domain import events as ev
from dashboard.schemas import Model
from dashboard.sentences import NameOf, sentence

LaneKind = Literal["customer", "ivr", "queue", "agent"]
BarKind = Literal["leg", "menu", "wait", "offer", "talk", "hold", "recording"]

_ORDER: tuple[LaneKind, ...] = ("customer", "ivr", "queue", "agent")
_OUTLIVE_THE_CALL = frozenset({"recording"})
_OFFER_ENDS: Mapping[ev.ManagerEnd, ev.OfferEnd] = {
    "connected": "answered",
    "not_accepted": "no_answer",
    "busy": "rejected",
    "declined": "rejected",
    "failed": "cancelled",
}


class LadderLane(Model):
    """Somebody or something that took part. ``name``: the queue's or agent's, else empty."""

    id: str
    kind: LaneKind
    name: str


class LadderRung(Model):
    """One event: in ``lane``, and across to the lane ``to`` (empty: nowhere).

    ``reconstructed``: nobody listened when it happened.
    """

    seq: int
    at: int
    type: str
    text: str
    lane: str
    to: str
    reconstructed: bool


class LadderBar(Model):
    """What lasted from the rung numbered ``first`` to ``last`` (null: it goes on).

    ``end`` says how it ended, where there is more than one way.
    """

    lane: str
    kind: BarKind
    first: int
    last: int | None
    began: int
    ended: int | None
    end: str


class LadderAnswer(Model):
    """One call, drawn. Rungs are counted from 0."""

    call_id: str
    lanes: list[LadderLane]
    rungs: list[LadderRung]
    bars: list[LadderBar]


def ladder(call_id: str, events: Iterable[ev.Event], name_of: NameOf) -> LadderAnswer:
    """The ladder of the events of one interaction, in any order; ``call_id`` is its call's."""
    told = [event for event in events if not isinstance(event, ev.AgentActivityChanged)]
    drawing = _Drawing(name_of, _switches_of_queues(told))
    places = {event.seq: drawing.place(event) for event in sorted(told, key=lambda e: e.seq)}
    told = _in_order(told)
    rungs = [
        LadderRung(
            seq=event.seq,
            at=event.at,
            type=type(event).__name__,
            text=sentence(event, name_of),
            lane=places[event.seq][0],
            to=places[event.seq][1],
            reconstructed=event.reconstructed,
        )
        for event in told
    ]
    number = {event.seq: n for n, event in enumerate(told)}
    return LadderAnswer(
        call_id=call_id,
        lanes=sorted(drawing.lanes.values(), key=lambda lane: _ORDER.index(lane.kind)),
        rungs=rungs,
        bars=[_bar(span, number) for span in drawing.spans],
    )


def _switches_of_queues(events: Iterable[ev.Event]) -> Mapping[str, set[str]]:
    """On which switches the call met a queue of each name."""
    found: dict[str, set[str]] = defaultdict(set)
    for event in events:
        if queue := getattr(event, "queue", ""):
            found[queue].add(_switch_of(event))
    return found


def _switch_of(event: ev.Event) -> str:
    """The one whose call it is; not all parts say more."""
    return event.call_id.partition("-")[0]


def _in_order(events: Iterable[ev.Event]) -> list[ev.Event]:
    """By time. A menu may be quicker to tell than the PBX: the arrival comes first all the same."""
    told = sorted(events, key=lambda event: (event.at, event.seq))
    began = next((event for event in told if isinstance(event, ev.CallArrived)), None)
    return sorted(told, key=lambda event: event is not began)


@dataclass
class _Span:
    lane: str
    kind: BarKind
    first: ev.Event
    last: ev.Event | None = None
    end: str = ""


def _bar(span: _Span, number: Mapping[int, int]) -> LadderBar:
    """Two clocks (the PBX's and ours) may disagree; a bar never ends before it begins."""
    first, last = number[span.first.seq], span.last
    return LadderBar(
        lane=span.lane,
        kind=span.kind,
        first=first,
        last=None if last is None else max(first, number[last.seq]),
        began=span.first.at,
        ended=None if last is None else max(span.first.at, last.at),
        end=span.end,
    )


Place = tuple[str, str]
"""The lane of an event, and the lane it reaches to (empty: none)."""


class _Drawing:
    """Lanes and spans, event by event."""

    def __init__(self, name_of: NameOf, switches_of: Mapping[str, set[str]]) -> None:
        self._switches_of = switches_of
        self.lanes: dict[str, LadderLane] = {}
        self.spans: list[_Span] = []
        self._open: dict[tuple[BarKind, str], _Span] = {}
        self._lane_of_recording: dict[str, str] = {}
        self._lane_of_attempt: dict[str, str] = {}
        self._name_of = name_of

    def place(self, event: ev.Event) -> Place:
        """Draw the event; where it stands. What has no place of its own is the customer's."""
        put = _PUT.get(type(event))
        return put(self, event) if put is not None else (self.customer(), "")

    # --- lanes ---------------------------------------------------------------------------------

    def customer(self) -> str:
        return self._lane("customer", "customer", "")

    def ivr(self) -> str:
        return self._lane("ivr", "ivr", "")

    def queue(self, event: ev.Event, name: str) -> str:
        """Two switches may each have a queue of this name: then each is told with its switch."""
        if len(self._switches_of[name]) < 2:
            return self._lane(f"queue:{name}", "queue", name)
        switch = _switch_of(event)
        return self._lane(f"queue:{switch}:{name}", "queue", f"{name} · {switch}")

    def agent(self, interface: str) -> str:
        return self._lane(f"agent:{interface}", "agent", self._name_of(interface))

    def agent_called(self, extension: str) -> str:
        """The lane of an agent who took part, by what was dialled; empty for anybody else."""
        lanes = (lane.id for lane in self.lanes.values() if lane.kind == "agent")
        return next(
            (lane for lane in lanes if lane.endswith((f":{extension}", f"/{extension}"))), ""
        )

    def _lane(self, lane: str, kind: LaneKind, name: str) -> str:
        self.lanes.setdefault(lane, LadderLane(id=lane, kind=kind, name=name))
        return lane

    # --- spans ---------------------------------------------------------------------------------

    def begin(self, kind: BarKind, key: str, lane: str, event: ev.Event) -> None:
        """What has begun already (told again after a restart) goes on."""
        if (kind, key) not in self._open:
            span = _Span(lane, kind, event)
            self._open[kind, key] = span
            self.spans.append(span)

    def end(self, kind: BarKind, key: str, event: ev.Event, how: str = "") -> None:
        span = self._open.pop((kind, key), None)
        if span is not None:
            span.last, span.end = event, how

    def end_in(self, lane: str, kinds: frozenset[str], event: ev.Event) -> None:
        for kind, key in [k for k, span in self._open.items() if span.lane == lane]:
            if kind in kinds:
                self.end(kind, key, event)

    def end_all(self, event: ev.Event) -> None:
        """Of this call, not of another one in the same interaction."""
        for (kind, key), span in list(self._open.items()):
            if kind not in _OUTLIVE_THE_CALL and span.first.call_id == event.call_id:
                self.end(kind, key, event)

    # --- events --------------------------------------------------------------------------------

    def arrived(self, event: ev.CallArrived) -> Place:
        if ("leg", "customer") not in self._open:  # they are, when it goes on over a trunk
            self.begin("leg", "customer", self.customer(), event)
        return self.customer(), ""

    def ended(self, event: ev.CallEnded) -> Place:
        self.end_all(event)
        return self.customer(), ""

    def menu_entered(self, event: ev.MenuEntered) -> Place:
        self.end_in(self.ivr(), frozenset({"menu"}), event)
        self.begin("menu", event.menu, self.ivr(), event)
        return self.customer(), self.ivr()

    def menu_chosen(self, event: ev.MenuChosen | ev.WaitTold) -> Place:
        return self.customer(), self.ivr()

    def menu_left(self, event: ev.MenuLeft) -> Place:
        self.end_in(self.ivr(), frozenset({"menu"}), event)
        return self.ivr(), ""

    def queued(self, event: ev.CallQueued) -> Place:
        lane = self.queue(event, event.queue)
        self.begin("wait", event.entry_id, lane, event)
        return self.customer(), lane

    def in_queue(
        self,
        event: ev.QueueEntryScored
        | ev.QueueEntryPlaced
        | ev.QueueContested
        | ev.QueueMoved
        | ev.QueueMoveFailed,
    ) -> Place:
        return self.queue(event, event.queue), ""

    def queue_left(self, event: ev.QueueLeft) -> Place:
        self.end("wait", event.entry_id, event, event.ended)
        return self.queue(event, event.queue), ""

    def offered(self, event: ev.AgentOffered) -> Place:
        lane = self.agent(event.agent)
        self.begin("leg", lane, lane, event)
        self.begin("offer", event.offer_id, lane, event)
        return self.queue(event, event.queue) if event.queue else self.customer(), lane

    def offer_ended(self, event: ev.OfferEnded) -> Place:
        lane = self.agent(event.agent)
        self.end("offer", event.offer_id, event, event.ended)
        if event.ended != "answered":
            self.end("leg", lane, event)
        return lane, ""

    def answered(self, event: ev.CallAnswered) -> Place:
        lane = self.agent(event.agent)
        self.begin("leg", lane, lane, event)
        self.begin("talk", event.talk_id, lane, event)
        return lane, self.customer()

    def held(self, event: ev.CallHeld) -> Place:
        lane = self.agent(event.agent) if event.agent else self.customer()
        self.begin("hold", event.channel, lane, event)
        return lane, ""

    def resumed(self, event: ev.CallResumed) -> Place:
        self.end("hold", event.channel, event)
        return self.agent(event.agent) if event.agent else self.customer(), ""

    def consult(self, event: ev.ConsultBegan) -> Place:
        return self.agent(event.agent), self.agent(event.to)

    def muted(self, event: ev.AgentMuted) -> Place:
        return self.agent(event.agent), ""

    def talk_ended(self, event: ev.TalkEnded) -> Place:
        lane = self.agent(event.agent)
        self.end("talk", event.talk_id, event)
        self.end_in(lane, frozenset({"hold", "leg"}), event)
        return lane, ""

    def transferred(self, event: ev.CallTransferred) -> Place:
        lane = self.agent(event.by) if event.by else self.customer()
        to = self.agent_called(event.to)
        return lane, "" if to == lane else to

    def recording(self, event: ev.RecordingStarted | ev.RecordingStopped) -> Place:
        lane = self.agent(event.agent)
        self._lane_of_recording[event.recording_id] = lane
        if isinstance(event, ev.RecordingStarted):
            self.begin("recording", event.recording_id, lane, event)
        else:
            self.end("recording", event.recording_id, event, "stored")
        return lane, ""

    def recording_failed(self, event: ev.RecordingFailed) -> Place:
        self.end("recording", event.recording_id, event, "failed")
        return self.transcript(event)

    def transcript(
        self,
        event: ev.TranscriptReady
        | ev.TranscriptFailed
        | ev.RecordingFailed
        | ev.RecordingPaused
        | ev.RecordingResumed
        | ev.RecordingChecked
        | ev.CardNumbersRemoved,
    ) -> Place:
        return self._lane_of_recording.get(event.recording_id) or self.customer(), ""

    def manager_skipped(self, event: ev.ManagerSkipped) -> Place:
        return self.queue(event, event.queue), ""

    def manager_called(self, event: ev.ManagerCalled) -> Place:
        lane = self._lane_of_attempt[event.attempt_id] = self.agent(event.agent)
        self.begin("offer", event.attempt_id, lane, event)
        return self.queue(event, event.queue), lane

    def manager_step(self, event: ev.ManagerAnswered | ev.ManagerAccepted) -> Place:
        return self._lane_of_attempt.get(event.attempt_id) or self.customer(), ""

    def manager_call_ended(self, event: ev.ManagerCallEnded) -> Place:
        self.end("offer", event.attempt_id, event, _OFFER_ENDS.get(event.ended, event.ended))
        return self._lane_of_attempt.get(event.attempt_id) or self.customer(), ""

    def callback(
        self,
        event: ev.CallbackRequested | ev.CallbackCalled | ev.CallbackAccepted | ev.CallbackChanged,
    ) -> Place:
        return self.customer(), self.queue(event, event.queue)

    def disposed(self, event: ev.DispositionSet) -> Place:
        return self.agent(event.agent) if event.agent else self.customer(), ""


_PUT: Mapping[type[ev.Event], Callable[[_Drawing, Any], Place]] = {
    ev.CallArrived: _Drawing.arrived,
    ev.CallEnded: _Drawing.ended,
    ev.MenuEntered: _Drawing.menu_entered,
    ev.MenuChosen: _Drawing.menu_chosen,
    ev.WaitTold: _Drawing.menu_chosen,
    ev.MenuLeft: _Drawing.menu_left,
    ev.CallQueued: _Drawing.queued,
    ev.QueueEntryScored: _Drawing.in_queue,
    ev.QueueEntryPlaced: _Drawing.in_queue,
    ev.QueueContested: _Drawing.in_queue,
    ev.QueueMoved: _Drawing.in_queue,
    ev.QueueMoveFailed: _Drawing.in_queue,
    ev.QueueLeft: _Drawing.queue_left,
    ev.AgentOffered: _Drawing.offered,
    ev.OfferEnded: _Drawing.offer_ended,
    ev.CallAnswered: _Drawing.answered,
    ev.CallHeld: _Drawing.held,
    ev.CallResumed: _Drawing.resumed,
    ev.ConsultBegan: _Drawing.consult,
    ev.AgentMuted: _Drawing.muted,
    ev.TalkEnded: _Drawing.talk_ended,
    ev.CallTransferred: _Drawing.transferred,
    ev.RecordingStarted: _Drawing.recording,
    ev.RecordingStopped: _Drawing.recording,
    ev.RecordingFailed: _Drawing.recording_failed,
    ev.RecordingPaused: _Drawing.transcript,
    ev.RecordingResumed: _Drawing.transcript,
    ev.RecordingChecked: _Drawing.transcript,
    ev.CardNumbersRemoved: _Drawing.transcript,
    ev.TranscriptReady: _Drawing.transcript,
    ev.TranscriptFailed: _Drawing.transcript,
    ev.DispositionSet: _Drawing.disposed,
    ev.ManagerSkipped: _Drawing.manager_skipped,
    ev.ManagerCalled: _Drawing.manager_called,
    ev.ManagerAnswered: _Drawing.manager_step,
    ev.ManagerAccepted: _Drawing.manager_step,
    ev.ManagerCallEnded: _Drawing.manager_call_ended,
    ev.CallbackRequested: _Drawing.callback,
    ev.CallbackCalled: _Drawing.callback,
    ev.CallbackAccepted: _Drawing.callback,
    ev.CallbackChanged: _Drawing.callback,
}
