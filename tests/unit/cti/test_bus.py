"""Slow readers of the bus: nothing lost, or one Lagged; nobody else waits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from cti.bus import Bus, Lagged, events_of
from cti.domain.events import CallEnded, Event, SwitchLost


def lost(seq: int) -> SwitchLost:
    return SwitchLost(at=seq, seq=seq, reason="test")


async def test_only_the_wanted_types_arrive() -> None:
    bus = Bus()
    subscription = bus.subscribe("test", SwitchLost)
    bus.publish(CallEnded(at=1, seq=1, direction="inbound", outcome="answered", lasted=1))
    bus.publish(lost(2))
    assert (await anext(subscription)).seq == 2


async def test_catch_up_reads_the_missed_from_the_journal() -> None:
    kept = [lost(seq) for seq in range(1, 2001)]

    async def read_after(seq: int, limit: int) -> Sequence[Event]:
        return [event for event in kept if event.seq > seq][:limit]

    bus = Bus()
    bus.reads_from(read_after)
    subscription = bus.subscribe("slow", overflow="catch_up", size=10)
    for event in kept[:1990]:
        bus.publish(event)
    got = [(await anext(subscription)).seq for _ in range(1500)]
    for event in kept[1990:]:
        bus.publish(event)
    got += [(await anext(subscription)).seq for _ in range(500)]
    assert got == list(range(1, 2001))
    assert subscription.dropped > 0


async def test_resync_tells_the_reader_once_and_goes_on() -> None:
    bus = Bus()
    subscription = bus.subscribe("browser", overflow="resync", size=2)
    for seq in range(1, 10):
        bus.publish(lost(seq))
    with pytest.raises(Lagged):
        await anext(subscription)
    bus.publish(lost(10))
    assert (await anext(subscription)).seq == 10


async def test_events_of_gives_lagged_as_a_value_and_ends_when_closed() -> None:
    bus = Bus()
    subscription = bus.subscribe("browser", overflow="resync", size=1)
    bus.publish(lost(1))
    bus.publish(lost(2))
    seen: list[object] = []

    async def read() -> None:
        async for item in events_of(subscription):
            seen.append(item)

    task = asyncio.create_task(read())
    await asyncio.sleep(0)
    bus.publish(lost(3))
    await asyncio.sleep(0)
    subscription.close()
    await task
    assert isinstance(seen[0], Lagged)
    assert msgspec.to_builtins(seen[1])["seq"] == 3
    bus.publish(lost(4))
    assert len(seen) == 2
