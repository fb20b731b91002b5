"""The API of one call's ladder, and of the raw AMI messages behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cti.ami_tape import MOST_FOUND
from cti.domain.events import Event
from dashboard.api_calls import may_open_call
from dashboard.errors import ApiError, not_found
from dashboard.ladder import LadderAnswer, ladder
from dashboard.routes import Ask, Routes
from dashboard.schemas import CallPath, Model

routes = Routes()


class RawMessage(Model):
    """One AMI message. ``at`` is its Timestamp: the ``at`` of the rung it made, if it made one."""

    at: int
    text: str


class RawAnswer(Model):
    """The messages about a call, in order; ``hours``: how long they are kept (0: not at all)."""

    hours: int
    messages: list[RawMessage]
    more: bool


@routes.get("/api/calls/{call_id}/ladder", errors=(404,))
async def read_ladder(ask: Ask, path: CallPath) -> LadderAnswer:
    """One call as a ladder: lanes, rungs and bars, with times to the microsecond."""
    _, events = await _call(ask, path.call_id)
    return ladder(path.call_id, events, ask.dashboard.desk.name_of)


@routes.get("/api/calls/{call_id}/raw", errors=(404, 503))
async def read_raw(ask: Ask, path: CallPath) -> RawAnswer:
    """The AMI messages behind a call, as long as they are kept; asking is audited."""
    row, _ = await _call(ask, path.call_id)
    tape = ask.dashboard.deps.tapes.get(row.switch)
    if tape is None or not tape.hours:
        return RawAnswer(hours=0, messages=[], more=False)
    await ask.dashboard.audit.note_once(ask.user.username, "read_raw", path.call_id, ask.address)
    linkedid = path.call_id.removeprefix(f"{row.switch}-")
    try:
        ended = row.ended_at or ask.dashboard.deps.now()
        found = await tape.of_call(linkedid, row.arrived_at, ended)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ApiError(503, "tape_unreadable", reason, "check the disk of data_folder") from None
    messages = [RawMessage(at=one.at, text=one.text) for one in found]
    return RawAnswer(hours=tape.hours, messages=messages, more=len(found) == MOST_FOUND)


async def _call(ask: Ask, call_id: str) -> tuple[Any, Sequence[Event]]:
    deps = ask.dashboard.deps
    row, events = await deps.history.call(call_id), await deps.journal.of_call(call_id)
    if row is None or not await may_open_call(ask, row, events):
        raise not_found("call")
    return row, events
