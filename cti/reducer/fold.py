"""A whole stream of AMI messages folded into events: for tests and for replays."""

from __future__ import annotations

from collections.abc import Iterable

from cti.ami.facts import Headers
from cti.ami.reader import FactReader
from cti.domain.events import Event
from cti.reducer import Reducer
from cti.reducer.state import IsAgent


def fold(
    messages: Iterable[Headers], switch: str = "pbx", is_agent: IsAgent | None = None
) -> list[Event]:
    """All events of the messages, in order. ``is_agent`` is as for :class:`cti.reducer.Reducer`."""
    reader = FactReader()
    reducer = Reducer(switch, is_agent) if is_agent else Reducer(switch)
    events: list[Event] = []
    for message in messages:
        fact = reader.to_fact(message)
        if fact is not None:
            events += reducer.apply(fact)
    return events
