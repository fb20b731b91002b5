"""Calls that reach no agent: menus and mailboxes."""

from __future__ import annotations

from capture_rig import CUSTOMER, Rig

from cti.summary import CallSummary
from ringdesk.demo.rtp import tone
from scenarios.base import (
    call,
    offer,
    over,
    pause,
    scenario,
)


@scenario()
async def given_up_in_the_menu(rig: Rig) -> list[CallSummary]:
    customer = await rig.call_in("712")
    await pause()
    await customer.hangup()
    return [call("inbound", "abandoned")]


@scenario()
async def message_left(rig: Rig) -> list[CallSummary]:
    """The caller speaks to the mailbox."""
    customer = await rig.call_in("713")
    customer.play(tone(440), loop=True)
    await pause(2.5)
    await customer.hangup()
    return [call("inbound", "no_answer")]


@scenario()
async def message_left_after_ringing(rig: Rig) -> list[CallSummary]:
    """Nobody answers, and the caller speaks to the mailbox."""
    customer = await rig.trunk.call("716", from_user=CUSTOMER)
    ring = await rig.rings("101")
    await customer.answered(timeout=10)
    await pause(2.5)
    await customer.hangup()
    return [call("inbound", "no_answer", offer("101", ring, "no_answer"))]


@scenario()
async def ended_by_the_menu(rig: Rig) -> list[CallSummary]:
    """The dialplan says what it has to say and hangs up."""
    await over(await rig.call_in("714"))
    return [call("inbound", "no_answer")]
