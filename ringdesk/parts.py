"""The parts of a running server and how they are joined: who gets what, and nothing else.

Three layers, each built from the one before: the core that everything stands on, the services that
follow the bus, and the page that people see.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from callqueue.availability import AvailabilityService
from callqueue.callback.service import CallbackService
from callqueue.gathering import DAY, Gathering
from callqueue.kept_ages import KeptAges
from callqueue.manager.service import ManagerService
from callqueue.policy_archive import PolicyArchive
from callqueue.policy_file import PolicyFile
from callqueue.service import QueueService
from callqueue.wait_times import WaitTimes
from crm_bridge.identify import Customers, IdentifyService
from crm_bridge.lookup import CallerLookup
from crm_bridge.store import CustomerStore
from cti.agent_names import AgentNames
from cti.ami.joins import JoinReader
from cti.ami_tape import AmiTape
from cti.bus import Bus
from cti.calendar_files import read_calendars
from cti.clock import now
from cti.control.service import CallControl
from cti.domain.events import AgentAvailabilityChanged
from cti.feed import SwitchFeed
from cti.file_watch import FileWatcher
from cti.history import History
from cti.journal import Journal
from cti.past import Past
from cti.pbx_logs.heard import LastHeard
from cti.pbx_logs.source import PbxLogs
from cti.switch import Switches
from cti.versions import can_move_waiting_callers
from dashboard.accounts import Accounts
from dashboard.app import Dashboard, DashboardService
from dashboard.callback_limit import CallbackLimit
from dashboard.deps import Callbacks, Deps, Part
from dashboard.policy_desk import PolicyDesk
from ivr.book import MenuBook
from ivr.service import IvrService
from recordings import rows as recording_rows
from recordings.custody import Custody
from recordings.library import Library
from recordings.search import Search
from recordings.service import RecordingService
from recordings.transcription_service import TranscriptionService
from ringdesk import __version__
from ringdesk.adapters import AgentDirectory, CustomerFields
from ringdesk.metrics import Metrics
from ringdesk.metrics_listener import MetricsListener
from ringdesk.own_calls import House, callbacks_of, managers_of
from ringdesk.readiness import parts_of
from ringdesk.settings import Settings
from ringdesk.tally import Tally

AVAILABILITY_REMEMBERED = 30 * 24 * 3600 * 1_000_000
"""Microseconds: how far back an agent's last choice is looked for at the start."""

Run = Callable[[], Awaitable[None]]
"""What a part does until it is cancelled."""


@dataclass(frozen=True)
class Core:
    """What everything stands on."""

    engine: AsyncEngine
    bus: Bus
    journal: Journal
    history: History
    customers: CustomerStore
    callers: CallerLookup
    accounts: Accounts
    agents: AgentDirectory
    feeds: Mapping[str, SwitchFeed]
    tapes: Mapping[str, AmiTape]

    @property
    def feed(self) -> SwitchFeed:
        """The first switch's."""
        return next(iter(self.feeds.values()))

    def runs(self) -> Mapping[str, Run]:
        """The journal is not among them: it outlives all others."""
        feeds = {f"feed {name}": feed.run for name, feed in self.feeds.items()}
        tapes = {f"tape {name}": tape.run for name, tape in self.tapes.items()}
        return {**feeds, **tapes, "agents": self.agents.run}


@dataclass(frozen=True)
class Services:
    """What follows the bus and acts."""

    identify: IdentifyService
    menus: MenuBook
    ivr: IvrService
    policy: PolicyFile
    queue: QueueService
    wait_times: WaitTimes
    managers: ManagerService
    callbacks: CallbackService
    availability: AvailabilityService
    recording: RecordingService
    custody: Custody
    transcription: TranscriptionService
    control: CallControl

    def runs(self) -> Mapping[str, Run]:
        """The services, and what watches the files people edit."""
        seconds = self.menus.settings.reload_seconds
        return {
            "ivr": self.ivr.run,
            "menus": FileWatcher(self.menus.places, self.menus.reload, seconds).run,
            "identify": self.identify.run,
            "queue": self.queue.run,
            "wait times": self.wait_times.run,
            "managers": self.managers.run,
            "callbacks": self.callbacks.run,
            "policy": FileWatcher(self._policy_places(), self.reload_policy).run,
            "availability": self.availability.run,
            "recording": self.recording.run,
            "custody": self.custody.run,
            "transcription": self.transcription.run,
        }

    def _policy_places(self) -> Sequence[Path]:
        return self.policy.path, self.menus.settings.calendars_folder

    def reload_policy(self) -> None:
        """Read the policy file again and score everybody who waits by it. Any thread."""
        self.policy.reload()
        self.queue.policy_changed()


