"""Queues of other kinds: all phones ring, keys lead out, empty ones turn callers away."""

from __future__ import annotations

import time

from capture_rig import Rig

from cti.summary import CallSummary, Offer
from ringdesk.demo.phone import Call
from scenarios.base import (
    answer,
    call,
    offer,
    over,
    pause,
    redirect,
    scenario,
    talk,
    wait,
)


async def _all_ring(rig: Rig, *agents: str) -> tuple[Call, list[Call]]:
    for agent in agents:
        await rig.add(f"PJSIP/{agent}", "ringall")
    customer = await rig.call_in("724")
    return customer, [await rig.rings(agent) for agent in agents]


@scenario()
async def all_ring_one_answers(rig: Rig) -> list[CallSummary]:
    customer, (one, two, three) = await _all_ring(rig, "101", "102", "103")
    await pause()
    await answer(two)
    await over(one, three)
    await pause()
    await two.hangup()
    await over(customer)
    return [
        call(
            "inbound",
            "answered",
            wait("ringall", customer.answered_at, two.answered_at, "connected"),
            offer("101", one, "cancelled"),
            offer("102", two, "answered"),
            offer("103", three, "cancelled"),
            talk("102", two.answered_at, two.ended_at),
        )
    ]


@scenario("22")
async def all_ring_one_declines(rig: Rig) -> list[CallSummary]:
    customer, (one, two) = await _all_ring(rig, "101", "102")
    await pause(0.3)
    await one.reject(486)
    await pause(0.3)
    await answer(two)
    await pause()
    await customer.hangup()
    await over(two)
    return [
        call(
            "inbound",
            "answered",
            wait("ringall", customer.answered_at, two.answered_at, "connected"),
            offer("101", one, "rejected"),
            offer("102", two, "answered"),
            talk("102", two.answered_at, customer.ended_at),
        )
    ]


@scenario("22")
async def all_ring_twice_in_vain(rig: Rig) -> list[CallSummary]:
    """Nobody answers; the caller gives up while they ring again."""
    customer, first = await _all_ring(rig, "101", "102")
    again = [await rig.rings("101"), await rig.rings("102")]
    await pause(0.4)
    await customer.hangup()
    await over(*again)
    return [
        call(
            "inbound",
            "abandoned",
            wait("ringall", customer.answered_at, customer.ended_at, "abandoned"),
            *(offer(f"10{n}", ring, "no_answer") for n, ring in enumerate(first, 1)),
            *(offer(f"10{n}", ring, "cancelled") for n, ring in enumerate(again, 1)),
        )
    ]


async def _refused(rig: Rig, status: int) -> tuple[Call, Call]:
    """The phone refuses by itself; the caller gives up."""
    await rig.add("PJSIP/101")
    customer = await rig.call_in("700")
    ring = await rig.rings("101")
    await pause(0.4)
    await ring.reject(status)
    await pause(0.3)
    await customer.hangup()
    return customer, ring


@scenario()
async def refused_480(rig: Rig) -> list[CallSummary]:
    """The phone says that nobody is there."""
    customer, ring = await _refused(rig, 480)
    waited = wait("support", customer.answered_at, customer.ended_at, "abandoned")
    return [call("inbound", "abandoned", waited, offer("101", ring, "no_answer"))]


@scenario("22")
async def refused_488(rig: Rig) -> list[CallSummary]:
    customer, ring = await _refused(rig, 488)
    waited = wait("support", customer.answered_at, customer.ended_at, "abandoned")
    return [call("inbound", "abandoned", waited, offer("101", ring, "rejected"))]


async def _key(rig: Rig) -> tuple[Call, float, Call]:
    """The caller presses the key that leads out of the queue, to 102."""
    customer = await rig.call_in("726")
    await pause()
    await customer.send_digits("1")
    out = time.time()
    return customer, out, await rig.rings("102")


@scenario("22")
async def key_out_of_the_queue(rig: Rig) -> list[CallSummary]:
    customer, out, ring = await _key(rig)
    await pause(0.3)
    await answer(ring)
    await pause()
    await customer.hangup()
    await over(ring)
    return [
        call(
            "inbound",
            "answered",
            wait("keys", customer.answered_at, out, "redirected"),
            offer("102", ring, "answered"),
            talk("102", ring.answered_at, customer.ended_at),
        )
    ]


