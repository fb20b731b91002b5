"""The AMI link cut, and half-open: nothing is closed, and nothing passes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ringdesk.demo.prefix import Prefix
from tests.chaos.rig import Rig, chaos_rig

pytestmark = pytest.mark.pbx


async def test_cut_and_half_open(asterisk_prefix: Prefix, tmp_path: Path) -> None:
    async with chaos_rig(asterisk_prefix, tmp_path) as rig:
        await unseen(rig, rig.proxy.cut, first=1)
        await unseen(rig, rig.proxy.freeze, first=11)
        await rig.quiet()
        await rig.all_ended(10)

        told = rig.check()
        assert rig.count("SwitchLost") == 2
        assert sum(row.reconstructed for row in told.values()) == 8


async def unseen(rig: Rig, breaks: Callable[[], None], first: int) -> None:
    """Two talk, one waits; behind the broken link one ends, one is taken, others come and go."""
    before = rig.count("SwitchConnected"), rig.count("SwitchLost"), rig.count("CallAnswered")
    bridges = rig.bridges()
    talks = []
    for number in (first, first + 1):
        await rig.call(number)
        talks.append(await rig.talk())
    await rig.bridged(bridges + 4)
    await rig.told(lambda: rig.count("CallAnswered") == before[2] + 2, "two to talk")
    breaks()
    # The third agent: one call from its first to its last moment, and a caller who gives up.
    await rig.call(first + 2)
    third, served = await rig.talk()
    await rig.bridged(bridges + 6)
    await served.hangup()
    given_up = await rig.call(first + 3)
    await rig.ring(third)
    await rig.gives_up(given_up)
    await talks[0][1].hangup()
    # And one who is still there when the link is back.
    await rig.call(first + 4)
    _, last = await rig.ring(third, talks[0][0])
    await rig.told(lambda: rig.count("SwitchLost") > before[1], "the loss to be noticed")
    rig.proxy.mend()
    await rig.told(lambda: rig.count("SwitchConnected") > before[0], "the link to be back")
    await last.answer()
    await rig.told(lambda: rig.count("CallAnswered") == before[2] + 4, "the last to talk")
    await last.hangup()
    await talks[1][1].hangup()
    await rig.told(lambda: rig.count("CallEnded") == rig.count("CallArrived"), "all to have ended")
