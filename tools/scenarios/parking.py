"""Calls parked and retrieved, and picked up from another phone."""

from __future__ import annotations

import asyncio
import time

from capture_rig import CUSTOMER, Rig

from cti.summary import CallSummary, Transfer
from scenarios.base import (
    call,
    connect,
    offer,
    over,
    pause,
    scenario,
    talk,
    wait,
)


@scenario()
async def parked_by_refer(rig: Rig) -> list[CallSummary]:
    """The agent transfers the customer to the parking extension; 102 takes them out."""
    one = await connect(rig)
    parking = asyncio.ensure_future(one.ring.transfer("750"))
    moved = time.time()
    await rig.said("ParkedCall")
    await parking
    await pause()
    taker = await rig.phones["102"].call("751")
    await taker.answered(timeout=5)
    taken = taker.answered_at
    await pause()
    await taker.hangup()
    await over(one.customer)
    return [
        call(
            "inbound",
            "answered",
            *one.so_far(),
            one.talked(moved),
            talk("102", taken, taker.ended_at),
            Transfer("blind", "750"),
        ),
        call("internal", "answered"),
    ]


@scenario()
async def parked_by_ami(rig: Rig) -> list[CallSummary]:
    one = await connect(rig)
    moved = time.time()
    customer, agent = rig.channel("PJSIP/trunk"), rig.channel("PJSIP/101")
    await rig.ami("Park", Channel=customer, TimeoutChannel=agent, Timeout="45000")
    await rig.said("ParkedCall")
    await pause()
    taker = await rig.phones["102"].call("751")
    await taker.answered(timeout=5)
    taken = taker.answered_at
    await pause()
    await taker.hangup()
    await over(one.customer)
    return [
        call(
            "inbound",
            "answered",
            *one.so_far(),
            one.talked(moved),
            talk("102", taken, taker.ended_at),
        ),
        call("internal", "answered"),
    ]


@scenario()
async def parked_and_gives_up(rig: Rig) -> list[CallSummary]:
    one = await connect(rig)
    parking = asyncio.ensure_future(one.ring.transfer("750"))
    moved = time.time()
    await rig.said("ParkedCall")
    await parking
    await pause()
    await one.customer.hangup()
    return [
        call(
            "inbound",
            "answered",
            *one.so_far(),
            one.talked(moved),
            Transfer("blind", "750"),
        )
    ]


@scenario()
async def pickup_of_a_direct_call(rig: Rig) -> list[CallSummary]:
    """101 rings; 102 picks the call up from there."""
    customer = await rig.trunk.call("711", from_user=CUSTOMER)
    ring = await rig.rings("101")
    await pause()
    taker = await rig.phones["102"].call("781")
    await taker.answered(timeout=5)
    taken = taker.answered_at
    await pause()
    await taker.hangup()
    await over(customer, ring)
    return [
        call(
            "inbound",
            "answered",
            offer("101", ring, "cancelled", taken),
            talk("102", taken, taker.ended_at),
        ),
        call("internal", "answered"),
    ]


@scenario()
async def pickup_from_the_queue(rig: Rig) -> list[CallSummary]:
    await rig.add("PJSIP/101")
    customer = await rig.call_in("700")
    ring = await rig.rings("101")
    await pause()
    taker = await rig.phones["102"].call("781")
    await taker.answered(timeout=5)
    taken = taker.answered_at
    await pause()
    await customer.hangup()
    await over(taker, ring)
    return [
        call(
            "inbound",
            "answered",
            wait("support", customer.answered_at, taken, "connected"),
            offer("101", ring, "cancelled", taken),
            talk("102", taken, customer.ended_at),
        ),
        call("internal", "answered"),
    ]
