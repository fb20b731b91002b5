"""What the tests of facts, reducer and resync share: captures as facts, and the invariants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from cti.ami.codec import Framer, Message, parse
from cti.ami.facts import FactReader
from cti.domain import events as ev
from cti.domain.book import Book
from cti.domain.facts import DeviceState, Fact, LegHungUp, LegStarted
from cti.reducer import Reducer
from cti.resync import LegRow, Snapshot, WaitRow

CAPTURES = Path(__file__).parents[2] / "captures"
NAMES = tuple(path.stem for path in sorted(CAPTURES.glob("*.ami")))
PAIRS: tuple[tuple[type[ev.Event], type[ev.Event], str], ...] = (
    (ev.CallQueued, ev.QueueLeft, "entry_id"),
    (ev.AgentOffered, ev.OfferEnded, "offer_id"),
    (ev.CallAnswered, ev.TalkEnded, "talk_id"),
    (ev.CallArrived, ev.CallEnded, "call_id"),
)


def is_agent(interface: str) -> bool:
    """In the captures, the phones 6001, 6002... are agents' and ``PJSIP/trunk`` is the outside."""
    return interface.startswith("PJSIP/6")


def messages(name: str) -> list[Message]:
    """The messages of a capture (which has no banner line)."""
    raw = (CAPTURES / f"{name}.ami").read_bytes()
    return [parse(part) for part in Framer().feed(b"Asterisk Call Manager/11.0.0\r\n" + raw)]


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
