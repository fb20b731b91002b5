"""The database away while calls come and go, and more than it away at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ringdesk.demo.prefix import Prefix
from tests.chaos.databases import PostgresqlDatabase, Sqlite
from tests.chaos.rig import PATIENCE, Rig, chaos_rig
from tests.contract.fixtures_postgresql import FAST, Postgresql, run_server
from tests.pbx.fixtures_world import until

pytestmark = pytest.mark.pbx


async def test_locked_and_killed(asterisk_prefix: Prefix, tmp_path: Path) -> None:
    """SQLite locked, and Ringdesk killed meanwhile."""
    database = Sqlite(tmp_path / "ringdesk.db")
    async with chaos_rig(asterisk_prefix, tmp_path, database) as rig:
        await rig.call(1)
        one, first = await rig.talk()
        await rig.told(lambda: rig.count("CallAnswered") == 1, "the first to talk")
        with database.locked():
            await first.hangup()
            await rig.call(2)
            _, second = await rig.talk()
            await rig.bridged(4)
            await second.hangup()
            await rig.call(3)
            await rig.talk()
            await rig.bridged(6)
            await spooled(rig, "CallAnswered", 2)
            await rig.kill_ringdesk()
            # Neither Ringdesk nor its database is there.
            await rig.call(4)
            _, fourth = await rig.talk()
            await rig.bridged(8)
            await fourth.hangup()
        await rig.serve()
        await rig.quiet()
        await rig.all_ended(4)

        told = rig.check()
        assert sum(row.reconstructed for row in told.values()) == 1
        assert not spool(rig).exists()
        assert one in rig.phones


@pytest.fixture
def own_postgresql() -> Iterator[Postgresql]:
    """A server that a test may stop; what it committed must outlive that."""
    yield from run_server(*FAST, "synchronous_commit=on")


async def test_silent_and_crashed(
    asterisk_prefix: Prefix, own_postgresql: Postgresql, tmp_path: Path
) -> None:
    """PostgreSQL stands still, is back, and crashes; the link is lost while it stands still."""
    database = PostgresqlDatabase(own_postgresql)
    async with chaos_rig(asterisk_prefix, tmp_path, database) as rig:
        await rig.call(1)
        _, first = await rig.talk()
        await rig.told(lambda: rig.count("CallAnswered") == 1, "the first to talk")
        with database.silent():
            await first.hangup()
            await rig.call(2)
            await rig.talk()
            await spooled(rig, "CallAnswered", 1)
            rig.proxy.cut()
            await spooled(rig, "SwitchLost", 1)
            await rig.call(3)
            _, third = await rig.talk()
            await rig.bridged(6)
            await third.hangup()
            rig.proxy.mend()
            # The history cannot be asked which of these calls it has.
            await spooled(rig, "SwitchConnected", 1)
            await alarmed(rig, 1)
        await cleared(rig, 1)
        assert rig.count("CallAnswered") == 3

        with database.stopped():
            await rig.call(4)
            _, fourth = await rig.talk()
            await rig.bridged(8)
            await fourth.hangup()
            await rig.call(5)
            await spooled(rig, "CallQueued", 2)
            await alarmed(rig, 2)
        await rig.talk()
        await cleared(rig, 2)
        await rig.told(lambda: rig.count("CallAnswered") == 5, "the last to talk")
        await rig.quiet()
        await rig.all_ended(5)

        told = rig.check()
        assert sum(row.reconstructed for row in told.values()) == 1
        assert (rig.logged("journal_not_written"), rig.logged("journal_written_again")) == (2, 2)


def spool(rig: Rig) -> Path:
    """Where events wait for the database."""
    return rig.folder / "journal.spool"


async def spooled(rig: Rig, kind: str, count: int) -> None:
    """Wait until so many events of a type wait for the database."""

    def holds() -> bool:
        return spool(rig).exists() and spool(rig).read_text().count(f'"{kind}"') >= count

    await until(holds, f"{count} {kind} in the spool", PATIENCE)


async def alarmed(rig: Rig, times: int) -> None:
    """Wait until it was said so often that the database takes nothing."""
    await until(lambda: rig.logged("journal_not_written") == times, "the alarm", PATIENCE)


async def cleared(rig: Rig, times: int) -> None:
    """Wait until it was said so often that the database takes everything again."""
    await until(lambda: rig.logged("journal_written_again") == times, "the all-clear", PATIENCE)
    await until(lambda: not spool(rig).exists(), "the spool to be gone", PATIENCE)
