"""A menu as a state machine: what happened goes in, what is to be done comes out. Pure.

:func:`start` and :func:`advance` give a :class:`Turn`: instructions to carry out in order and the
state to come back with. Its last instruction is one that something comes of, or the end
(:mod:`ivr.dialogue`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cti.domain.events import Micros
from ivr.dialogue import (
    AskCustomer,
    AskWait,
    Chosen,
    CustomerKnown,
    Entered,
    Happening,
    HungUp,
    Instruction,
    KeepPlace,
    Leave,
    Next,
    PlaceKept,
    Play,
    Pressed,
    ReadDigits,
    SetVariable,
    Silence,
    Told,
    WaitKnown,
    WaitUnknown,
)
from ivr.menus import Menus
from ivr.model import (
    AnnounceStep,
    AskStep,
    BranchStep,
    CallbackStep,
    Destination,
    HoursStep,
    PlayStep,
    SetStep,
    Step,
)

MAX_STEPS = 200
"""How many steps one call may walk through; more is a defect, and the call is given back."""


class MenuError(Exception):
    """The menu cannot go on: the call is given back to the dialplan's fallback."""


@dataclass(frozen=True, kw_only=True)
class State:
    """Where a call stands. ``customer`` None: not asked yet; ``tries`` of the present step."""

    menus: Menus
    menu: str
    step: str
    tries: int = 0
    walked: int = 0
    customer: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Turn:
    """Instructions to carry out, and the state with which to come back."""

    instructions: tuple[Instruction, ...]
    state: State


@dataclass
class _Walk:
    """One turn in the making."""

    state: State
    at: Micros
    done: list[Instruction] = field(default_factory=list)

    def turn(self) -> Turn:
        return Turn(tuple(self.done), self.state)


def start(menus: Menus, menu: str, at: Micros) -> Turn:
    """The first turn of a call in ``menu``. Raises :class:`MenuError`: there is no such menu."""
    if menu not in menus.menus:
        raise MenuError(f'there is no menu "{menu}"')
    walk = _Walk(State(menus=menus, menu=menu, step=menus.menus[menu].first), at)
    _enter_menu(walk, menu)
    return walk.turn()


def advance(state: State, happened: Happening, at: Micros) -> Turn:
    """The next turn. Raises :class:`MenuError` after :data:`MAX_STEPS` steps."""
    walk = _Walk(state, at)
    step = _step(state)
    match happened:
        case HungUp():
            _leave(walk, "hangup", "", "the caller hung up")
        case CustomerKnown(fields=fields) if isinstance(step, BranchStep):
            walk.state = replace(state, customer=_with_known(fields))
            _branch(walk, step)
        case WaitKnown() if isinstance(step, AnnounceStep):
            _announce(walk, step, happened)
        case WaitUnknown() if isinstance(step, AnnounceStep):
            _go(walk, step.go, f"after {state.step}, which had nothing to tell")
        case PlaceKept(refused=refused) if isinstance(step, CallbackStep):
            _place_kept(walk, step, refused)
        case Pressed(digits=digits) if isinstance(step, AskStep):
            _pressed(walk, step, digits)
        case Silence() if isinstance(step, AskStep):
            _again(walk, step, step.on_timeout, "nothing was pressed", invalid=False)
        case _:
            raise MenuError(f"{type(happened).__name__} is no answer to a step {step.do}")
    return walk.turn()


def _with_known(fields: Mapping[str, str] | None) -> dict[str, str]:
    return {**(fields or {}), "known": "no" if fields is None else "yes"}


def _step(state: State) -> Step:
    return state.menus.menus[state.menu].step[state.step]


def _enter_menu(walk: _Walk, menu: str) -> None:
    menus = walk.state.menus
    walk.done.append(Entered(menu, menus.versions[menu]))
    _enter_step(walk, menu, menus.menus[menu].first)


