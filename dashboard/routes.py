"""Routes with types: one declaration gives validation, the rights check and the API description.

::

    @routes.get("/api/calls/{call_id}", errors=(404,))
    async def read_call(ask: Ask, path: CallPath) -> CallAnswer: ...

A handler names what it takes (``path``, ``query``, ``body``: pydantic models) and gives (a model,
None for 204, or a ready response, whose model ``answer`` names). Its name is the route's name in
:mod:`dashboard.rights`. The order is always: session (401), right (403), input (422), handler.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_type_hints

from aiohttp import web
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import SQLAlchemyError

from dashboard.accounts import Session, User
from dashboard.errors import ApiError, forbidden, unauthorized
from dashboard.rights import PUBLIC, reach
from dashboard.settings import Reach

if TYPE_CHECKING:
    from dashboard.app import Dashboard

Handler = Callable[..., Awaitable[Any]]

COOKIE = "ringdesk_session"


@dataclass(frozen=True)
class Ask:
    """One request on its way through a handler."""

    request: web.Request
    dashboard: Dashboard
    session: Session | None
    reach: Reach

    @property
    def user(self) -> User:
        """Who asks. Raises :class:`ApiError` on a public route without a session."""
        if self.session is None:
            raise unauthorized()
        return self.session.user

    @property
    def address(self) -> str:
        """Where the request comes from."""
        return self.dashboard.address_of(self.request)


@dataclass(frozen=True)
class Endpoint:
    """One route as it was declared."""

    method: str
    address: str
    name: str
    summary: str
    handler: Handler
    inputs: Mapping[str, type[BaseModel]]
    answer: type[BaseModel] | None
    status: int
    errors: tuple[int, ...]
    media: str


@dataclass
class Routes:
    """The declared routes of one part of the API."""

    endpoints: list[Endpoint] = field(default_factory=list)

    def get(self, address: str, **options: Any) -> Callable[[Handler], Handler]:
        """Declare a GET route."""
        return self._declare("GET", address, **options)

    def post(self, address: str, **options: Any) -> Callable[[Handler], Handler]:
        """Declare a POST route."""
        return self._declare("POST", address, **options)

    def put(self, address: str, **options: Any) -> Callable[[Handler], Handler]:
        """Declare a PUT route."""
        return self._declare("PUT", address, **options)

    def patch(self, address: str, **options: Any) -> Callable[[Handler], Handler]:
        """Declare a PATCH route."""
        return self._declare("PATCH", address, **options)

    def delete(self, address: str, **options: Any) -> Callable[[Handler], Handler]:
        """Declare a DELETE route."""
        return self._declare("DELETE", address, **options)

    def _declare(
        self,
        method: str,
        address: str,
        *,
        status: int = 200,
        errors: tuple[int, ...] = (),
        media: str = "application/json",
        answer: type[BaseModel] | None = None,
    ) -> Callable[[Handler], Handler]:
        def declare(handler: Handler) -> Handler:
            hints = get_type_hints(handler, localns={"Ask": Ask})
            given = hints["return"]
            model = given if isinstance(given, type) and issubclass(given, BaseModel) else None
            endpoint = Endpoint(
                method=method,
                address=address,
                name=handler.__name__,
                summary=(handler.__doc__ or handler.__name__).splitlines()[0],
                handler=handler,
                inputs={name: hints[name] for name in ("path", "query", "body") if name in hints},
                answer=answer or model,
                status=status,
                errors=errors,
                media=media,
            )
            self.endpoints.append(endpoint)
            return handler

        return declare


def serve(endpoint: Endpoint, dashboard: Dashboard) -> Callable[[web.Request], Any]:
    """The aiohttp handler of an endpoint."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            ask = await admit(request, endpoint.name, dashboard)
            inputs = await _inputs(request, endpoint)
            return _answer(await endpoint.handler(ask, **inputs), endpoint)
        except ApiError as error:
            return error.response()

    return handle


async def admit(request: web.Request, name: str, dashboard: Dashboard) -> Ask:
    """Check session and right for the route ``name``. Raises :class:`ApiError`."""
    token = request.cookies.get(COOKIE, "")
    if name in PUBLIC:
        return Ask(request, dashboard, None, "all")
    session = await dashboard.accounts.session(token) if token else None
    if session is None:
        raise unauthorized()
    how_far = reach(name, session.user.role, dashboard.settings)
    if how_far == "none":
        raise forbidden(f"the role {session.user.role} may not do this")
    return Ask(request, dashboard, session, how_far)


async def _inputs(request: web.Request, endpoint: Endpoint) -> dict[str, BaseModel]:
    inputs: dict[str, BaseModel] = {}
    try:
        if "path" in endpoint.inputs:
            inputs["path"] = endpoint.inputs["path"].model_validate(dict(request.match_info))
        if "query" in endpoint.inputs:
            inputs["query"] = endpoint.inputs["query"].model_validate(_query(request))
        if "body" in endpoint.inputs:
            inputs["body"] = endpoint.inputs["body"].model_validate_json(await request.read())
    except ValidationError as error:
        raise _invalid(error) from None
    return inputs


def _query(request: web.Request) -> dict[str, str]:
    repeated = {name for name in request.query if len(request.query.getall(name)) > 1}
    if repeated:
        raise ApiError(422, "invalid", f"{sorted(repeated)[0][:60]} is given twice", "give it once")
    return dict(request.query)


def _invalid(error: ValidationError) -> ApiError:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])[:120] or "the request"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    code = "unreadable" if first["type"] == "json_invalid" else "invalid"
    return ApiError(
        400 if code == "unreadable" else 422,
        code,
        f"{where}: {first['msg']}{more}",
        "see /api/openapi.json for what this address takes",
    )


def _answer(result: Any, endpoint: Endpoint) -> web.StreamResponse:
    if isinstance(result, web.StreamResponse):
        return result
    if result is None:
        return web.Response(status=204)
    body = result.model_dump_json().encode()
    return web.Response(status=endpoint.status, body=body, content_type="application/json")


def database_away(error: SQLAlchemyError) -> ApiError:
    """503 for a database that does not answer."""
    return ApiError(
        503,
        "database_away",
        "the database does not answer",
        "calls go on; try again in a moment, and check the database and its disk",
        retry_after=5,
    )
