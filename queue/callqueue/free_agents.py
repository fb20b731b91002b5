"""Who is free to take a caller now, as far as the events tell. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from callqueue.agent_state import AgentProfile
from cti.agent_names import split
from cti.domain.events import AgentActivityChanged, AgentAvailabilityChanged, Event

FREE_EVENTS = (AgentAvailabilityChanged, AgentActivityChanged)
"""The events that :meth:`FreeAgents.take` learns from."""


class FreeAgents:
    """``agents`` gives the agents there are, by interface, with their queues."""

    def __init__(self, agents: Callable[[], Mapping[str, AgentProfile]]) -> None:
        self._agents = agents
        self._chose: dict[str, bool] = {}
        self._busy: set[str] = set()

    def take(self, event: Event) -> str:
        """Learn from an event; the agent of whom it tells, or empty."""
        match event:
            case AgentAvailabilityChanged():
                self._chose[event.agent] = event.availability == "available"
            case AgentActivityChanged() if event.activity == "idle":
                self._busy.discard(event.agent)
            case AgentActivityChanged():
                self._busy.add(event.agent)
            case _:
                return ""
        return event.agent

    def about_to_be(self, agent: str) -> None:
        """The agent is opened in a moment."""
        self._chose[agent] = True

    def of(self, switch: str, queue: str) -> list[str]:
        """Who is free in a queue. ``switch`` empty: the one that agents' names do not name."""
        return [
            agent
            for agent, profile in self._agents().items()
            if queue in profile.queues
            and split(agent)[0] == switch
            and self._chose.get(agent, False)
            and agent not in self._busy
        ]
