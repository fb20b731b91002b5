"""A policy as a discipline of the simulator: the order and the rules are the policy's own. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from callqueue.curve import Key, Standing
from callqueue.eligibility import AgentFacts, Eligibility
from callqueue.lab.scene import NEVER, Caller, Seat
from callqueue.policy import Policy
from cti.domain.events import Micros


@dataclass(slots=True)
class _Waiting:
    caller: Caller
    standing: Standing
    rule: Eligibility | None


class ByPolicy:
    """Serves by :meth:`callqueue.curve.Standing.key` and :mod:`callqueue.eligibility`.

    Callers of one class, and so of one curve, keep the order of their joins for ever: of each class
    only the first whom an agent may serve is compared with the first of the others. The order is
    the same as that of :class:`callqueue.waiting_order.WaitingOrder`, without the cost of knowing
    everybody's rank.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._lines: dict[tuple[object, str], deque[_Waiting]] = {}
        self._gone: set[int] = set()
        self._ruled: dict[int, Eligibility] = {}
        self._agents: dict[str, AgentFacts] = {}
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting

    def join(self, caller: Caller, at: Micros) -> None:
        """The caller begins to wait."""
        standing = self._policy.standing(f"{caller.number:09}", caller.facts, at)
        rule = self._policy.eligibility(caller.facts, at)
        limited = rule if rule.rings or rule.reservations else None
        if limited:
            self._ruled[caller.number] = limited
        line = self._lines.setdefault((standing.curve, caller.facts.queue), deque())
        line.append(_Waiting(caller, standing, limited))
        self._waiting += 1

    def leave(self, caller: Caller, _at: Micros) -> None:
        """The caller hung up."""
        self._gone.add(caller.number)
        self._forget(caller)

    def take(self, seat: Seat, at: Micros) -> Caller | None:
        """The first of those whom the agent may serve now."""
        best: tuple[Key, deque[_Waiting], _Waiting] | None = None
        for (_, queue), line in self._lines.items():
            if not line or not seat.serves(queue):
                continue
            first = self._first(line, seat, at)
            if first is None:
                continue
            key = first.standing.key(at)
            if best is None or key < best[0]:
                best = key, line, first
        if best is None:
            return None
        _, line, chosen = best
        if line[0] is chosen:
            line.popleft()
        else:
            line.remove(chosen)
        self._forget(chosen.caller)
        return chosen.caller

    def wake_at(self, at: Micros) -> Micros:
        """When a ring or a reservation of somebody who waits ends next."""
        return min((rule.next_change(at) for rule in self._ruled.values()), default=NEVER)

    def _forget(self, caller: Caller) -> None:
        self._ruled.pop(caller.number, None)
        self._waiting -= 1

    def _first(self, line: deque[_Waiting], seat: Seat, at: Micros) -> _Waiting | None:
        while line and line[0].caller.number in self._gone:
            self._gone.discard(line.popleft().caller.number)
        agent: AgentFacts | None = None
        for waiting in self._still(line):
            if waiting.rule is None:
                return waiting
            agent = agent or self._facts_of(seat)
            if waiting.rule.allows(agent, at):
                return waiting
        return None

    def _still(self, line: deque[_Waiting]) -> Iterator[_Waiting]:
        return (waiting for waiting in line if waiting.caller.number not in self._gone)

    def _facts_of(self, seat: Seat) -> AgentFacts:
        if seat.name not in self._agents:
            self._agents[seat.name] = AgentFacts(agent=seat.name, skills=seat.skills)
        return self._agents[seat.name]
