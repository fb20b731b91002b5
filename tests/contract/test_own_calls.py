"""What keeps anybody from being called twice is the database: the same on each of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncEngine

from callqueue.callback.store import CallbackStore
from callqueue.callback.turns import Callback
from callqueue.manager.calls import ManagerCalls
from callqueue.manager.choice import Billed
from cti.domain.events import ManagerCalled

ASKED = Callback(
    callback_id="a1",
    key="customer 7",
    number="+447700900151",
    queue="support",
    switch="pbx",
    name="\0Анна " + "x" * 300,
    requested_at=10,
    virtual_join=5,
    changed_at=10,
)
CALL = ManagerCalled(
    at=100,
    switch="pbx",
    call_id="pbx-1",
    attempt_id="m-1.1",
    entry_id="pbx-1-w1",
    queue="support",
    manager="Павел",
    agent="PJSIP/104",
    number="+447700900104",
    leg="m-1.1",
)


async def test_of_many_requests_at_once_one_is_kept(engine: AsyncEngine) -> None:
    store = CallbackStore(engine)
    wanted = [replace(ASKED, callback_id=f"a{n}") for n in range(8)]
    kept = await asyncio.gather(*map(store.add, wanted))
    assert len({one.callback_id for one in kept}) == 1
    found = await store.open_ones()
    assert [one.callback_id for one in found] == [kept[0].callback_id]
    assert found[0].name == "Анна " + "x" * 195


async def test_who_changes_it_first_has_changed_it(engine: AsyncEngine) -> None:
    store = CallbackStore(engine)
    kept = await store.add(ASKED)
    changes = [store.change(kept, state="calling", leg=f"b-{n}") for n in range(5)]
    done = [one for one in await asyncio.gather(*changes) if one]
    assert len(done) == 1
    assert [one.leg for one in await store.open_ones()] == [done[0].leg]
    assert await store.change(kept, state="cancelled") is None


async def test_what_is_over_makes_room_for_the_next(engine: AsyncEngine) -> None:
    store = CallbackStore(engine)
    kept = await store.add(ASKED)
    over = await store.change(kept, state="done", reason="talks")
    assert over is not None
    assert await store.open_ones() == []
    again = await store.add(replace(ASKED, callback_id="a2", requested_at=20))
    assert again.callback_id == "a2"
    newest = await store.newest(5)
    assert [(one.callback_id, one.state) for one in newest] == [
        ("a2", "requested"),
        ("a1", "done"),
    ]


async def test_nobody_is_called_twice_for_one_wait(engine: AsyncEngine) -> None:
    calls = ManagerCalls(engine)
    again = [calls.add(_other(CALL, f"m-1.{n}", CALL.entry_id)) for n in range(1, 6)]
    assert sorted(await asyncio.gather(*again)) == [False, False, False, False, True]
    assert await calls.add(_other(CALL, "m-2.1", "pbx-2-w1"))


async def test_what_a_day_costs(engine: AsyncEngine) -> None:
    calls = ManagerCalls(engine)
    await calls.add(CALL)
    await calls.add(_other(CALL, "m-2.1", "pbx-2-w1"))
    await calls.answered("m-1.1", 110)
    await calls.over("m-1.1", 150)
    assert sorted(await calls.since(100), key=str) == [
        Billed(100, 110, 150),
        Billed(100, None, None),
    ]
    assert await calls.since(101) == []


def _other(call: ManagerCalled, attempt_id: str, entry_id: str) -> ManagerCalled:
    return ManagerCalled(
        at=call.at,
        switch=call.switch,
        call_id=call.call_id,
        attempt_id=attempt_id,
        entry_id=entry_id,
        queue=call.queue,
        manager=call.manager,
        agent=call.agent,
        number=call.number,
        leg=attempt_id,
    )
