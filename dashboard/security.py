"""What every answer carries and every request must pass: headers, origin, one shape of errors."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware
from sqlalchemy.exc import SQLAlchemyError

from dashboard.errors import ApiError, forbidden
from dashboard.routes import database_away

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Prepare = Callable[[web.Request, web.StreamResponse], Awaitable[None]]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_IMPORT_MAP = re.compile(r'<script type="importmap">(.*?)</script>', re.DOTALL)


def content_policy(index: str) -> str:
    """The Content-Security-Policy for the page ``index``: its import map is the one inline script.

    A browser hashes the text between the tags (CSP Level 3, 'unsafe-inline' is not needed).
    """
    hashes = [f" 'sha256-{_sha256(script)}'" for script in _IMPORT_MAP.findall(index)]
    return (
        "default-src 'none'; "
        f"script-src 'self'{''.join(hashes)}; "
        "style-src 'self'; img-src 'self' data:; connect-src 'self'; media-src 'self' blob:; "
        "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def headers_for(static: Path) -> dict[str, str]:
    """The headers of every answer."""
    index = static / "index.html"
    return {
        "Content-Security-Policy": content_policy(
            index.read_text(encoding="utf-8") if index.exists() else ""
        ),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


def add_headers(headers: dict[str, str]) -> Prepare:
    """A signal handler that puts ``headers`` on each answer and says how it may be cached."""

    async def prepare(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(headers)
        api = request.path.startswith("/api/")
        response.headers["Cache-Control"] = "no-store" if api else "no-cache"
        response.headers.popall("Server", None)

    return prepare


def same_origin(request: web.Request, public_origin: str) -> bool:
    """The request's Origin is this server: by its Host header, or the configured public origin."""
    origin = request.headers.get("Origin", "")
    if public_origin and origin == public_origin:
        return True
    parts = urlsplit(origin)
    return parts.scheme in {"http", "https"} and parts.netloc == request.host


def guard(public_origin: str) -> Middleware:
    """The middleware around every handler: state changes only from our own page, errors in shape.

    A state change needs ``X-Ringdesk: 1``, which another site's form cannot send, and, where the
    browser says an Origin, ours.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            if request.match_info.http_exception is None:
                _check_state_change(request, public_origin)
            return await handler(request)
        except ApiError as error:
            return error.response()
        except web.HTTPException as error:
            return _in_shape(request, error)
        except SQLAlchemyError as error:
            log.error("request_without_database", route=_route(request), kind=type(error).__name__)
            return database_away(error).response()
        except Exception:
            call_id = request.match_info.get("call_id", "")
            log.exception("request_failed", route=_route(request), call_id=call_id)
            return _FAULT.response()

    return middleware


_FAULT = ApiError(
    500,
    "fault",
    "Ringdesk made a mistake",
    "calls go on; the log has the details: please report it",
)


def _check_state_change(request: web.Request, public_origin: str) -> None:
    if request.method in SAFE_METHODS:
        return
    if request.headers.get("X-Ringdesk") != "1":
        raise forbidden("the header X-Ringdesk: 1 is missing", "send it with every state change")
    if "Origin" in request.headers and not same_origin(request, public_origin):
        raise forbidden(
            "the request comes from another site",
            "open Ringdesk at its own address; behind a proxy, set public_origin",
        )


def _in_shape(request: web.Request, error: web.HTTPException) -> web.StreamResponse:
    if not request.path.startswith("/api/") or error.status < 400:
        raise error
    cure = "see /api/openapi.json for the addresses and methods there are"
    code = {404: "not_found", 405: "no_such_method", 413: "too_long"}.get(error.status, "refused")
    response = ApiError(error.status, code, error.reason.lower(), cure).response()
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource else ""
