"""Whose turn it is to be called back, and what becomes of a callback after an attempt. Pure.

A callback stands in its queue like a caller who joined when they asked: by ``virtual_join``, which
does not change while people wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from callqueue.callback.settings import CallbackSettings
from cti.domain.events import CallbackState, Micros

OPEN: frozenset[CallbackState] = frozenset({"requested", "due", "calling"})
_SECOND = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Callback:
    """One customer to be called back. Times in microseconds.

    ``key`` names who it is for: nobody has two open ones. ``leg`` is the Uniqueid of the channel of
    the last attempt, ``call_id`` the call in which it was asked for (empty: by other means).
    """

    callback_id: str
    key: str
    number: str
    queue: str
    switch: str
    name: str = ""
    asked_by: str = ""
    call_id: str = ""
    requested_at: Micros
    virtual_join: Micros
    state: CallbackState = "requested"
    attempts: int = 0
    not_before: Micros = 0
    leg: str = ""
    reason: str = ""
    changed_at: Micros

    @property
    def is_open(self) -> bool:
        """Whether the customer may still be called."""
        return self.state in OPEN

    @property
    def own_call(self) -> str:
        """The id of the call of the last attempt; empty before the first."""
        return f"{self.switch}-{self.leg}" if self.leg else ""


class QueueNow(NamedTuple):
    """A queue at this moment: the virtual joins of those who wait, and how many agents are free."""

    waiting: Sequence[Micros]
    free: int


def whose_turn(callbacks: Iterable[Callback], queue: QueueNow, now: Micros) -> list[Callback]:
    """Those of one queue's open ``callbacks`` to be called now.

    A free agent is there for whoever stands first. So a callback's turn has come when more agents
    are free than callers wait before it, and than customers are being called already.
    """
    open_ones = [callback for callback in callbacks if callback.is_open]
    places = queue.free - sum(callback.state == "calling" for callback in open_ones)
    ready = [c for c in open_ones if c.state != "calling" and c.not_before <= now]
    found: list[Callback] = []
    for callback in sorted(ready, key=lambda c: (c.virtual_join, c.callback_id)):
        before = sum(join < callback.virtual_join for join in queue.waiting)
        if before + len(found) < places:
            found.append(callback)
    return found


class Verdict(NamedTuple):
    """What becomes of a callback, and when it may be tried again."""

    state: CallbackState
    reason: str
    not_before: Micros = 0


def after_attempt(
    callback: Callback, reason: str, settings: CallbackSettings, now: Micros
) -> Verdict:
    """After an attempt in which the customer and an agent did not talk."""
    if callback.attempts >= settings.attempts:
        return Verdict("failed", f"{reason}; attempt {callback.attempts} was the last")
    again = now + round(settings.pause * _SECOND)
    return Verdict("requested", reason, again)


def too_old(callback: Callback, settings: CallbackSettings, now: Micros) -> bool:
    """Whether nobody expects the call any more."""
    return now - callback.requested_at > round(settings.keep * 3600 * _SECOND)


def refused(number: str, open_ones: int, settings: CallbackSettings) -> str:
    """Why this number (E.164, empty for none) cannot be called back; empty: it can."""
    if not settings.enabled:
        return "callbacks are switched off"
    if not number:
        return "there is no number that could be called"
    if settings.prefixes and not number.startswith(settings.prefixes):
        return f"numbers outside of {', '.join(settings.prefixes)} are not called"
    if open_ones >= settings.most_open:
        return f"{open_ones} callbacks are open already"
    return ""
