"""The database locked while calls come and go, and Ringdesk killed meanwhile."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringdesk.demo.prefix import Prefix
from tests.chaos.rig import PATIENCE, chaos_rig
from tests.pbx.fixtures_world import until

pytestmark = pytest.mark.pbx


async def test_locked_and_killed(asterisk_prefix: Prefix, tmp_path: Path) -> None:
    async with chaos_rig(asterisk_prefix, tmp_path) as rig:
        await rig.call(1)
        one, first = await rig.talk()
        await rig.told(lambda: rig.count("CallAnswered") == 1, "the first to talk")
        spool = tmp_path / "journal.spool"
        with locked(rig.database):
            await first.hangup()
            await rig.call(2)
            _, second = await rig.talk()
            await rig.bridged(4)
            await second.hangup()
            await rig.call(3)
            await rig.talk()
            await rig.bridged(6)
            await until(
                lambda: spool.exists() and spool.read_text().count('"CallAnswered"') >= 2,
                "the spool to have the calls",
                PATIENCE,
            )
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
        assert not spool.exists()
        assert one in rig.phones


@contextlib.contextmanager
def locked(database: Path) -> Iterator[None]:
    """Another program holds SQLite's lock."""
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("begin immediate")
        try:
            yield
        finally:
            other.execute("rollback")
