"""Phones that forward, screen and follow; callers whom no phone rings for; conferences."""

from __future__ import annotations

import asyncio
import time

from capture_rig import CUSTOMER, OUTSIDE, Rig

from cti.summary import CallSummary, Transfer
from ringdesk.demo.phone import Call
from ringdesk.demo.sip import parameter, response_to
from scenarios.base import (
    answer,
    call,
    connect,
    hears,
    offer,
    over,
    pause,
    scenario,
    talk,
    wait,
)
from scenarios.programs import originate

OTHER = "+447700900148"


async def _forward(rig: Rig, ring: Call, to: str) -> None:
    """Send the call on to another extension (302), as a phone with a diversion does."""
    if ring.invite is None:
        raise ValueError("this phone does not ring")
    contact = ("Contact", f"<sip:{to}@127.0.0.1:{rig.asterisk.sip[1]}>")
    tag = parameter(ring.dialog.local, "tag")
    ring._line.respond(
        ring.invite, response_to(ring.invite, 302, "Moved", to_tag=tag, headers=(contact,))
    )
    ring._finish("local", 302)


@scenario("22")
async def forwarded(rig: Rig) -> list[CallSummary]:
    customer = await rig.trunk.call("711", from_user=CUSTOMER)
    first = await rig.rings("101")
    await pause(0.3)
    await _forward(rig, first, "102")
    second = await rig.rings("102")
    await pause(0.3)
    await answer(second)
    await customer.answered(timeout=5)
    await pause()
    await customer.hangup()
    await over(second)
    return [
        call(
            "inbound",
            "answered",
            offer("101", first, "cancelled"),
            offer("102", second, "answered"),
            talk("102", second.answered_at, customer.ended_at),
        )
    ]


@scenario()
async def forwarded_from_the_queue(rig: Rig) -> list[CallSummary]:
    """The queue believes that it talks with 101."""
    await rig.add("PJSIP/101")
    customer = await rig.call_in("700")
    first = await rig.rings("101")
    await pause(0.3)
    await _forward(rig, first, "102")
    second = await rig.rings("102")
    await pause(0.3)
    await answer(second)
    await pause()
    await customer.hangup()
    await over(second)
    return [
        call(
            "inbound",
            "answered",
            wait("support", customer.answered_at, second.answered_at, "connected"),
            offer("101", first, "cancelled"),
            offer("102", second, "answered"),
            talk("102", second.answered_at, customer.ended_at),
        )
    ]


@scenario("22")
async def screened(rig: Rig) -> list[CallSummary]:
    """The agent is told half a second of what it is about before they hear each other."""
    customer = await rig.trunk.call("730", from_user=CUSTOMER)
    ring = await rig.rings("101")
    await pause(0.3)
    await answer(ring)
    await hears(customer)
    met = time.time()
    await pause()
    await ring.hangup()
    await over(customer)
    return [
        call(
            "inbound",
            "answered",
            offer("101", ring, "answered"),
            talk("101", met, ring.ended_at),
        )
    ]


@scenario("22")
async def one_phone_after_the_other(rig: Rig) -> list[CallSummary]:
    """101 does not answer; the caller gives up while 102 rings."""
    customer = await rig.trunk.call("731", from_user=CUSTOMER)
    first = await rig.rings("101")
    second = await rig.rings("102")
    await pause(0.4)
    await customer.hangup()
    await over(second)
    return [
        call(
            "inbound",
            "abandoned",
            offer("101", first, "no_answer"),
            offer("102", second, "cancelled"),
        )
    ]


@scenario("22")
async def ring_group_of_locals(rig: Rig) -> list[CallSummary]:
    """Dial(Local/101&Local/102): 102 is faster, and 101 rings in vain."""
    customer = await rig.trunk.call("732", from_user=CUSTOMER)
    slow, fast = await rig.rings("101"), await rig.rings("102")
    await pause()
    await answer(fast)
    await customer.answered(timeout=5)
    await pause()
    await customer.hangup()
    await over(slow, fast)
    rings = {"101": (slow, "cancelled"), "102": (fast, "answered")}
    began = sorted(rings, key=lambda agent: rings[agent][0].started_at)
    return [
        call(
            "inbound",
            "answered",
            *(offer(agent, *rings[agent]) for agent in began),  # type: ignore[arg-type]
            talk("102", fast.answered_at, customer.ended_at),
        )
    ]


