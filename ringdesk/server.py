"""The composition root: everything is built here, started in order and stopped in order.

Start: database and migrations, journal, what the journal knows of open calls, then the services.
Stop: the services together, within :data:`STOP_SECONDS`, then the journal, which writes the rest.
A service that fails unexpectedly ends the process: whoever supervises it starts it again, and the
resync makes the picture whole.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from crm_bridge.identify import Customers
from cti.config_files import ConfigFileError
from cti.storage import DatabaseUnfit, open_engine, shown
from ringdesk.migrate import migrate
from ringdesk.parts import (
    Core,
    Page,
    Run,
    Services,
    build_core,
    build_page,
    build_services,
    restore,
)
from ringdesk.settings import Settings

log = structlog.get_logger(__name__)

STOP_SECONDS = 10.0


class StartFailed(Exception):
    """The server cannot start; the message says why and what to do."""


@dataclass(frozen=True)
class Server:
    """One running Ringdesk. ``first_admin_password`` is given once, by the very first start."""

    settings: Settings
    core: Core
    services: Services
    page: Page
    first_admin_password: str | None

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop`` is set. Raises what a service did not expect."""
        async with asyncio.TaskGroup() as outer:
            writer = outer.create_task(self.core.journal.run(), name="journal")
            try:
                await self._run_services(stop)
            finally:
                writer.cancel()
                await asyncio.gather(writer, return_exceptions=True)
                await self.core.callers.close()
                await self.core.engine.dispose()

    async def _run_services(self, stop: asyncio.Event) -> None:
        runs = {**self.core.runs(), **self.services.runs(), **self.page.runs()}
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_of(run), name=name) for name, run in runs.items()]
            await stop.wait()
            log.info("stopping")
            for task in tasks:
                task.cancel()
            _, late = await asyncio.wait(tasks, timeout=STOP_SECONDS)
            for task in late:
                log.error("service_did_not_stop", service=task.get_name())


async def _of(run: Run) -> None:
    await run()


async def open_server(settings: Settings, *, customers: Customers | None = None) -> Server:
    """Build everything and take up what the journal knows. Raises :class:`StartFailed`.

    ``customers`` is where callers are looked up, if not in our own store.
    """
    try:
        engine = open_engine(settings.database)
        await migrate(engine)
    except DatabaseUnfit as error:
        raise StartFailed(str(error)) from error
    except (ArgumentError, SQLAlchemyError, OSError) as error:
        where, reason = shown(settings.database), str(error).splitlines()[0]
        raise StartFailed(
            f"database {where}: {reason}. Check the URL under `database`, that the server runs,"
            " and that its folder or user may be written to."
        ) from error
    try:
        return await _build(settings, engine, customers)
    except ConfigFileError as error:
        await engine.dispose()
        raise StartFailed(str(error)) from error
    except BaseException:
        await engine.dispose()
        raise


async def _build(settings: Settings, engine: AsyncEngine, customers: Customers | None) -> Server:
    core = await build_core(settings, engine)
    services = await build_services(settings, core, customers)
    await restore(core, services)
    page = build_page(settings, core, services)
    return Server(settings, core, services, page, await core.accounts.ensure_first_admin())


def first_error(group: BaseException) -> BaseException:
    """The first single error in a group of groups."""
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group


def collect_seldom() -> None:
    """What is there now stays for good and need not be looked through by the garbage collector.

    Most of what a call leaves behind is freed without it; each of its rounds holds up a screen-pop.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


async def serve_until_told(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM. Raises :class:`StartFailed`."""
    server = await open_server(settings)
    if server.first_admin_password:
        print(f"First run: log in as admin with the password {server.first_admin_password}")
        print("It is shown once. Change it on the page, or: ringdesk users password admin")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    collect_seldom()
    log.info("serving", address=f"http://{settings.dashboard.host}:{settings.dashboard.port}")
    try:
        await server.run(stop)
    except BaseExceptionGroup as group:
        error = first_error(group)
        if isinstance(error, OSError):
            raise StartFailed(
                f"{error}. Something else may hold the address: end it, or set dashboard.host and"
                " dashboard.port."
            ) from group
        raise
