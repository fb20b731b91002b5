"""What one package offers in the shape in which another wants it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog
from sqlalchemy.exc import SQLAlchemyError

from callqueue.agent_state import AgentProfile
from crm_bridge.identify import IdentifyService
from dashboard.accounts import Accounts

log = structlog.get_logger(__name__)


class AgentDirectory:
    """Who is an agent: the accounts with a phone, read again every :data:`SECONDS`."""

    SECONDS = 2.0

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._profiles: dict[str, AgentProfile] = {}

    def profiles(self) -> Mapping[str, AgentProfile]:
        """Agents by interface, such as ``PJSIP/101``."""
        return self._profiles

    def is_agent(self, interface: str) -> bool:
        """Whether an agent uses this interface."""
        return interface in self._profiles

    def with_extension(self, extension: str) -> str:
        """The interface of the agent with this extension (``101``); empty: there is none."""
        ends = (f"/{extension}", f":{extension}")
        return next((i for i in self._profiles if i.endswith(ends)), "")

    async def refresh(self) -> None:
        """Read the accounts."""
        self._profiles = {
            user.agent: AgentProfile(name=user.name, queues=dict.fromkeys(user.queues, 0))
            for user in await self._accounts.all()
            if user.agent and user.active
        }

    async def run(self) -> None:
        """Read the accounts again and again until cancelled."""
        while True:
            await asyncio.sleep(self.SECONDS)
            try:
                await self.refresh()
            except SQLAlchemyError as error:
                log.warning("agents_not_read", reason=type(error).__name__)


_OF_CUSTOMER = ("name", "status", "tier", "segment", "company", "owner_extension", "language")


class CustomerFields:
    """What a menu may know of a caller's customer."""

    def __init__(self, identify: IdentifyService, seconds: float) -> None:
        self._identify = identify
        self._seconds = seconds

    async def __call__(self, call_id: str) -> Mapping[str, str] | None:
        """The customer's fields and ``match``, or None while they are not known."""
        who = await self._identify.identity(call_id, self._seconds)
        if who is None or who.match == "late":
            return None
        fields = {"match": who.match}
        if who.customer:
            for name in _OF_CUSTOMER:
                fields[name] = getattr(who.customer, name)
        return fields
