"""What the tests of facts, reducer and resync share: captures as facts, and the invariants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import msgspec

from cti.ami.codec import Message
from cti.ami.reader import FactReader
from cti.capture import read_capture
from cti.domain import events as ev
from cti.domain.book import Book
from cti.domain.facts import DeviceState, Fact, LegHungUp, LegRenamed, LegStarted
from cti.reducer import Reducer
from cti.resync import LegRow, Snapshot, WaitRow

CAPTURES = Path(__file__).parents[2] / "captures"
NAMES = tuple(path.stem for path in sorted(CAPTURES.glob("*.ami")))
RECORDED = tuple(
    f"{path.parent.name}/{path.stem}" for path in sorted(CAPTURES.glob("[0-9]*/*.ami"))
)
"""By tools/record_captures.py on each release of Asterisk, with the truth beside them."""
PAIRS: tuple[tuple[type[ev.Event], type[ev.Event], str], ...] = (
    (ev.CallQueued, ev.QueueLeft, "entry_id"),
    (ev.AgentOffered, ev.OfferEnded, "offer_id"),
    (ev.CallAnswered, ev.TalkEnded, "talk_id"),
    (ev.CallArrived, ev.CallEnded, "call_id"),
)


def is_agent(interface: str) -> bool:
    """In the captures ``PJSIP/trunk`` is the outside; agents' phones are 6001... and 101..."""
    return interface.startswith(("PJSIP/6", "PJSIP/10"))


def messages(name: str) -> list[Message]:
    """The messages of a capture."""
    return read_capture((CAPTURES / f"{name}.ami").read_bytes())


@cache
def facts_of(name: str) -> tuple[Fact, ...]:
    """The facts of a capture."""
    reader = FactReader()
    found = [reader.to_fact(message) for message in messages(name)]
    assert not reader.unreadable
    return tuple(fact for fact in found if fact is not None)


@cache
def moments(name: str) -> tuple[Fact, ...]:
    """The facts of a capture between which streams are cut: without hundreds of device rows."""
    return tuple(fact for fact in facts_of(name) if not isinstance(fact, DeviceState))


_LEG_FIELDS = ("leg", "linkedid", "source", "target", "bridge", "one", "two")


def renamed(facts: Iterable[Fact], prefix: str) -> list[Fact]:
    """The same calls under other ids; the agents' phones stay theirs."""
    return [_renamed(fact, prefix) for fact in facts]


def _renamed(fact: Fact, prefix: str) -> Fact:
    changes = {
        field: prefix + getattr(fact, field) for field in _LEG_FIELDS if getattr(fact, field, "")
    }
    if isinstance(fact, LegStarted | LegRenamed) and fact.channel.startswith("Local/"):
        # Local channels are found by their names, which no other stream may have.
        changes["channel"] = fact.channel.replace("-", f"-{prefix}", 1)
    return msgspec.structs.replace(fact, **changes)


def apply_all(reducer: Reducer, facts: Iterable[Fact]) -> list[ev.Event]:
    return [event for fact in facts for event in reducer.apply(fact)]


def run(facts: Iterable[Fact]) -> list[ev.Event]:
    return apply_all(Reducer("pbx", is_agent), facts)


def hang_up_everything(book: Book, at: int) -> list[Fact]:
    return [LegHungUp(at=at, leg=leg) for leg in book.legs]


def snapshot_of(book: Book, at: int) -> Snapshot:
    """What CoreShowChannels and QueueStatus would say of a PBX that is as the book."""
    legs = [
        LegRow(
            started=LegStarted(
                at=leg.started // 1_000_000 * 1_000_000,
                leg=leg.id,
                linkedid=leg.call.linkedid,
                channel=leg.channel,
                number=leg.number,
                name=leg.name,
                exten=leg.exten,
                condition=leg.condition,
                dialled=leg.dialled,
                restored=True,
            ),
            bridge=leg.bridge,
            place=leg.place,
        )
        for leg in book.legs.values()
    ]
    waits = [
        WaitRow(leg=entry.leg.id, queue=entry.queue, position=1, joined=entry.joined)
        for entry in book.waiting()
    ]
    return Snapshot(at=at, legs=tuple(legs), waits=tuple(waits))


def of_calls(events: Iterable[ev.Event]) -> dict[str, list[ev.Event]]:
    """The calls' own events by call; agents' activity depends on all calls together."""
    calls: dict[str, list[ev.Event]] = {}
    for event in events:
        if not isinstance(event, ev.AgentActivityChanged):
            calls.setdefault(event.call_id, []).append(event)
    return calls


def assert_whole(events: list[ev.Event]) -> None:
    """Each beginning has exactly one end, after it; ids are unique; calls bracket their events."""
    ids = Counter(event.id for event in events)
    assert [event_id for event_id, times in ids.items() if times > 1] == []
    for begin, end, key in PAIRS:
        begun = [getattr(event, key) for event in events if type(event) is begin]
        ended = [getattr(event, key) for event in events if type(event) is end]
        assert sorted(begun) == sorted(ended)
        assert len(set(begun)) == len(begun)
    assert_in_order(events)
    for call in of_calls(events).values():
        assert type(call[0]) is ev.CallArrived
        assert type(call[-1]) is ev.CallEnded


def assert_in_order(events: list[ev.Event]) -> None:
    """No end comes before its beginning, and no duration is negative."""
    open_: set[tuple[str, str]] = set()
    for event in events:
        for begin, end, key in PAIRS:
            if type(event) is begin:
                open_.add((key, getattr(event, key)))
            elif type(event) is end:
                open_.remove((key, getattr(event, key)))
        for duration in ("waited", "rang", "talked", "lasted"):
            assert getattr(event, duration, 0) >= 0
