"""What became of a call back that nobody followed: a crash, or a lost link, came in between."""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy.exc import SQLAlchemyError

from callqueue.callback.book import AGAIN_SECONDS
from callqueue.callback.office import Callers, Fate, Office
from callqueue.callback.settings import CallbackSettings
from callqueue.callback.turns import Callback, Verdict, after_attempt
from cti.clock import Now

log = structlog.get_logger(__name__)

NOBODY_KNOWS = (
    "Ringdesk died while calling, and nobody knows whether the customer was called: call by hand"
)


class Aftermath:
    """Asks those who may know: the events, the history, the PBX's own records."""

    def __init__(
        self, callers: Callers, office: Office, settings: CallbackSettings, now: Now
    ) -> None:
        self._callers = callers
        self._office = office
        self._settings = settings
        self._now = now

    async def of(self, callback: Callback) -> tuple[Verdict | None, int]:
        """What becomes of it, and how many attempts there were; None: the call goes on.

        To be asked when the picture is whole.
        """
        attempts = callback.attempts
        match await self._fate(callback):
            case "open":
                return None, attempts
            case "talked":
                return Verdict("done", "talked while Ringdesk did not look"), attempts
            case "over":
                reason = "nobody was reached while Ringdesk did not look"
                return after_attempt(callback, reason, self._settings, self._now()), attempts
        # Only a record that is there and lacks the call proves that it was never made.
        if await self._was_made(callback) is False:
            reason = "the call was not made: Ringdesk died in that moment"
            return Verdict("requested", reason), attempts - 1
        return Verdict("failed", NOBODY_KNOWS), attempts

    async def _fate(self, callback: Callback) -> Fate:
        """However long the database is away: what is not known is not guessed."""
        while True:
            try:
                return await self._callers.fate(callback.own_call, self._office.call)
            except SQLAlchemyError as error:
                log.error("history_not_read", reason=str(error).partition("\n")[0])
                await asyncio.sleep(AGAIN_SECONDS)

    async def _was_made(self, callback: Callback) -> bool | None:
        return await self._office.was_made(callback.switch, callback.leg, callback.changed_at)
