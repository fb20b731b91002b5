"""Is the page's port free, or held by Ringdesk itself?"""

from __future__ import annotations

import asyncio
import errno
import socket
import time

import aiohttp

from dashboard.settings import DashboardSettings
from ringdesk.doctor.check import Check

NAME = "page"
READY_SECONDS = 3.0
"""How long a Ringdesk that has just started may take to be ready."""


async def check_page(settings: DashboardSettings) -> Check:
    """Try to listen, for a moment; ask who is there if that fails."""
    address = f"{settings.host}:{settings.port}"
    try:
        _try_to_listen(settings.host, settings.port)
    except OSError as error:
        return await _held(settings, error)
    return Check(NAME, "ok", f"port free: Ringdesk is not running, it will listen on {address}")


def _try_to_listen(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        probe.listen()


async def _held(settings: DashboardSettings, error: OSError) -> Check:
    address = f"{settings.host}:{settings.port}"
    if error.errno != errno.EADDRINUSE:
        said = f"Ringdesk cannot listen on {address}: {error.strerror}"
        fix = "[dashboard] host must be an address of this machine; ports below 1024 need root"
        return Check(NAME, "fail", said, fix)
    told = await _readiness(settings)
    if told is None:
        fix = f"ss -ltnp 'sport = :{settings.port}'   # who is it?\nor set port under [dashboard]"
        return Check(NAME, "fail", f"another program holds {address}", fix)
    if told:
        return Check(NAME, "warn", f"Ringdesk serves on {address}, but {told[0]}", told[1])
    return Check(NAME, "ok", f"Ringdesk serves on http://{address}")


async def _readiness(settings: DashboardSettings) -> tuple[str, str] | tuple[()] | None:
    """Why the server there is not ready and the cure; (): it is ready; None: it is no Ringdesk.

    One that has just started gets :data:`READY_SECONDS` to become so.
    """
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104
    ends_at = time.monotonic() + READY_SECONDS
    try:
        timeout = aiohttp.ClientTimeout(total=2)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                async with session.get(f"http://{host}:{settings.port}/api/ready") as answer:
                    told = _told(await answer.json())
                if not told or time.monotonic() > ends_at:
                    return told
                await asyncio.sleep(0.1)
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None


def _told(answer: object) -> tuple[str, str] | tuple[()] | None:
    match answer:
        case {"status": "ready"}:
            return ()
        case {"error": {"code": "not_ready", "message": str(reason), "cure": str(cure)}}:
            return reason, cure
    return None
