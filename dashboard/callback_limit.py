"""How often a web site may ask for callbacks: by the visitor's address, and by the number."""

from __future__ import annotations

import math
import time

from limits import RateLimitItemPerDay, RateLimitItemPerHour
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter


class CallbackLimit:
    """Counts requests in moving windows of an hour (address) and a day (number)."""

    def __init__(self, per_address: int, per_number: int) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._by_address = RateLimitItemPerHour(per_address, namespace="callback-address")
        self._by_number = RateLimitItemPerDay(per_number, namespace="callback-number")

    async def refused_for(self, number: str, address: str) -> int:
        """Count a request; returns 0, or the seconds to wait before the next."""
        for limit, key in ((self._by_address, address), (self._by_number, number)):
            if not await self._limiter.hit(limit, key):
                reset_at, _ = await self._limiter.get_window_stats(limit, key)
                return max(1, math.ceil(reset_at - time.time()))
        return 0