@dataclass(frozen=True)
class Page:
    """What people and their monitoring see. ``listening`` is set when the page can be opened."""

    dashboard: Dashboard
    service: DashboardService
    metrics: MetricsListener
    listening: asyncio.Event

    @property
    def ready(self) -> bool:
        """Whether every part can do its work, as ``/api/ready`` says."""
        return not any(part.reason for part in self.dashboard.deps.parts())

    def runs(self) -> Mapping[str, Run]:
        """The web server and the metrics beside it."""
        return {"dashboard": self.service.run, "metrics": self.metrics.run}


async def build_core(settings: Settings, engine: AsyncEngine) -> Core:
    """The journal is not open yet, the PBX not called yet."""
    bus = Bus()
    journal = Journal(engine, bus, now, settings.data_folder / "journal.spool")
    accounts = Accounts(engine, settings.dashboard, now, switches=settings.switch_names)
    agents = AgentDirectory(accounts)
    await agents.refresh()
    folder = settings.data_folder / "ami-tape"
    tapes = {name: AmiTape(folder / name, settings.ami_tape, now) for name in settings.switch_names}
    history = History(engine)
    return Core(
        engine=engine,
        bus=bus,
        journal=journal,
        history=history,
        customers=CustomerStore(engine),
        callers=CallerLookup(engine.url, settings.crm.contacts_in_pop),
        accounts=accounts,
        agents=agents,
        feeds={
            name: _build_feed(settings.at(name), settings, journal, agents, history, tape)
            for name, tape in tapes.items()
        },
        tapes=tapes,
    )


def _build_feed(
    own: Settings,
    all_switches: Settings,
    journal: Journal,
    agents: AgentDirectory,
    history: History,
    tape: AmiTape,
) -> SwitchFeed:
    """``own`` are the settings as this switch sees them."""
    name, several = own.switch, bool(all_switches.switches)
    return SwitchFeed(
        name,
        own.ami,
        journal.record,
        now,
        agents.is_agent,
        tape.take if tape.hours else None,
        AgentNames("" if name == all_switches.switch else name),
        JoinReader(own.trunk.variable, all_switches.switch_names) if several else None,
        Past(
            PbxLogs(own.pbx_logs, name),
            history.known,
            LastHeard(own.data_folder / f"{name}.heard"),
        ),
    )


async def build_services(
    settings: Settings, core: Core, customers: Customers | None = None
) -> Services:
    """``customers`` is where callers are looked up, if not in our own store.

    Raises :class:`cti.config_files.ConfigFileError` for a broken menu or policy.
    """
    bus, record = core.bus, core.journal.record
    perform = Switches({name: feed.switch for name, feed in core.feeds.items()}).perform
    identify = IdentifyService(settings.crm, customers or core.callers, bus, record, now)
    menus = await asyncio.to_thread(MenuBook.load, settings.ivr)
    customer_of = CustomerFields(identify, settings.ivr.customer_deadline)
    policy = PolicyFile(
        settings.queue.policy, lambda: read_calendars(settings.ivr.calendars_folder)
    )
    ages = KeptAges()
    queue = QueueService(
        policy,
        bus,
        record,
        perform,
        now,
        can_move=lambda name: _can_move(core.feeds[name]),
        gathering=Gathering(core.agents.with_extension),
        kept_ages=ages,
        first_switch=settings.switch,
        agents=core.agents.profiles,
    )
    availability = AvailabilityService(
        core.agents.profiles,
        bus,
        record,
        perform,
        now,
        settings.queue,
        [*settings.switches],
        queue.first_queue,
        queue.make_ready,
    )
    house = House(settings, core, menus, availability, policy, perform, ages)
    managers = managers_of(house)
    callbacks = await callbacks_of(house)
    wait_times = WaitTimes(bus, now, queue.ahead)
    return Services(
        identify=identify,
        menus=menus,
        ivr=IvrService(
            settings.ivr,
            menus,
            record,
            now,
            customer_of,
            settings.switch_names,
            wait_of=wait_times.estimate,
            asks={"manager": managers.serve, "callback": callbacks.serve},
            keep_place=callbacks.keep_place,
            priority_of=queue.join_priority,
        ),
        policy=policy,
        queue=queue,
        wait_times=wait_times,
        managers=managers,
        callbacks=callbacks,
        availability=availability,
        recording=RecordingService(
            settings.recordings,
            core.engine,
            bus,
            record,
            perform,
            now,
            {name: settings.at(name).recordings for name in settings.switches},
        ),
        custody=Custody(settings.recordings, core.engine, record, now),
        transcription=TranscriptionService(settings.recordings, core.engine, bus, record, now),
        control=CallControl(core.feeds, perform, record, now, house.may_not_call),
    )


