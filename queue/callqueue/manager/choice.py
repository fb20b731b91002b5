"""Whom to call on the mobile for a caller who waits, and what speaks against it. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from callqueue.manager.settings import ManagerSettings
from cti.agent_names import split
from cti.domain.events import Activity, Availability, CustomerRef, Micros

MINUTE = 60_000_000


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a mobile. ``agent``: the interface of their desk phone, empty for none.

    ``number`` is E.164, empty when there is none on the card; ``written`` is what stands there.
    """

    name: str
    agent: str
    number: str
    written: str
    deputy: bool = False

    @property
    def told_as(self) -> str:
        """What their talks are told under."""
        return self.agent or self.name


def people(
    customer: CustomerRef,
    settings: ManagerSettings,
    to_e164: Callable[[str], str],
    agents: Iterable[str],
) -> Iterator[Person]:
    """The manager of the customer, then the deputies; nobody when there is no manager.

    ``agents``: the interfaces of the desk phones on the caller's switch.
    """
    known = list(agents)
    extension, name = customer.owner_extension.strip(), customer.owner_name.strip()
    if not (extension or name):
        return
    mobile = customer.owner_mobile
    yield Person(name or extension, _desk(extension, known), to_e164(mobile), mobile)
    for deputy in settings.deputies:
        if deputy.of.strip() in {extension, name, "*"} - {""} and deputy.name != name:
            agent = _desk(deputy.extension, known)
            yield Person(deputy.name, agent, to_e164(deputy.mobile), deputy.mobile, deputy=True)


def _desk(extension: str, agents: Iterable[str]) -> str:
    phones = (agent for agent in agents if split(agent)[1].rpartition("/")[2] == extension)
    return next(phones, "") if extension else ""


@dataclass(frozen=True, slots=True)
class Presence:
    """What is known of a person's desk."""

    availability: Availability | None = None
    activity: Activity = "idle"


def absent(person: Person, presence: Presence, *, called_now: bool) -> str:
    """Why this person is not called now; empty: they may be.

    Who is offline at the desk may well be on the road: that is what the mobile is for.
    """
    if not person.number:
        written = person.written.strip()
        return f'"{written}" is no number of a mobile' if written else "no mobile on the card"
    if presence.availability == "break":
        return "on a break"
    if presence.activity in {"talking", "on_hold", "dialling"}:
        return "talks on another call"
    if presence.activity == "ringing":
        return "their phone rings for another call"
    return "already called for another customer" if called_now else ""


@dataclass(frozen=True, slots=True)
class Billed:
    """One call to a mobile, as far as it costs. Times in microseconds; None: not (yet)."""

    called_at: Micros
    answered_at: Micros | None
    over_at: Micros | None

    def minutes(self, now: Micros) -> int:
        """Minutes that were begun."""
        if self.answered_at is None:
            return 0
        until = now if self.over_at is None else self.over_at
        return max(1, math.ceil((until - self.answered_at) / MINUTE))


def spent_up(calls: Iterable[Billed], settings: ManagerSettings, now: Micros) -> str:
    """Which limit of the day has been reached by its ``calls``; empty: none."""
    day = list(calls)
    minutes = sum(call.minutes(now) for call in day)
    answered = sum(call.answered_at is not None for call in day)
    cost = answered * settings.cost_per_call + minutes * settings.cost_per_minute
    if settings.most_calls and len(day) >= settings.most_calls:
        return f"{len(day)} calls to mobiles today, the limit is {settings.most_calls}"
    if settings.most_minutes and minutes >= settings.most_minutes:
        return f"{minutes} minutes to mobiles today, the limit is {settings.most_minutes:g}"
    if settings.most_cost and round(cost, 4) >= settings.most_cost:
        return f"calls to mobiles cost {cost:.4g} today, the limit is {settings.most_cost:g}"
    return ""
