"""Callers who wait: answered, refused, given up, timed out."""

from __future__ import annotations

from capture_rig import Rig

from cti.summary import CallSummary
from scenarios.base import (
    answer,
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
async def answered_agent_hangs_up(rig: Rig) -> list[CallSummary]:
    one = await connect(rig)
    await one.ring.hangup()
    await over(one.customer)
    return [call("inbound", "answered", *one.so_far(), one.talked())]


@scenario()
async def answered_caller_hangs_up(rig: Rig) -> list[CallSummary]:
    one = await connect(rig)
    await one.customer.hangup()
    await over(one.ring)
    return [call("inbound", "answered", *one.so_far(), one.talked(one.customer.ended_at))]


@scenario()
async def hold(rig: Rig) -> list[CallSummary]:
    one = await connect(rig)
    await one.ring.hold()
    await pause()
    await one.ring.unhold()
    await pause()
    await one.ring.hangup()
    await over(one.customer)
    return [call("inbound", "answered", *one.so_far(), one.talked())]


async def _rejected(rig: Rig, status: int) -> list[CallSummary]:
    await rig.add("PJSIP/101")
    customer = await rig.call_in("700")
    first = await rig.rings("101")
    await pause()
    await first.reject(status)
    second = await rig.rings("101")
    await pause()
    await answer(second)
    await pause()
    await customer.hangup()
    await over(second)
    return [
        call(
            "inbound",
            "answered",
            wait("support", customer.answered_at, second.answered_at, "connected"),
            offer("101", first, "rejected"),
            offer("101", second, "answered"),
            talk("101", second.answered_at, customer.ended_at),
        )
    ]


@scenario()
async def rejected_486(rig: Rig) -> list[CallSummary]:
    return await _rejected(rig, 486)


@scenario()
async def rejected_603(rig: Rig) -> list[CallSummary]:
    return await _rejected(rig, 603)


@scenario()
async def ring_no_answer(rig: Rig) -> list[CallSummary]:
    await rig.add("PJSIP/101")
    customer = await rig.call_in("700")
    first = await rig.rings("101")
    second = await rig.rings("101")
    await pause(0.3)
    await answer(second)
    await pause()
    await second.hangup()
    await over(customer)
    return [
        call(
            "inbound",
            "answered",
            wait("support", customer.answered_at, second.answered_at, "connected"),
            offer("101", first, "no_answer"),
            offer("101", second, "answered"),
            talk("101", second.answered_at, second.ended_at),
        )
    ]


@scenario()
async def abandoned_waiting(rig: Rig) -> list[CallSummary]:
    customer = await rig.call_in("700")
    await pause()
    await customer.hangup()
    return [
        call(
            "inbound",
            "abandoned",
            wait("support", customer.answered_at, customer.ended_at, "abandoned"),
        )
    ]


@scenario()
async def abandoned_ringing(rig: Rig) -> list[CallSummary]:
    await rig.add("PJSIP/101")
    customer = await rig.call_in("700")
    ring = await rig.rings("101")
    await pause()
    await customer.hangup()
    await over(ring)
    return [
        call(
            "inbound",
            "abandoned",
            wait("support", customer.answered_at, customer.ended_at, "abandoned"),
            offer("101", ring, "cancelled"),
        )
    ]


@scenario()
async def queue_timeout(rig: Rig) -> list[CallSummary]:
    customer = await rig.call_in("702")
    await over(customer)
    return [
        call(
            "inbound",
            "no_answer",
            wait("support", customer.answered_at, customer.ended_at, "timeout"),
        )
    ]


@scenario()
async def two_callers_two_agents(rig: Rig) -> list[CallSummary]:
    """The first agent rings for the first caller; both talks overlap."""
    await rig.add("PJSIP/101")
    first = await rig.call_in("700")
    ring = await rig.rings("101")
    second = await rig.call_in("701", "+447700900148")
    await rig.add("PJSIP/102", "sales")
    other = await rig.rings("102")
    await pause(0.3)
    await answer(ring)
    await pause(0.3)
    await answer(other)
    await pause()
    await first.hangup()
    await pause(0.3)
    await other.hangup()
    await over(ring, second)
    return [
        call(
            "inbound",
            "answered",
            wait("support", first.answered_at, ring.answered_at, "connected"),
            offer("101", ring, "answered"),
            talk("101", ring.answered_at, first.ended_at),
        ),
        call(
            "inbound",
            "answered",
            wait("sales", second.answered_at, other.answered_at, "connected"),
            offer("102", other, "answered"),
            talk("102", other.answered_at, other.ended_at),
        ),
    ]


@scenario()
async def goes_on_after_the_agent(rig: Rig) -> list[CallSummary]:
    """The agent hangs up, the caller hears something more (a survey) and is then hung up."""
    one = await connect(rig, "704")
    await one.ring.hangup()
    await over(one.customer)
    return [call("inbound", "answered", *one.so_far(), one.talked())]
