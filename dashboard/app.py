"""The web server, put together: routes, websocket, static files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web

from dashboard import (
    api_account,
    api_callbacks,
    api_calls,
    api_controls,
    api_customers,
    api_lab,
    api_ladder,
    api_places,
    api_recordings,
    api_search,
    api_server,
    api_users,
)
from dashboard.accounts import Accounts
from dashboard.assets import add_page, read_assets
from dashboard.audit import Audit
from dashboard.deps import Deps
from dashboard.errors import ApiError, forbidden
from dashboard.hub import Hub
from dashboard.listens import Listens
from dashboard.login_limit import LoginLimit
from dashboard.once import Once
from dashboard.openapi import describe
from dashboard.passwords import Passwords
from dashboard.projections import Desk
from dashboard.routes import Endpoint, admit, serve
from dashboard.security import add_headers, guard, headers_for, same_origin
from dashboard.settings import DashboardSettings

log = structlog.get_logger(__name__)

STATIC = Path(__file__).with_name("static")
LARGEST_BODY = 256 * 1024
VERSION = "0.1.0"

ENDPOINTS: tuple[Endpoint, ...] = tuple(
    endpoint
    for part in (
        api_account,
        api_calls,
        api_controls,
        api_ladder,
        api_callbacks,
        api_places,
        api_customers,
        api_recordings,
        api_search,
        api_users,
        api_server,
        api_lab,
    )
    for endpoint in part.routes.endpoints
)


class Dashboard:
    """What the handlers of one server share."""

    def __init__(
        self, settings: DashboardSettings, deps: Deps, passwords: Passwords | None = None
    ) -> None:
        self.settings = settings
        self.deps = deps
        self.accounts = Accounts(deps.engine, settings, deps.now, passwords, deps.switches)
        self.audit = Audit(deps.engine, deps.now)
        self.listens = Listens()
        self.once = Once()
        self.login_limit = LoginLimit(settings)
        self.hub = Hub(
            deps.engine,
            deps.journal,
            deps.bus,
            self.accounts,
            settings,
            deps.now,
            switches=deps.switches,
        )

    @property
    def desk(self) -> Desk:
        """The live picture."""
        return self.hub.desk

    @cached_property
    def description(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return describe(ENDPOINTS, VERSION)

    def address_of(self, request: web.Request) -> str:
        """The visitor's address, by the proxy's word when one is trusted."""
        forwarded = request.headers.get("X-Forwarded-For", "")
        if self.settings.behind_proxy and forwarded:
            return forwarded.rpartition(",")[2].strip()
        return request.remote or ""

    def is_secure(self, request: web.Request) -> bool:
        """The browser speaks https, to us or to the proxy before us."""
        return request.secure or self.settings.public_origin.startswith("https://")


DASHBOARD = web.AppKey("dashboard", Dashboard)


def build_app(dashboard: Dashboard, static: Path = STATIC) -> web.Application:
    """The aiohttp application. The hub is run beside it (:class:`DashboardService`)."""
    app = web.Application(
        middlewares=[guard(dashboard.settings.public_origin)], client_max_size=LARGEST_BODY
    )
    app[DASHBOARD] = dashboard
    app.on_response_prepare.append(add_headers(headers_for(static)))
    app.on_shutdown.append(_say_goodbye)
    for endpoint in ENDPOINTS:
        route = app.router.add_route(endpoint.method, endpoint.address, serve(endpoint, dashboard))
        assert route.resource is not None  # noqa: S101 (add_route makes one)
    app.router.add_get("/ws", _live)
    add_page(app, read_assets(static))
    return app


async def _say_goodbye(app: web.Application) -> None:
    await app[DASHBOARD].hub.close()
    if desk := app[DASHBOARD].deps.policy_desk:
        await desk.trials.close()


async def _live(request: web.Request) -> web.StreamResponse:
    """The websocket; session, right and origin are checked before the upgrade."""
    dashboard = request.app[DASHBOARD]
    try:
        ask = await admit(request, "live", dashboard)
        if not same_origin(request, dashboard.settings.public_origin):
            raise forbidden(
                "the page comes from another site",
                "open Ringdesk at its own address; behind a proxy, set public_origin",
            )
        if ask.session is None or request.headers.get("Upgrade", "").lower() != "websocket":
            raise ApiError(426, "no_websocket", "this address speaks websocket", "open the page /")
    except ApiError as error:
        return error.response()
    return await dashboard.hub.serve(request, ask.session)


class DashboardService:
    """Serves until cancelled, then closes browsers and connections in order."""

    def __init__(
        self, dashboard: Dashboard, on_listening: Callable[[str, int], None] | None = None
    ) -> None:
        self._dashboard = dashboard
        self._on_listening = on_listening

    async def run(self) -> None:
        """Serve. Raises OSError when the address cannot be taken."""
        settings = self._dashboard.settings
        runner = web.AppRunner(
            build_app(self._dashboard), access_log=None, shutdown_timeout=3, handle_signals=False
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, settings.host, settings.port).start()
            self._listening(runner)
            await self._dashboard.hub.run()
        finally:
            await asyncio.shield(runner.cleanup())

    def _listening(self, runner: web.AppRunner) -> None:
        host, port = runner.addresses[0][:2]
        log.info("dashboard_listens", host=host, port=port)
        if self._on_listening is not None:
            self._on_listening(host, port)
