"""The scenarios of tools/record_captures.py: what is done, and what is therefore true.

A scenario drives phones and returns its calls in the order of their arrival. All seconds are
measured by the phones' own clocks; nothing is taken from Asterisk's events.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from capture_rig import BUSY, CUSTOMER, OUTSIDE, SILENT, UNKNOWN, Rig

from cti.domain.events import CallOutcome, Direction, OfferEnd, WaitEnd
from cti.summary import CallSummary, Offer, Talk, Transfer, Wait
from ringdesk.demo.phone import Call
from ringdesk.demo.rtp import tone

Play = Callable[[Rig], Awaitable[list[CallSummary]]]


class Scenario(NamedTuple):
    """One scenario and the releases of Asterisk that can play it."""

    name: str
    play: Play
    releases: tuple[str, ...]


SCENARIOS: list[Scenario] = []


def scenario(*releases: str) -> Callable[[Play], Play]:
    """Put the function among the scenarios."""

    def keep(play: Play) -> Play:
        SCENARIOS.append(Scenario(play.__name__, play, releases or ("22", "16")))  # type: ignore[attr-defined]
        return play

    return keep


# --- the truth


def call(
    direction: Direction,
    outcome: CallOutcome,
    *parts: Wait | Offer | Talk | Transfer,
) -> CallSummary:
    """A call and what happened in it, each kind in its order."""
    told = CallSummary("", direction, outcome)
    for part in parts:
        of_kind = {
            Wait: told.waits,
            Offer: told.offers,
            Talk: told.talks,
            Transfer: told.transfers,
        }[type(part)]
        of_kind.append(part)  # type: ignore[attr-defined]
    return told


def wait(queue: str, began: float | None, until: float | None, ended: WaitEnd) -> Wait:
    """A wait between two moments."""
    return Wait(queue, _between(began, until), ended)


def offer(agent: str, ring: Call, ended: OfferEnd, until: float | None = None) -> Offer:
    """A ringing: until it was answered, or else was over."""
    over = until or ring.answered_at or ring.ended_at
    return Offer(f"PJSIP/{agent}", _between(ring.started_at, over), ended)


def talk(agent: str, began: float | None, until: float | None) -> Talk:
    """A talk between two moments."""
    return Talk(f"PJSIP/{agent}", _between(began, until))


def _between(began: float | None, until: float | None) -> float:
    if began is None or until is None:
        raise ValueError("this did not happen: there is no time of it")
    return round(until - began, 3)


# --- what scenarios share


class Talking(NamedTuple):
    """A customer in a talk with an agent who took the call from the queue."""

    customer: Call
    ring: Call
    agent: str
    queue: str

    def so_far(self) -> tuple[Wait, Offer]:
        """The wait and the offer that led to the talk."""
        taken = self.ring.answered_at
        return (
            wait(self.queue, self.customer.answered_at, taken, "connected"),
            offer(self.agent, self.ring, "answered"),
        )

    def talked(self, until: float | None = None) -> Talk:
        """The talk, until then or until the agent's phone was hung up."""
        return talk(self.agent, self.ring.answered_at, until or self.ring.ended_at)


async def connect(
    rig: Rig, did: str = "700", agent: str = "101", queue: str = "support", member: str = ""
) -> Talking:
    """A customer calls, waits, and talks with the agent."""
    await rig.add(member or f"PJSIP/{agent}", queue)
    customer = await rig.call_in(did)
    ring = await rig.rings(agent)
    await pause(0.4)
    await answer(ring)
    await hears(customer)
    await pause(0.5)
    return Talking(customer, ring, agent, queue)


async def answer(ring: Call) -> None:
    """Pick up, and be heard."""
    await ring.answer()
    ring.play(tone(700), loop=True)


async def hears(call: Call) -> None:
    """The other side is bridged: Asterisk refuses to transfer a call before."""
    async with asyncio.timeout(5):
        while not call.media.heard(0.1).any():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def pause(seconds: float = 0.6) -> float:
    """Let time pass; returns the moment after it."""
    await asyncio.sleep(seconds)
    return time.time()


