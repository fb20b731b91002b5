"""The same request sent twice (a double click, a retry after a lost answer) is carried out once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

REMEMBERED = 1000


class Once:
    """Remembers the last :data:`REMEMBERED` requests by who sent them, what for, and their id."""

    def __init__(self) -> None:
        self._tasks: dict[tuple[str, ...], asyncio.Future[Any]] = {}

    async def do(self, key: tuple[str, ...], work: Callable[[], Awaitable[Any]]) -> Any:
        """The outcome of ``work``, or of the same request before; it outlives a lost browser."""
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.ensure_future(work())
            while len(self._tasks) > REMEMBERED:
                del self._tasks[next(iter(self._tasks))]
        return await asyncio.shield(task)
