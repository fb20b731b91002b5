"""Customers handed on in less usual ways: to queues, back, early, by the other leg."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from capture_rig import Rig

from cti.summary import CallSummary, Offer, Talk, Transfer
from ringdesk.demo.phone import Call
from ringdesk.demo.sip import Response, parameter
from scenarios.base import (
    Talking,
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


@scenario()
async def blind_transfer_to_queue(rig: Rig) -> list[CallSummary]:
    """Asterisk may tell of the transfer after the customer has joined the queue."""
    one = await connect(rig)
    await rig.add("PJSIP/102", "sales")
    done = asyncio.ensure_future(one.ring.transfer("701"))
    moved = time.time()
    ring = await rig.rings("102")
    await pause(0.3)
    await answer(ring)
    await done
    await pause()
    await ring.hangup()
    await over(one.customer)
    return [
        call(
            "inbound",
            "answered",
            *one.so_far(),
            wait("sales", moved, ring.answered_at, "connected"),
            offer("102", ring, "answered"),
            one.talked(moved),
            talk("102", ring.answered_at, ring.ended_at),
            Transfer("blind", "701"),
        )
    ]


@scenario()
async def blind_transfer_to_queue_given_up(rig: Rig) -> list[CallSummary]:
    one = await connect(rig)
    done = asyncio.ensure_future(one.ring.transfer("701"))
    moved = time.time()
    await rig.said("BlindTransfer")
    await done
    await pause()
    await one.customer.hangup()
    return [
        call(
            "inbound",
            "answered",
            *one.so_far(),
            wait("sales", moved, one.customer.ended_at, "abandoned"),
            one.talked(moved),
            Transfer("blind", "701"),
        )
    ]


@scenario("22")
async def blind_transfer_refused(rig: Rig) -> list[CallSummary]:
    """There is no such extension: they talk on."""
    one = await connect(rig)
    await one.ring.transfer("nobody")
    await pause()
    await one.ring.hangup()
    await over(one.customer)
    return [call("inbound", "answered", *one.so_far(), one.talked())]


@scenario("22")
async def handed_on_and_back(rig: Rig) -> list[CallSummary]:
    """101 to 102, back to 101, on to 103."""
    one = await connect(rig)
    told: list[Offer | Talk | Transfer] = []
    talks: list[Talk] = []
    now, agent = one.ring, "101"
    for target in ("102", "101", "103"):
        done = asyncio.ensure_future(now.transfer(target))
        talks.append(talk(agent, now.answered_at, time.time()))
        now, agent = await rig.rings(target), target
        await pause(0.3)
        await answer(now)
        await done
        await hears(one.customer)
        await pause(0.4)
        told += [offer(target, now, "answered"), Transfer("blind", target)]
    await one.customer.hangup()
    await over(now)
    talks.append(talk(agent, now.answered_at, one.customer.ended_at))
    return [call("inbound", "answered", *one.so_far(), *told, *talks)]


async def _asked(rig: Rig, one: Talking, exten: str = "102") -> tuple[Call, Call]:
    """The agent holds the customer and talks with 102 on another leg: both ends of it."""
    await one.ring.hold()
    asking = await rig.phones["101"].call(exten)
    asked = await rig.rings("102")
    await pause(0.4)
    await answer(asked)
    await asking.answered(timeout=5)
    await hears(asking)
    await pause()
    return asking, asked


def _joined(
    one: Talking, moved: float, until: float | None, to: str, consulted: Sequence[CallSummary]
) -> list[CallSummary]:
    """The agent has joined the customer with 102."""
    own = call(
        "inbound",
        "answered",
        *one.so_far(),
        one.talked(moved),
        talk("102", moved, until),
        Transfer("attended", to),
    )
    return [own, *consulted]


@scenario()
async def attended_transfer_other_leg(rig: Rig) -> list[CallSummary]:
    """The phone gives up the leg to 102 for the customer's, instead of the other way round."""
    one = await connect(rig)
    asking, asked = await _asked(rig, one)
    moved = time.time()
    await asking.transfer_to(one.ring)
    await pause()
    await one.customer.hangup()
    await over(asked)
    consulted = call(
        "internal",
        "answered",
        offer("102", asked, "answered"),
        talk("102", asked.answered_at, moved),
    )
    return _joined(one, moved, one.customer.ended_at, "102", [consulted])


