"""What scenarios are made of: the truth as the phones measure it, and the usual beginnings.

All seconds come from the phones' own clocks; nothing is taken from Asterisk's events.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from capture_rig import Rig

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


async def handed_on(rig: Rig, one: Talking, transfer: Awaitable[object]) -> list[CallSummary]:
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


async def redirect(rig: Rig, interface: str, exten: str, context: str = "from-trunk") -> float:
    """AMI Redirect of the newest channel of an interface; returns when it was asked."""
    moved = time.time()
    channel = rig.channel(interface)
    await rig.ami("Redirect", Channel=channel, Context=context, Exten=exten, Priority="1")
    return moved
