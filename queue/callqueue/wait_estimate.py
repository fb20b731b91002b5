"""How long somebody will wait, estimated from the pace at which a queue is served. Pure.

Whoever finds nobody waiting is told what such callers waited lately, on average: an agent may be
free, and they wait for the ringing only. Whoever stands behind somebody knows that all agents are
busy. For them two rates are measured over the last :data:`WINDOW_SECONDS`: how often an agent takes
somebody while others wait (``served``, a second), and how often somebody who waits gives up
(``lost``, a second and caller). With ``n`` people before them they wait, on average,

    1 / (served + n lost) + 1 / (served + (n - 1) lost) + ... + 1 / served

which is exact for Markov queues: the queue-length estimator of Whitt (1999, "Predicting queueing
delays"; with abandonment: Ibrahim and Whitt, 2009). As the rates are measured, it needs to know
neither the agents nor how long they talk. With fewer than :data:`FEWEST` of a kind in the window
nothing is said.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import fmean

from cti.domain.events import Micros

WINDOW_SECONDS = 15 * 60
MOST = 100
"""How many of a kind are remembered: of a busy queue the newest tell more."""
FEWEST = 5
_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class WaitEstimate:
    """What a caller may be told. ``ahead``: how many stand before them.

    ``seconds`` is how long they will wait from now on, None while too few were served to tell.
    """

    ahead: int
    seconds: float | None

    @property
    def position(self) -> int:
        """Their place, from 1."""
        return self.ahead + 1


_Measured = deque[tuple[Micros, Micros]]
"""When something was measured, and what."""


class Pace:
    """How quickly one queue is served. Times in microseconds since the epoch, never backwards.

    ``patience`` is what all who waited have waited together.
    """

    def __init__(self) -> None:
        self._at: Micros = 0
        self._joined: dict[str, tuple[Micros, bool]] = {}
        self._patience: Micros = 0
        self._last_answer: Micros | None = None
        """Since when others wait for the next agent; None: nobody does."""
        self._alone: _Measured = deque(maxlen=MOST)
        self._between: _Measured = deque(maxlen=MOST)
        self._gave_up: _Measured = deque(maxlen=MOST)

    def joined(self, entry_id: str, at: Micros) -> None:
        """Somebody began to wait."""
        self._advance(at)
        self._joined[entry_id] = (self._at, not self._joined)

    def answered(self, entry_id: str, at: Micros) -> None:
        """An agent took somebody."""
        joined_at, alone = self._leave(entry_id, at)
        if alone:
            self._alone.append((self._at, self._at - joined_at))
        if self._last_answer is not None:
            self._between.append((self._at, self._at - self._last_answer))
        self._last_answer = self._at if self._joined else None

    def abandoned(self, entry_id: str, at: Micros) -> None:
        """Somebody gave up."""
        self._leave(entry_id, at)
        self._gave_up.append((self._at, self._patience))
        if not self._joined:
            self._last_answer = None

    def sent_on(self, entry_id: str, at: Micros) -> None:
        """Somebody waits elsewhere now, which says nothing of the pace."""
        self._leave(entry_id, at)
        if not self._joined:
            self._last_answer = None

    def estimate(self, ahead: int, now: Micros) -> WaitEstimate:
        """For somebody with ``ahead`` before them."""
        self._advance(now)
        if ahead == 0 and not self._joined:
            return WaitEstimate(0, _mean(self._alone, self._at))
        between = self._seconds_between()
        if between is None:
            return WaitEstimate(ahead, None)
        served, lost = 1 / between, self._lost()
        return WaitEstimate(ahead, sum(1 / (served + i * lost) for i in range(ahead + 1)))

    def _seconds_between(self) -> float | None:
        """The mean time between two answers while others wait."""
        mean = _mean(self._between, self._at)
        since = 0.0 if self._last_answer is None else (self._at - self._last_answer) / _SECOND
        if mean is None or since <= mean:
            return mean
        count = len(self._between)  # it has slowed down since
        return (mean * count + since) / (count + 1)

    def _lost(self) -> float:
        """How many give up in a second, of each who waits."""
        _forget(self._gave_up, self._at)
        if len(self._gave_up) < FEWEST:
            return 0.0
        patience = self._patience - self._gave_up[0][1]
        return (len(self._gave_up) - 1) * _SECOND / max(patience, 1)

    def _leave(self, entry_id: str, at: Micros) -> tuple[Micros, bool]:
        self._advance(at)
        return self._joined.pop(entry_id, (self._at, False))

    def _advance(self, at: Micros) -> None:
        passed = max(0, at - self._at)
        self._at += passed
        self._patience += passed * len(self._joined)


def _forget(measured: _Measured, now: Micros) -> None:
    while measured and measured[0][0] < now - WINDOW_SECONDS * _SECOND:
        measured.popleft()


def _mean(measured: _Measured, now: Micros) -> float | None:
    """The mean in seconds of what was measured lately; None: too little."""
    _forget(measured, now)
    if len(measured) < FEWEST:
        return None
    return max(fmean(length for _, length in measured), 1.0) / _SECOND
