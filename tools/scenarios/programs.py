"""Calls that programs make (Originate)."""

from __future__ import annotations

import time

from capture_rig import BUSY, OUTSIDE, SILENT, UNKNOWN, Rig

from cti.summary import CallSummary
from scenarios.base import (
    answer,
    call,
    offer,
    over,
    pause,
    scenario,
    talk,
    wait,
)


async def originate(rig: Rig, channel: str, exten: str, context: str, seconds: float = 2) -> None:
    """AMI Originate, with the identity given as Ringdesk does."""
    await rig.ami(
        "Originate",
        Channel=channel,
        Exten=exten,
        Context=context,
        Priority="1",
        Timeout=str(round(seconds * 1000)),
        ChannelId=f"rec-{time.time_ns()}",
        Async="true",
    )


@scenario()
async def originate_answered(rig: Rig) -> list[CallSummary]:
    """A customer is called, answers, and waits for an agent."""
    await rig.add("PJSIP/101")
    await originate(rig, f"PJSIP/{OUTSIDE}@trunk", "700", "from-trunk")
    far = await rig.outside()
    await pause(0.4)
    await answer(far)
    ring = await rig.rings("101")
    await pause(0.4)
    await answer(ring)
    await pause()
    await ring.hangup()
    await over(far)
    return [
        call(
            "outbound",
            "answered",
            wait("support", far.answered_at, ring.answered_at, "connected"),
            offer("101", ring, "answered"),
            talk("101", ring.answered_at, ring.ended_at),
        )
    ]


@scenario()
async def originate_busy(rig: Rig) -> list[CallSummary]:
    await originate(rig, f"PJSIP/{BUSY}@trunk", "700", "from-trunk")
    await rig.said("OriginateResponse")
    return [call("outbound", "busy")]


@scenario()
async def originate_no_answer(rig: Rig) -> list[CallSummary]:
    await originate(rig, f"PJSIP/{SILENT}@trunk", "700", "from-trunk")
    await rig.said("OriginateResponse")
    return [call("outbound", "no_answer")]


@scenario()
async def originate_unknown(rig: Rig) -> list[CallSummary]:
    await originate(rig, f"PJSIP/{UNKNOWN}@trunk", "700", "from-trunk")
    await rig.said("OriginateResponse")
    return [call("outbound", "failed")]


@scenario()
async def originate_abandoned(rig: Rig) -> list[CallSummary]:
    """A customer is called, answers, waits in vain and hangs up."""
    await originate(rig, f"PJSIP/{OUTSIDE}@trunk", "700", "from-trunk")
    far = await rig.outside()
    await pause(0.4)
    await answer(far)
    await pause()
    await far.hangup()
    waited = wait("support", far.answered_at, far.ended_at, "abandoned")
    return [call("outbound", "abandoned", waited)]


@scenario()
async def click_to_call(rig: Rig) -> list[CallSummary]:
    """The agent's phone rings first, then the customer's."""
    await originate(rig, "PJSIP/101", OUTSIDE, "internal")
    ring = await rig.rings("101")
    await pause(0.4)
    await answer(ring)
    far = await rig.outside()
    await pause(0.4)
    await answer(far)
    await pause()
    await ring.hangup()
    await over(far)
    return [call("outbound", "answered", talk("101", far.answered_at, ring.ended_at))]


@scenario()
async def click_to_call_busy(rig: Rig) -> list[CallSummary]:
    await originate(rig, "PJSIP/101", BUSY, "internal")
    ring = await rig.rings("101")
    await pause(0.4)
    await answer(ring)
    await over(ring)
    return [call("outbound", "busy")]


@scenario()
async def click_to_call_not_taken(rig: Rig) -> list[CallSummary]:
    """The agent does not pick up: nobody outside was called."""
    await originate(rig, "PJSIP/101", OUTSIDE, "internal")
    await over(await rig.rings("101"))
    await rig.said("OriginateResponse")
    return [call("internal", "no_answer")]


@scenario()
async def click_to_call_given_up(rig: Rig) -> list[CallSummary]:
    """The agent hangs up before the customer answers."""
    await originate(rig, "PJSIP/101", SILENT, "internal")
    ring = await rig.rings("101")
    await pause(0.4)
    await answer(ring)
    far = await rig.outside()
    await pause()
    await ring.hangup()
    await over(far)
    return [call("outbound", "no_answer")]


@scenario()
async def click_to_call_over_local(rig: Rig) -> list[CallSummary]:
    """The same through a Local channel, as many desks do it."""
    await originate(rig, "Local/101@members", OUTSIDE, "internal")
    ring = await rig.rings("101")
    await pause(0.4)
    await answer(ring)
    far = await rig.outside()
    await pause(0.4)
    await answer(far)
    await pause()
    await ring.hangup()
    await over(far)
    return [call("outbound", "answered", talk("101", far.answered_at, ring.ended_at))]
