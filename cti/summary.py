"""What became of each call, in a few lines: a pure projection of its events.

The form is that of ``ringdesk replay --json``: support reads it, and tests compare it with what
was really done. Times are seconds with milliseconds; agents are named by their interface.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from cti.domain import events as ev


class Wait(msgspec.Struct):
    """One wait in one queue; ``ended`` is None while it goes on."""

    queue: str
    seconds: float
    ended: ev.WaitEnd | None = None


class Offer(msgspec.Struct):
    """One ringing of one agent; ``ended`` is None while it goes on."""

    agent: str
    seconds: float
    ended: ev.OfferEnd | None = None


class Talk(msgspec.Struct):
    """One talk of one agent."""

    agent: str
    seconds: float


class Transfer(msgspec.Struct):
    """The customer was handed on."""

    kind: ev.TransferKind
    to: str


class CallSummary(msgspec.Struct):
    """One call; ``outcome`` is None while it goes on, and the seconds are then those so far."""

    linkedid: str
    direction: ev.Direction
    outcome: ev.CallOutcome | None = None
    waits: list[Wait] = []
    offers: list[Offer] = []
    talks: list[Talk] = []
    transfers: list[Transfer] = []


def summarise(events: Iterable[ev.Event], until: ev.Micros = 0) -> list[CallSummary]:
    """The calls of the events, in the order of their arrival.

    ``until`` is the time up to which what is still going on is measured, in microseconds since
    the epoch; without it, the time of the last event.
    """
    summaries = _Summaries()
    for event in events:
        until = max(until, event.at)
        tell = _TELLERS.get(type(event))
        if tell:
            tell(summaries, event)
    for part, began in summaries.going_on.values():
        part.seconds = _seconds(until - began)
    return list(summaries.calls.values())


class _Summaries:
    """The calls so far, and what of them has not ended: by its id, with its beginning."""

    def __init__(self) -> None:
        self.calls: dict[str, CallSummary] = {}
        self.going_on: dict[str, tuple[Wait | Offer | Talk, ev.Micros]] = {}

    def begin(self, key: str, part: Wait | Offer | Talk, at: ev.Micros) -> None:
        self.going_on[key] = (part, at)

    def end(self, key: str, lasted: ev.Micros) -> Any:
        part, _ = self.going_on.pop(key)
        part.seconds = _seconds(lasted)
        return part


def _seconds(micros: ev.Micros) -> float:
    return round(micros / 1_000_000, 3)


def _arrived(all_: _Summaries, event: ev.CallArrived) -> None:
    linkedid = event.call_id.removeprefix(f"{event.switch}-")
    all_.calls[event.call_id] = CallSummary(linkedid, event.direction)


def _queued(all_: _Summaries, event: ev.CallQueued) -> None:
    wait = Wait(event.queue, 0.0)
    all_.calls[event.call_id].waits.append(wait)
    all_.begin(event.entry_id, wait, event.at)


def _queue_left(all_: _Summaries, event: ev.QueueLeft) -> None:
    all_.end(event.entry_id, event.waited).ended = event.ended


def _offered(all_: _Summaries, event: ev.AgentOffered) -> None:
    offer = Offer(event.agent, 0.0)
    all_.calls[event.call_id].offers.append(offer)
    all_.begin(event.offer_id, offer, event.at)


def _offer_ended(all_: _Summaries, event: ev.OfferEnded) -> None:
    all_.end(event.offer_id, event.rang).ended = event.ended


def _answered(all_: _Summaries, event: ev.CallAnswered) -> None:
    talk = Talk(event.agent, 0.0)
    all_.calls[event.call_id].talks.append(talk)
    all_.begin(event.talk_id, talk, event.at)


def _talk_ended(all_: _Summaries, event: ev.TalkEnded) -> None:
    all_.end(event.talk_id, event.talked)


def _transferred(all_: _Summaries, event: ev.CallTransferred) -> None:
    all_.calls[event.call_id].transfers.append(Transfer(event.kind, event.to))


def _ended(all_: _Summaries, event: ev.CallEnded) -> None:
    call = all_.calls[event.call_id]
    call.direction, call.outcome = event.direction, event.outcome


_TELLERS: dict[type[ev.Event], Callable[[_Summaries, Any], None]] = {
    ev.CallArrived: _arrived,
    ev.CallQueued: _queued,
    ev.QueueLeft: _queue_left,
    ev.AgentOffered: _offered,
    ev.OfferEnded: _offer_ended,
    ev.CallAnswered: _answered,
    ev.TalkEnded: _talk_ended,
    ev.CallTransferred: _transferred,
    ev.CallEnded: _ended,
}
