"""Joins what calls people by itself (personal managers, callbacks) to the rest of the house."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from callqueue.agent_state import AgentProfile
from callqueue.availability import AvailabilityService
from callqueue.callback.book import CallbackBook
from callqueue.callback.office import Office
from callqueue.callback.service import CallbackService
from callqueue.callback.store import CallbackStore
from callqueue.facts import of_customer
from callqueue.kept_ages import KeptAges
from callqueue.manager.calls import ManagerCalls
from callqueue.manager.search import Surroundings
from callqueue.manager.service import Desk, ManagerService
from callqueue.policy_file import PolicyFile
from crm_bridge.numbers import is_costly, to_e164
from cti.agent_names import split
from cti.clock import now
from cti.domain.commands import Perform
from cti.domain.events import Availability, CustomerIdentified, Micros
from cti.errands import Errands
from cti.pbx_logs.source import PbxLogs
from cti.writer import DatabaseAway
from dashboard.restore import midnight
from ivr.book import MenuBook
from ivr.speech import Speaker, SpeechError
from ringdesk.settings import Settings

if TYPE_CHECKING:
    from ringdesk.parts import Core

log = structlog.get_logger(__name__)

_ANYWAY = "followme/options"
"""Comes with Asterisk, and asks to press 1 too."""


@dataclass(frozen=True)
class House:
    """The parts that are asked."""

    settings: Settings
    core: Core
    menus: MenuBook
    availability: AvailabilityService
    policy: PolicyFile
    perform: Perform
    ages: KeptAges

    def agents(self, switch: str) -> Mapping[str, AgentProfile]:
        """The agents of a switch, by interface."""
        own = switch if switch in self.settings.switches else ""
        known = self.core.agents.profiles()
        return {agent: profile for agent, profile in known.items() if split(agent)[0] == own}

    def is_open(self, calendar: str) -> bool | None:
        """Whether it is open now; None: there is no such calendar."""
        found = self.menus.current.calendars.get(calendar)
        return found.is_open(now()) if found else None

    def available(self, agent: str) -> Availability | None:
        """What the agent chose, or None."""
        chosen = self.availability.states.get(agent)
        return chosen.availability if chosen else None

    def to_e164(self, number: str) -> str:
        """The number in full, or empty."""
        return to_e164(number, self.settings.crm.default_region)

    def may_not_call(self, number: str) -> str:
        """Why a number is not called; empty: it is. Numbers of the house stay as they are."""
        full = self.to_e164(number) or number
        return "numbers of premium rate are not called" if is_costly(full) else ""

    async def was_made(self, switch: str, leg: str, since: Micros) -> bool | None:
        """Whether the PBX's own records have a leg; None: they tell nothing of that time."""
        written = await PbxLogs(self.settings.at(switch).pbx_logs, switch).rows(since, now())
        rows = written.rows
        return any(leg in (row.leg, row.linkedid) for row in rows) if rows else None

    def virtual_join(self, who: CustomerIdentified | None, queue: str, at: Micros) -> Micros:
        """Where somebody stands who joins now."""
        return self.policy().score(of_customer(who, queue), at).virtual_join

    async def identify(self, number: str) -> CustomerIdentified | None:
        """Who has the number, when it is one customer; nobody waits for a store that is away."""
        try:
            found = (await self.core.callers.by_number(number)).customers
        except (DatabaseAway, OSError) as error:
            log.warning("customer_lookup_failed", reason=str(error))
            return None
        if len(found) != 1:
            return None
        return CustomerIdentified(at=now(), number=number, match="one", customer=found[0].ref())


def managers_of(house: House) -> ManagerService:
    """The search for personal managers."""
    around = Surroundings(
        record=house.core.journal.record,
        perform=house.perform,
        now=now,
        errands=Errands(house.core.feeds),
        calls=ManagerCalls(house.core.engine),
        ages=house.ages,
    )
    desk = Desk(
        agents=house.agents,
        availability=house.available,
        to_e164=house.to_e164,
        is_open=house.is_open,
        day_start=lambda: midnight(now(), house.settings.dashboard.time_zone),
    )
    return ManagerService(house.settings.personal_manager, house.core.bus, around, desk)


async def callbacks_of(house: House) -> CallbackService:
    """The callbacks."""
    settings, core = house.settings.callback, house.core
    office = Office(
        switch=house.settings.switch,
        sound=await _sound(house.settings),
        agents=house.agents,
        availability=house.available,
        is_open=house.is_open,
        identify=house.identify,
        virtual_join=house.virtual_join,
        to_e164=house.to_e164,
        may_not_call=house.may_not_call,
        call=core.history.call,
        was_made=house.was_made,
    )
    book = CallbackBook(settings, CallbackStore(core.engine), office, core.journal.record, now)
    return CallbackService(settings, book, office, core.bus, house.perform, now, house.ages)


async def _sound(settings: Settings) -> str:
    """What customers who are called back hear first."""
    callback = settings.callback
    if callback.sound or not callback.enabled:
        return callback.sound or _ANYWAY
    try:
        speaker = Speaker(settings.ivr.speech)
        spoken = await asyncio.to_thread(speaker.speak, callback.say, callback.voice)
    except SpeechError as error:
        log.error("callback_not_spoken", reason=error.reason, cure=error.cure, instead=_ANYWAY)
        return _ANYWAY
    return spoken.file
