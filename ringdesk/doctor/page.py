"""Is the page's port free, or held by Ringdesk itself?"""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping

import aiohttp

from dashboard.settings import DashboardSettings
from ringdesk.doctor.check import Check

NAME = "page"


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
    health = await _health(settings)
    if health is None:
        fix = f"ss -ltnp 'sport = :{settings.port}'   # who is it?\nor set port under [dashboard]"
        return Check(NAME, "fail", f"another program holds {address}", fix)
    if health.get("status") != "ok":
        said = f"Ringdesk serves on {address}, link {health.get('link')}, journal "
        return Check(NAME, "warn", said + str(health.get("journal")), "see the log of Ringdesk")
    return Check(NAME, "ok", f"Ringdesk serves on http://{address}")


async def _health(settings: DashboardSettings) -> Mapping[str, object] | None:
    """What the server there says of itself; None: it is no Ringdesk."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104
    try:
        timeout = aiohttp.ClientTimeout(total=2)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"http://{host}:{settings.port}/api/health") as answer,
        ):
            told = await answer.json()
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None
    return told if isinstance(told, dict) and "journal" in told else None