@scenario("22")
async def key_out_and_given_up(rig: Rig) -> list[CallSummary]:
    customer, out, ring = await _key(rig)
    await pause(0.3)
    await customer.hangup()
    await over(ring)
    return [
        call(
            "inbound",
            "abandoned",
            wait("keys", customer.answered_at, out, "redirected"),
            offer("102", ring, "cancelled"),
        )
    ]


@scenario("22")
async def empty_queue_turns_away(rig: Rig) -> list[CallSummary]:
    """Nobody is in the queue: the dialplan goes on for a second and hangs up."""
    await over(await rig.call_in("725"))
    return [call("inbound", "no_answer")]


@scenario("22")
async def queue_empties(rig: Rig) -> list[CallSummary]:
    """The only agent takes a break while ringing; the dialplan goes on for a second."""
    await rig.add("PJSIP/101", "strict")
    customer = await rig.call_in("725")
    ring = await rig.rings("101")
    await pause(0.3)
    await rig.ami("QueuePause", Interface="PJSIP/101", Paused="true")
    await over(ring, customer)
    waited = wait("strict", customer.answered_at, (customer.ended_at or 0) - 1, "timeout")
    return [call("inbound", "no_answer", waited, offer("101", ring, "no_answer"))]


@scenario("22")
async def two_queues_in_a_row(rig: Rig) -> list[CallSummary]:
    """A second in support, then on to sales."""
    await rig.add("PJSIP/101", "sales")
    customer = await rig.call_in("727")
    ring = await rig.rings("101")
    await pause(0.3)
    await answer(ring)
    await pause()
    await customer.hangup()
    await over(ring)
    return [
        call(
            "inbound",
            "answered",
            wait("support", customer.answered_at, ring.started_at, "timeout"),
            wait("sales", ring.started_at, ring.answered_at, "connected"),
            offer("101", ring, "answered"),
            talk("101", ring.answered_at, customer.ended_at),
        )
    ]


@scenario("22")
async def announced_to_the_agent(rig: Rig) -> list[CallSummary]:
    """The agent hears an announcement first; the caller gives up meanwhile."""
    await rig.add("PJSIP/101")
    customer = await rig.call_in("728")
    ring = await rig.rings("101")
    await pause(0.3)
    await answer(ring)
    await pause(0.4)
    await customer.hangup()
    await over(ring)
    return [
        call(
            "inbound",
            "abandoned",
            wait("support", customer.answered_at, customer.ended_at, "abandoned"),
            offer("101", ring, "answered"),
        )
    ]


@scenario("22")
async def agent_waits_in_a_queue(rig: Rig) -> list[CallSummary]:
    waiting = await rig.phones["101"].call("701")
    await waiting.answered(timeout=5)
    await pause()
    await waiting.hangup()
    waited = wait("sales", waiting.answered_at, waiting.ended_at, "abandoned")
    return [call("internal", "abandoned", waited)]


async def _redirected(rig: Rig, exten: str) -> tuple[Call, float]:
    customer = await rig.call_in("700")
    await pause()
    return customer, await redirect(rig, "PJSIP/trunk", exten)


@scenario("22")
async def redirect_waiting_to_busy(rig: Rig) -> list[CallSummary]:
    """To a mobile that is busy: that is what became of the call."""
    customer, moved = await _redirected(rig, "729")
    await over(customer)
    return [call("inbound", "busy", wait("support", customer.answered_at, moved, "redirected"))]


@scenario("22")
async def redirect_waiting_given_up(rig: Rig) -> list[CallSummary]:
    """To 102, who rings until the caller gives up."""
    customer, moved = await _redirected(rig, "721")
    ring = await rig.rings("102")
    await pause(0.4)
    await customer.hangup()
    await over(ring)
    cancelled: Offer = offer("102", ring, "cancelled")
    waited = wait("support", customer.answered_at, moved, "redirected")
    return [call("inbound", "abandoned", waited, cancelled)]