@scenario("22")
async def follow_me(rig: Rig) -> list[CallSummary]:
    """FollowMe tries 101, and 102 after two seconds."""
    customer = await rig.call_in("733")
    first = await rig.rings("101")
    second = await rig.rings("102")
    await over(first)
    await pause(0.4)
    await answer(second)
    await pause()
    await customer.hangup()
    await over(second)
    return [
        call(
            "inbound",
            "answered",
            offer("101", first, "cancelled"),
            offer("102", second, "answered"),
            talk("102", second.answered_at, customer.ended_at),
        )
    ]


@scenario()
async def busy_tone(rig: Rig) -> list[CallSummary]:
    """The dialplan itself says busy."""
    await over(await rig.trunk.call("722", from_user=CUSTOMER))
    return [call("inbound", "busy")]


@scenario("22")
async def congestion_tone(rig: Rig) -> list[CallSummary]:
    await over(await rig.trunk.call("723", from_user=CUSTOMER))
    return [call("inbound", "failed")]


@scenario()
async def conference_of_customers(rig: Rig) -> list[CallSummary]:
    """Two customers in one conference: both calls were answered."""
    first = await rig.call_in("720")
    second = await rig.call_in("720", OTHER)
    await pause()
    await first.hangup()
    await pause(0.3)
    await second.hangup()
    talked = talk("trunk", second.answered_at, first.ended_at)
    return [call("inbound", "answered", talked), call("inbound", "answered")]


@scenario("22")
async def thrown_out_of_the_conference(rig: Rig) -> list[CallSummary]:
    customer = await rig.call_in("720")
    agent = await rig.phones["101"].call("720")
    await agent.answered(timeout=5)
    await pause()
    await rig.ami("ConfbridgeKick", Conference="720", Channel=rig.channel("PJSIP/101"))
    await over(agent)
    await pause(0.3)
    await customer.hangup()
    return [
        call("inbound", "answered", talk("101", agent.answered_at, agent.ended_at)),
        call("internal", "answered"),
    ]


@scenario()
async def parked_and_comes_back(rig: Rig) -> list[CallSummary]:
    """Nobody takes the customer out: the phone that parked them rings again."""
    one = await connect(rig)
    parking = asyncio.ensure_future(one.ring.transfer("760"))
    moved = time.time()
    await parking
    back = await rig.rings("101")
    await pause(0.4)
    await answer(back)
    await pause()
    await one.customer.hangup()
    await over(back)
    return [
        call(
            "inbound",
            "answered",
            *one.so_far(),
            offer("101", back, "answered"),
            one.talked(moved),
            talk("101", back.answered_at, one.customer.ended_at),
            Transfer("blind", "760"),
        )
    ]


@scenario("22")
async def listened_to(rig: Rig) -> list[CallSummary]:
    """102 dials in to listen to 101: that is no talk."""
    one = await connect(rig)
    listener = await rig.phones["102"].call("797")
    await listener.answered(timeout=5)
    await pause()
    await one.ring.hangup()
    await over(one.customer)
    await pause(0.3)
    await listener.hangup()
    return [
        call("inbound", "answered", *one.so_far(), one.talked()),
        call("internal", "answered"),
    ]


@scenario("22")
async def click_to_call_declined(rig: Rig) -> list[CallSummary]:
    """The agent declines: nobody outside was called."""
    await originate(rig, "PJSIP/101", OUTSIDE, "internal")
    ring = await rig.rings("101")
    await pause(0.3)
    await ring.reject(486)
    await rig.said("OriginateResponse")
    return [call("internal", "busy")]


@scenario("22")
async def customer_called_first(rig: Rig) -> list[CallSummary]:
    """A program calls the customer, then 102 rings."""
    await originate(rig, f"PJSIP/{OUTSIDE}@trunk", "721", "from-trunk")
    far = await rig.outside()
    await pause(0.3)
    await answer(far)
    ring = await rig.rings("102")
    await pause(0.3)
    await answer(ring)
    await pause()
    await ring.hangup()
    await over(far)
    return [
        call(
            "outbound",
            "answered",
            offer("102", ring, "answered"),
            talk("102", ring.answered_at, ring.ended_at),
        )
    ]


@scenario("22")
async def customer_called_over_local(rig: Rig) -> list[CallSummary]:
    """The same through a Local channel, into a queue."""
    await rig.add("PJSIP/101")
    await originate(rig, f"Local/{OUTSIDE}@internal", "700", "from-trunk", 4)
    far = await rig.outside()
    await pause(0.3)
    await answer(far)
    ring = await rig.rings("101")
    await pause(0.3)
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
