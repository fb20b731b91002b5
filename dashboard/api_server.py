"""The API about the server itself: health and the API's own description."""

from __future__ import annotations

from aiohttp import web

from dashboard.routes import Ask, Routes
from dashboard.schemas import HealthAnswer

routes = Routes()


@routes.get("/api/health")
async def health(ask: Ask) -> HealthAnswer:
    """Whether all works; open to anybody, so without anything personal."""
    journal, hub = ask.dashboard.deps.journal, ask.dashboard.hub
    failing = journal.failing_since is not None
    return HealthAnswer(
        status="ok" if hub.desk.link_up and not failing else "degraded",
        link="up" if hub.desk.link_up else "down",
        journal="failing" if failing else "ok",
        journal_backlog=journal.backlog,
        clients=hub.clients,
    )


@routes.get("/api/openapi.json")
async def openapi(ask: Ask) -> web.Response:
    """The API's description, OpenAPI 3.1."""
    return web.json_response(ask.dashboard.description)
