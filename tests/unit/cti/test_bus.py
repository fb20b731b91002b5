"""Slow readers of the bus lose nothing; nobody else waits."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from cti.bus import Bus
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
    subscription = bus.subscribe("slow", size=10)
    for event in kept[:1990]:
        bus.publish(event)
    got = [(await anext(subscription)).seq for _ in range(1500)]
    for event in kept[1990:]:
        bus.publish(event)
    got += [(await anext(subscription)).seq for _ in range(500)]
    assert got == list(range(1, 2001))
    assert subscription.dropped > 0


async def test_a_follower_is_given_each_event_at_once_and_its_failure_is_its_own() -> None:
    bus, seen = Bus(), list[int]()

    def take(event: Event) -> None:
        if event.seq == 3:
            raise ValueError("three")
        seen.append(event.seq)

    subscription = bus.subscribe("other", SwitchLost)
    follower = bus.follow(take, [SwitchLost])
    bus.publish(CallEnded(at=1, seq=1, direction="inbound", outcome="answered", lasted=1))
    bus.publish(lost(2))
    assert seen == [2]
    bus.publish(lost(3))
    bus.publish(lost(4))
    assert [(await anext(subscription)).seq for _ in range(3)] == [2, 3, 4]
    with pytest.raises(ValueError, match="three"):
        await follower.run()
    bus.publish(lost(5))
    assert seen == [2]


async def test_work_that_was_put_off_ends_the_follower_too() -> None:
    seen = list[int]()
    bus = Bus()
    follower = bus.follow(lambda event: seen.append(event.seq), [SwitchLost])
    follower.fail(ValueError("first"))
    follower.fail(ValueError("second"))
    bus.publish(lost(1))
    with pytest.raises(ValueError, match="first"):
        await follower.run()
    assert seen == []
