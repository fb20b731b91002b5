"""The API of one call's ladder, and of the raw AMI messages behind it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from cti.ami_tape import MOST_FOUND, TapedMessage
from dashboard.api_calls import open_interaction
from dashboard.errors import ApiError
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
    _, events = await open_interaction(ask, path.call_id)
    return ladder(path.call_id, events, ask.dashboard.desk.name_of)


@routes.get("/api/calls/{call_id}/raw", errors=(404, 503))
async def read_raw(ask: Ask, path: CallPath) -> RawAnswer:
    """The AMI messages behind a call, as long as they are kept; asking is audited."""
    rows, _ = await open_interaction(ask, path.call_id)
    tapes = ask.dashboard.deps.tapes
    hours = max((tapes[row.switch].hours for row in rows if row.switch in tapes), default=0)
    if not hours:
        return RawAnswer(hours=0, messages=[], more=False)
    await ask.dashboard.audit.note_once(ask.user.username, "read_raw", path.call_id, ask.address)
    try:
        found = [await _taped(ask, row) for row in rows if row.switch in tapes]
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ApiError(503, "tape_unreadable", reason, "check the disk of data_folder") from None
    messages = [RawMessage(at=one.at, text=one.text) for one in chain.from_iterable(found)]
    more = any(len(of_one) == MOST_FOUND for of_one in found)
    if len(found) > 1:
        messages.sort(key=lambda message: message.at)
    return RawAnswer(hours=hours, messages=messages, more=more)


async def _taped(ask: Ask, row: Any) -> Sequence[TapedMessage]:
    """What its switch said about one call. Raises OSError."""
    linkedid = row.call_id.removeprefix(f"{row.switch}-")
    ended = row.ended_at or ask.dashboard.deps.now()
    return await ask.dashboard.deps.tapes[row.switch].of_call(linkedid, row.arrived_at, ended)
