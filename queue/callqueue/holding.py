"""Who is held: callers whom nobody who is free may take, so that others are served before them.

The order is the only means: a held caller stands behind those who are not, and nobody is shut out.
If nobody else waits, the PBX gives a held caller to whoever is free.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from callqueue.agent_state import AgentProfile
from callqueue.curve import NEVER
from callqueue.eligibility import Eligibility
from callqueue.free_agents import FreeAgents
from callqueue.mover import QueueMover
from callqueue.policy import Policy
from callqueue.waiting import Waiting
from cti.clock import Now
from cti.domain.events import Event, Micros

Agents = Callable[[], Mapping[str, AgentProfile]]


class Holding:
    """Knows the rules of those who wait, and who is free.

    ``first_switch`` is the one that agents' names do not name.
    """

    def __init__(self, agents: Agents, first_switch: str, now: Now) -> None:
        self._free = FreeAgents(agents)
        self._first_switch = first_switch
        self._now = now
        self._ruled: dict[str, tuple[QueueMover, Waiting]] = {}

    def keep(self, mover: QueueMover, waiting: Waiting, rule: Eligibility, policy: Policy) -> None:
        """The caller waits under this rule; whether they are held now is in ``waiting.held``."""
        waiting.rule = rule
        if rule.rings or rule.reservations:
            self._ruled[waiting.entry_id] = mover, waiting
        else:
            self._ruled.pop(waiting.entry_id, None)
        waiting.held = self._why(mover, waiting, policy)

    def forget(self, entry_id: str) -> None:
        """The caller left."""
        self._ruled.pop(entry_id, None)

    def take(self, event: Event) -> bool:
        """Learn who is free; whether that may hold or release somebody."""
        return bool(self._free.take(event)) and bool(self._ruled)

    def about_to_be_free(self, agent: str) -> bool:
        """The agent is opened in a moment; whether that may release somebody."""
        self._free.about_to_be(agent)
        return bool(self._ruled)

    @property
    def next_change(self) -> Micros:
        """When a rule is relaxed next; :data:`NEVER`: none is."""
        now = self._now()
        return min((w.rule.next_change(now) for _, w in self._ruled.values()), default=NEVER)

    def changed(self, policy: Policy) -> Iterator[tuple[QueueMover, Waiting]]:
        """Those who are held now and were not, or the other way round; ``held`` is set anew."""
        for mover, waiting in list(self._ruled.values()):
            held = self._why(mover, waiting, policy)
            if held != waiting.held:
                waiting.held = held
                yield mover, waiting

    def _why(self, mover: QueueMover, waiting: Waiting, policy: Policy) -> str:
        if waiting.entry_id not in self._ruled:
            return ""
        switch = "" if mover.switch == self._first_switch else mover.switch
        free = [policy.agent_facts(agent) for agent in self._free.of(switch, mover.queue)]
        return waiting.rule.why_held(free, self._now())
