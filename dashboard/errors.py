"""The one shape in which the API says no: ``{"error": {"code", "message", "cure"}}``."""

from __future__ import annotations

import msgspec
from aiohttp import web


class ApiError(Exception):
    """A refusal with its HTTP status, a code for programs, and a cause and cure for people."""

    def __init__(
        self, status: int, code: str, message: str, cure: str = "", retry_after: int = 0
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.cure = cure
        self.retry_after = retry_after

    def response(self) -> web.Response:
        """The error as the browser gets it."""
        error = {"code": self.code, "message": self.message, "cure": self.cure}
        headers = {"Retry-After": str(self.retry_after)} if self.retry_after else None
        return web.Response(
            status=self.status,
            body=msgspec.json.encode({"error": error}),
            content_type="application/json",
            headers=headers,
        )


def not_found(what: str) -> ApiError:
    """404. Also said of what exists but is not the user's to see: its existence is a secret."""
    return ApiError(404, "not_found", f"there is no such {what}", "check the address")


def forbidden(message: str, cure: str = "ask an admin for the right role") -> ApiError:
    """403."""
    return ApiError(403, "forbidden", message, cure)


def unauthorized() -> ApiError:
    """401 for a request without a living session."""
    return ApiError(401, "no_session", "you are not logged in, or no more", "log in")
