"""The API of the user who asks: log-in and out, password, availability."""

from __future__ import annotations

from aiohttp import web

from callqueue.availability import AvailabilityRefused
from dashboard.accounts import User
from dashboard.errors import ApiError
from dashboard.routes import COOKIE, Ask, Routes
from dashboard.schemas import (
    AvailabilityAnswer,
    AvailabilityChange,
    Login,
    Me,
    MeAnswer,
    NewPassword,
)

routes = Routes()


def me_of(user: User) -> Me:
    """The user as the browser knows them."""
    return Me(
        username=user.username,
        name=user.name,
        role=user.role,
        agent=user.agent,
        queues=list(user.queues),
        must_change=user.must_change,
    )


@routes.post("/api/login", errors=(401, 429), answer=MeAnswer)
async def login(ask: Ask, body: Login) -> web.Response:
    """Log in; the answer sets the session's cookie."""
    dashboard = ask.dashboard
    wait = await dashboard.login_limit.refused_for(body.username, ask.address)
    if wait:
        raise ApiError(
            429, "too_many_attempts", "too many log-ins", f"try again in {wait} s", retry_after=wait
        )
    entered = await dashboard.accounts.log_in(body.username, body.password)
    if entered is None:
        await dashboard.audit.note(body.username, "log_in_refused", address=ask.address)
        raise ApiError(
            401, "wrong_login", "the user name or the password is wrong", "check both and try again"
        )
    token, user = entered
    await dashboard.login_limit.succeeded(body.username)
    await _leave_old_session(ask)
    await dashboard.audit.note(user.username, "log_in", address=ask.address)
    return _with_cookie(ask, token, user)


async def _leave_old_session(ask: Ask) -> None:
    """What the browser held before the log-in is worth nothing after it."""
    old = ask.request.cookies.get(COOKIE)
    if old:
        await ask.dashboard.hub.end_session(await ask.dashboard.accounts.log_out(old))


def _with_cookie(ask: Ask, token: str, user: User) -> web.Response:
    answer = MeAnswer(user=me_of(user)).model_dump_json().encode()
    response = web.Response(body=answer, content_type="application/json")
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(ask.dashboard.settings.session_hours * 3600),
        path="/",
        secure=ask.dashboard.is_secure(ask.request),
        httponly=True,
        samesite="Strict",
    )
    return response


@routes.post("/api/logout", status=204)
async def logout(ask: Ask) -> None:
    """Log out; open desks of this session close."""
    user, token = ask.user, ask.request.cookies[COOKIE]
    await ask.dashboard.hub.end_session(await ask.dashboard.accounts.log_out(token))
    await ask.dashboard.audit.note(user.username, "log_out", address=ask.address)


@routes.get("/api/me")
async def me(ask: Ask) -> MeAnswer:
    """Who is logged in."""
    return MeAnswer(user=me_of(ask.user))


@routes.put("/api/me/password", status=204, errors=(409, 429))
async def change_password(ask: Ask, body: NewPassword) -> None:
    """Change one's own password; the user's other sessions end."""
    user, dashboard = ask.user, ask.dashboard
    wait = await dashboard.login_limit.refused_for(user.username, ask.address)
    if wait:
        raise ApiError(
            429, "too_many_attempts", "too many tries", f"try again in {wait} s", retry_after=wait
        )
    if not await dashboard.accounts.set_password(user, body.old, body.new):
        raise ApiError(409, "wrong_password", "the old password is wrong", "type it again")
    await dashboard.login_limit.succeeded(user.username)
    keep = ask.session.token_hash if ask.session else ""
    await dashboard.accounts.end_sessions(user, keep)
    await dashboard.hub.end_user(user.username, keep)
    await dashboard.audit.note(user.username, "change_password", address=ask.address)


@routes.put("/api/me/availability", errors=(409,))
async def set_availability(ask: Ask, body: AvailabilityChange) -> AvailabilityAnswer:
    """Choose one's availability; answered when the PBX has taken it."""
    if not ask.user.agent:
        raise ApiError(
            409, "no_phone", "you have no phone", "an admin can give you one in the user list"
        )
    try:
        state = await ask.dashboard.deps.set_availability(
            ask.user.agent, body.availability, body.reason
        )
    except AvailabilityRefused as error:
        raise ApiError(409, "refused", error.reason, error.cure) from None
    return AvailabilityAnswer(
        availability=state.availability, reason=state.reason, until=state.until
    )