async def over(*calls: Call) -> None:
    """These phones are hung up by the other side."""
    for one in calls:
        await one.ended(timeout=5)


# --- the queue


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


# --- transfers


async def _handed_on(rig: Rig, one: Talking, transfer: Awaitable[object]) -> list[CallSummary]:
    """A blind transfer to 102, who answers."""
    done = asyncio.ensure_future(transfer)
    moved = time.time()
    ring = await rig.rings("102")
    await pause(0.4)
    await answer(ring)
    await done
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
            Transfer("blind", "102"),
        )
    ]


@scenario()
async def blind_transfer_refer(rig: Rig) -> list[CallSummary]:
    one = await connect(rig)
    return await _handed_on(rig, one, one.ring.transfer("102"))


@scenario()
async def blind_transfer_ami(rig: Rig) -> list[CallSummary]:
    one = await connect(rig)
    channel = rig.channel("PJSIP/101")
    transfer = rig.ami("BlindTransfer", Channel=channel, Context="internal", Exten="102")
    return await _handed_on(rig, one, transfer)


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


# --- moved by a program


async def redirect(rig: Rig, interface: str, exten: str, context: str = "from-trunk") -> float:
    """AMI Redirect of the newest channel of an interface; returns when it was asked."""
    moved = time.time()
    channel = rig.channel(interface)
    await rig.ami("Redirect", Channel=channel, Context=context, Exten=exten, Priority="1")
    return moved


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


# --- parked, picked up


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


# --- Local channels and ring groups


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
    return await _handed_on(rig, one, one.ring.transfer("102"))


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


# --- calls of agents


@scenario()
async def agent_calls_agent(rig: Rig) -> list[CallSummary]:
    asking = await rig.phones["101"].call("102")
    asked = await rig.rings("102")
    await pause()
    await answer(asked)
    await pause()
    await asking.hangup()
    await over(asked)
    return [
        call(
            "internal",
            "answered",
            offer("102", asked, "answered"),
            talk("102", asked.answered_at, asking.ended_at),
        )
    ]


@scenario()
async def agent_calls_busy_agent(rig: Rig) -> list[CallSummary]:
    asking = await rig.phones["101"].call("102")
    asked = await rig.rings("102")
    await pause()
    await asked.reject(486)
    await over(asking)
    return [call("internal", "busy", offer("102", asked, "rejected"))]


@scenario()
async def agent_calls_absent_agent(rig: Rig) -> list[CallSummary]:
    asking = await rig.phones["101"].call("102")
    asked = await rig.rings("102")
    await pause()
    await asking.hangup()
    await over(asked)
    return [call("internal", "no_answer", offer("102", asked, "cancelled"))]


@scenario()
async def agent_calls_out(rig: Rig) -> list[CallSummary]:
    dialling = await rig.phones["101"].call(OUTSIDE)
    far = await rig.outside()
    await pause()
    await answer(far)
    await pause()
    await far.hangup()
    await over(dialling)
    return [call("outbound", "answered", talk("101", far.answered_at, far.ended_at))]


@scenario()
async def agent_calls_busy_number(rig: Rig) -> list[CallSummary]:
    await over(await rig.phones["101"].call(BUSY))
    return [call("outbound", "busy")]


@scenario()
async def agent_calls_unknown_number(rig: Rig) -> list[CallSummary]:
    await over(await rig.phones["101"].call(UNKNOWN))
    return [call("outbound", "failed")]


@scenario()
async def agent_gives_up_dialling(rig: Rig) -> list[CallSummary]:
    dialling = await rig.phones["101"].call(SILENT)
    far = await rig.outside()
    await pause()
    await dialling.hangup()
    await over(far)
    return [call("outbound", "no_answer")]


# --- calls of programs


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


# --- nobody's calls


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
