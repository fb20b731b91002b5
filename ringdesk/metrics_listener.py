"""Serves the metrics on an address of their own, away from the page that people open.

Prometheus brings no session, and what it reads (how many wait, how many hang up) is not for every
browser that reaches the page; so the address decides who may ask, and it is the loopback unless
somebody says otherwise. An address that is taken is tried again: calls need no metrics.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder
from sqlalchemy.exc import SQLAlchemyError

from recordings.rows import Backlog
from ringdesk.metrics import Metrics
from ringdesk.settings import MetricsSettings

log = structlog.get_logger(__name__)

_LISTEN_AGAIN_SECONDS = 10.0
_DATABASE_SECONDS = 2.0


class MetricsListener:
    """``GET /metrics``, as text or OpenMetrics. ``port`` is 0 until it listens."""

    def __init__(
        self,
        settings: MetricsSettings,
        metrics: Metrics,
        read_backlog: Callable[[], Awaitable[Backlog]],
    ) -> None:
        self.port = 0
        self._settings = settings
        self._metrics = metrics
        self._read_backlog = read_backlog
        self._registry = CollectorRegistry()
        self._registry.register(metrics)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)

    async def run(self) -> None:
        """Add up events and serve until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._metrics.tally.run(), name="metrics-tally")
            if self._settings.enabled:
                group.create_task(self._serve(), name="metrics-listener")

    async def _serve(self) -> None:
        app = web.Application()
        app.router.add_get("/metrics", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1, handle_signals=False)
        await runner.setup()
        try:
            await self._listen(runner)
            await asyncio.get_running_loop().create_future()
        finally:
            await asyncio.shield(runner.cleanup())

    async def _listen(self, runner: web.AppRunner) -> None:
        host, port = self._settings.host, self._settings.port
        while True:
            try:
                await web.TCPSite(runner, host, port).start()
            except OSError as error:
                log.error(
                    "metrics_cannot_listen",
                    host=host,
                    port=port,
                    error=error.strerror or type(error).__name__,
                    cure="end what holds the port, or set metrics.host and metrics.port",
                )
                await asyncio.sleep(_LISTEN_AGAIN_SECONDS)
            else:
                self.port = int(runner.addresses[0][1])
                log.info("metrics_listen", host=host, port=self.port)
                return

    async def _answer(self, request: web.Request) -> web.Response:
        await self._ask_database()
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self._registry), headers={"Content-Type": content_type})

    async def _ask_database(self) -> None:
        self._metrics.backlog = None
        with contextlib.suppress(SQLAlchemyError, OSError, TimeoutError):
            async with asyncio.timeout(_DATABASE_SECONDS):
                self._metrics.backlog = await self._read_backlog()
