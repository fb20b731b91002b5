"""The API of callbacks: asked for by people of the house or a web site, listed and cancelled."""

from __future__ import annotations

import hmac
from typing import Annotated

from pydantic import Field

from callqueue.callback.office import CallbackRefused, NoSuchNumber
from callqueue.callback.turns import Callback
from cti.domain.events import CallbackState
from dashboard.deps import Callbacks
from dashboard.errors import ApiError, not_found
from dashboard.routes import Ask, Routes
from dashboard.schemas import Model, Query, QueueName, Short

routes = Routes()

Number = Annotated[str, Field(min_length=3, max_length=40, pattern=r"^[0-9+()./ -]+$")]
CallbackId = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[0-9a-f]+$")]
_BEARER = "Bearer "


class NewCallback(Model):
    """Who is to be called, for which queue. ``number`` as people write it."""

    number: Number
    queue: QueueName
    name: Short = ""


class CallbackPath(Query):
    """Which one."""

    callback_id: CallbackId


class CallbackRow(Model):
    """One callback. ``call_id``: the call in which it was asked for; ``called_as``: the last made.

    ``not_before``: when the next attempt may be made (0: at once).
    """

    callback_id: str
    number: str
    name: str
    queue: str
    state: CallbackState
    reason: str
    asked_by: str
    requested_at: int
    attempts: int
    not_before: int
    call_id: str
    called_as: str


class CallbacksAnswer(Model):
    """Open ones first, in the order in which they stand, then the last that are over."""

    callbacks: list[CallbackRow]


class AskedAnswer(Model):
    """What a web site is told: nothing that it did not know."""

    callback_id: str
    state: CallbackState


def _row(one: Callback) -> CallbackRow:
    return CallbackRow(
        callback_id=one.callback_id,
        number=one.number,
        name=one.name,
        queue=one.queue,
        state=one.state,
        reason=one.reason,
        asked_by=one.asked_by,
        requested_at=one.requested_at,
        attempts=one.attempts,
        not_before=one.not_before,
        call_id=one.call_id,
        called_as=one.own_call,
    )


def _is_seen(ask: Ask, callback: Callback) -> bool:
    """Reach ``team`` without a list of queues is the whole house."""
    queues = ask.user.queues
    return ask.reach == "all" or not queues or callback.queue in queues


@routes.get("/api/callbacks")
async def list_callbacks(ask: Ask) -> CallbacksAnswer:
    """Customers who are to be called back, and the last who were."""
    callbacks = ask.dashboard.deps.callbacks
    found = await callbacks.book.newest() if callbacks else []
    found.sort(key=lambda one: (not one.is_open, one.virtual_join if one.is_open else 0))
    return CallbacksAnswer(callbacks=[_row(one) for one in found if _is_seen(ask, one)])


@routes.post("/api/callbacks", errors=(409,))
async def request_callback(ask: Ask, body: NewCallback) -> CallbackRow:
    """Have a customer called back when it is their turn; one who is in line already stays there."""
    return _row(await _request(_callbacks(ask), body, ask.user.username))


@routes.post("/api/callbacks/web", errors=(401, 409, 429))
async def ask_callback(ask: Ask, body: NewCallback) -> AskedAnswer:
    """The same for a web site, by its token: `Authorization: Bearer ...`."""
    callbacks = _callbacks(ask)
    _check_token(ask, callbacks.token)
    if seconds := await callbacks.limit.refused_for(_digits(body.number), ask.address):
        reason = "too many requests from there, or for this number"
        raise ApiError(429, "too_many", reason, "try again later", retry_after=seconds)
    kept = await _request(callbacks, body, "web")
    return AskedAnswer(callback_id=kept.callback_id, state=kept.state)


@routes.post("/api/callbacks/{callback_id}/cancel", errors=(404, 409))
async def cancel_callback(ask: Ask, path: CallbackPath) -> CallbackRow:
    """Nobody calls this customer back any more."""
    callbacks = ask.dashboard.deps.callbacks
    found = {one.callback_id: one for one in callbacks.book.open_ones} if callbacks else {}
    callback = found.get(path.callback_id)
    if callbacks is None or callback is None or not _is_seen(ask, callback):
        raise not_found("open callback")
    try:
        return _row(await callbacks.book.cancel(path.callback_id, ask.user.username))
    except CallbackRefused as refusal:
        raise ApiError(409, "refused", refusal.reason, "look again in a moment") from None
    except KeyError:
        raise not_found("open callback") from None


def _callbacks(ask: Ask) -> Callbacks:
    callbacks = ask.dashboard.deps.callbacks
    if callbacks is None:
        cure = "set enabled = true under [callback] in the settings"
        raise ApiError(409, "refused", "callbacks are switched off", cure)
    return callbacks


def _check_token(ask: Ask, token: str) -> None:
    given = ask.request.headers.get("Authorization", "")
    if not token:
        cure = "set callback.web_token in the settings"
        raise ApiError(401, "no_token", "web sites may not ask for callbacks here", cure)
    if not hmac.compare_digest(given.encode(), f"{_BEARER}{token}".encode()):
        cure = "send the token of callback.web_token as: Authorization: Bearer ..."
        raise ApiError(401, "no_token", "the token is missing or wrong", cure)


async def _request(callbacks: Callbacks, body: NewCallback, asked_by: str) -> Callback:
    try:
        return await callbacks.book.request(body.number, body.queue, body.name, asked_by)
    except NoSuchNumber as refusal:
        cure = "write it with the country code: +44 20 7946 0000"
        raise ApiError(422, "invalid", f"number: {refusal.reason}", cure) from None
    except CallbackRefused as refusal:
        cure = "see [callback] in the settings"
        raise ApiError(409, "refused", refusal.reason, cure) from None


def _digits(number: str) -> str:
    return "".join(filter(str.isdigit, number))
