"""How each command is spelt as an AMI action. Pure.

Header names follow the Asterisk 22 AMI reference; all of them exist since 16 except ``Immediate``
(22), which an older Asterisk ignores: nothing moves then, and the reader of the queue sees it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import singledispatch
from typing import NamedTuple

from cti.ami.codec import RefusedValue
from cti.domain import commands

_MIXMONITOR_VARIABLE = "RINGDESK_MIXMONITOR"
_VARIABLE_NAME = re.compile(r"[A-Za-z0-9_]+(\([A-Za-z0-9_,.-]*\))?", re.ASCII)
_ARGUMENT_SYNTAX = re.compile(r'[\\",()\[\]]')


class Action(NamedTuple):
    """An AMI action: its name, its headers, and whether a list of events answers it."""

    name: str
    headers: tuple[tuple[str, str], ...]
    as_list: bool = False


@singledispatch
def to_action(command: commands.Command) -> Action:
    """The action that carries ``command`` out. Raises :class:`RefusedValue`."""
    raise TypeError(f"no AMI action for {type(command).__name__}")


@to_action.register
def _(command: commands.MoveInQueue) -> Action:
    return Action(
        "QueueChangePriorityCaller",
        (
            ("Queue", command.queue),
            ("Caller", command.channel),
            ("Priority", str(command.priority)),
            ("Immediate", "yes"),
        ),
    )


@to_action.register
def _(command: commands.AddQueueMember) -> Action:
    headers = [
        ("Queue", command.queue),
        ("Interface", command.agent),
        ("Penalty", str(command.penalty)),
        ("Paused", _flag(command.paused)),
    ]
    return Action("QueueAdd", (*headers, *_if_set("MemberName", command.name)))


@to_action.register
def _(command: commands.RemoveQueueMember) -> Action:
    return Action("QueueRemove", (("Queue", command.queue), ("Interface", command.agent)))


@to_action.register
def _(command: commands.PauseQueueMember) -> Action:
    headers = [("Interface", command.agent), ("Paused", _flag(command.paused))]
    optional = (*_if_set("Queue", command.queue), *_if_set("Reason", command.reason))
    return Action("QueuePause", (*headers, *optional))


@to_action.register
def _(command: commands.StartRecording) -> Action:
    """No mixed file, only the two legs; ``b``: nothing is written while nobody is bridged.

    ``i``: the reply carries MixMonitorID, so that StopRecording stops ours and nobody else's.
    """
    caller, agent = _option_path(command.caller_file), _option_path(command.agent_file)
    options = f"br({caller})t({agent})i({_MIXMONITOR_VARIABLE})"
    headers = (("Channel", command.channel), ("File", ""), ("Options", options))
    return Action("MixMonitor", headers)


@to_action.register
def _(command: commands.StopRecording) -> Action:
    one = _if_set("MixMonitorID", command.mixmonitor_id)
    return Action("StopMixMonitor", (("Channel", command.channel), *one))


@to_action.register
def _(command: commands.MuteRecording) -> Action:
    one = _if_set("MixMonitorID", command.mixmonitor_id)
    state = ("Direction", "both"), ("State", "1" if command.muted else "0")
    return Action("MixMonitorMute", (("Channel", command.channel), *state, *one))


@to_action.register
def _(command: commands.Originate) -> Action:
    headers = [
        ("Channel", command.channel),
        ("Context", command.context),
        ("Exten", command.exten),
        ("Priority", "1"),
        ("Timeout", str(round(command.timeout * 1000))),
        ("ChannelId", command.leg),
        ("Async", "true"),
    ]
    optional = (*_if_set("CallerID", command.caller_id), *_variables(command.variables))
    return Action("Originate", (*headers, *optional))


@to_action.register
def _(command: commands.Redirect) -> Action:
    return Action(
        "Redirect",
        (
            ("Channel", command.channel),
            ("Context", command.context),
            ("Exten", command.exten),
            ("Priority", command.priority),
        ),
    )


@to_action.register
def _(command: commands.RedirectBoth) -> Action:
    headers = (
        ("Channel", command.channel),
        ("ExtraChannel", command.extra_channel),
        ("Context", command.context),
        ("Exten", command.exten),
        ("Priority", "1"),
        ("ExtraContext", command.extra_context),
        ("ExtraExten", command.extra_exten),
        ("ExtraPriority", "1"),
    )
    return Action("Redirect", headers)


@to_action.register
def _(command: commands.Hangup) -> Action:
    if command.channel.startswith("/"):
        raise RefusedValue("Channel", "a leading slash is a pattern, it would hang up many calls")
    return Action("Hangup", (("Channel", command.channel), ("Cause", str(command.cause))))


@to_action.register
def _(command: commands.BlindTransfer) -> Action:
    headers = (
        ("Channel", command.channel),
        ("Context", command.context),
        ("Exten", command.exten),
    )
    return Action("BlindTransfer", headers)


@to_action.register
def _(command: commands.MuteAudio) -> Action:
    """``in``: what comes from the phone."""
    state = "on" if command.muted else "off"
    headers = (("Channel", command.channel), ("Direction", "in"), ("State", state))
    return Action("MuteAudio", headers)


@to_action.register
def _(command: commands.PlayDigit) -> Action:
    return Action("PlayDTMF", (("Channel", command.channel), ("Digit", command.digit)))


@to_action.register
def _(command: commands.SetVariable) -> Action:
    headers = (
        ("Channel", command.channel),
        ("Variable", command.variable),
        ("Value", command.value),
    )
    return Action("Setvar", headers)


@to_action.register
def _(command: commands.GetVariable) -> Action:
    return Action("Getvar", (("Channel", command.channel), ("Variable", command.variable)))


@to_action.register
def _(command: commands.ReadQueues) -> Action:
    return Action("QueueStatus", tuple(_if_set("Queue", command.queue)), as_list=True)


@to_action.register
def _(command: commands.RunCli) -> Action:
    return Action("Command", (("Command", command.line),))


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _if_set(name: str, value: str) -> list[tuple[str, str]]:
    return [(name, value)] if value else []


def _option_path(path: str) -> str:
    """A path as an argument of a dialplan option, which has no way to quote these characters."""
    if not path or set(path) & set(',()|"\\$^{}'):
        raise RefusedValue("Options", 'a path is not empty and holds none of , ( ) | " \\ $ ^ { }')
    return path


def _variables(variables: Mapping[str, str]) -> list[tuple[str, str]]:
    """One Variable header each; Asterisk splits it at commas, so the value is escaped."""
    for name in variables:
        if not _VARIABLE_NAME.fullmatch(name):
            raise RefusedValue("Variable", "a variable's name is letters, digits and underscores")
    return [
        ("Variable", f"{name}={_ARGUMENT_SYNTAX.sub(_escape, value)}")
        for name, value in variables.items()
    ]


def _escape(match: re.Match[str]) -> str:
    return "\\" + match.group()
