"""The PBX killed with calls on it, and booted again with the same folders."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ringdesk.demo.prefix import Prefix
from tests.chaos.rig import chaos_rig
from tests.pbx.fixtures_world import until

pytestmark = pytest.mark.pbx


async def test_its_calls_end_when_it_died(asterisk_prefix: Prefix, tmp_path: Path) -> None:
    async with chaos_rig(asterisk_prefix, tmp_path) as rig:
        over = await rig.call(1)
        await rig.talk()
        await rig.bridged(2)
        await over.hangup()
        for number in (2, 3):
            await rig.call(number)
            await rig.talk()
        await rig.bridged(6)
        await rig.call(4)
        await rig.told(lambda: rig.count("CallAnswered") == 3, "three to have talked")
        await rig.told(lambda: rig.count("CallQueued") == 4, "four to have queued")
        await rig.told(lambda: rig.count("CallEnded") == 1, "the first to have ended")

        # Nobody looks when it dies; what happened in between is in its records.
        rig.proxy.cut()
        await rig.call(5)
        await rig.told(lambda: rig.count("SwitchLost") == 1, "the loss to be noticed")
        await rig.asterisk.kill()
        killed_at = time.time()
        for phone in (rig.trunk, *rig.phones.values()):
            for call in phone.calls.values():
                call.lost()
        # A channel's id is the second of its birth and a number, from 0 again after each boot.
        await until(lambda: int(time.time()) > int(killed_at), "the next second")
        await rig.asterisk.start()
        rig.proxy.mend()
        await rig.told(lambda: rig.count("SwitchConnected") == 2, "the link to be back")
        await rig.all_ended(5)

        for phone in rig.phones.values():
            await phone.register()
        await rig.call(6)
        await rig.talk()
        await rig.told(lambda: rig.count("CallAnswered") == 4, "life to go on")
        await rig.quiet()
        await rig.all_ended(6)

        # Nothing tells when it died but the last thing it told.
        told = rig.check(killed_at, _silence(rig.asterisk.logs, killed_at))
        assert sum(row.reconstructed for row in told.values()) == 4


def _silence(logs: Path, killed_at: float) -> float:
    """How long it had told nothing when it was killed."""
    lines = (logs / "cel-custom" / "ringdesk.csv").read_text().splitlines()
    times = [float(line.split('","')[1]) for line in lines]
    return killed_at - max(at for at in times if at <= killed_at)
