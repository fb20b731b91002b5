"""The search for a manager without a PBX: limits, a restart, and a database that is away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from callqueue.kept_ages import KeptAges
from callqueue.manager.calls import ManagerCalls
from callqueue.manager.search import Surroundings
from callqueue.manager.service import Desk, ManagerService
from callqueue.manager.settings import ManagerSettings
from cti.bus import Bus
from cti.domain import events as ev
from cti.domain.commands import AnyCommand, CommandFailed, Hangup, Originate, Reply
from cti.storage import metadata, open_engine

PAVEL = ev.CustomerRef(
    id=1, name="Marina", owner_name="Pavel", owner_extension="104", owner_mobile="+447700900104"
)


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(f"sqlite+aiosqlite:///{tmp_path}/ringdesk.db")
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield engine
    await engine.dispose()


class Errands:
    """The caller of every wait is there; a mobile never gets so far as to wait for one."""

    dropped = 0

    def begin(self, *_: str) -> bool:
        return True

    def drop(self, *_: str) -> None:
        self.dropped += 1

    def is_there(self, *_: str) -> bool:
        return False


@dataclass
class House:
    """A manager service on a database, and what it is told and does."""

    bus: Bus
    journal: Any
    clock: Any
    engine: AsyncEngine
    settings: ManagerSettings
    commands: list[AnyCommand] = field(default_factory=list)
    hours: bool | None = True
    lost: bool = False

    def service(self) -> ManagerService:
        around = Surroundings(
            record=self.journal.record,
            perform=self.perform,
            now=self.clock,
            errands=Errands(),  # type: ignore[arg-type]
            calls=ManagerCalls(self.engine),
            ages=KeptAges(),
        )
        desk = Desk(
            agents=lambda _switch: ["PJSIP/104"],
            availability=lambda _agent: None,
            to_e164=lambda number: number,
            is_open=lambda _calendar: self.hours,
            day_start=lambda: self.clock() - 3_600_000_000,
        )
        return ManagerService(self.settings, self.bus, around, desk)

    async def perform(self, command: AnyCommand) -> Reply:
        self.commands.append(command)
        if self.lost and isinstance(command, Originate):
            raise CommandFailed("lost", "the link broke")
        return Reply(ok=True)

    def waits(self, number: int) -> None:
        """A VIP joins the queue."""
        call = {"at": self.clock(), "switch": "pbx", "call_id": f"pbx-{number}"}
        entry = {"entry_id": f"pbx-{number}-w1", "queue": "support"}
        who = ev.CustomerIdentified(**call, number="+44", match="one", customer=PAVEL)
        self.journal.record(who)
        queued = ev.CallQueued(**call, **entry, channel="c", leg=str(number), position=1)
        self.journal.record(queued)
        self.journal.record(
            ev.QueueEntryScored(
                **call,
                **entry,
                joined_at=self.clock(),
                virtual_join=self.clock(),
                label="VIP",
                terms=(),
                policy="p@1",
            )
        )

    def ends(self, number: int, outcome: ev.CallOutcome) -> None:
        """The call to the mobile is over."""
        leg = self.journal.all(ev.ManagerCalled)[number].leg
        call = {"at": self.clock(), "switch": "pbx", "call_id": f"pbx-{leg}"}
        self.journal.record(
            ev.CallArrived(
                **call,
                direction="outbound",
                channel="m",
                leg=leg,
                caller_number="",
                caller_name="",
                did="",
            )
        )
        self.journal.record(ev.CallEnded(**call, direction="outbound", outcome=outcome, lasted=1))

    @property
    def originated(self) -> list[Originate]:
        return [c for c in self.commands if isinstance(c, Originate)]

    def skipped(self) -> list[str]:
        return [event.reason for event in self.journal.all(ev.ManagerSkipped)]

    def ended(self) -> list[str]:
        return [event.ended for event in self.journal.all(ev.ManagerCallEnded)]


@pytest.fixture
def house(bus: Bus, journal: Any, clock: Any, engine: AsyncEngine) -> House:
    settings = ManagerSettings(classes=("VIP",), calendar="office", most_calls=1)
    return House(bus, journal, clock, engine, settings)


async def test_the_call_that_is_one_too_many_today(
    house: House, running: Any, wait_until: Callable[..., Any]
) -> None:
    async with running(house.service()):
        house.waits(1)
        await wait_until(lambda: house.originated)
        assert house.originated[0].channel == "PJSIP/+447700900104@trunk"
        house.ends(0, "busy")
        await wait_until(house.ended)
        house.waits(2)
        await wait_until(house.skipped)
    assert house.ended() == ["busy"]
    assert house.skipped() == ["1 calls to mobiles today, the limit is 1"]
    assert len(house.originated) == 1


@pytest.mark.parametrize(
    ("hours", "reason"),
    [
        (False, "outside of the hours (calendar office)"),
        (None, "there is no calendar office"),
    ],
)
async def test_hours(
    house: House,
    running: Any,
    wait_until: Callable[..., Any],
    hours: bool | None,
    reason: str,
) -> None:
    house.hours = hours
    async with running(house.service()):
        house.waits(1)
        await wait_until(house.skipped)
    assert (house.skipped(), house.originated) == ([reason], [])


async def test_without_a_database_no_money_is_spent(
    house: House, running: Any, wait_until: Callable[..., Any]
) -> None:
    async with house.engine.begin() as connection:
        await connection.exec_driver_sql("DROP TABLE manager_calls")
    async with running(house.service()):
        house.waits(1)
        await wait_until(house.skipped)
    assert "the database does not answer" in house.skipped()[0]
    assert house.originated == []


async def test_a_restart_in_mid_call_hangs_up_and_calls_nobody_twice(
    house: House, running: Any, wait_until: Callable[..., Any], settled: Callable[..., Any]
) -> None:
    async with running(house.service()):
        house.waits(1)
        await wait_until(lambda: house.originated)
    again = house.service()
    again.restore(list(house.journal.events))
    async with running(again):
        house.journal.record(
            ev.SwitchConnected(at=house.clock(), switch="pbx", asterisk_version="22")
        )
        await wait_until(house.ended)
        await settled()
    assert house.ended() == ["cancelled"]
    assert [c.channel for c in house.commands if isinstance(c, Hangup)] == [house.originated[0].leg]
    assert len(house.originated) == 1


async def test_a_search_that_was_not_begun_begins_after_the_restart(
    house: House, running: Any, wait_until: Callable[..., Any]
) -> None:
    house.waits(1)
    service = house.service()
    service.restore(list(house.journal.events))
    async with running(service):
        house.journal.record(
            ev.SwitchConnected(at=house.clock(), switch="pbx", asterisk_version="22")
        )
        await wait_until(lambda: house.originated)


async def test_an_order_whose_answer_was_lost_may_have_been_carried_out(
    house: House, running: Any, wait_until: Callable[..., Any]
) -> None:
    house.lost = True
    async with running(house.service()):
        house.waits(1)
        await wait_until(lambda: house.originated)
        house.ends(0, "no_answer")
        await wait_until(house.ended)
    assert house.ended() == ["no_answer"]
    assert len(house.originated) == 1
