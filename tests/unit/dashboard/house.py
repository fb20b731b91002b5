"""A real server on real SQLite, and what tests say to it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, CookieJar
from aiohttp.test_utils import TestServer
from argon2 import PasswordHasher
from sqlalchemy import insert

from callqueue.agent_state import AgentState
from crm_bridge.store import CustomerStore
from crm_bridge.tables import customers, phones
from cti.bus import Bus
from cti.clock import now
from cti.domain.commands import AnyCommand, Reply
from cti.domain.events import Availability, Event
from cti.history import History
from cti.journal import Journal
from cti.storage import metadata, open_engine
from dashboard.app import Dashboard, build_app
from dashboard.deps import Deps, PlaceCaller, _nobody_waits
from dashboard.passwords import Passwords
from dashboard.rights import Role
from dashboard.settings import DashboardSettings
from recordings.custody import Custody
from recordings.library import Library
from recordings.pauses import Pauses
from recordings.search import Search
from recordings.settings import RecordingSettings
from recordings.talk import Talk
from tests.unit.dashboard.lab_files import policy_desk

PASSWORD = "a good long password"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@dataclass
class House:
    """One running dashboard with its parts."""

    dashboard: Dashboard
    origin: str
    folder: Path
    refuse_availability: list[Exception]
    talks: dict[str, Talk]
    commands: list[AnyCommand]
    browsers: list[ClientSession] = field(default_factory=list)
    deaf: list[asyncio.StreamWriter] = field(default_factory=list)

    @cached_property
    def client(self) -> ClientSession:
        """A browser that is not logged in."""
        return self._new_browser()

    def _new_browser(self) -> ClientSession:
        browser = ClientSession(base_url=self.origin, cookie_jar=CookieJar(unsafe=True))
        self.browsers.append(browser)
        return browser

    def record(self, event: Event) -> Event:
        return self.dashboard.deps.journal.record(event)

    async def kept(self) -> None:
        await self.dashboard.deps.journal.flush()

    async def folded(self) -> None:
        """Wait until the desk follows the bus; from then on it has seen all that is journaled."""
        async with asyncio.timeout(5):
            while not self.dashboard.hub.restored:
                await asyncio.sleep(0.005)

    async def user(self, username: str, role: Role, **more: Any) -> None:
        await self.dashboard.accounts.add(
            username, username.title(), role, password=PASSWORD, **more
        )
        self.dashboard.desk.enrol(await self.dashboard.accounts.agent_cards())

    async def browser(self, username: str | None = None) -> ClientSession:
        """A browser of its own (its own cookies), logged in as ``username``."""
        browser = self._new_browser()
        if username is not None:
            login = {"username": username, "password": PASSWORD}
            answer = await call(browser, "POST", "/api/login", login)
            assert answer[0] == 200, answer
        return browser


async def call(
    browser: ClientSession, method: str, path: str, body: Any = None, **more: Any
) -> tuple[int, Any]:
    """One request as the page makes it: status and JSON."""
    headers = {"X-Ringdesk": "1"} | more.pop("headers", {})
    async with browser.request(method, path, json=body, headers=headers, **more) as response:
        text = await response.text()
        is_json = response.content_type == "application/json"
        return response.status, (await response.json() if is_json and text else text)


@contextlib.asynccontextmanager
async def open_house(
    folder: Path, place: PlaceCaller | None = None, **settings: Any
) -> AsyncIterator[House]:
    engine = open_engine(f"sqlite+aiosqlite:///{folder}/test.db")
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    bus = Bus()
    journal = Journal(engine, bus, now, folder / "spool")
    await journal.open("test")
    refusals: list[Exception] = []

    async def set_availability(agent: str, availability: Availability, reason: str) -> AgentState:
        if refusals:
            raise refusals[0]
        return AgentState(availability, reason)

    talks: dict[str, Talk] = {}
    commands: list[AnyCommand] = []

    async def pbx(command: AnyCommand) -> Reply:
        commands.append(command)
        return Reply(ok=True)

    async def kept(_talk: Talk) -> bool:
        return True

    deps = Deps(
        engine=engine,
        journal=journal,
        bus=bus,
        history=History(engine),
        customers=CustomerStore(engine),
        library=Library(engine, RecordingSettings(folder=folder)),
        search=Search(engine, RecordingSettings().speech),
        set_availability=set_availability,
        custody=Custody(RecordingSettings(folder=folder), engine, journal.record, now),
        pauses=Pauses(120, talks, pbx, journal.record, kept, now),
        now=now,
        place=place or _nobody_waits,
        policy_desk=policy_desk(folder, engine),
    )
    dashboard = Dashboard(DashboardSettings(**settings), deps, Passwords(CHEAP))
    dashboard.hub._check_seconds = 0.05
    server = TestServer(build_app(dashboard), shutdown_timeout=0.5)
    await server.start_server()
    tasks = [asyncio.create_task(journal.run()), asyncio.create_task(dashboard.hub.run())]
    address = str(server.make_url("/")).rstrip("/")
    house = House(dashboard, address, folder, refusals, talks, commands)
    try:
        await house.folded()  # a browser that comes earlier gets one more picture
        yield house
    finally:
        for browser in house.browsers:
            await browser.close()
        for writer in house.deaf:
            writer.transport.abort()
        await server.close()
        for task in reversed(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await engine.dispose()


async def add_customer(house: House, customer_id: int, name: str, **values: Any) -> None:
    row = {"id": customer_id, "name": name, "search": name.lower(), "created_at": 1}
    number = values.pop("number", f"+4477009000{customer_id:02}")
    async with house.dashboard.deps.engine.begin() as connection:
        await connection.execute(insert(customers).values(row | {"updated_at": 1} | values))
        await connection.execute(insert(phones).values(customer_id=customer_id, number=number))
