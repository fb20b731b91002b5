"""Does the database answer, is it up to date, and who has an account?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.clock import now
from cti.storage import open_engine
from dashboard.accounts import Accounts, User
from ringdesk.doctor.check import Check
from ringdesk.migrate import alembic_config
from ringdesk.settings import Settings

NAME = "database"
_SECONDS = 3.0


async def check_database(settings: Settings) -> tuple[Sequence[User], Check]:
    """The accounts, and the check. Makes nothing and migrates nothing."""
    try:
        url = make_url(settings.database)
    except ArgumentError:
        fix = 'database = "sqlite+aiosqlite:///var/ringdesk.db"'
        return (), Check(NAME, "fail", "`database` is no SQLAlchemy URL", fix)
    if (file := _sqlite_file(url)) and not file.exists():
        said = f"{file} is not there yet: `ringdesk serve` makes it at its first start"
        return (), Check(NAME, "warn", said, "ringdesk serve")
    try:
        return await _look_into(url, settings)
    except (SQLAlchemyError, OSError, ImportError, TimeoutError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines() or ["no answer"]
        said = f"{_shown(url)} cannot be used: {reason[0]}"
        fix = "check `database` in the settings file, that the server runs and lets this user in"
        return (), Check(NAME, "fail", said, fix)


def _sqlite_file(url: URL) -> Path | None:
    is_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    return Path(url.database or "") if is_file else None


def _shown(url: URL) -> str:
    return url.render_as_string(hide_password=True)


async def _look_into(url: URL, settings: Settings) -> tuple[Sequence[User], Check]:
    engine = open_engine(settings.database)
    try:
        async with asyncio.timeout(_SECONDS):
            if (behind := await _behind(engine)) is None:
                users = await Accounts(engine, settings.dashboard, now).all()
                return users, Check(NAME, "ok", f"{_shown(url)}, {_people(users)}")
            return (), Check(NAME, "warn", f"{_shown(url)}: {behind}", "ringdesk serve")
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
