"""kill -9 with two talking, one held and three waiting, while callers come and go."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringdesk.demo.prefix import Prefix
from tests.chaos.rig import Records, chaos_rig

pytestmark = pytest.mark.pbx


@pytest.mark.parametrize("records", ["cel", "cdr"])
async def test_every_call_once_and_true(
    asterisk_prefix: Prefix, tmp_path: Path, records: Records
) -> None:
    async with chaos_rig(asterisk_prefix, tmp_path, records=records) as rig:
        customers = {n: await rig.call(n) for n in (1, 2, 3)}
        talks = dict([await rig.talk() for _ in customers])
        one, two, three = talks
        await rig.bridged(6)
        await talks[three].hold()
        waiting = [await rig.call(n) for n in (4, 5, 6)]
        await rig.told(lambda: rig.count("CallQueued") == 6, "six to have queued")
        await rig.told(lambda: rig.count("CallHeld") == 1, "the hold")
        await rig.kill_ringdesk()

        # The first to wait is answered, and then held; the second gives up.
        await talks[one].hangup()
        _, fourth = await rig.talk(one)
        await rig.bridged(8)
        await fourth.hold()
        await rig.gives_up(waiting[1])
        # The last to wait is answered and served to the end.
        await talks[two].hangup()
        _, sixth = await rig.talk(two)
        await rig.bridged(10)
        await sixth.hangup()
        # One comes, is served and goes; one comes and gives up; one comes and waits on.
        await rig.call(7)
        _, seventh = await rig.talk(two)
        await rig.bridged(12)
        await seventh.hangup()
        eighth = await rig.call(8)
        await rig.ring(two)
        await rig.gives_up(eighth)
        await rig.call(9)
        _, ninth = await rig.ring(two)

        await rig.serve()
        held = {f"PJSIP/{agent}" for agent in (one, three)}
        await rig.told(lambda: rig.count("CallHeld") == 2, "the hold that was not seen")
        assert {agent for agent in held if rig.count("CallHeld", agent=agent) == 1} == held
        await ninth.answer()
        await rig.told(lambda: rig.count("CallAnswered") == 7, "the last to be answered")
        await rig.quiet()
        await rig.all_ended(9)

        told = rig.check()
        marks = [told[linkedid].reconstructed for linkedid in sorted(told, key=_number)]
        # Which of the first three the third agent got, and holds, is the queue's own affair.
        assert sorted(marks[:3]) == [False, True, True]
        assert marks[3:] == [True] * 6


def _number(linkedid: str) -> int:
    """Uniqueids count up."""
    return int(linkedid.rpartition(".")[2])
