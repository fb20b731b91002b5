"""The server's end of a speech process: starts it when needed, and survives its death."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from recordings.speech_worker import LENGTH, Heard, Job, Refused

WORKER = (sys.executable, "-P", "-m", "recordings.speech_worker")
_ROOT = Path(__file__).parent.parent


class SpeechProcessDied(Exception):
    """The process ended or hung in the middle of a job; the next job gets a fresh one."""


def environment() -> Mapping[str, str]:
    """The server's own, with our packages importable wherever they were started from."""
    paths = (str(_ROOT), os.environ.get("PYTHONPATH", ""))
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


class SpeechProcess:
    """One speech process, one job at a time. Use as ``async with``: it is killed at the end."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._kill()

    @property
    def pid(self) -> int | None:
        """The process, when one runs."""
        return self._process.pid if self._process else None

    async def read(self, job: Job, seconds: float) -> Heard | Refused:
        """The answer to ``job`` within ``seconds``. Raises :class:`SpeechProcessDied`."""
        process = await self._running()
        try:
            async with asyncio.timeout(seconds):
                return await _exchange(process, job)
        except TimeoutError:
            await self._kill()
            raise SpeechProcessDied(f"it gave no answer within {seconds:.0f} s") from None
        except (asyncio.IncompleteReadError, ConnectionError):
            status = await process.wait()
            self._process = None
            raise SpeechProcessDied(f"it ended with status {status}") from None

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *WORKER,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=environment(),
            )
        return self._process

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process and process.returncode is None:
            process.kill()
            await process.wait()


async def _exchange(process: asyncio.subprocess.Process, job: Job) -> Heard | Refused:
    assert process.stdin is not None  # noqa: S101
    assert process.stdout is not None  # noqa: S101
    body = msgspec.json.encode(job)
    process.stdin.write(LENGTH.pack(len(body)) + body)
    await process.stdin.drain()
    head = await process.stdout.readexactly(LENGTH.size)
    answer: Heard | Refused = msgspec.json.decode(
        await process.stdout.readexactly(LENGTH.unpack(head)[0]), type=Heard | Refused
    )
    return answer
