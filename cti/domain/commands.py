"""Commands: what Ringdesk asks the PBX to do, in the imperative.

A command is data; :mod:`cti.ami.actions` turns it into an AMI action and :mod:`cti.switch` carries
it out. Whoever wants something done takes a :data:`Perform` and so needs no PBX in its tests.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import msgspec


class Command(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What all commands share: the call they serve and the switch they are for (empty: none).

    Without a switch the one of the call or of the agent is meant, see :class:`cti.switch.Switches`.
    """

    call_id: str = ""
    switch: str = ""


class MoveInQueue(Command, frozen=True, kw_only=True):
    """QueueChangePriorityCaller: give the waiting ``channel`` a new priority, at once."""

    queue: str
    channel: str
    priority: int


class AddQueueMember(Command, frozen=True, kw_only=True):
    """QueueAdd. ``penalty``: lower rings first."""

    queue: str
    agent: str
    name: str = ""
    penalty: int = 0
    paused: bool = False


class RemoveQueueMember(Command, frozen=True, kw_only=True):
    """QueueRemove."""

    queue: str
    agent: str


class PauseQueueMember(Command, frozen=True, kw_only=True):
    """QueuePause, in one queue or (``queue`` empty) in all."""

    agent: str
    paused: bool
    reason: str = ""
    queue: str = ""


class StartRecording(Command, frozen=True, kw_only=True):
    """MixMonitor on the caller's ``channel``: caller and agent into files of their own.

    Paths are as the PBX sees them, without variables.
    """

    channel: str
    caller_file: str
    agent_file: str


class StopRecording(Command, frozen=True, kw_only=True):
    """StopMixMonitor."""

    channel: str
    mixmonitor_id: str = ""


class MuteRecording(Command, frozen=True, kw_only=True):
    """MixMonitorMute, both directions: silence is written instead of what is said, or no more.

    A PBX that knows no ``mixmonitor_id`` here (before 18.17 and 20.2) mutes every recording of the
    channel.
    """

    channel: str
    muted: bool
    mixmonitor_id: str = ""


class Originate(Command, frozen=True, kw_only=True):
    """Originate ``channel`` and join it to ``exten`` in ``context``. Never sent twice.

    ``leg`` becomes the Uniqueid of the new channel; ``timeout`` is in seconds.
    """

    channel: str
    context: str
    exten: str
    leg: str
    caller_id: str = ""
    timeout: float = 30.0
    variables: Mapping[str, str] = {}


class Redirect(Command, frozen=True, kw_only=True):
    """Redirect: send a channel to another place of the dialplan."""

    channel: str
    context: str
    exten: str
    priority: str = "1"


class RedirectBoth(Command, frozen=True, kw_only=True):
    """Redirect of two channels that talk with each other, at once: neither loses the other first.

    ``extra_channel`` goes to ``extra_context``, ``extra_exten``.
    """

    channel: str
    context: str
    exten: str
    extra_channel: str
    extra_context: str
    extra_exten: str


class Hangup(Command, frozen=True, kw_only=True):
    """Hangup, with a Q.850 ``cause``."""

    channel: str
    cause: int = 16


class BlindTransfer(Command, frozen=True, kw_only=True):
    """BlindTransfer: whoever is bridged with ``channel`` goes to ``exten``; ``channel`` is let go.

    Unlike Atxfer it needs no option of Dial() or Queue(). The extension must exist.
    """

    channel: str
    context: str
    exten: str


class MuteAudio(Command, frozen=True, kw_only=True):
    """MuteAudio: the PBX passes on nothing of what the phone on ``channel`` says, or does again."""

    channel: str
    muted: bool


class PlayDigit(Command, frozen=True, kw_only=True):
    """PlayDTMF: one key (0-9, *, #, A-D) towards the party on ``channel``."""

    channel: str
    digit: str


class SetVariable(Command, frozen=True, kw_only=True):
    """Setvar on ``channel``."""

    channel: str
    variable: str
    value: str


class GetVariable(Command, frozen=True, kw_only=True):
    """Getvar; the value comes back in ``Reply.fields["Value"]``."""

    channel: str
    variable: str


class ReadQueues(Command, frozen=True, kw_only=True):
    """QueueStatus of one queue, or (empty) of all; rows come back in ``Reply.rows``."""

    queue: str = ""


class RunCli(Command, frozen=True, kw_only=True):
    """Command: one line of Asterisk's CLI; the output comes back in ``Reply.fields["Output"]``."""

    line: str


AnyCommand = (
    MoveInQueue
    | AddQueueMember
    | RemoveQueueMember
    | PauseQueueMember
    | StartRecording
    | StopRecording
    | MuteRecording
    | Originate
    | Redirect
    | RedirectBoth
    | Hangup
    | BlindTransfer
    | MuteAudio
    | PlayDigit
    | SetVariable
    | GetVariable
    | ReadQueues
    | RunCli
)


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What the PBX answered: ``ok``, its ``message``, the headers, and the rows of a list."""

    ok: bool
    message: str = ""
    fields: Mapping[str, str] = {}
    rows: tuple[Mapping[str, str], ...] = ()


FailureKind = Literal["not_connected", "timeout", "lost", "refused_value"]


class CommandFailed(Exception):
    """The command got no answer: ``kind`` says why.

    ``not_connected``: not sent. ``timeout`` and ``lost``: sent, whether it was carried out is
    unknown, and it is never sent again by itself. ``refused_value``: it held CR, LF or NUL.
    """

    def __init__(self, kind: FailureKind, reason: str) -> None:
        super().__init__(reason)
        self.kind: FailureKind = kind
        self.reason = reason


Perform = Callable[[AnyCommand], Awaitable[Reply]]
"""Carries a command out on the right PBX. Raises :class:`CommandFailed`."""
