"""Domain events folded into the live picture; each says in which rows something changed. Pure.

An event about something unknown changes what it can and never fails: after a restart, or while
the link was down, the story may begin in its middle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from callqueue.curve import Curve
from cti.domain import events as ev
from dashboard.picture import (
    AgentState,
    Link,
    LiveCall,
    Offer,
    OwnCall,
    Phase,
    Picture,
    Place,
    RecordingState,
    Wait,
    places_of_agent,
)

Fold = Callable[[Picture, Any], set[Place]]


def fold(picture: Picture, event: ev.Event) -> set[Place]:
    """Change ``picture`` by ``event``; returns the places of the rows it may have changed."""
    folds = FOLDS.get(type(event))
    return folds(picture, event) if folds is not None else set()


# --- the link ----------------------------------------------------------------------------------


def _connected(picture: Picture, event: ev.SwitchConnected) -> set[Place]:
    picture.links[event.switch] = Link(up=True, since=event.at, reason="")
    return {("links", event.switch)}


def _lost(picture: Picture, event: ev.SwitchLost) -> set[Place]:
    picture.links[event.switch] = Link(up=False, since=event.at, reason=event.reason)
    return {("links", event.switch)}


# --- the caller --------------------------------------------------------------------------------


def _arrived(picture: Picture, event: ev.CallArrived) -> set[Place]:
    call = picture.known(event.call_id, event.at)
    call.arrived_at, call.direction = event.at, event.direction
    call.caller_number, call.did = event.caller_number, event.did
    return picture.places_of_call(event.call_id)


def _joined_call(picture: Picture, event: ev.CallJoined) -> set[Place]:
    """The way through the menus of the first switch belongs to what is known of the caller."""
    call, first = picture.known(event.call_id, event.at), picture.calls.get(event.to_call_id)
    if first:
        call.path = [*first.path, *call.path]
        call.caller_number = call.caller_number or first.caller_number
        call.did = first.did or call.did
    return picture.places_of_call(event.call_id)


def _chosen(picture: Picture, event: ev.MenuChosen) -> set[Place]:
    call = picture.calls.get(event.call_id)
    if call and event.valid:
        call.path.append(event.label)
    return picture.places_of_call(event.call_id)


def _identified(picture: Picture, event: ev.CustomerIdentified | ev.ScreenPopReady) -> set[Place]:
    call = picture.calls.get(event.call_id)
    if call:
        call.number, call.match, call.customer = event.number, event.match, event.customer
        if isinstance(event, ev.ScreenPopReady):
            call.pop, call.pop_row = event, None
    return picture.places_of_call(event.call_id)


# --- the queue ---------------------------------------------------------------------------------


def _queued(picture: Picture, event: ev.CallQueued) -> set[Place]:
    call = picture.known(event.call_id, event.at)
    call.queue = event.queue
    if event.entry_id not in picture.waits:
        picture.waits[event.entry_id] = Wait(
            event.entry_id,
            event.queue,
            event.call_id,
            joined_at=event.at,
            virtual_join=event.at,
            switch=event.switch,
        )
        call.waits.add(event.entry_id)
    return picture.places_of_call(event.call_id)


def _scored(picture: Picture, event: ev.QueueEntryScored) -> set[Place]:
    wait = picture.waits.get(event.entry_id)
    if wait is None:
        return set()
    wait.joined_at, wait.virtual_join = event.joined_at, event.virtual_join
    wait.label, wait.terms = event.label, event.terms
    wait.curve = Curve(event.head_start, event.urgency, event.target, event.ceiling)
    wait.held = event.held
    wait.placed, wait.placed_at = event.placed, event.placed_at
    wait.placed_by, wait.placed_why = event.placed_by, event.reason
    call = picture.calls.get(event.call_id)
    if call:
        call.why = ", ".join(map(str, event.terms))
    return {("queues", wait.queue, wait.entry_id)} | picture.places_of_call(event.call_id)


def _moved(picture: Picture, event: ev.QueueMoved) -> set[Place]:
    call = picture.calls.get(event.call_id)
    if call:
        call.why = event.sentence
    return picture.places_of_call(event.call_id)


def _left(picture: Picture, event: ev.QueueLeft) -> set[Place]:
    wait = picture.waits.pop(event.entry_id, None)
    if wait is None:
        return set()
    call = picture.calls.get(wait.call_id)
    if call:
        call.waits.discard(event.entry_id)
        call.waited = event.waited
    return {("queues", wait.queue, wait.entry_id)} | picture.places_of_call(wait.call_id)


# --- the agent and the call --------------------------------------------------------------------


def _offered(picture: Picture, event: ev.AgentOffered) -> set[Place]:
    call, agent = picture.known(event.call_id, event.at), picture.agent(event.agent)
    call.offers[event.offer_id] = Offer(event.agent, event.entry_id)
    call.queue = event.queue or call.queue
    if agent.own is None or not agent.own.talking:
        picture.take_off_desk(event.agent)
        agent.own = OwnCall(event.call_id, "ringing", event.at, offered_at=event.at)
    return picture.places_of_call(event.call_id) | places_of_agent(event.agent)


def _offer_ended(picture: Picture, event: ev.OfferEnded) -> set[Place]:
    call, agent = picture.calls.get(event.call_id), picture.agent(event.agent)
    if call:
        call.offers.pop(event.offer_id, None)
    places = picture.places_of_call(event.call_id) | places_of_agent(event.agent)
    if event.ended in {"no_answer", "rejected"} and event.at >= picture.day_start:
        agent.missed += 1
    if event.ended != "answered" and _rings(agent, event.call_id):
        picture.take_off_desk(event.agent)
    return places


def _answered(picture: Picture, event: ev.CallAnswered) -> set[Place]:
    call, agent = picture.known(event.call_id, event.at), picture.agent(event.agent)
    before = agent.own
    if before and before.talk_id == event.talk_id:
        return set()
    same = before is not None and before.call_id == event.call_id
    if not same:
        picture.take_off_desk(event.agent)
    offered_at = before.offered_at if before and same else None
    agent.own = OwnCall(
        event.call_id, "talking", event.at, offered_at, event.at, talk_id=event.talk_id
    )
    if before and same and before.consults:
        agent.own.muted = before.muted  # the same leg is with the caller again
    _joined(call, event)
    agent.calls += event.at >= picture.day_start
    return picture.places_of_call(event.call_id) | places_of_agent(event.agent)


def _joined(call: LiveCall, event: ev.CallAnswered) -> None:
    call.waited = event.waited or call.waited
    call.queue = event.queue or call.queue


def _held(picture: Picture, event: ev.CallHeld) -> set[Place]:
    return _turn(picture, event, "talking", "on_hold")


def _resumed(picture: Picture, event: ev.CallResumed) -> set[Place]:
    return _turn(picture, event, "on_hold", "talking")


def _turn(
    picture: Picture, event: ev.CallHeld | ev.CallResumed, was: Phase, now: Phase
) -> set[Place]:
    for interface in picture.desks_with(event.call_id):
        own = picture.agent(interface).own
        if own and own.phase == was:
            own.phase, own.since = now, event.at
    return picture.places_of_call(event.call_id)


def _consult_began(picture: Picture, event: ev.ConsultBegan) -> set[Place]:
    """The caller is as good as on hold; who is asked is told by whom."""
    own, call = picture.agent(event.agent).own, picture.calls.get(event.call_id)
    if own and own.call_id == event.call_id:  # the end of their talk may have been told already
        own.consults, own.phase, own.since, own.ended_at = event.to, "on_hold", event.at, None
    if call:
        call.handed_by, call.handed_at = event.agent, event.at
    return picture.places_of_call(event.call_id)


def _muted(picture: Picture, event: ev.AgentMuted) -> set[Place]:
    own = picture.agent(event.agent).own
    if own and own.talk_id == event.talk_id:
        own.muted = event.muted
    return places_of_agent(event.agent)


def _transferred(picture: Picture, event: ev.CallTransferred) -> set[Place]:
    """Whoever gets the call next is told who hands it on."""
    call = picture.calls.get(event.call_id)
    if call:
        call.handed_by, call.handed_at = event.by, event.at
    return picture.places_of_call(event.call_id)


def _talk_ended(picture: Picture, event: ev.TalkEnded) -> set[Place]:
    agent = picture.agent(event.agent)
    if event.at >= picture.day_start:
        agent.talked += event.talked
    if agent.own and agent.own.talk_id == event.talk_id and not agent.own.consults:
        _end(agent.own, event.at)
    return places_of_agent(event.agent)


def _ended(picture: Picture, event: ev.CallEnded) -> set[Place]:
    call, places = picture.calls.get(event.call_id), picture.places_of_call(event.call_id)
    if call is None:
        return places
    call.ended_at = event.at
    call.offers.clear()
    while call.waits:
        picture.waits.pop(call.waits.pop(), None)
    for interface in picture.desks_with(event.call_id):
        _end_on_desk(picture, interface, event)
    picture.forget_if_over(event.call_id)
    return places


def _end_on_desk(picture: Picture, interface: str, event: ev.CallEnded) -> None:
    agent = picture.agent(interface)
    if _rings(agent, event.call_id):
        picture.take_off_desk(interface)
    elif agent.own:
        _end(agent.own, event.at)


def _rings(agent: AgentState, call_id: str) -> bool:
    return agent.own is not None and agent.own.call_id == call_id and agent.own.phase == "ringing"


def _end(own: OwnCall, at: ev.Micros) -> None:
    if own.phase != "ended":
        own.phase, own.since, own.ended_at = "ended", at, at


# --- agents ------------------------------------------------------------------------------------


def _availability(picture: Picture, event: ev.AgentAvailabilityChanged) -> set[Place]:
    agent = picture.agent(event.agent)
    wrapped_up = agent.availability == "wrap_up" and event.availability != "wrap_up"
    if (agent.availability, agent.reason) != (event.availability, event.reason):
        agent.since = event.at
    agent.availability, agent.reason = event.availability, event.reason
    agent.until = event.until
    if wrapped_up and agent.own and agent.own.phase == "ended":
        picture.take_off_desk(event.agent)
    return places_of_agent(event.agent)


def _activity(picture: Picture, event: ev.AgentActivityChanged) -> set[Place]:
    agent = picture.agent(event.agent)
    if agent.activity != event.activity:
        agent.activity, agent.activity_since = event.activity, event.at
    if agent.own and agent.own.consults and event.activity in {"idle", "unreachable"}:
        agent.own.consults = ""
        _end(agent.own, event.at)
    return places_of_agent(event.agent)


# --- a personal manager's mobile ---------------------------------------------------------------


def _manager_called(picture: Picture, event: ev.ManagerCalled) -> set[Place]:
    """Their desk shows who calls while the mobile rings; who has no desk is called all the same."""
    call = picture.known(event.call_id, event.at)
    call.offers[event.attempt_id] = Offer(event.agent, event.entry_id)
    if event.agent not in picture.cards:
        return picture.places_of_call(event.call_id)
    agent = picture.agent(event.agent)
    if agent.own is None or not agent.own.talking:
        picture.take_off_desk(event.agent)
        agent.own = OwnCall(event.call_id, "ringing", event.at, offered_at=event.at)
    return picture.places_of_call(event.call_id) | places_of_agent(event.agent)


def _manager_call_ended(picture: Picture, event: ev.ManagerCallEnded) -> set[Place]:
    call = picture.calls.get(event.call_id)
    offer = call.offers.pop(event.attempt_id, None) if call else None
    places = picture.places_of_call(event.call_id)
    if offer is None or offer.agent not in picture.cards:
        return places
    if event.ended != "connected" and _rings(picture.agent(offer.agent), event.call_id):
        picture.take_off_desk(offer.agent)
    return places | places_of_agent(offer.agent)


# --- what is kept of the call ------------------------------------------------------------------


def _disposed(picture: Picture, event: ev.DispositionSet) -> set[Place]:
    call = picture.calls.get(event.call_id)
    if call:
        call.disposition = event
    return picture.places_of_call(event.call_id)


def _recording_started(
    picture: Picture, event: ev.RecordingStarted | ev.RecordingResumed
) -> set[Place]:
    return _recording(picture, event, RecordingState(event.recording_id, event.talk_id))


def _recording_paused(picture: Picture, event: ev.RecordingPaused) -> set[Place]:
    state = RecordingState(event.recording_id, event.talk_id, "paused", until=event.until)
    return _recording(picture, event, state)


def _recording_stopped(picture: Picture, event: ev.RecordingStopped) -> set[Place]:
    return _recording(picture, event, RecordingState(event.recording_id, event.talk_id, "stored"))


def _recording_failed(picture: Picture, event: ev.RecordingFailed) -> set[Place]:
    state = RecordingState(event.recording_id, event.talk_id, "failed", event.reason)
    return _recording(picture, event, state)


def _recording(picture: Picture, event: ev.Event, state: RecordingState) -> set[Place]:
    call = picture.calls.get(event.call_id)
    if call:
        call.recordings[state.id] = state
    return picture.places_of_call(event.call_id)


FOLDS: Mapping[type[ev.Event], Fold] = {
    ev.SwitchConnected: _connected,
    ev.SwitchLost: _lost,
    ev.CallArrived: _arrived,
    ev.CallJoined: _joined_call,
    ev.MenuChosen: _chosen,
    ev.CustomerIdentified: _identified,
    ev.ScreenPopReady: _identified,
    ev.CallQueued: _queued,
    ev.QueueEntryScored: _scored,
    ev.QueueMoved: _moved,
    ev.QueueLeft: _left,
    ev.AgentOffered: _offered,
    ev.OfferEnded: _offer_ended,
    ev.CallAnswered: _answered,
    ev.CallHeld: _held,
    ev.CallResumed: _resumed,
    ev.ConsultBegan: _consult_began,
    ev.AgentMuted: _muted,
    ev.CallTransferred: _transferred,
    ev.TalkEnded: _talk_ended,
    ev.CallEnded: _ended,
    ev.ManagerCalled: _manager_called,
    ev.ManagerCallEnded: _manager_call_ended,
    ev.AgentAvailabilityChanged: _availability,
    ev.AgentActivityChanged: _activity,
    ev.DispositionSet: _disposed,
    ev.RecordingStarted: _recording_started,
    ev.RecordingPaused: _recording_paused,
    ev.RecordingResumed: _recording_started,
    ev.RecordingStopped: _recording_stopped,
    ev.RecordingFailed: _recording_failed,
}
"""The events that change a desk. The others are for the history and the call's timeline."""
