"""Customers moved by a program: redirected, withdrawn, brought into a conference."""

from __future__ import annotations

import time

from capture_rig import OUTSIDE, Rig

from cti.summary import CallSummary, Transfer, Wait
from ringdesk.demo.phone import Call
from scenarios.base import (
    answer,
    call,
    connect,
    offer,
    over,
    pause,
    redirect,
    scenario,
    talk,
    wait,
)


@scenario()
async def redirect_waiting(rig: Rig) -> list[CallSummary]:
    """From queue support to queue sales, where nobody is."""
    customer = await rig.call_in("700")
    await pause()
    moved = await redirect(rig, "PJSIP/trunk", "701")
    await pause()
    await customer.hangup()
    return [
        call(
            "inbound",
            "abandoned",
            wait("support", customer.answered_at, moved, "redirected"),
            wait("sales", moved, customer.ended_at, "abandoned"),
        )
    ]


@scenario()
async def redirect_ringing(rig: Rig) -> list[CallSummary]:
    """From queue support, while 101 rings, straight to 102."""
    await rig.add("PJSIP/101")
    customer = await rig.call_in("700")
    first = await rig.rings("101")
    await pause()
    moved = await redirect(rig, "PJSIP/trunk", "721")
    second = await rig.rings("102")
    await pause(0.4)
    await answer(second)
    await pause()
    await customer.hangup()
    await over(first, second)
    return [
        call(
            "inbound",
            "answered",
            wait("support", customer.answered_at, moved, "redirected"),
            offer("101", first, "cancelled", moved),
            offer("102", second, "answered"),
            talk("102", second.answered_at, customer.ended_at),
        )
    ]


@scenario()
async def redirect_talking_to_queue(rig: Rig) -> list[CallSummary]:
    await rig.add("PJSIP/102", "sales")
    one = await connect(rig)
    moved = await redirect(rig, "PJSIP/trunk", "701")
    ring = await rig.rings("102")
    await over(one.ring)
    await pause(0.4)
    await answer(ring)
    await pause()
    await one.customer.hangup()
    await over(ring)
    return [
        call(
            "inbound",
            "answered",
            *one.so_far(),
            wait("sales", moved, ring.answered_at, "connected"),
            offer("102", ring, "answered"),
            one.talked(moved),
            talk("102", ring.answered_at, one.customer.ended_at),
            Transfer("redirect", "701"),
        )
    ]


@scenario()
async def redirect_talking_to_agent(rig: Rig) -> list[CallSummary]:
    one = await connect(rig)
    moved = await redirect(rig, "PJSIP/trunk", "721")
    ring = await rig.rings("102")
    await over(one.ring)
    await pause(0.4)
    await answer(ring)
    await pause()
    await one.customer.hangup()
    await over(ring)
    return [
        call(
            "inbound",
            "answered",
            *one.so_far(),
            offer("102", ring, "answered"),
            one.talked(moved),
            talk("102", ring.answered_at, one.customer.ended_at),
            Transfer("redirect", "721"),
        )
    ]


@scenario("22")
async def withdrawn(rig: Rig) -> list[CallSummary]:
    """QueueWithdrawCaller; the dialplan then waits a second and hangs up."""
    customer = await rig.call_in("704")
    await pause()
    await withdraw(rig)
    await over(customer)
    return [call("inbound", "no_answer", _withdrawn(customer))]


@scenario("22")
async def withdrawn_ringing(rig: Rig) -> list[CallSummary]:
    """The same while an agent rings: the queue heeds it after the ringing."""
    await rig.add("PJSIP/101")
    customer = await rig.call_in("704")
    ring = await rig.rings("101")
    await pause()
    await withdraw(rig)
    await over(ring, customer)
    return [
        call("inbound", "no_answer", _withdrawn(customer), offer("101", ring, "no_answer")),
    ]


async def withdraw(rig: Rig) -> None:
    """AMI QueueWithdrawCaller."""
    channel = rig.channel("PJSIP/trunk")
    await rig.ami("QueueWithdrawCaller", Queue="support", Caller=channel)


def _withdrawn(customer: Call) -> Wait:
    """The wait before the second that the dialplan of 704 lets pass after the queue."""
    return wait("support", customer.answered_at, (customer.ended_at or 0) - 1, "withdrawn")


@scenario()
async def hung_up_waiting(rig: Rig) -> list[CallSummary]:
    """A program hangs up on a waiting caller: Asterisk says the same as of a time-out."""
    customer = await rig.call_in("700")
    await pause()
    await rig.ami("Hangup", Channel=rig.channel("PJSIP/trunk"), Cause="16")
    await over(customer)
    waited = wait("support", customer.answered_at, customer.ended_at, "timeout")
    return [call("inbound", "no_answer", waited)]


@scenario()
async def redirect_called_customer(rig: Rig) -> list[CallSummary]:
    """An agent called the customer, who is then redirected to a colleague."""
    dialling = await rig.phones["101"].call(OUTSIDE)
    far = await rig.outside()
    await pause(0.4)
    await answer(far)
    await pause()
    moved = await redirect(rig, "PJSIP/trunk", "721")
    ring = await rig.rings("102")
    await over(dialling)
    await pause(0.4)
    await answer(ring)
    await pause()
    await far.hangup()
    await over(ring)
    return [
        call(
            "outbound",
            "answered",
            offer("102", ring, "answered"),
            talk("101", far.answered_at, moved),
            talk("102", ring.answered_at, far.ended_at),
            Transfer("redirect", "721"),
        )
    ]


@scenario()
async def conference(rig: Rig) -> list[CallSummary]:
    """Customer and agent are redirected into a conference together; 102 dials in."""
    one = await connect(rig)
    moved = time.time()
    where = {"Context": "from-trunk", "Exten": "720", "Priority": "1"}
    extra = {f"Extra{name}": value for name, value in where.items()}
    customer, agent = rig.channel("PJSIP/trunk"), rig.channel("PJSIP/101")
    await rig.ami("Redirect", Channel=customer, ExtraChannel=agent, **where, **extra)
    await pause(0.8)
    third = await rig.phones["102"].call("720")
    await third.answered(timeout=5)
    joined = third.answered_at
    await pause()
    await one.ring.hangup()
    await pause()
    await one.customer.hangup()
    await third.hangup()
    return [
        call(
            "inbound",
            "answered",
            *one.so_far(),
            one.talked(moved),
            talk("101", moved, one.ring.ended_at),
            talk("102", joined, one.customer.ended_at),
            Transfer("conference", "720"),
        ),
        call("internal", "answered"),
    ]
