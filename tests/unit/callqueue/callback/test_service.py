"""Calling back without a PBX: one callback a customer, retries, crashes, and who was first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from callqueue.agent_state import AgentProfile
from callqueue.callback.book import CallbackBook
from callqueue.callback.office import CallbackRefused, Office
from callqueue.callback.service import CallbackService
from callqueue.callback.settings import CallbackSettings
from callqueue.callback.store import CallbackStore
from callqueue.callback.turns import Callback
from callqueue.kept_ages import KeptAges
from cti.bus import Bus
from cti.domain import events as ev
from cti.domain.commands import AnyCommand, CommandFailed, Originate, Reply
from cti.history import History
from cti.storage import metadata, open_engine

NUMBER, OTHER = "+447700900151", "+447700900152"


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(f"sqlite+aiosqlite:///{tmp_path}/ringdesk.db")
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield engine
    await engine.dispose()


@dataclass
class House:
    """A service on a database; agents and the PBX are ours."""

    bus: Bus
    journal: Any
    clock: Any
    engine: AsyncEngine
    settings: CallbackSettings
    commands: list[Originate] = field(default_factory=list)
    hours: bool = True
    fails: CommandFailed | None = None
    recorded: bool | None = None
    ages: KeptAges = field(default_factory=KeptAges)

    def service(self) -> CallbackService:
        async def nobody(_number: str) -> None:
            return None

        async def was_made(*_: Any) -> bool | None:
            return self.recorded

        office = Office(
            switch="pbx",
            sound="beep",
            agents=lambda _switch: {
                "PJSIP/101": AgentProfile(name="Anna", queues={"support": 0, "sales": 0})
            },
            availability=lambda _agent: "available",
            is_open=lambda _calendar: self.hours,
            identify=nobody,
            virtual_join=lambda _who, _queue, at: at,
            to_e164=lambda number: number,
            may_not_call=lambda _number: "",
            call=History(self.engine).call,
            was_made=was_made,
        )
        store = CallbackStore(self.engine)
        book = CallbackBook(self.settings, store, office, self.journal.record, self.clock)
        return CallbackService(
            self.settings, book, office, self.bus, self.perform, self.clock, self.ages
        )

    async def perform(self, command: AnyCommand) -> Reply:
        assert isinstance(command, Originate)
        self.commands.append(command)
        if self.fails:
            raise self.fails
        return Reply(ok=True)

    def connect(self) -> None:
        now = self.clock()
        self.journal.record(ev.SwitchConnected(at=now, switch="pbx", asterisk_version="22"))

    def agent(self, activity: ev.Activity) -> None:
        now = self.clock()
        self.journal.record(
            ev.AgentActivityChanged(at=now, switch="pbx", agent="PJSIP/101", activity=activity)
        )

    @property
    def call(self) -> dict[str, Any]:
        """What the events of the last call made have in common."""
        leg = self.commands[-1].leg
        return {"at": self.clock(), "switch": "pbx", "call_id": f"pbx-{leg}"}

    def arrives(self) -> None:
        self.journal.record(
            ev.CallArrived(
                **self.call,
                direction="outbound",
                channel="c",
                leg=self.commands[-1].leg,
                caller_number="",
                caller_name="",
                did=NUMBER,
            )
        )

    def talks(self) -> None:
        talk = {"talk_id": "t", "agent": "PJSIP/101", "agent_channel": "a", "caller_channel": "c"}
        self.journal.record(ev.CallAnswered(**self.call, **talk))

    def ends(self, outcome: ev.CallOutcome = "no_answer") -> None:
        end = {"direction": "outbound", "outcome": outcome, "lasted": 1}
        self.journal.record(ev.CallEnded(**self.call, **end))

    async def rows(self) -> list[Callback]:
        return await CallbackStore(self.engine).newest(50)

    async def states(self) -> list[tuple[str, str]]:
        return [(c.state, c.reason) for c in await self.rows()]


@pytest.fixture
def house(bus: Bus, journal: Any, clock: Any, engine: AsyncEngine) -> House:
    settings = CallbackSettings(enabled=True, calendar="office", attempts=2, pause=10)
    return House(bus, journal, clock, engine, settings)


async def reach(holds: Callable[[], Any], seconds: float = 5) -> None:
    """Until it holds; the database takes real time."""
    async with asyncio.timeout(seconds):
        while True:
            found = holds()
            if await found if asyncio.iscoroutine(found) else found:
                return
            await asyncio.sleep(0.01)


async def state_is(house: House, *states: str) -> None:
    async def found() -> bool:
        return tuple(state for state, _ in await house.states()) == states

    await reach(found)


async def test_one_callback_a_customer_however_often_they_ask(house: House, running: Any) -> None:
    service = house.service()
    async with running(service):
        first, second, third = await asyncio.gather(
            *(
                service.book.request(NUMBER, queue, "", "web")
                for queue in ("support", "sales", "support")
            )
        )
        assert first.callback_id == second.callback_id == third.callback_id
        assert len(house.journal.all(ev.CallbackRequested)) == 1
        other = await service.book.request(OTHER, "support", "", "web")
        assert other.callback_id != first.callback_id
        await service.book.cancel(first.callback_id, "vera")
        again = await service.book.request(NUMBER, "support", "", "web")
        assert again.callback_id != first.callback_id


async def test_called_when_an_agent_is_free_and_done_when_they_talk(
    house: House, running: Any, settled: Any
) -> None:
    service = house.service()
    async with running(service):
        house.agent("talking")
        house.connect()
        await service.book.request(NUMBER, "support", "", "web")
        await settled()
        assert house.commands == []
        house.agent("idle")
        await reach(lambda: house.commands)
        assert house.commands[0].channel == f"PJSIP/{NUMBER}@trunk"
        assert (house.commands[0].context, house.commands[0].exten) == ("ringdesk-ask", "callback")
        called = house.journal.all(ev.CallbackCalled)[0]
        assert (called.call_id, called.attempt) == (house.call["call_id"], 1)
        await state_is(house, "calling")
        house.arrives()
        house.talks()
        await state_is(house, "done")
        house.ends("answered")
        house.agent("idle")
        await settled()
    assert len(house.commands) == 1
    assert [e.state for e in house.journal.all(ev.CallbackChanged)] == ["done"]


async def test_again_after_a_pause_and_not_for_ever(house: House, running: Any) -> None:
    service = house.service()
    async with running(service):
        house.connect()
        house.agent("idle")
        await service.book.request(NUMBER, "support", "", "web")
        await reach(lambda: house.commands)
        house.arrives()
        house.ends("busy")
        await state_is(house, "requested")
        assert (await house.rows())[0].not_before == house.clock() + 10_000_000
        house.agent("talking")
        house.agent("idle")
        await asyncio.sleep(0.05)
        assert len(house.commands) == 1
        house.clock.forward(10)
        house.agent("idle")
        await reach(lambda: len(house.commands) == 2)
        house.arrives()
        house.ends()
        await state_is(house, "failed")
    assert await house.states() == [("failed", "nobody answered; attempt 2 was the last")]


async def test_outside_of_the_hours_it_is_due_and_nobody_rings(house: House, running: Any) -> None:
    house.hours = False
    service = house.service()
    async with running(service):
        house.connect()
        house.agent("idle")
        await service.book.request(NUMBER, "support", "", "web")
        await state_is(house, "due")
        assert house.commands == []
        house.hours = True
        house.agent("idle")
        await reach(lambda: house.commands)


async def test_who_talks_with_us_meanwhile_is_not_called(house: House, running: Any) -> None:
    service = house.service()
    async with running(service):
        await service.book.request(NUMBER, "support", "", "web")
        call = {"at": house.clock(), "switch": "pbx", "call_id": "pbx-9"}
        house.journal.record(ev.CustomerIdentified(**call, number=NUMBER, match="none"))
        talk = {"talk_id": "t", "agent": "PJSIP/101", "agent_channel": "a", "caller_channel": "c"}
        house.journal.record(ev.CallAnswered(**call, **talk))
        await state_is(house, "cancelled")


@dataclass
class Crash:
    """What was left in the database by a Ringdesk that was killed while it called."""

    name: str
    journaled: str
    recorded: bool | None
    state: str
    calls: int


@pytest.mark.parametrize(
    "crash",
    [
        Crash("before Originate, by the records", "", False, "calling", 1),
        Crash("nobody knows", "", None, "failed", 0),
        Crash("made, and no more is known", "", True, "failed", 0),
        Crash("they talked", "talked", None, "done", 0),
        Crash("nobody answered", "over", None, "requested", 0),
        Crash("it still rings", "open", None, "calling", 0),
    ],
    ids=lambda crash: crash.name,
)
async def test_killed_between_the_database_and_the_telephone(
    house: House, running: Any, crash: Crash
) -> None:
    async def killed(command: AnyCommand) -> Reply:
        assert isinstance(command, Originate)
        house.commands.append(command)
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    service = house.service()
    service._perform = killed
    async with running(service):
        house.connect()
        house.agent("idle")
        await service.book.request(NUMBER, "support", "", "web")
        await reach(lambda: house.commands)
    assert [c.state for c in await house.rows()] == ["calling"]
    house.recorded = crash.recorded

    again = house.service()
    async with running(again):
        if crash.journaled:
            house.arrives()
        if crash.journaled == "talked":
            house.talks()
        if crash.journaled in {"talked", "over"}:
            house.ends()
        house.agent("idle")
        house.connect()
        await state_is(house, crash.state)
        await asyncio.sleep(0.05)
        assert len(house.commands) - 1 == crash.calls
        if crash.name == "it still rings":
            house.talks()
            await state_is(house, "done")
    assert (await house.rows())[0].attempts == 1


async def test_an_order_whose_answer_was_lost_is_not_given_again(
    house: House, running: Any
) -> None:
    house.fails = CommandFailed("lost", "the link broke")
    service = house.service()
    async with running(service):
        house.connect()
        house.agent("idle")
        await service.book.request(NUMBER, "support", "", "web")
        await reach(lambda: house.commands)
        house.journal.record(ev.SwitchLost(at=house.clock(), switch="pbx", reason="gone"))
        house.fails = None
        house.arrives()  # as the snapshot shows
        house.connect()
        house.agent("idle")
        await asyncio.sleep(0.05)
        house.talks()
        await state_is(house, "done")
    assert len(house.commands) == 1


async def test_who_is_being_called_cannot_be_cancelled(house: House, running: Any) -> None:
    service = house.service()
    async with running(service):
        house.connect()
        house.agent("idle")
        kept = await service.book.request(NUMBER, "support", "", "web")
        await reach(lambda: house.commands)
        with pytest.raises(CallbackRefused, match="is being called"):
            await service.book.cancel(kept.callback_id, "vera")
        house.arrives()
        house.talks()
        await state_is(house, "done")
        with pytest.raises(KeyError):
            await service.book.cancel(kept.callback_id, "vera")


async def test_a_menu_is_told_why_not(house: House, running: Any) -> None:
    service = house.service()
    async with running(service):
        assert await service.keep_place("pbx-1", "pbx", "support") == (
            "there is no number that could be called"
        )
        call = {"at": house.clock(), "switch": "pbx", "call_id": "pbx-2"}
        house.journal.record(ev.CustomerIdentified(**call, number=NUMBER, match="none"))
        await reach(lambda: service._callers.who("pbx-2"))
        assert await service.keep_place("pbx-2", "pbx", "nowhere") == (
            "no agent serves the queue nowhere"
        )
        assert await service.keep_place("pbx-2", "pbx", "support") == ""
        kept = (await house.rows())[0]
        assert (kept.call_id, kept.asked_by, kept.number) == ("pbx-2", "menu", NUMBER)
        async with house.engine.begin() as connection:
            await connection.exec_driver_sql("DROP TABLE callbacks")
        call["call_id"] = "pbx-3"
        house.journal.record(ev.CustomerIdentified(**call, number=OTHER, match="none"))
        await reach(lambda: service._callers.who("pbx-3"))
        assert await service.keep_place("pbx-3", "pbx", "support") == (
            "the database does not answer"
        )