def _callbacks(settings: Settings, services: Services) -> Callbacks | None:
    callback = settings.callback
    if not callback.enabled:
        return None
    limit = CallbackLimit(callback.web_per_address, callback.web_per_number)
    token = callback.web_token.get_secret_value()
    return Callbacks(services.callbacks.book, limit, token)


def _can_move(feed: SwitchFeed) -> bool:
    info = feed.client.info
    return info is None or can_move_waiting_callers(info.asterisk_version)


async def restore(core: Core, services: Services) -> None:
    """Open the journal and hand everybody what it knows of the calls that are still open."""
    await core.journal.open(__version__)
    open_calls = await core.journal.written.of_calls(await core.history.open_calls())
    for feed in core.feeds.values():
        feed.restore(open_calls)
    gathering = services.queue.gathering
    for call in await core.history.from_outside(now() - DAY):
        gave_up = call.ended_at if call.outcome == "abandoned" and call.queue else None
        gathering.remember_call(
            call.caller_number, call.call_id, call.arrived_at, gave_up, call.agent
        )
    followers = (services.identify, services.queue, services.managers, services.callbacks)
    for service in followers:
        service.restore(open_calls)
    since = now() - AVAILABILITY_REMEMBERED
    choices = await core.journal.written.of_type(AgentAvailabilityChanged, since)
    services.availability.restore(choices)
    services.queue.restore(choices)


def build_page(settings: Settings, core: Core, services: Services) -> Page:
    """The dashboard and the metrics."""

    def parts() -> Sequence[Part]:
        return parts_of(core.feeds.values(), core.journal, services.ivr.server, dashboard.hub, now)

    policy_desk = PolicyDesk(
        services.policy,
        PolicyArchive(settings.queue.policy, settings.data_folder / "policies"),
        settings.lab,
        core.engine,
        lambda: read_calendars(settings.ivr.calendars_folder),
        services.reload_policy,
        now,
    )
    deps = Deps(
        engine=core.engine,
        journal=core.journal,
        bus=core.bus,
        history=core.history,
        customers=core.customers,
        library=Library(core.engine, settings.recordings),
        search=Search(core.engine, settings.recordings.speech),
        set_availability=services.availability.set,
        pauses=services.recording.pauses,
        custody=services.custody,
        place=services.queue.place,
        now=now,
        parts=parts,
        switches=settings.switch_names,
        tapes=core.tapes,
        callbacks=_callbacks(settings, services),
        policy_desk=policy_desk,
        control=services.control,
    )
    dashboard = Dashboard(settings.dashboard, deps)
    metrics = Metrics(
        version=__version__,
        feeds=[*core.feeds.values()],
        journal=core.journal,
        bus=core.bus,
        agi=services.ivr.server,
        hub=dashboard.hub,
        transcription=services.transcription,
        tally=Tally(core.bus),
        wait_times=services.wait_times,
        parts=parts,
        now=now,
    )
    listening = asyncio.Event()
    return Page(
        dashboard=dashboard,
        service=DashboardService(dashboard, lambda _host, _port: listening.set()),
        metrics=MetricsListener(
            settings.metrics, metrics, lambda: recording_rows.backlog(core.engine)
        ),
        listening=listening,
    )
