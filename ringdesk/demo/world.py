"""The demo's world: a private Asterisk (or the replay PBX), Ringdesk on SQLite, sample customers.

Everything lies in one folder and is thrown away with it; ports are free ones of the loopback.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from callqueue.settings import QueueSettings
from crm_bridge.identify import Customers
from crm_bridge.importing import import_customers
from cti.ami.settings import AmiSettings
from cti.clock import now
from cti.pbx_logs.settings import PbxLogSettings
from cti.storage import open_engine
from dashboard.accounts import Accounts
from dashboard.rights import Role
from dashboard.settings import DashboardSettings
from ivr.settings import IvrSettings, SpeechSettings
from recordings.settings import RecordingSettings
from recordings.settings import SpeechSettings as TranscriptionSettings
from ringdesk.asterisk_config import LOG_FILE, HookSettings
from ringdesk.demo.asterisk import AsteriskInstance, free_port
from ringdesk.demo.prefix import CURRENT, Release, default_cache, ensure_prefix
from ringdesk.demo.replay import ReplayPbx
from ringdesk.migrate import migrate
from ringdesk.server import Server, first_error, open_server
from ringdesk.settings import MetricsSettings, Settings

CONFIG = Path(__file__).parents[2] / "config"
SAMPLE_CUSTOMERS = Path(__file__).with_name("customers.csv")
PASSWORD = "ringdesk-demo"  # noqa: S105 - printed, for a server on the loopback that is thrown away
START_SECONDS = 20.0

_ALWAYS_OPEN = 'title = "Always open"\ntime_zone = "UTC"\n[week]\n' + "".join(
    f'{day} = ["00:00-24:00"]\n'
    for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
)

_SILENT_MENU = """title = "Recorded calls need no menu"
[step.on]
do = "play"
prompt = { sound = "beep" }
go = "queue support"
"""


@dataclass(frozen=True)
class DemoUser:
    """A log-in of the demo."""

    username: str
    name: str
    role: Role
    agent: str = ""


USERS = (
    DemoUser("anna", "Anna Petrova", "agent", "PJSIP/101"),
    DemoUser("ivan", "Ivan Todorov", "agent", "PJSIP/102"),
    DemoUser("olga", "Olga Lisina", "agent", "PJSIP/103"),
    DemoUser("vera", "Vera Zotova", "supervisor"),
    DemoUser("admin", "Administrator", "admin"),
)
QUEUES = ("support", "sales")


class DemoFailed(Exception):
    """The demo could not be set up; the message says why and what to do."""


@dataclass
class World:
    """A running Ringdesk with its PBX. ``asterisk`` is None on the replay PBX."""

    folder: Path
    settings: Settings
    server: Server
    asterisk: AsteriskInstance | None
    replay: ReplayPbx | None
    task: asyncio.Task[None]
    """The server itself: done when it has died."""

    @property
    def address(self) -> str:
        """The page's address."""
        return f"http://{self.settings.dashboard.host}:{self.settings.dashboard.port}"


@contextlib.asynccontextmanager
async def asterisk_world(
    folder: Path,
    *,
    port: int = 0,
    espeak: str = "",
    customers: Callable[[Settings], Customers] | None = None,
    wrap_up: float = 5,
    change: Callable[[Settings], Settings] = lambda settings: settings,
    release: Release = CURRENT,
    progress: Callable[[str], None] = print,
) -> AsyncIterator[World]:
    """Ringdesk beside a real Asterisk.

    ``espeak`` is the speech program (empty: the prefix's own). ``customers`` replaces the CRM
    store, ``change`` the settings.
    Raises :class:`ringdesk.demo.prefix.PrefixUnavailable`, AsteriskFailed, DemoFailed.
    """
    prefix = await asyncio.to_thread(ensure_prefix, default_cache(), progress, release=release)
    agi_port = free_port(socket.SOCK_STREAM)
    recordings = folder / "recordings"
    hook = HookSettings(agi_port=agi_port)
    async with AsteriskInstance(prefix, hook=hook, recordings=recordings) as asterisk:
        ami = AmiSettings(
            host=asterisk.ami[0],
            port=asterisk.ami[1],
            username=asterisk.ami_user,
            secret=SecretStr(asterisk.ami_secret),
        )
        settings = demo_settings(
            folder,
            ami,
            port=port,
            agi_port=agi_port,
            espeak=espeak or str(prefix.espeak_ng),
            wrap_up=wrap_up,
            pbx_logs=logs_of(asterisk),
        )
        settings = change(settings)
        store = customers(settings) if customers else None
        async with running(settings, store) as (server, task):
            yield World(folder, settings, server, asterisk, None, task)


