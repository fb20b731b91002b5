"""Erlang's formulas: what a queue with one class, served in order, does on the average. Pure.

Rates are a second, times are seconds. The simulator is held against these in the tests.

- Erlang-C, M/M/n: everybody waits until served (A. K. Erlang, 1917).
- Erlang-A, M/M/n+M: everybody hangs up after an exponential patience. O. Garnett, A. Mandelbaum,
  M. Reiman: Designing a call center with impatient customers, M&SOM 4 (2002), after C. Palm (1957).
  The wait a patient caller would have (the virtual wait) follows A. Mandelbaum, S. Zeltyn: Service
  engineering in action (2007).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass


def erlang_b(agents: int, load: float) -> float:
    """The share of callers who find all of ``agents`` busy and are turned away.

    ``load`` is in erlangs (calls a second times seconds a call).
    """
    blocked = 1.0
    for n in range(1, agents + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked


@dataclass(frozen=True)
class ErlangC:
    """``calls`` a second, each of ``handle`` seconds, for ``agents``.

    Raises ValueError when there are more calls than the agents can ever serve.
    """

    agents: int
    calls: float
    handle: float

    def __post_init__(self) -> None:
        if self.load >= self.agents:
            raise ValueError(f"{self.load:g} erlangs are too much for {self.agents} agents")

    @property
    def load(self) -> float:
        """In erlangs."""
        return self.calls * self.handle

    @property
    def waits(self) -> float:
        """The share of callers who must wait."""
        blocked, occupancy = erlang_b(self.agents, self.load), self.load / self.agents
        return blocked / (1 - occupancy * (1 - blocked))

    @property
    def mean_wait(self) -> float:
        """Of all callers, in seconds."""
        return self.waits * self.handle / (self.agents - self.load)

    def waits_longer(self, seconds: float) -> float:
        """The share of callers who wait longer than that."""
        return self.waits * math.exp(-(self.agents - self.load) / self.handle * seconds)


@dataclass(frozen=True)
class ErlangA:
    """As :class:`ErlangC`, and callers hang up after ``patience`` seconds on the average."""

    agents: int
    calls: float
    handle: float
    patience: float

    @property
    def waits(self) -> float:
        """The share of callers who must wait."""
        return self._states()[0]

    @property
    def mean_wait(self) -> float:
        """Of all callers, however their wait ended, in seconds (Little's law)."""
        return self._states()[1] / self.calls

    @property
    def abandons(self) -> float:
        """The share of callers who hang up."""
        return self.mean_wait / self.patience

    def virtual_wait_longer(self, seconds: float) -> float:
        """The share of callers who would wait longer than that if they never hung up."""
        return self.waits * self._density(0, seconds, math.inf) / self._density(0, 0, math.inf)

    def answered_within(self, seconds: float) -> float:
        """The share of all callers who are answered within that time."""
        stay = self._density(1 / self.patience, 0, seconds) / self._density(0, 0, math.inf)
        return 1 - self.waits + self.waits * stay

    def _states(self) -> tuple[float, float]:
        """The share of time in which all agents are busy, and how many wait on the average.

        By the birth and death process, scaled by its weight at ``agents`` so that nothing grows
        beyond what a float can hold.
        """
        served, leaves = 1 / self.handle, 1 / self.patience
        below, weight = 0.0, 1.0
        for n in range(self.agents, 0, -1):
            weight *= n * served / self.calls
            below += weight
        above, queue, weight, waiting = 1.0, 0.0, 1.0, 0
        while waiting < 10 or weight > 1e-15 * above:
            waiting += 1
            weight *= self.calls / (self.agents * served + waiting * leaves)
            above += weight
            queue += waiting * weight
        return above / (above + below), queue / (above + below)

    def _density(self, rate: float, begin: float, end: float) -> float:
        """What ``exp(-rate * t)`` times the virtual wait's density comes to, up to a factor.

        By numbers: the closed form overflows with many agents.
        """
        leaves, drain = 1 / self.patience, self.agents / self.handle

        def exponent(at: float) -> float:
            return self.calls / leaves * -math.expm1(-leaves * at) - drain * at

        peak = math.log(self.calls / drain) / leaves if self.calls > drain else 0.0
        top, last = exponent(peak), max(begin, peak)
        step = min(self.patience, 1 / drain)
        while exponent(last) - top > -40 and last < end:
            last += step
            step *= 1.1
        return simpson(
            lambda at: math.exp(exponent(at) - top - rate * at), begin, min(last, end), 4000
        )


def simpson(function: Callable[[float], float], begin: float, end: float, steps: int) -> float:
    """The integral of ``function`` by Simpson's rule; ``steps`` is even."""
    if end <= begin:
        return 0.0
    width = (end - begin) / steps
    inner = sum((4 if k % 2 else 2) * function(begin + k * width) for k in range(1, steps))
    return width / 3 * (function(begin) + inner + function(end))
