"""What lies on this machine: menus, policy, database, accounts, the page's port."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from callqueue.policy_file import load_policy
from cti.clock import now
from cti.config_files import ConfigFileError, Problem
from cti.storage import open_engine
from dashboard.accounts import Accounts, User
from dashboard.settings import DashboardSettings
from ivr.loading import load_menus
from ivr.menus import Menus
from ringdesk.doctor.check import Check, State
from ringdesk.migrate import alembic_config
from ringdesk.settings import Settings

MENUS, POLICY, DATABASE, PAGE = "menus", "priority policy", "database", "page"
_MOST_PROBLEMS = 5
_DATABASE_SECONDS = 3.0


@dataclass(frozen=True)
class Site:
    """What was found here, for the checks on the PBX that need it."""

    menus: Menus | None
    users: Sequence[User]
    checks: Sequence[Check]

    @property
    def menu_names(self) -> list[str] | None:
        """The menus there are; None when they are not in order."""
        return list(self.menus.menus) if self.menus else None

    @property
    def speaks(self) -> bool:
        """Whether any menu has a text that is spoken."""
        return any(prompt.say for _, prompt in self.menus.sounds) if self.menus else False

    def queues(self, settings: Settings) -> Mapping[str, str]:
        """Queues that are named somewhere, and where."""
        named = {settings.fallback_queue: "fallback_queue"}
        for menu, queue in self._of_menus():
            named.setdefault(queue, f"menu {menu}")
        for user in self.users:
            named |= {q: f"the account {user.username}" for q in user.queues if q not in named}
        for queue in (*settings.recordings.queues, *settings.recordings.speech.queue_languages):
            named.setdefault(queue, "[recordings]")
        return named

    def _of_menus(self) -> Iterable[tuple[str, str]]:
        for name, menu in self.menus.menus.items() if self.menus else ():
            for step in menu.step.values():
                yield from ((name, e.to.target) for e in step.exits() if e.to.kind == "queue")

    @property
    def phones(self) -> list[str]:
        """The phones of all active agents."""
        return [user.agent for user in self.users if user.agent and user.active]


async def look_around(settings: Settings) -> Site:
    """Look at everything that needs no PBX."""
    menus, menu_checks = await asyncio.to_thread(_check_menus, settings)
    policy = await asyncio.to_thread(_check_policy, settings)
    users, database = await _check_database(settings)
    page = await _check_page(settings.dashboard)
    return Site(menus, users, [*menu_checks, *policy, database, page])


def _check_menus(settings: Settings) -> tuple[Menus | None, list[Check]]:
    try:
        menus = load_menus(settings.ivr)
    except ConfigFileError as error:
        return None, _told(MENUS, "fail", error.problems)
    names = ", ".join(sorted(menus.menus))
    return menus, _told(MENUS, "warn", menus.warnings) or [Check(MENUS, "ok", f"{names} in order")]


def _check_policy(settings: Settings) -> list[Check]:
    try:
        policy = load_policy(settings.queue.policy)
    except ConfigFileError as error:
        return _told(POLICY, "fail", error.problems)
    return [Check(POLICY, "ok", f"{settings.queue.policy}: {policy.title}")]


def _told(name: str, state: State, problems: Sequence[Problem]) -> list[Check]:
    """A line for each problem; of many, the first."""
    checks = [Check(name, state, _without_cure(p), p.cure) for p in problems[:_MOST_PROBLEMS]]
    if rest := len(problems) - len(checks):
        said = f"{rest} more problems"
        checks.append(Check(name, state, said, "ringdesk menus check" if name == MENUS else ""))
    return checks


def _without_cure(problem: Problem) -> str:
    place = f"{problem.file}:{problem.line}" if problem.line else problem.file
    return f"{place}:{f' {problem.key}:' if problem.key else ''} {problem.reason}"


# --- database ------------------------------------------------------------------------------------


async def _check_database(settings: Settings) -> tuple[Sequence[User], Check]:
    try:
        url = make_url(settings.database)
    except ArgumentError:
        fix = 'database = "sqlite+aiosqlite:///var/ringdesk.db"'
        return (), Check(DATABASE, "fail", "`database` is no SQLAlchemy URL", fix)
    if (file := _sqlite_file(url)) and not file.exists():
        said = f"{file} is not there yet: `ringdesk serve` makes it at its first start"
        return (), Check(DATABASE, "warn", said, "ringdesk serve")
    try:
        return await _look_into(url, settings)
    except (SQLAlchemyError, OSError, ImportError, TimeoutError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines() or ["no answer"]
        said = f"{_shown(url)} cannot be used: {reason[0]}"
        fix = "check `database` in the settings file, that the server runs and lets this user in"
        return (), Check(DATABASE, "fail", said, fix)


def _sqlite_file(url: URL) -> Path | None:
    is_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    return Path(url.database or "") if is_file else None


def _shown(url: URL) -> str:
    return url.render_as_string(hide_password=True)


async def _look_into(url: URL, settings: Settings) -> tuple[Sequence[User], Check]:
    engine = open_engine(settings.database)
    try:
        async with asyncio.timeout(_DATABASE_SECONDS):
            if (behind := await _behind(engine)) is None:
                users = await Accounts(engine, settings.dashboard, now).all()
                return users, Check(DATABASE, "ok", f"{_shown(url)}, {_people(users)}")
            return (), Check(DATABASE, "warn", f"{_shown(url)}: {behind}", "ringdesk serve")
    finally:
        await engine.dispose()


def _people(users: Sequence[User]) -> str:
    return f"{len(users)} account{'' if len(users) == 1 else 's'}"


async def _behind(engine: AsyncEngine) -> str | None:
    """How the database lags behind this program; None: it does not."""

    def heads(connection: Connection) -> tuple[set[str], set[str]]:
        script = ScriptDirectory.from_config(alembic_config(connection))
        context = MigrationContext.configure(connection)
        return set(context.get_current_heads()), set(script.get_heads())

    async with engine.connect() as connection:
        have, want = await connection.run_sync(heads)
    if have == want:
        return None
    return "not migrated to this version: the next start of `ringdesk serve` does it"


# --- the page ------------------------------------------------------------------------------------


async def _check_page(settings: DashboardSettings) -> Check:
    address = f"{settings.host}:{settings.port}"
    try:
        _try_to_listen(settings.host, settings.port)
    except OSError as error:
        return await _held(settings, error)
    return Check(PAGE, "ok", f"port free: Ringdesk is not running, it will listen on {address}")


def _try_to_listen(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        probe.listen()


async def _held(settings: DashboardSettings, error: OSError) -> Check:
    address = f"{settings.host}:{settings.port}"
    if error.errno != errno.EADDRINUSE:
        said = f"Ringdesk cannot listen on {address}: {error.strerror}"
        fix = "[dashboard] host must be an address of this machine; ports below 1024 need root"
        return Check(PAGE, "fail", said, fix)
    health = await _health(settings)
    if health is None:
        fix = f"ss -ltnp 'sport = :{settings.port}'   # who is it?\nor set port under [dashboard]"
        return Check(PAGE, "fail", f"another program holds {address}", fix)
    if health.get("status") != "ok":
        said = f"Ringdesk serves on {address}, link {health.get('link')}, journal "
        return Check(PAGE, "warn", said + str(health.get("journal")), "see the log of Ringdesk")
    return Check(PAGE, "ok", f"Ringdesk serves on http://{address}")


async def _health(settings: DashboardSettings) -> Mapping[str, object] | None:
    """What the server there says of itself; None: it is no Ringdesk."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104
    try:
        timeout = aiohttp.ClientTimeout(total=2)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"http://{host}:{settings.port}/api/health") as answer,
        ):
            told = await answer.json()
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None
    return told if isinstance(told, dict) and "journal" in told else None
