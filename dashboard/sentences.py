"""A call's events as sentences for people. Pure.

Each sentence stands alone on a timeline beside its time, so it does not say when.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cti.domain import events as ev

NameOf = Callable[[str], str]
"""The name of an agent's interface."""


def sentence(event: ev.Event, name_of: NameOf) -> str:
    """What happened, in one sentence; the event's type in words for one that has no sentence."""
    says = _SENTENCES.get(type(event))
    return says(event, name_of) if says is not None else type(event).__name__


def length(micros: ev.Micros) -> str:
    """A duration as people read it: ``1:42``, ``1:02:03``."""
    minutes, seconds = divmod(max(0, micros) // 1_000_000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _arrived(event: ev.CallArrived, _: NameOf) -> str:
    number = event.caller_number or "a withheld number"
    if event.direction == "outbound":
        return f"Call out to {event.did or 'an unknown number'}"
    called = f" to {event.did}" if event.did else ""
    return f"Call from {number}{called}"


def _joined(event: ev.CallJoined, _: NameOf) -> str:
    first, here = (call_id.partition("-")[0] for call_id in (event.to_call_id, event.call_id))
    if first == here:
        return f"Is part of the call {event.to_call_id}"
    return f"Went over a trunk from {first} to {here}"


def _chosen(event: ev.MenuChosen, _: NameOf) -> str:
    if not event.valid:
        return f"Pressed {event.digits or 'nothing'}, which menu {event.menu} does not know"
    return f"Chose {event.label} ({event.digits})" if event.digits else f"Chose {event.label}"


def _told(event: ev.WaitTold, _: NameOf) -> str:
    place = f"Was told: number {event.position} in queue {event.queue}"
    return place if event.estimated is None else f"{place}, some {length(event.estimated)} to wait"


def _menu_left(event: ev.MenuLeft, _: NameOf) -> str:
    where = "hung up" if event.next == "hangup" else f"on to {event.next} {event.target}".rstrip()
    return f"Left menu {event.menu}: {where}" + (f" ({event.reason})" if event.reason else "")


def _queued(event: ev.CallQueued, _: NameOf) -> str:
    again = ", found waiting there" if event.restored else ""
    return f"Waits in queue {event.queue} at place {event.position}{again}"


def _scored(event: ev.QueueEntryScored, _: NameOf) -> str:
    own = sum(term.seconds for term in event.terms if term.label == event.label)
    others = (f", {term}" for term in event.terms if term.label not in {event.label, event.held})
    numbers = (
        f", target {event.target} s" if event.target else "",
        f", served first after {event.ceiling} s" if event.ceiling else "",
    )
    start = f"head start {own} s" if own else "no head start"
    held = f"; {event.held}" if event.held else ""
    why = "".join((start, *others, *numbers, held))
    return f"Belongs to class {event.label}: {why} (policy {event.policy})"


def _placed(event: ev.QueueEntryPlaced, _: NameOf) -> str:
    did = {
        "front": "moved the caller to the front of",
        "end": "sent the caller to the end of",
        "": "took back where the caller had been put in",
    }
    reason = f": {event.reason}" if event.reason else ""
    return f"{event.by} {did[event.placed]} queue {event.queue}{reason}"


def _contested(event: ev.QueueContested, _: NameOf) -> str:
    now = "left there from now on" if event.yielded else "put right once"
    return (
        f"Another program moved the caller in queue {event.queue}"
        f" (priority {event.found} instead of {event.expected}): {now}"
    )


def _left(event: ev.QueueLeft, _: NameOf) -> str:
    ends = {
        "connected": "was connected",
        "abandoned": "gave up",
        "timeout": "waited too long and was sent on",
        "redirected": "was sent on",
        "withdrawn": "was taken out",
    }
    return f"{ends[event.ended].capitalize()} after {length(event.waited)} in queue {event.queue}"


def _offered(event: ev.AgentOffered, name_of: NameOf) -> str:
    return f"{name_of(event.agent)}'s phone rings"


def _offer_ended(event: ev.OfferEnded, name_of: NameOf) -> str:
    ends = {
        "answered": "answered",
        "no_answer": "did not answer",
        "rejected": "rejected the call",
        "cancelled": "was no longer needed",
    }
    return f"{name_of(event.agent)} {ends[event.ended]} after {length(event.rang)}"


def _answered(event: ev.CallAnswered, name_of: NameOf) -> str:
    return f"{name_of(event.agent)} talks with the caller"


def _hold(event: ev.CallHeld | ev.CallResumed, name_of: NameOf) -> str:
    who = name_of(event.agent) if event.agent else "The customer"
    held = isinstance(event, ev.CallHeld)
    return f"{who} put the call on hold" if held else f"{who} took the call back from hold"


def _talk_ended(event: ev.TalkEnded, name_of: NameOf) -> str:
    return f"The talk with {name_of(event.agent)} ended after {length(event.talked)}"


def _consult(event: ev.ConsultBegan, name_of: NameOf) -> str:
    return f"{name_of(event.agent)} asks {name_of(event.to)}, the caller waits aside"


def _muted(event: ev.AgentMuted, name_of: NameOf) -> str:
    return f"{name_of(event.agent)} {'is muted' if event.muted else 'can be heard again'}"


def _transferred(event: ev.CallTransferred, name_of: NameOf) -> str:
    by = f" by {name_of(event.by)}" if event.by else ""
    return f"Handed on to {name_of(event.to)}{by} ({event.kind})"


def _who(event: ev.ManagerSkipped | ev.ManagerCalled) -> str:
    return f"Deputy {event.manager}" if event.deputy else f"Personal manager {event.manager}"


def _manager_skipped(event: ev.ManagerSkipped, _: NameOf) -> str:
    return f"{_who(event)} is not called: {event.reason}"


def _manager_called(event: ev.ManagerCalled, _: NameOf) -> str:
    return f"{_who(event)} is called on {event.number}"


def _manager_call_ended(event: ev.ManagerCallEnded, _: NameOf) -> str:
    ends = {
        "connected": "has taken the call",
        "no_answer": "did not answer",
        "busy": "is busy",
        "not_accepted": "did not press 1, or a mailbox answered",
        "declined": "refused the call",
        "cancelled": "is no longer needed",
        "failed": "could not be called",
    }
    return f"{event.manager} {ends[event.ended]}" + (f": {event.reason}" if event.reason else "")


def _callback_called(event: ev.CallbackCalled, _: NameOf) -> str:
    after = length(event.waited)
    again = f" (attempt {event.attempt})" if event.attempt > 1 else ""
    return f"Is called back on {event.number}, {after} after asking for queue {event.queue}{again}"


def _callback_changed(event: ev.CallbackChanged, _: NameOf) -> str:
    states = {
        "requested": "Will be called again",
        "due": "It is their turn to be called, but not now",
        "calling": "Is being called back",
        "done": "The callback is done",
        "failed": "The callback is given up",
        "cancelled": "The callback is cancelled",
    }
    return states[event.state] + (f": {event.reason}" if event.reason else "")


def _ended(event: ev.CallEnded, _: NameOf) -> str:
    cause = f", cause {event.hangup_cause}" if event.hangup_cause else ""
    seen = "; it ended while Ringdesk did not look" if event.reconstructed else ""
    outcome = event.outcome.replace("_", " ")
    return f"Call over after {length(event.lasted)}: {outcome}{cause}{seen}"


def _identified(event: ev.CustomerIdentified, _: NameOf) -> str:
    took = f" (asked for {event.took // 1000} ms)" if event.took else ""
    name = event.customer.name if event.customer else "nobody"
    says = {
        "one": f"The customer is {name}",
        "several": f"{len(event.candidates)} customers have this number, {name} most likely",
        "none": "No customer has this number",
        "anonymous": "The caller withheld the number",
        "late": "The customer store did not answer in time: default class for now",
    }
    return says[event.match] + took


def _pop(event: ev.ScreenPopReady, _: NameOf) -> str:
    who = event.customer.name if event.customer else "an unknown caller"
    return f"Screen-pop ready: {who}, {len(event.contacts)} past contacts"


def _disposed(event: ev.DispositionSet, _: NameOf) -> str:
    choice = ", ".join(part for part in (event.topic, event.result) if part)
    return f"{event.author} saved the outcome" + (f": {choice}" if choice else "")


def _paused(event: ev.RecordingPaused, _: NameOf) -> str:
    return f"{event.by} paused the recording, for {length(max(0, event.until - event.at))} at most"


def _resumed_recording(event: ev.RecordingResumed, _: NameOf) -> str:
    if event.by:
        return f"{event.by} resumed the recording"
    return "The recording goes on: the time of the pause was over"


def _checked(event: ev.RecordingChecked, _: NameOf) -> str:
    says = {
        "intact": "The recording is again what was stored: its checksum is right",
        "changed": "The recording is NOT what was stored: its checksum differs",
        "missing": "The recording is NOT where it was stored: no file, or one that cannot be read",
    }
    return says[event.found]


def _cards(event: ev.CardNumbersRemoved, _: NameOf) -> str:
    what = "A card number was" if event.numbers == 1 else f"{event.numbers} card numbers were"
    return f"{what} taken out of recording and transcript: {length(event.silent)} is silent"


def _availability(event: ev.AgentAvailabilityChanged, name_of: NameOf) -> str:
    reason = f" ({event.reason})" if event.reason else ""
    return f"{name_of(event.agent)} is {event.availability.replace('_', ' ')}{reason}"


def _activity(event: ev.AgentActivityChanged, name_of: NameOf) -> str:
    return f"{name_of(event.agent)}'s phone is {event.activity.replace('_', ' ')}"


def told(events: Iterable[ev.Event]) -> list[ev.Event]:
    """The events of one interaction that make its story, in the story's order.

    A menu may be quicker to tell than the PBX: the arrival comes first all the same. The states of
    phones are left out, since the talks say the same.
    """
    kept = [event for event in events if not isinstance(event, ev.AgentActivityChanged)]
    began = next((event for event in kept if isinstance(event, ev.CallArrived)), None)
    return sorted(kept, key=lambda event: event is not began)


_SENTENCES: Mapping[type[ev.Event], Callable[[Any, NameOf], str]] = {
    ev.ServiceStarted: lambda e, _: f"Ringdesk {e.version} started",
    ev.SwitchConnected: lambda e, _: f"Connected to Asterisk {e.asterisk_version}",
    ev.SwitchLost: lambda e, _: f"Lost the link to the PBX: {e.reason}",
    ev.CallArrived: _arrived,
    ev.CallJoined: _joined,
    ev.MenuEntered: lambda e, _: f"Hears menu {e.menu}",
    ev.MenuChosen: _chosen,
    ev.WaitTold: _told,
    ev.MenuLeft: _menu_left,
    ev.CallQueued: _queued,
    ev.QueueEntryScored: _scored,
    ev.QueueEntryPlaced: _placed,
    ev.QueueContested: _contested,
    ev.QueueMoved: lambda e, _: f"Moved in queue {e.queue}: {e.sentence}",
    ev.QueueMoveFailed: lambda e, _: f"Could not be moved in queue {e.queue}: {e.reason}",
    ev.QueueLeft: _left,
    ev.AgentOffered: _offered,
    ev.OfferEnded: _offer_ended,
    ev.CallAnswered: _answered,
    ev.CallHeld: _hold,
    ev.CallResumed: _hold,
    ev.TalkEnded: _talk_ended,
    ev.ConsultBegan: _consult,
    ev.AgentMuted: _muted,
    ev.CallTransferred: _transferred,
    ev.CallEnded: _ended,
    ev.AgentAvailabilityChanged: _availability,
    ev.AgentActivityChanged: _activity,
    ev.CustomerIdentified: _identified,
    ev.ScreenPopReady: _pop,
    ev.DispositionSet: _disposed,
    ev.RecordingStarted: lambda e, n: f"Recording of the talk with {n(e.agent)} began",
    ev.RecordingPaused: _paused,
    ev.RecordingResumed: _resumed_recording,
    ev.RecordingStopped: lambda e, _: f"Recording stored: {length(int(e.seconds * 1_000_000))}",
    ev.RecordingFailed: lambda e, _: f"No recording: {e.reason}",
    ev.RecordingChecked: _checked,
    ev.CardNumbersRemoved: _cards,
    ev.TranscriptReady: lambda e, _: f"Transcript ready: {e.words} words",
    ev.TranscriptFailed: lambda e, _: f"No transcript: {e.reason}",
    ev.ManagerSkipped: _manager_skipped,
    ev.ManagerCalled: _manager_called,
    ev.ManagerAnswered: lambda e, _: f"{e.manager}'s mobile was picked up and hears who calls",
    ev.ManagerAccepted: lambda e, _: f"{e.manager} pressed 1: the caller leaves the queue for them",
    ev.ManagerCallEnded: _manager_call_ended,
    ev.CallbackRequested: lambda e, _: (
        f"Keeps the place in queue {e.queue}, to be called back"
        f" on {e.number} (asked for by {e.asked_by})"
    ),
    ev.CallbackCalled: _callback_called,
    ev.CallbackAccepted: lambda e, _: f"Pressed 1: goes into queue {e.queue} as old as the request",
    ev.CallbackChanged: _callback_changed,
}
