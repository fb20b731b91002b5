"""How often a log-in may be tried: by user name, and by the address it comes from."""

from __future__ import annotations

import math
import time

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from dashboard.settings import DashboardSettings

WINDOW_SECONDS = 300


class LoginLimit:
    """Counts attempts in a moving window of five minutes."""

    def __init__(self, settings: DashboardSettings) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._by_name = _limit(settings.login_attempts_per_username, "username")
        self._by_address = _limit(settings.login_attempts_per_address, "address")

    async def refused_for(self, username: str, address: str) -> int:
        """Count an attempt; returns 0, or the seconds to wait before the next."""
        for limit, key in ((self._by_address, address), (self._by_name, username.casefold())):
            if not await self._limiter.hit(limit, key):
                reset_at, _ = await self._limiter.get_window_stats(limit, key)
                return max(1, math.ceil(reset_at - time.time()))
        return 0

    async def succeeded(self, username: str) -> None:
        """A log-in which went well makes the user's failed attempts forgotten."""
        await self._limiter.clear(self._by_name, username.casefold())


def _limit(attempts: int, namespace: str) -> RateLimitItem:
    return RateLimitItemPerSecond(attempts, WINDOW_SECONDS, namespace=namespace)