@scenario()
async def attended_transfer_over_queue(rig: Rig) -> list[CallSummary]:
    """102 was asked through queue sales: Asterisk joins the two by a Local channel."""
    one = await connect(rig)
    await rig.add("PJSIP/102", "sales")
    asking, asked = await _asked(rig, one, "701")
    await one.ring.transfer_to(asking)
    moved = asking.ended_at or 0
    await pause()
    await one.customer.hangup()
    await over(asked)
    consulted = call(
        "internal",
        "answered",
        wait("sales", asking.answered_at, asked.answered_at, "connected"),
        offer("102", asked, "answered"),
        talk("102", asked.answered_at, moved),
    )
    return _joined(one, moved, one.customer.ended_at, "701", [consulted])


@scenario()
async def attended_transfer_waiting(rig: Rig) -> list[CallSummary]:
    """The agent waits in queue sales, and hands this place over to the customer."""
    one = await connect(rig)
    await one.ring.hold()
    asking = await rig.phones["101"].call("701")
    await asking.answered(timeout=5)
    await pause()
    moved = time.time()
    await one.ring.transfer_to(asking)
    await pause(0.3)
    await rig.add("PJSIP/102", "sales")
    ring = await rig.rings("102")
    await pause(0.3)
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
            Transfer("attended", "701"),
        ),
        call("internal", "no_answer", wait("sales", asking.answered_at, moved, "redirected")),
    ]


@scenario()
async def attended_transfer_ringing(rig: Rig) -> list[CallSummary]:
    """The agent hands the customer over while 102 still rings."""
    one = await connect(rig)
    await one.ring.hold()
    asking = await rig.phones["101"].call("102")
    _learn_the_tag(asking)
    asked = await rig.rings("102")
    await pause(0.4)
    moved = time.time()
    done = asyncio.ensure_future(one.ring.transfer_to(asking))
    await rig.said("AttendedTransfer")
    await pause(0.4)
    await answer(asked)
    await done
    await pause()
    await one.customer.hangup()
    await over(asked)
    return [
        call(
            "inbound",
            "answered",
            *one.so_far(),
            one.talked(moved),
            talk("102", asked.answered_at, one.customer.ended_at),
            Transfer("attended", "102"),
        ),
        call("internal", "answered", offer("102", asked, "answered")),
    ]


def _learn_the_tag(ringing: Call) -> None:
    """Robot phones look at it only when they are answered; Replaces needs it before."""
    progress = ringing._progress

    def learn(response: Response) -> None:
        progress(response)
        if parameter(response.get("To"), "tag"):
            ringing.dialog.remote = response.get("To")

    ringing._progress = learn  # type: ignore[method-assign]


@scenario("22")
async def atxfer_without_flags(rig: Rig) -> list[CallSummary]:
    """The queue was not told to let agents transfer: Asterisk says Success, and nothing happens."""
    one = await connect(rig)
    await rig.ami("Atxfer", Channel=rig.channel("PJSIP/101"), Context="internal", Exten="102")
    await pause(1)
    await one.ring.hangup()
    await over(one.customer)
    return [call("inbound", "answered", *one.so_far(), one.talked())]


@scenario("22")
async def held_and_left(rig: Rig) -> list[CallSummary]:
    """Held twice; the customer hangs up during the second hold."""
    one = await connect(rig)
    await one.ring.hold()
    await pause(0.3)
    await one.ring.unhold()
    await pause(0.3)
    await one.ring.hold()
    await pause(0.3)
    await one.customer.hangup()
    await over(one.ring)
    return [call("inbound", "answered", *one.so_far(), one.talked(one.customer.ended_at))]