@contextlib.asynccontextmanager
async def replay_world(
    folder: Path, captures: list[Path], *, port: int = 0
) -> AsyncIterator[World]:
    """Ringdesk beside the built-in PBX that replays recorded calls. Raises DemoFailed."""
    secret = secrets.token_hex(8)
    rename = {"6001": "101", "6002": "102", "6003": "103"}
    async with ReplayPbx(captures, secret=secret, loop=True, rename=rename) as pbx:
        ami = AmiSettings(host=pbx.host, port=pbx.port, secret=SecretStr(secret))
        settings = demo_settings(folder, ami, port=port, agi_port=0, espeak="espeak-ng")
        for menu in settings.ivr.menus_folder.glob("*.toml"):
            menu.unlink()  # nobody calls in, and there may be no espeak-ng to speak them
        (settings.ivr.menus_folder / "main.toml").write_text(_SILENT_MENU)
        silent = settings.recordings.model_copy(update={"enabled": False})
        settings = settings.model_copy(update={"recordings": silent})
        async with running(settings) as (server, task):
            yield World(folder, settings, server, None, pbx, task)


def demo_settings(
    folder: Path,
    ami: AmiSettings,
    *,
    port: int,
    agi_port: int,
    espeak: str,
    wrap_up: float = 5,
    pbx_logs: PbxLogSettings | None = None,
) -> Settings:
    """The settings a person would write, for a folder of the demo's own."""
    menus, calendars = folder / "menus", folder / "calendars"
    shutil.copytree(CONFIG / "menus", menus, dirs_exist_ok=True)
    write_calendars(calendars)
    return Settings(
        database=f"sqlite+aiosqlite:///{folder}/ringdesk.db",
        data_folder=folder,
        ami=ami,
        pbx_logs=pbx_logs or PbxLogSettings(),
        ivr=IvrSettings(
            port=agi_port,
            menus_folder=menus,
            calendars_folder=calendars,
            speech=SpeechSettings(command=espeak, cache_folder=folder / "prompts"),
        ),
        queue=QueueSettings(policy=CONFIG / "policies" / "default.toml", wrap_up=wrap_up),
        recordings=RecordingSettings(
            folder=folder / "recordings",
            close_seconds=2,
            speech=TranscriptionSettings(demo_model=True),
        ),
        dashboard=DashboardSettings(port=port or free_port(socket.SOCK_STREAM)),
        metrics=MetricsSettings(port=0),
    )


def logs_of(asterisk: AsteriskInstance) -> PbxLogSettings:
    """Where the demo's PBX keeps its own records."""
    return PbxLogSettings(
        cel=asterisk.logs / "cel-custom" / LOG_FILE, queue_log=asterisk.logs / "queue_log"
    )


def write_calendars(folder: Path) -> None:
    """The shipped calendars by name, but always open: robots call at night too."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in (CONFIG / "calendars").glob("*.toml"):
        (folder / file.name).write_text(_ALWAYS_OPEN)


@contextlib.asynccontextmanager
async def running(
    settings: Settings, customers: Customers | None = None
) -> AsyncIterator[tuple[Server, asyncio.Task[None]]]:
    """A server with the sample customers and users, up and connected to its PBX, and its task."""
    await _fill(settings)
    server = await open_server(settings, customers=customers)
    stop = asyncio.Event()
    task = asyncio.create_task(server.run(stop), name="ringdesk")
    try:
        await _up(server, task)
        yield server, task
    finally:
        stop.set()
        await asyncio.wait({task})


async def _fill(settings: Settings) -> None:
    engine = open_engine(settings.database)
    try:
        await migrate(engine)
        text = SAMPLE_CUSTOMERS.read_text()
        await import_customers(engine, text, region="GB", at=now())
        accounts = Accounts(engine, settings.dashboard, now)
        known = {user.username for user in await accounts.all()}
        for user in USERS:
            if user.username not in known:
                await accounts.add(
                    user.username,
                    user.name,
                    user.role,
                    password=PASSWORD,
                    agent=user.agent,
                    queues=QUEUES if user.role != "admin" else (),
                )
    finally:
        await engine.dispose()


async def _up(server: Server, task: asyncio.Task[None]) -> None:
    """Wait until the server serves and each part of it is ready; its own error, if it died."""
    try:
        async with asyncio.timeout(START_SECONDS):
            while not (server.page.listening.is_set() and server.page.ready):
                if task.done():
                    raise DemoFailed(_why_dead(task))
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise DemoFailed(
            f"Ringdesk did not come up within {START_SECONDS:g} s. The log above says why."
        ) from None


def _why_dead(task: asyncio.Task[None]) -> str:
    error = first_error(task.exception() or DemoFailed("it was told to"))
    cure = " Choose another port: ringdesk demo --port 0" if isinstance(error, OSError) else ""
    return f"Ringdesk stopped at its start: {error}.{cure}"


def espeak_voice(espeak: str, text: str, voice: str, file: Path) -> Path:
    """``text`` spoken into ``file`` (WAV) by espeak-ng, for robots to say."""
    command = [espeak, "-v", voice, "-s", "150", "-w", str(file), "--stdin"]
    subprocess.run(command, input=text.encode(), check=True, timeout=20)
    return file
