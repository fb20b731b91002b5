"""A busy day in a moment: nothing of a call that is over is kept, from the bytes to the events."""

from __future__ import annotations

import gc
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from types import FunctionType, ModuleType
from typing import Any

import pytest

from cti.ami.codec import EVENT, Framer
from cti.ami.settings import AmiSettings
from cti.clock import now
from cti.domain import events as ev
from cti.feed import SwitchFeed
from tests.unit.cti.reducing import CAPTURES, RECORDED, is_agent

EVENTS = 100_000
REMEMBERED = 200
_MARK = b"@@"
_ID = re.compile(rb"(?<!Timestamp: )\b(?=(?:demo-)?\d{10}\.\d)")
_LOCAL = re.compile(rb"(Local/[^\r\n;]*-)(?=[0-9a-f]{8};)")


def template(name: str) -> bytes:
    """A recording from its first call on, its ids and Local channels marked."""
    data = (CAPTURES / f"{name}.ami").read_bytes()
    calls = data[data.index(EVENT + b"Newchannel") :]
    return _LOCAL.sub(rb"\1@@", _ID.sub(_MARK, calls))


def days(templates: list[bytes]) -> Iterator[bytes]:
    """All recordings, again and again, each time other calls."""
    number = 0
    while True:
        for text in templates:
            number += 1
            yield text.replace(_MARK, b"%d-" % number)


def reachable(root: object) -> int:
    """How many objects hang on this one, without code."""
    seen = {id(root)}
    waiting: list[Any] = [root]
    while waiting:
        for found in gc.get_referents(waiting.pop()):
            if id(found) not in seen and not isinstance(found, ModuleType | FunctionType | type):
                seen.add(id(found))
                waiting.append(found)
    return len(seen)


class House:
    """One switch's way from the bytes to the journal, which only counts."""

    def __init__(self) -> None:
        self.told: Counter[type[ev.Event]] = Counter()
        self.feed = SwitchFeed("pbx", AmiSettings(), self._record, now, is_agent)
        self.feed.client._link = object()  # type: ignore[assignment]
        self._framer = Framer()
        self._framer.banner = ""

    def _record(self, event: ev.Event) -> ev.Event:
        self.told[type(event)] += 1
        return event

    @property
    def heard(self) -> int:
        counters = self.feed.client.counters
        return counters.events + counters.unwanted_events

    def listen(self, calls: Iterable[bytes], until: int) -> None:
        for data in calls:
            for raw in self._framer.feed(data):
                if raw.startswith(EVENT):
                    self.feed.client._take_event(raw)
            assert self.feed.reducer.book.is_empty
            if self.heard >= until:
                return


def test_a_hundred_thousand_events_leave_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cti.reducer.state.REMEMBERED", REMEMBERED)
    house, calls = House(), days([template(name) for name in RECORDED])
    state = house.feed.reducer._state
    while len(state.gone) < REMEMBERED or len(state.ended) < REMEMBERED:
        house.listen(calls, house.heard + 1000)
    full = reachable(house.feed)
    house.listen(calls, house.heard + EVENTS)
    assert reachable(house.feed) < full + 100
    assert len(state.gone) == len(state.ended) == REMEMBERED
    assert house.told[ev.CallArrived] == house.told[ev.CallEnded] > REMEMBERED
    assert house.told[ev.CallAnswered] == house.told[ev.TalkEnded]
    assert house.told[ev.CallQueued] == house.told[ev.QueueLeft]
    assert house.feed.client.counters.callback_errors == 0
    assert not house.feed.reader.unreadable
