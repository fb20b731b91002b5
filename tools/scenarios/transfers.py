"""Customers handed on by agents, and colleagues who are asked."""

from __future__ import annotations

import asyncio
import time

from capture_rig import OUTSIDE, Rig

from cti.summary import CallSummary, Transfer
from ringdesk.demo.phone import Call
from scenarios.base import (
    Talking,
    answer,
    call,
    connect,
    handed_on,
    hears,
    offer,
    over,
    pause,
    scenario,
    talk,
)


@scenario()
async def blind_transfer_refer(rig: Rig) -> list[CallSummary]:
    one = await connect(rig)
    return await handed_on(rig, one, one.ring.transfer("102"))


@scenario()
async def blind_transfer_ami(rig: Rig) -> list[CallSummary]:
    one = await connect(rig)
    channel = rig.channel("PJSIP/101")
    transfer = rig.ami("BlindTransfer", Channel=channel, Context="internal", Exten="102")
    return await handed_on(rig, one, transfer)


@scenario()
async def blind_transfer_not_taken(rig: Rig) -> list[CallSummary]:
    """102 declines, and the dialplan hangs up."""
    one = await connect(rig)
    done = asyncio.ensure_future(one.ring.transfer("102"))
    moved = time.time()
    ring = await rig.rings("102")
    await pause(0.4)
    await ring.reject(486)
    await done
    await over(one.customer)
    return [
        call(
            "inbound",
            "answered",
            *one.so_far(),
            offer("102", ring, "rejected"),
            one.talked(moved),
            Transfer("blind", "102"),
        )
    ]


@scenario()
async def blind_transfer_outside(rig: Rig) -> list[CallSummary]:
    """To an outside number, over the trunk."""
    one = await connect(rig)
    done = asyncio.ensure_future(one.ring.transfer(OUTSIDE))
    moved = time.time()
    far = await rig.outside()
    await pause(0.4)
    await answer(far)
    await done
    await pause()
    await far.hangup()
    await over(one.customer)
    return [
        call(
            "inbound",
            "answered",
            *one.so_far(),
            one.talked(moved),
            talk("trunk", far.answered_at, far.ended_at),
            Transfer("blind", OUTSIDE),
        )
    ]


async def _asked(rig: Rig, one: Talking) -> tuple[Call, Call]:
    """The agent puts the customer on hold and talks with 102: both ends of that talk."""
    await one.ring.hold()
    asking = await rig.phones["101"].call("102")
    asked = await rig.rings("102")
    await pause(0.4)
    await answer(asked)
    await asking.answered(timeout=5)
    await hears(asking)
    await pause()
    return asking, asked


@scenario()
async def attended_transfer_refer(rig: Rig) -> list[CallSummary]:
    one = await connect(rig)
    asking, asked = await _asked(rig, one)
    moved = time.time()
    await one.ring.transfer_to(asking)
    await pause()
    await one.customer.hangup()
    await over(asked)
    return [
        call(
            "inbound",
            "answered",
            *one.so_far(),
            one.talked(moved),
            talk("102", moved, one.customer.ended_at),
            Transfer("attended", "102"),
        ),
        call(
            "internal",
            "answered",
            offer("102", asked, "answered"),
            talk("102", asked.answered_at, moved),
        ),
    ]


@scenario()
async def attended_transfer_ami(rig: Rig) -> list[CallSummary]:
    """Atxfer: Asterisk itself dials 102 for the agent, who then hangs up."""
    one = await connect(rig, "703")
    channel = rig.channel("PJSIP/101")
    await rig.ami("Atxfer", Channel=channel, Context="internal", Exten="102")
    asked = await rig.rings("102")
    await pause(0.4)
    await answer(asked)
    await pause(0.8)
    await one.ring.hangup()
    await pause()
    await one.customer.hangup()
    await over(asked)
    return [
        call(
            "inbound",
            "answered",
            *one.so_far(),
            offer("102", asked, "answered"),
            one.talked(asked.started_at),
            talk("102", asked.answered_at, one.ring.ended_at),
            talk("102", one.ring.ended_at, one.customer.ended_at),
            Transfer("attended", "102"),
        )
    ]


@scenario()
async def consultation_cancelled(rig: Rig) -> list[CallSummary]:
    """The agent asks a colleague and goes back to the customer."""
    one = await connect(rig)
    asking, asked = await _asked(rig, one)
    await asking.hangup()
    await over(asked)
    await one.ring.unhold()
    await pause()
    await one.ring.hangup()
    await over(one.customer)
    return [
        call("inbound", "answered", *one.so_far(), one.talked()),
        call(
            "internal",
            "answered",
            offer("102", asked, "answered"),
            talk("102", asked.answered_at, asking.ended_at),
        ),
    ]


@scenario()
async def consultation_unanswered(rig: Rig) -> list[CallSummary]:
    """The colleague does not pick up; the agent gives up and goes back to the customer."""
    one = await connect(rig)
    await one.ring.hold()
    asking = await rig.phones["101"].call("102")
    asked = await rig.rings("102")
    await pause()
    await asking.hangup()
    await over(asked)
    await one.ring.unhold()
    await pause()
    await one.ring.hangup()
    await over(one.customer)
    return [
        call("inbound", "answered", *one.so_far(), one.talked()),
        call("internal", "no_answer", offer("102", asked, "cancelled")),
    ]
