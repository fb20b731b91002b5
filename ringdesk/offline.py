"""What the command line does beside a running server, on the same database and files."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import get_args

from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from crm_bridge import importing
from cti.clock import now
from cti.config_files import ConfigFileError, Problem
from cti.storage import open_engine, shown
from dashboard.accounts import AccountError, Accounts
from dashboard.passwords import generate
from dashboard.rights import Role
from ivr.loading import load_menus
from ringdesk.migrate import migrate
from ringdesk.settings import Settings

VERDICTS: tuple[str, ...] = get_args(importing.Verdict)

_AGENT = re.compile(r"([a-z0-9][a-z0-9_]*:)?[A-Za-z0-9]+/[A-Za-z0-9_.@-]+\Z")


class Failed(Exception):
    """The command could not be carried out; the message says why and what to do."""


@contextlib.asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[AsyncEngine]:
    """The database, brought up to date. Raises :class:`Failed`."""
    try:
        engine = open_engine(settings.database)
    except (ArgumentError, OSError) as error:
        raise Failed(f"database {shown(settings.database)}: {error}. Mend `database`.") from error
    try:
        await migrate(engine)
        yield engine
    except SQLAlchemyError as error:
        where, reason = shown(settings.database), str(error).splitlines()[0]
        raise Failed(f"database {where}: {reason}. Nothing was changed.") from error
    finally:
        await engine.dispose()


async def import_customers(
    settings: Settings, file: Path, *, dry_run: bool, progress: Callable[[int], None]
) -> list[importing.RowVerdict]:
    """Import a CSV file; a verdict a row. Raises :class:`Failed`."""
    try:
        text = importing.read_text(file)
        async with database(settings) as engine:
            return await importing.import_customers(
                engine,
                text,
                region=settings.crm.default_region,
                at=now(),
                dry_run=dry_run,
                progress=progress,
            )
    except importing.UnreadableFile as error:
        raise Failed(error) from error


async def add_user(
    settings: Settings, *, username: str, name: str, role: Role, agent: str, queues: Sequence[str]
) -> str:
    """Make an account; returns its password. Raises :class:`Failed`."""
    if agent and not _AGENT.match(agent):
        raise Failed(
            f"--agent {agent!r}: write technology/name, such as PJSIP/101, and before it the switch"
            " if it is not the first one: west:PJSIP/101."
        )
    async with database(settings) as engine:
        try:
            accounts = Accounts(engine, settings.dashboard, now, switches=settings.switch_names)
            _, password = await accounts.add(
                username, name or username, role, agent=agent, queues=queues
            )
        except AccountError as error:
            raise Failed(f"{error}. {error.cure}") from error
    return password or ""


async def reset_password(settings: Settings, username: str) -> str:
    """Give a new password; returns it. Raises :class:`Failed`."""
    password = generate()
    async with database(settings) as engine:
        accounts = Accounts(engine, settings.dashboard, now)
        if await accounts.change(username, {"password": password}) is None:
            known = ", ".join(user.username for user in await accounts.all()) or "nobody yet"
            raise Failed(f"There is no user {username!r}. Users are: {known}.")
    return password


def check_menus(settings: Settings) -> tuple[Sequence[Problem], Sequence[Problem]]:
    """What is wrong and what is doubtful in the menu files."""
    try:
        menus = load_menus(settings.ivr)
    except ConfigFileError as error:
        return error.problems, ()
    return (), menus.warnings
