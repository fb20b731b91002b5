"""The API about the server itself: health and the API's own description."""

from __future__ import annotations

from aiohttp import web

from dashboard.errors import ApiError
from dashboard.routes import Ask, Routes
from dashboard.schemas import HealthAnswer, ReadyAnswer

routes = Routes()


@routes.get("/api/health")
async def health(ask: Ask) -> HealthAnswer:
    """That the process lives (any answer), and how; open to anybody, so nothing personal."""
    journal, hub = ask.dashboard.deps.journal, ask.dashboard.hub
    failing = journal.trouble.failing_since is not None
    return HealthAnswer(
        status="ok" if hub.desk.link_up and not failing else "degraded",
        link="up" if hub.desk.link_up else "down",
        switches={switch: "up" if up else "down" for switch, up in hub.desk.links.items()},
        journal="failing" if failing else "ok",
        journal_backlog=journal.backlog,
        clients=hub.clients,
    )


@routes.get("/api/ready")
async def ready(ask: Ask) -> ReadyAnswer:
    """Whether every part can do its work; 503 says which cannot, why, and what to do."""
    parts = ask.dashboard.deps.parts()
    hurt = [part for part in parts if part.reason]
    if hurt:
        raise ApiError(
            503,
            "not_ready",
            "; ".join(f"{part.name}: {part.reason}" for part in hurt),
            "; ".join(f"{part.name}: {part.cure}" for part in hurt),
            retry_after=5,
        )
    return ReadyAnswer(status="ready", parts=[part.name for part in parts])


@routes.get("/api/openapi.json")
async def openapi(ask: Ask) -> web.Response:
    """The API's description, OpenAPI 3.1."""
    return web.json_response(ask.dashboard.description)