def _enter_step(walk: _Walk, menu: str, name: str) -> None:
    walked = walk.state.walked + 1
    if walked > MAX_STEPS:
        raise MenuError(f'the call went through {MAX_STEPS} steps; the last was "{menu}.{name}"')
    walk.state = replace(walk.state, menu=menu, step=name, tries=0, walked=walked)
    match _step(walk.state):
        case AskStep() as step:
            _ask(walk, step, invalid=False)
        case PlayStep() as step:
            walk.done.append(Play(walk.state.menus.playable(menu, step.prompt)))
            _go(walk, step.go, f"after {name}")
        case HoursStep() as step:
            _hours(walk, step)
        case BranchStep() as step:
            _branch(walk, step)
        case AnnounceStep() as step:
            walk.done.append(AskWait(step.queue))
        case SetStep() as step:
            walk.done += [SetVariable(*item) for item in step.variables.items()]
            _go(walk, step.go, f"after {name}")
        case CallbackStep(queue=queue):
            walk.done.append(KeepPlace(queue))


def _go(walk: _Walk, to: Destination, reason: str) -> None:
    match to.kind:
        case "step":
            _enter_step(walk, walk.state.menu, to.target)
        case "menu":
            _enter_menu(walk, to.target)
        case kind:
            _leave(walk, kind, to.target, reason)


def _leave(walk: _Walk, where: Next, target: str, reason: str) -> None:
    walk.done.append(Leave(walk.state.menu, where, target, reason))


def _hours(walk: _Walk, step: HoursStep) -> None:
    if walk.state.menus.calendars[step.calendar].is_open(walk.at):
        _go(walk, step.open, "in business hours")
    else:
        _go(walk, step.closed, "outside of business hours")


def _announce(walk: _Walk, step: AnnounceStep, known: WaitKnown) -> None:
    minutes = None if known.seconds is None else max(1, math.ceil(known.seconds / 60))
    if known.seconds is None or minutes is None:
        prompts, values = step.unknown_prompt, {"position": known.position}
    elif known.seconds < 60 and step.short_prompt:
        prompts, values = step.short_prompt, {"position": known.position}
    else:
        prompts, values = step.prompt, {"position": known.position, "minutes": minutes}
    if prompts:
        sounds = walk.state.menus.announced(walk.state.menu, prompts, values)
        walk.done += [Told(step.queue, known.position, known.seconds), Play(sounds)]
    _go(walk, step.go, f"after {walk.state.step}")


def _branch(walk: _Walk, step: BranchStep) -> None:
    customer = walk.state.customer
    if customer is None:
        walk.done.append(AskCustomer())
        return
    for rule in step.rules:
        if rule.matches(customer):
            _go(walk, rule.go, f"the customer's {', '.join(rule.when)}")
            return
    _go(walk, step.otherwise, "no rule for this customer")


def _place_kept(walk: _Walk, step: CallbackStep, refused: str) -> None:
    if refused:
        _go(walk, step.otherwise, f"no callback: {refused}")
        return
    if step.prompt:
        walk.done.append(Play(walk.state.menus.playable(walk.state.menu, step.prompt)))
    _go(walk, step.go, f"to be called back, keeps the place in queue {step.queue}")


def _ask(walk: _Walk, step: AskStep, *, invalid: bool) -> None:
    walk.state = replace(walk.state, tries=walk.state.tries + 1)
    prompts = [*step.invalid_prompt, *step.prompt] if invalid else step.prompt
    walk.done.append(
        ReadDigits(
            sounds=walk.state.menus.playable(walk.state.menu, prompts),
            most=max(map(len, step.keys)),
            wait=step.wait,
            wait_between=step.wait_between,
        )
    )


def _pressed(walk: _Walk, step: AskStep, digits: str) -> None:
    choice = step.keys.get(digits)
    label = choice.label if choice else ""
    walk.done.append(Chosen(walk.state.menu, digits, label, valid=choice is not None))
    if choice:
        _go(walk, choice.go, f"pressed {digits}: {choice.label}")
    else:
        _again(walk, step, step.on_invalid, "a wrong key was pressed", invalid=True)


def _again(walk: _Walk, step: AskStep, at_last: Destination, reason: str, *, invalid: bool) -> None:
    if walk.state.tries < step.tries:
        _ask(walk, step, invalid=invalid)
    else:
        _go(walk, at_last, f"{reason} {walk.state.tries} times" if step.tries > 1 else reason)
