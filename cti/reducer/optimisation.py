"""Local channels that take themselves out of the path.

Asterisk moves those whom the channel joins into one bridge within a millisecond: one leaves, the
other half leaves, the first enters again. Nobody stops talking meanwhile.
"""

from __future__ import annotations

from cti.domain.book import Leg, Optimisation
from cti.domain.events import Micros
from cti.domain.facts import LocalOptimised, LocalOptimising
from cti.reducer import talks
from cti.reducer.state import State


def began(state: State, fact: LocalOptimising) -> None:
    """From now on, leaving and entering the bridges on both sides means nothing."""
    halves = [state.book.legs.get(leg) for leg in (fact.one, fact.two)]
    bridges = frozenset(half.bridge for half in halves if half and half.bridge)
    if len(bridges) == 2 and fact.one in state.book.legs:
        parties = [leg for bridge in bridges for leg in talks.parties(state, bridge)]
        state.book.optimisations[fact.one] = Optimisation(bridges, parties)


def ended(state: State, fact: LocalOptimised) -> None:
    """Everybody is where they belong."""
    settle(state, fact.one, fact.at)


def settle(state: State, one: str, at: Micros) -> None:
    """See who talks with whom; also when the Local channel is gone without having said so."""
    going = state.book.optimisations.pop(one, None)
    if going is None:
        return
    for bridge in sorted(going.bridges):
        talks.settle(state, bridge, at)
    for leg in going.parties:
        if not leg.bridge:
            talks.take_out(state, leg, at)


def moves(state: State, leg: Leg) -> bool:
    """Whether the leg only changes its bridge at this moment."""
    return bool(leg.bridge) and state.book.is_optimised(leg.bridge)
