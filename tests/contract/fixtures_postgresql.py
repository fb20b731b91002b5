"""A real PostgreSQL for the tests: its own data folder and socket, gone afterwards."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import URL

from cti.storage import open_engine
from ringdesk.migrate import migrate

NOBODY = 65534
"""PostgreSQL refuses to run as root; then it runs as this user."""

FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "listen_addresses=")


def server_programs() -> Path:
    """Where Debian keeps initdb and postgres, which are not on the PATH."""
    newest = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    found = newest[0] if newest else shutil.which("initdb")
    assert found, "no PostgreSQL server here: run `make programs`"
    return Path(found).parent


class Postgresql:
    """One server, reached over a socket in its own folder."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self._options = options
        self._programs = server_programs()
        self._databases = 0

    def make(self) -> None:
        """Lay out the data folder. The locale is the one that is everywhere."""
        if os.geteuid() == 0:
            os.chown(self.folder, NOBODY, NOBODY)
        self._run("initdb", "--no-sync", "-A", "trust", "-U", "ringdesk", "--locale=C.UTF-8")

    def start(self) -> None:
        options = " ".join(
            f"-c {option}" for option in (*self._options, f"unix_socket_directories={self.folder}")
        )
        self._run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """``mode``: smart, fast, or immediate, which is a crash."""
        self._run("pg_ctl", "-w", "-m", mode, "stop")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), "-D", str(self.folder / "data"), *arguments]
        if os.geteuid() == 0:
            drop = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
            command = ["setpriv", *drop, *command]
        with tempfile.TemporaryFile() as said:  # a pipe would stay open in the server
            done = subprocess.run(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                check=False,
            )
            said.seek(0)
            assert done.returncode == 0, said.read().decode()

    def url(self, database: str) -> str:
        """The database's URL as a person would write it into the settings."""
        made = URL.create(
            "postgresql+psycopg",
            username="ringdesk",
            database=database,
            query={"host": str(self.folder)},
        )
        return made.render_as_string(hide_password=False)

    def new_database(self, template: str = "template0") -> str:
        """The URL of a fresh database."""
        self._databases += 1
        name = f"test{self._databases}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def sql(self, statement: str) -> None:
        """Run one statement as the owner of everything."""
        with psycopg.connect(
            host=str(self.folder), user="ringdesk", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement)  # type: ignore[call-overload]


def run_server(*options: str) -> Iterator[Postgresql]:
    """A server for the length of a ``with`` or fixture."""
    # Not below pytest's own folder, which no other user may enter; and a socket's path is short.
    folder = Path(tempfile.mkdtemp(prefix="ringdesk-pg-"))
    server = Postgresql(folder, *options)
    try:
        server.make()
        server.start()
        yield server
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            server.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgresql]:
    """The server that the tests share; each takes a database of its own."""
    yield from run_server(*FAST)


@pytest.fixture(scope="session")
def postgresql_template(postgresql: Postgresql) -> str:
    """A migrated database to copy from."""
    postgresql.sql("CREATE DATABASE migrated")
    asyncio.run(_migrated(postgresql.url("migrated")))
    return "migrated"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database file to copy from."""
    file = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    asyncio.run(_migrated(f"sqlite+aiosqlite:///{file}"))
    return file


async def _migrated(url: str) -> None:
    engine = open_engine(url)
    await migrate(engine)
    await engine.dispose()
