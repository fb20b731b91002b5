"""The composition root: everything is built here, started in order and stopped in order.

Start: database and migrations, journal, what the journal knows of open calls, then the services.
Stop: the services together, within :data:`STOP_SECONDS`, then the journal, which writes the rest.
A service that fails unexpectedly ends the process: whoever supervises it starts it again, and the
resync makes the picture whole.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from callqueue.availability import AvailabilityService
from callqueue.policy_file import PolicyFile
from callqueue.service import QueueService
from crm_bridge.contacts import PastContacts
from crm_bridge.identify import Customers, IdentifyService
from crm_bridge.store import CustomerStore
from cti.bus import Bus
from cti.clock import now
from cti.config_files import ConfigFileError
from cti.domain.events import AgentAvailabilityChanged
from cti.feed import SwitchFeed
from cti.file_watch import FileWatcher
from cti.history import History
from cti.journal import Journal
from cti.storage import open_engine, shown
from cti.versions import can_move_waiting_callers
from dashboard.accounts import Accounts
from dashboard.app import Dashboard, DashboardService
from dashboard.deps import Deps, Part
from ivr.book import MenuBook
from ivr.service import IvrService
from recordings import rows as recording_rows
from recordings.library import Library
from recordings.service import RecordingService
from recordings.transcription_service import TranscriptionService
from ringdesk import __version__
from ringdesk.adapters import AgentDirectory, CustomerFields
from ringdesk.metrics import Metrics
from ringdesk.metrics_listener import MetricsListener
from ringdesk.migrate import migrate
from ringdesk.readiness import parts_of
from ringdesk.settings import Settings
from ringdesk.tally import Tally

log = structlog.get_logger(__name__)

STOP_SECONDS = 10.0
AVAILABILITY_REMEMBERED = 30 * 24 * 3600 * 1_000_000
"""Microseconds: how far back an agent's last choice is looked for at the start."""

Run = Callable[[], Awaitable[None]]


class StartFailed(Exception):
    """The server cannot start; the message says why and what to do."""


@dataclass
class Server:
    """All parts of one running Ringdesk."""

    settings: Settings
    engine: AsyncEngine
    bus: Bus
    journal: Journal
    history: History
    accounts: Accounts
    feed: SwitchFeed
    menus: MenuBook
    ivr: IvrService
    availability: AvailabilityService
    dashboard: Dashboard
    metrics: MetricsListener
    listening: asyncio.Event
    first_admin_password: str | None
    runs: Mapping[str, Run] = field(default_factory=dict)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop`` is set. Raises what a service did not expect."""
        async with asyncio.TaskGroup() as outer:
            writer = outer.create_task(self.journal.run(), name="journal")
            try:
                await self._run_services(stop)
            finally:
                writer.cancel()
                await asyncio.gather(writer, return_exceptions=True)
                await self.engine.dispose()

    async def _run_services(self, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_of(run), name=name) for name, run in self.runs.items()]
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
    bus = Bus()
    journal = Journal(engine, bus, now, settings.data_folder / "journal.spool")
    history, store = History(engine), CustomerStore(engine)
    library = Library(engine, settings.recordings)
    accounts = Accounts(engine, settings.dashboard, now)
    directory = AgentDirectory(accounts)
    await directory.refresh()

    feed = SwitchFeed(settings.switch, settings.ami, journal.record, now, directory.is_agent)
    perform = feed.switch.perform
    identify = IdentifyService(
        settings.crm, customers or store, PastContacts(history), bus, journal.record, now
    )
    menus = await asyncio.to_thread(MenuBook.load, settings.ivr)
    customer_of = CustomerFields(identify, settings.ivr.customer_deadline)
    ivr = IvrService(settings.ivr, menus, journal.record, now, customer_of, settings.switch)
    policy = PolicyFile(settings.queue.policy)
    queue = QueueService(
        policy, bus, journal.record, perform, now, can_move=lambda _switch: _can_move(feed)
    )
    availability = AvailabilityService(
        directory.profiles, bus, journal.record, perform, now, settings.queue
    )
    recording = RecordingService(settings.recordings, engine, bus, journal.record, perform, now)
    transcription = TranscriptionService(settings.recordings, engine, bus, journal.record, now)

    tally = Tally(bus)

    await journal.open(__version__)
    open_calls = await journal.of_calls(await history.open_calls())
    for part in (feed, identify, queue):
        part.restore(open_calls)
    since = now() - AVAILABILITY_REMEMBERED
    availability.restore(await journal.of_type(AgentAvailabilityChanged, since))

    def parts() -> Sequence[Part]:
        return parts_of([feed], journal, ivr.server, dashboard.hub, now)

    deps = Deps(
        engine=engine,
        journal=journal,
        bus=bus,
        history=history,
        customers=store,
        library=library,
        set_availability=availability.set,
        now=now,
        parts=parts,
    )
    dashboard = Dashboard(settings.dashboard, deps)
    metrics = Metrics(
        version=__version__,
        feeds=[feed],
        journal=journal,
        bus=bus,
        agi=ivr.server,
        hub=dashboard.hub,
        transcription=transcription,
        tally=tally,
        parts=parts,
        now=now,
    )
    metrics_listener = MetricsListener(
        settings.metrics, metrics, lambda: recording_rows.backlog(engine)
    )

    def reload_policy() -> None:
        policy.reload()
        queue.policy_changed()

    listening = asyncio.Event()
    page = DashboardService(dashboard, lambda _host, _port: listening.set())
    return Server(
        settings=settings,
        engine=engine,
        bus=bus,
        journal=journal,
        history=history,
        accounts=accounts,
        feed=feed,
        menus=menus,
        ivr=ivr,
        availability=availability,
        dashboard=dashboard,
        metrics=metrics_listener,
        listening=listening,
        first_admin_password=await accounts.ensure_first_admin(),
        runs={
            "feed": feed.run,
            "ivr": ivr.run,
            "menus": FileWatcher(menus.places, menus.reload, settings.ivr.reload_seconds).run,
            "identify": identify.run,
            "queue": queue.run,
            "policy": FileWatcher([policy.path], reload_policy).run,
            "availability": availability.run,
            "recording": recording.run,
            "transcription": transcription.run,
            "dashboard": page.run,
            "agents": directory.run,
            "metrics": metrics_listener.run,
        },
    )


def _can_move(feed: SwitchFeed) -> bool:
    info = feed.client.info
    return info is None or can_move_waiting_callers(info.asterisk_version)


def first_error(group: BaseException) -> BaseException:
    """The first single error in a group of groups."""
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group


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
