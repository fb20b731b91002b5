"""A day that was simulated and journaled is read back as it was, and plays as it went."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from callqueue.lab.disciplines import fifo
from callqueue.lab.load import Load, drawn_day
from callqueue.lab.recorded import RecordedDay, scene_of
from callqueue.lab.records import NothingRecorded, read_day
from callqueue.lab.scene import HOUR, SECOND, Caller, Scene
from callqueue.lab.simulator import Played, simulate
from cti.bus import Bus
from cti.domain import events as ev
from cti.journal import Journal
from tests.contract.stories import AT, now

RING, WRAP_UP = 4 * SECOND, 20 * SECOND
LOAD = Load.model_validate(
    {
        "name": "recorded",
        "hours": 2,
        "warm_up_minutes": 0,
        "class": [
            {
                "name": "gold", "per_hour": 40, "customer": {"tier": "gold"},
                "handle": {"mean": 150}, "patience": {"mean": 120},
            },
            {"name": "others", "per_hour": 80, "handle": {"mean": 90}, "patience": {"mean": 120}},
        ],
        "team": [{"agents": 3}],
    }
)  # fmt: skip


def story(scene: Scene, played: Played) -> Iterator[ev.Event]:
    """What the journal of that day would hold. Who is served is served by agents in turn."""
    for number in range(3):
        yield ev.AgentAvailabilityChanged(
            at=AT - HOUR, agent=f"PJSIP/{number}", availability="available"
        )
    free = [0, 0, 0]
    for caller in sorted(scene.callers, key=lambda one: one.joined_at + played.waits[one.number]):
        wait, joined = played.waits[caller.number], AT + caller.joined_at
        named = {"call_id": f"pbx-{caller.number}", "switch": "pbx"}
        entry = {"entry_id": f"e{caller.number}", "queue": "support"}
        yield ev.CallArrived(
            at=joined, direction="inbound", channel="x", leg=str(caller.number), did="400",
            caller_number=f"+4477009{caller.number % 90:05}", caller_name="", **named,
        )  # fmt: skip
        yield ev.CallQueued(at=joined, channel="x", leg="1", position=1, **entry, **named)
        match: ev.Match = caller.facts.match
        customer = ev.CustomerRef(id=1, name="G", tier="gold") if caller.facts.known else None
        yield ev.CustomerIdentified(
            at=joined + 9, number="", match=match, customer=customer, **named
        )
        if played.taken[caller.number]:
            seat = int(np.argmin(free))
            free[seat] = joined + wait + caller.handle
            yield from _talk(caller, joined + wait, f"PJSIP/{seat}", wait, named, entry)
        else:
            yield ev.QueueLeft(at=joined + wait, ended="abandoned", waited=wait, **entry, **named)
        yield ev.CallEnded(
            at=joined + wait + caller.handle, direction="inbound", lasted=wait,
            outcome="answered" if played.taken[caller.number] else "abandoned", **named,
        )  # fmt: skip


def _talk(
    caller: Caller, at: int, agent: str, wait: int, named: dict[str, str], entry: dict[str, str]
) -> Iterator[ev.Event]:
    """The phone rings within the wait; the wrap-up is a part of handling the call."""
    offer, talk = f"o{caller.number}", f"t{caller.number}"
    rang, talked = min(RING, wait), max(1, caller.handle - WRAP_UP)
    yield ev.AgentOffered(at=at - rang, offer_id=offer, agent=agent, channel="y", **entry, **named)
    yield ev.OfferEnded(
        at=at, offer_id=offer, agent=agent, ended="answered", rang=rang, **entry, **named
    )
    yield ev.CallAnswered(
        at=at, talk_id=talk, agent=agent, agent_channel="y", caller_channel="x", waited=wait,
        **entry, **named,
    )  # fmt: skip
    yield ev.QueueLeft(at=at, ended="connected", waited=wait, **entry, **named)
    yield ev.TalkEnded(at=at + talked, talk_id=talk, agent=agent, talked=talked, **named)
    if caller.handle > WRAP_UP:
        over = at + caller.handle
        yield ev.AgentAvailabilityChanged(
            at=at + talked + 1, agent=agent, availability="wrap_up", until=over
        )
        yield ev.AgentAvailabilityChanged(at=over, agent=agent, availability="available")


async def recorded(engine: AsyncEngine, folder: Path) -> tuple[Scene, Played, RecordedDay]:
    scene = drawn_day(LOAD, 5)
    played = simulate(scene, fifo())
    journal = Journal(engine, Bus(), now, folder / "spool")
    await journal.open("test")
    events = sorted(story(scene, played), key=lambda event: event.at)
    writer = asyncio.create_task(journal.run())
    for event in events:
        journal.record(event)
    await journal.flush(30)
    writer.cancel()
    await asyncio.gather(writer, return_exceptions=True)
    return scene, played, await read_day(engine, "that day", AT, AT + 3 * HOUR)


async def test_a_recorded_day_is_read_as_it_was(engine: AsyncEngine, tmp_path: Path) -> None:
    scene, played, day = await recorded(engine, tmp_path)
    assert len(day.waits) == len(scene.callers) > 200
    for caller, wait in zip(scene.callers, day.waits, strict=True):
        assert wait.joined_at - AT == caller.joined_at
        assert (wait.waited, wait.answered) == (
            played.waits[caller.number],
            bool(played.taken[caller.number]),
        )
        assert (wait.facts.tier, wait.facts.match) == (caller.facts.tier, caller.facts.match)
    long = [c.number for c in scene.callers if played.taken[c.number] and c.handle > WRAP_UP]
    off = [abs((day.waits[n].handle or 0) - scene.callers[n].handle) for n in long]
    assert np.mean(np.array(off) == 0) > 0.95, "the few others met two wrap-ups at once"
    assert [(a.agent, a.queues) for a in day.agents] == [
        (f"PJSIP/{n}", ("support",)) for n in range(3)
    ]
    assert {shift for agent in day.agents for shift in agent.shifts} == {(AT, AT + 3 * HOUR)}
    assert sum(wait.facts.calls_last_day > 0 for wait in day.waits) > 100, "the numbers call again"


def _alike(*_: object) -> str:
    return ""


async def test_a_recorded_day_plays_as_it_went(engine: AsyncEngine, tmp_path: Path) -> None:
    """By the same order, with patience and the rest drawn from what was seen."""
    _, played, day = await recorded(engine, tmp_path)
    again = [simulate(scene_of(day, seed, _alike), fifo()) for seed in range(8)]
    waited = np.mean([np.mean(one.waits) for one in again]) / SECOND
    assert waited == pytest.approx(np.mean(played.waits) / SECOND, rel=0.15)
    taken = np.mean([sum(one.taken) for one in again])
    assert taken == pytest.approx(sum(played.taken), rel=0.05)
    assert day.patience.quantile(0.5) / SECOND == pytest.approx(120 * np.log(2), rel=0.35)
    assert scene_of(day, 1, _alike) == scene_of(day, 1, _alike)


async def test_a_day_without_calls_says_what_there_is(engine: AsyncEngine, tmp_path: Path) -> None:
    with pytest.raises(NothingRecorded, match="no call has waited in a queue yet"):
        await read_day(engine, "that day", AT, AT + HOUR)
    await recorded(engine, tmp_path)
    with pytest.raises(NothingRecorded, match=r"there are calls from 2026-11-2\d to 2026-11-2\d"):
        await read_day(engine, "a day before", AT - 48 * HOUR, AT - 24 * HOUR)
