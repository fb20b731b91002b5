"""Local channels with and without optimisation, ring groups, direct calls."""

from __future__ import annotations

from capture_rig import CUSTOMER, Rig

from cti.summary import CallSummary
from scenarios.base import (
    answer,
    call,
    connect,
    handed_on,
    offer,
    over,
    pause,
    scenario,
    talk,
    wait,
)


@scenario()
async def local_member_kept(rig: Rig) -> list[CallSummary]:
    """A member Local/101@members/n: the Local channel stays in the path."""
    one = await connect(rig, member="Local/101@members/n")
    await one.ring.hangup()
    await over(one.customer)
    return [call("inbound", "answered", *one.so_far(), one.talked())]


@scenario()
async def local_member_optimised(rig: Rig) -> list[CallSummary]:
    """A member Local/101@members: the Local channel takes itself out of the path."""
    one = await connect(rig, member="Local/101@members")
    await one.ring.hangup()
    await over(one.customer)
    return [call("inbound", "answered", *one.so_far(), one.talked())]


@scenario()
async def local_member_with_state(rig: Rig) -> list[CallSummary]:
    """The queue is told whose state counts; the caller hangs up."""
    await rig.add("Local/101@members", StateInterface="PJSIP/101")
    customer = await rig.call_in("700")
    ring = await rig.rings("101")
    await pause()
    await answer(ring)
    await pause()
    await customer.hangup()
    await over(ring)
    return [
        call(
            "inbound",
            "answered",
            wait("support", customer.answered_at, ring.answered_at, "connected"),
            offer("101", ring, "answered"),
            talk("101", ring.answered_at, customer.ended_at),
        )
    ]


@scenario()
async def local_member_no_answer(rig: Rig) -> list[CallSummary]:
    """Nobody picks up behind the Local channel; the caller gives up at the second ringing."""
    await rig.add("Local/101@members/n")
    customer = await rig.call_in("700")
    first = await rig.rings("101")
    second = await rig.rings("101")
    await pause(0.4)
    await customer.hangup()
    await over(first, second)
    return [
        call(
            "inbound",
            "abandoned",
            wait("support", customer.answered_at, customer.ended_at, "abandoned"),
            offer("101", first, "no_answer"),
            offer("101", second, "cancelled"),
        )
    ]


@scenario()
async def local_member_blind_transfer(rig: Rig) -> list[CallSummary]:
    one = await connect(rig, member="Local/101@members/n")
    return await handed_on(rig, one, one.ring.transfer("102"))


@scenario()
async def local_extension(rig: Rig) -> list[CallSummary]:
    """Dial(Local/102@internal): a Local channel that is no queue's member."""
    customer = await rig.call_in("715")
    ring = await rig.rings("102")
    await pause()
    await answer(ring)
    await pause()
    await ring.hangup()
    await over(customer)
    return [
        call(
            "inbound",
            "answered",
            offer("102", ring, "answered"),
            talk("102", ring.answered_at, ring.ended_at),
        )
    ]


@scenario()
async def ring_group(rig: Rig) -> list[CallSummary]:
    """Dial(101&102): 102 is faster."""
    customer = await rig.trunk.call("710", from_user=CUSTOMER)
    slow, fast = await rig.rings("101"), await rig.rings("102")
    await pause()
    await answer(fast)
    await customer.answered(timeout=5)
    await pause()
    await customer.hangup()
    await over(slow, fast)
    return [
        call(
            "inbound",
            "answered",
            offer("101", slow, "cancelled"),
            offer("102", fast, "answered"),
            talk("102", fast.answered_at, customer.ended_at),
        )
    ]


@scenario()
async def ring_group_given_up(rig: Rig) -> list[CallSummary]:
    """Both ring until the caller gives up."""
    customer = await rig.trunk.call("710", from_user=CUSTOMER)
    rings = [await rig.rings("101"), await rig.rings("102")]
    await pause()
    await customer.hangup()
    await over(*rings)
    cancelled = [offer(f"10{n}", ring, "cancelled") for n, ring in enumerate(rings, 1)]
    return [call("inbound", "abandoned", *cancelled)]


@scenario()
async def direct_call_no_answer(rig: Rig) -> list[CallSummary]:
    """A number that rings one phone for three seconds."""
    customer = await rig.trunk.call("711", from_user=CUSTOMER)
    ring = await rig.rings("101")
    await over(customer, ring)
    return [call("inbound", "no_answer", offer("101", ring, "no_answer"))]
