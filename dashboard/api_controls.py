"""The API of the call in hand: hand it on, hang up, mute, press keys.

Each is for a call in which the user's own phone talks; those who lead may hand on and end the calls
of their agents, too. What changes a call carries a ``request_id`` of the browser's: the same id
again is the same request, and gets the same answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

from pydantic import Field

from cti.control.places import Target, TargetKind, dialled
from cti.control.service import CallControl, ControlRefused, InHand
from cti.domain.events import Activity, Availability
from dashboard.audit import Action
from dashboard.errors import ApiError
from dashboard.picture import AgentState, Picture
from dashboard.routes import Ask, Routes
from dashboard.schemas import CallPath, Interface, Model
from dashboard.scope import whole_house

routes = Routes()

T = TypeVar("T")

RequestId = Annotated[str, Field(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9-]+$")]
_STATUS = {"not_connected": 503, "timeout": 504, "lost": 504}


class Transfer(Model):
    """Where to: an agent's phone (``PJSIP/102``), a queue's name, or a number or extension."""

    kind: TargetKind
    to: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f]+$")]
    request_id: RequestId


class OneRequest(Model):
    """Which request this is, should it come twice."""

    request_id: RequestId


class Asked(Model):
    """Which colleague is asked: an agent's phone (``PJSIP/102``)."""

    agent: Interface
    request_id: RequestId


class Mute(Model):
    """Whether the other party is not to hear the agent."""

    muted: bool


