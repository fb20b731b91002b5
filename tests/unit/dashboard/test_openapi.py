"""The description of the API, and the running server held against it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case
from schemathesis.config import SchemathesisConfig

from cti.domain import events as ev
from dashboard.app import ENDPOINTS
from dashboard.openapi import describe
from dashboard.routes import COOKIE
from tests.unit.dashboard.house import House, add_customer, open_house


def test_every_route_is_described() -> None:
    paths = describe(ENDPOINTS, "1")["paths"]
    described = {(address, method) for address, methods in paths.items() for method in methods}
    assert described == {(endpoint.address, endpoint.method.lower()) for endpoint in ENDPOINTS}


@dataclass
class Running:
    """A server in a thread of its own, with an admin's session."""

    origin: str
    cookie: str


async def _serve(folder: Path, started: list[Running], ready: threading.Event, stop: asyncio.Event):  # type: ignore[no-untyped-def]
    async with open_house(folder, login_attempts_per_username=10_000) as house:
        await _furnish(house)
        browser = await house.browser("root")
        cookies = browser.cookie_jar.filter_cookies(browser._base_url)  # type: ignore[arg-type]
        started.append(Running(house.origin, cookies[COOKIE].value))
        ready.set()
        await stop.wait()


async def _furnish(house: House) -> None:
    await house.user("root", "admin", agent="PJSIP/100")
    await add_customer(house, 1, "Marina Ivanova")
    house.record(
        ev.CallArrived(
            at=1, call_id="sw1-1", direction="inbound", channel="x", leg="1",
            caller_number="", caller_name="", did="",
        )
    )  # fmt: skip
    await house.kept()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    loop = asyncio.new_event_loop()
    started: list[Running] = []
    ready, stop = threading.Event(), asyncio.Event()
    folder = tmp_path_factory.mktemp("house")
    work = _serve(folder, started, ready, stop)
    thread = threading.Thread(target=loop.run_until_complete, args=(work,), daemon=True)
    thread.start()
    assert ready.wait(20)
    yield started[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(20)
    loop.close()


# A log-out or a change of the own account would end the session that the checks run in.
CONFIG = SchemathesisConfig.from_dict({"generation": {"with-security-parameters": False}})
schema = schemathesis.openapi.from_dict(describe(ENDPOINTS, "1"), config=CONFIG).exclude(
    operation_id=["logout", "change_password", "change_user"]
)


@schema.parametrize()
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_server_does_what_the_description_says(case: Case, running: Running) -> None:
    case.call_and_validate(
        base_url=running.origin,
        cookies={COOKIE: running.cookie},
        headers={"X-Ringdesk": "1"},
    )
