"""One thread for calls that block, so that the event loop never does."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

Result = TypeVar("Result")
_Job = tuple[asyncio.Future[Any], Callable[[], Any]]


class Worker:
    """Does jobs one after the other in a thread of its own.

    A daemon thread, unlike :func:`asyncio.to_thread`'s: a database that has stopped answering in
    mid call must not keep the process from ending.
    """

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    async def do(self, job: Callable[..., Result], *args: Any) -> Result:
        """The result of ``job(*args)``, or what it raises.

        When the waiting is cancelled the job still runs to its end.
        """
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._jobs.put((future, lambda: job(*args)))
        return await future

    def stop(self) -> None:
        """End the thread behind the jobs it has. Does not wait."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (entry := self._jobs.get()) is not None:
            future, job = entry
            try:
                result, error = job(), None
            except BaseException as raised:  # raised where the result is awaited
                result, error = None, raised
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                future.get_loop().call_soon_threadsafe(_settle, future, result, error)


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.cancelled():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