class Digits(Model):
    """Keys for the other party's line."""

    digits: Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[0-9*#A-D]+$")]
    request_id: RequestId


class Carried(Model):
    """The PBX has taken it; what comes of it is told live."""

    call_id: str
    at: int


class Missing(Model):
    """Something the PBX cannot do with this call now, why, and the cure."""

    action: str
    reason: str
    cure: str


class ControlsAnswer(Model):
    """What cannot be done; everything else can."""

    missing: list[Missing]


class Colleague(Model):
    """An agent to whom a call can be handed on. ``why_not``: empty where it can."""

    agent: str
    name: str
    availability: Availability
    reason: str
    activity: Activity
    why_not: str


class QueueTarget(Model):
    """A queue, how many wait there, and how many of its agents are free."""

    queue: str
    waiting: int
    free: int


class TargetsAnswer(Model):
    """Colleagues by name, queues by name."""

    agents: list[Colleague]
    queues: list[QueueTarget]


@routes.get("/api/transfer-targets")
async def transfer_targets(ask: Ask) -> TargetsAnswer:
    """To whom a call can be handed on, and how busy they are."""
    return targets_of(ask.dashboard.desk.picture, ask.user.agent)


@routes.get("/api/calls/{call_id}/controls", errors=(409, 503, 504))
async def read_controls(ask: Ask, path: CallPath) -> ControlsAnswer:
    """What the PBX cannot do with the call in hand, and why."""
    hand = _hand(ask, path.call_id)
    missing = await _carried(lambda: _control(ask).why_not(hand))
    rows = [Missing(action=a, reason=r.reason, cure=r.cure) for a, r in missing.items()]
    return ControlsAnswer(missing=rows)


@routes.post("/api/calls/{call_id}/transfer", errors=(409, 503, 504))
async def transfer_call(ask: Ask, path: CallPath, body: Transfer) -> Carried:
    """Hand the caller on at once, to a colleague, a queue or a number."""
    hand = _hand(ask, path.call_id)
    to = dialled(body.to) if body.kind == "number" else body.to

    async def work() -> Carried:
        await _control(ask).transfer(hand, Target(body.kind, to))
        return await _noted(ask, hand, "transfer_call", f"{body.kind} {to}")

    return await _once(ask, hand, body.request_id, "transfer", work)


@routes.post("/api/calls/{call_id}/consult", errors=(409, 503, 504))
async def begin_consult(ask: Ask, path: CallPath, body: Asked) -> Carried:
    """Ask a colleague first, while the caller waits aside."""
    hand = _hand(ask, path.call_id)

    async def work() -> Carried:
        await _control(ask).consult(hand, Target("agent", body.agent))
        return _now(ask, hand)

    return await _once(ask, hand, body.request_id, "consult", work)


@routes.post("/api/calls/{call_id}/consult/back", errors=(409, 503, 504))
async def end_consult(ask: Ask, path: CallPath, body: OneRequest) -> Carried:
    """Let the colleague go, and talk with the caller again."""
    hand = _hand(ask, path.call_id)

    async def work() -> Carried:
        await _control(ask).back(hand)
        return _now(ask, hand)

    return await _once(ask, hand, body.request_id, "back", work)


@routes.post("/api/calls/{call_id}/consult/complete", errors=(409, 503, 504))
async def complete_consult(ask: Ask, path: CallPath, body: OneRequest) -> Carried:
    """Leave the caller to the colleague who was asked."""
    hand = _hand(ask, path.call_id)

    async def work() -> Carried:
        await _control(ask).complete(hand)
        return await _noted(ask, hand, "transfer_call", "to the colleague who was asked")

    return await _once(ask, hand, body.request_id, "complete", work)


@routes.post("/api/calls/{call_id}/hangup", errors=(409, 503, 504))
async def hang_up_call(ask: Ask, path: CallPath, body: OneRequest) -> Carried:
    """Hang up the agent's phone."""
    hand = _hand(ask, path.call_id)

    async def work() -> Carried:
        await _control(ask).hang_up(hand)
        return await _noted(ask, hand, "hang_up_call")

    return await _once(ask, hand, body.request_id, "hangup", work)


@routes.put("/api/calls/{call_id}/mute", errors=(409, 503, 504))
async def mute_call(ask: Ask, path: CallPath, body: Mute) -> Carried:
    """Mute my phone for the other party, or let it be heard again; asking twice changes nothing."""
    hand = _hand(ask, path.call_id)
    await _carried(lambda: _control(ask).mute(hand, body.muted))
    return _now(ask, hand)


@routes.post("/api/calls/{call_id}/digits", errors=(409, 503, 504))
async def press_keys(ask: Ask, path: CallPath, body: Digits) -> Carried:
    """Send keys (DTMF) to the other party. They are nowhere kept: they may be a secret."""
    hand = _hand(ask, path.call_id)

    async def work() -> Carried:
        await _control(ask).press(hand, body.digits)
        return _now(ask, hand)

    return await _once(ask, hand, body.request_id, "digits", work)


def targets_of(picture: Picture, own: str) -> TargetsAnswer:
    """Everybody of the user list but ``own``, and the queues they serve or somebody waits in."""
    cards = picture.cards
    queues = {queue for card in cards.values() for queue in card.queues}
    queues |= {wait.queue for wait in picture.waits.values()}
    agents = [
        _colleague(agent, card.name, picture.agent(agent))
        for agent, card in sorted(cards.items(), key=lambda item: item[1].name.casefold())
        if agent != own
    ]
    return TargetsAnswer(
        agents=agents, queues=[_queue(picture, queue, own) for queue in sorted(queues)]
    )


def _colleague(agent: str, name: str, state: AgentState) -> Colleague:
    return Colleague(
        agent=agent,
        name=name,
        availability=state.availability,
        reason=state.reason,
        activity=state.activity,
        why_not="the phone is not registered" if state.activity == "unreachable" else "",
    )


def _queue(picture: Picture, queue: str, own: str) -> QueueTarget:
    serves = [a for a, card in picture.cards.items() if queue in card.queues and a != own]
    states = [picture.agent(agent) for agent in serves]
    free = sum(s.availability == "available" and s.activity == "idle" for s in states)
    waiting = sum(wait.queue == queue for wait in picture.waits.values())
    return QueueTarget(queue=queue, waiting=waiting, free=free)


def _control(ask: Ask) -> CallControl:
    control = ask.dashboard.deps.control
    if control is None:
        raise ApiError(409, "not_possible", "there is no PBX to control", "run `ringdesk serve`")
    return control


def _hand(ask: Ask, call_id: str) -> InHand:
    """The user's own phone; or, for those who lead, the agent's who has the call.

    Raises :class:`ApiError` for a call that is not the user's: no word of whose it is.
    """
    user, desk = ask.user, ask.dashboard.desk
    own = desk.call_on_desk(user.agent) if user.agent else None
    if own and own.call_id == call_id:
        return InHand(call_id, user.agent, user.username)
    if ask.reach in {"team", "all"}:
        everybody = whole_house(user, ask.reach)
        team = set(desk.agents_in(frozenset(user.queues)))
        for agent in desk.picture.desks_with(call_id):
            state = desk.picture.agent(agent).own
            if state and state.talking and (everybody or agent in team):
                return InHand(call_id, agent, user.username)
    raise ApiError(
        409,
        "not_in_call",
        "this call is not in your hands",
        "only the call on your own phone can be controlled here",
    )


async def _once(
    ask: Ask, hand: InHand, request_id: str, what: str, work: Callable[[], Awaitable[Carried]]
) -> Carried:
    key = (ask.user.username, hand.call_id, what, request_id)
    done: Carried = await _carried(lambda: ask.dashboard.once.do(key, work))
    return done


async def _carried(work: Callable[[], Awaitable[T]]) -> T:
    try:
        return await work()
    except ControlRefused as refused:
        status = _STATUS.get(refused.code, 409)
        raise ApiError(status, refused.code, refused.reason, refused.cure) from None


async def _noted(ask: Ask, hand: InHand, action: Action, detail: str = "") -> Carried:
    told = f"{detail} (call of {hand.agent})".strip() if hand.agent != ask.user.agent else detail
    await ask.dashboard.audit.note(ask.user.username, action, hand.call_id, ask.address, told)
    return _now(ask, hand)


def _now(ask: Ask, hand: InHand) -> Carried:
    return Carried(call_id=hand.call_id, at=ask.dashboard.deps.now())
