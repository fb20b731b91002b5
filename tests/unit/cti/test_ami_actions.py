"""Each command as the AMI action that carries it out."""

from __future__ import annotations

import typing

import pytest

from cti.ami.actions import Action, to_action
from cti.ami.codec import RefusedValue, encode_action
from cti.domain import commands as c

SPELLINGS: list[tuple[c.AnyCommand, str, bool]] = [
    (
        c.MoveInQueue(queue="support", channel="PJSIP/trunk-1", priority=7),
        "QueueChangePriorityCaller|Queue: support|Caller: PJSIP/trunk-1|Priority: 7|Immediate: yes",
        False,
    ),
    (
        c.AddQueueMember(queue="support", agent="PJSIP/101", name="Ann", penalty=1, paused=True),
        "QueueAdd|Queue: support|Interface: PJSIP/101|Penalty: 1|Paused: true|MemberName: Ann",
        False,
    ),
    (
        c.RemoveQueueMember(queue="support", agent="PJSIP/101"),
        "QueueRemove|Queue: support|Interface: PJSIP/101",
        False,
    ),
    (
        c.PauseQueueMember(agent="PJSIP/101", paused=True, reason="lunch"),
        "QueuePause|Interface: PJSIP/101|Paused: true|Reason: lunch",
        False,
    ),
    (
        c.PauseQueueMember(agent="PJSIP/101", paused=False, queue="sales"),
        "QueuePause|Interface: PJSIP/101|Paused: false|Queue: sales",
        False,
    ),
    (
        c.StartRecording(channel="PJSIP/trunk-1", caller_file="/r/a.wav", agent_file="/r/b.wav"),
        "MixMonitor|Channel: PJSIP/trunk-1|File: |Options: br(/r/a.wav)t(/r/b.wav)"
        "i(RINGDESK_MIXMONITOR)",
        False,
    ),
    (
        c.MuteRecording(channel="PJSIP/trunk-1", muted=True, mixmonitor_id="0x7f"),
        "MixMonitorMute|Channel: PJSIP/trunk-1|Direction: both|State: 1|MixMonitorID: 0x7f",
        False,
    ),
    (
        c.MuteRecording(channel="PJSIP/trunk-1", muted=False),
        "MixMonitorMute|Channel: PJSIP/trunk-1|Direction: both|State: 0",
        False,
    ),
    (c.StopRecording(channel="PJSIP/trunk-1"), "StopMixMonitor|Channel: PJSIP/trunk-1", False),
    (
        c.StopRecording(channel="PJSIP/trunk-1", mixmonitor_id="0x7f"),
        "StopMixMonitor|Channel: PJSIP/trunk-1|MixMonitorID: 0x7f",
        False,
    ),
    (
        c.Originate(
            channel="PJSIP/101",
            context="ringdesk",
            exten="200",
            leg="leg-1",
            caller_id="+442079460100",
            timeout=12.5,
            variables={"A": "1", "__B": 'x,C=2 "q" \\ (y) [z]'},
        ),
        "Originate|Channel: PJSIP/101|Context: ringdesk|Exten: 200|Priority: 1|Timeout: 12500"
        "|ChannelId: leg-1|Async: true|CallerID: +442079460100|Variable: A=1"
        r"|Variable: __B=x\,C=2 \"q\" \\ \(y\) \[z\]",
        False,
    ),
    (
        c.Redirect(channel="PJSIP/trunk-1", context="ringdesk", exten="s", priority="hot"),
        "Redirect|Channel: PJSIP/trunk-1|Context: ringdesk|Exten: s|Priority: hot",
        False,
    ),
    (
        c.Hangup(channel="PJSIP/trunk-1", cause=17),
        "Hangup|Channel: PJSIP/trunk-1|Cause: 17",
        False,
    ),
    (
        c.RedirectBoth(
            channel="PJSIP/trunk-1",
            context="ringdesk-aside",
            exten="s",
            extra_channel="PJSIP/101-1",
            extra_context="ringdesk-consult",
            extra_exten="PJSIP/102",
        ),
        "Redirect|Channel: PJSIP/trunk-1|ExtraChannel: PJSIP/101-1|Context: ringdesk-aside|Exten: s"
        "|Priority: 1|ExtraContext: ringdesk-consult|ExtraExten: PJSIP/102|ExtraPriority: 1",
        False,
    ),
    (
        c.BlindTransfer(channel="PJSIP/101-1", context="ringdesk-to-agent", exten="PJSIP/102"),
        "BlindTransfer|Channel: PJSIP/101-1|Context: ringdesk-to-agent|Exten: PJSIP/102",
        False,
    ),
    (
        c.MuteAudio(channel="PJSIP/101-1", muted=True),
        "MuteAudio|Channel: PJSIP/101-1|Direction: in|State: on",
        False,
    ),
    (
        c.MuteAudio(channel="PJSIP/101-1", muted=False),
        "MuteAudio|Channel: PJSIP/101-1|Direction: in|State: off",
        False,
    ),
    (
        c.PlayDigit(channel="PJSIP/trunk-1", digit="#"),
        "PlayDTMF|Channel: PJSIP/trunk-1|Digit: #",
        False,
    ),
    (
        c.SetVariable(channel="PJSIP/trunk-1", variable="RINGDESK_BACK_QUEUE", value="support"),
        "Setvar|Channel: PJSIP/trunk-1|Variable: RINGDESK_BACK_QUEUE|Value: support",
        False,
    ),
    (
        c.GetVariable(channel="PJSIP/trunk-1", variable="CDR(start)"),
        "Getvar|Channel: PJSIP/trunk-1|Variable: CDR(start)",
        False,
    ),
    (c.ReadQueues(), "QueueStatus", True),
    (c.ReadQueues(queue="sales"), "QueueStatus|Queue: sales", True),
    (c.RunCli(line="core show version"), "Command|Command: core show version", False),
]


@pytest.mark.parametrize(("command", "spelling", "as_list"), SPELLINGS)
def test_spelling(command: c.AnyCommand, spelling: str, as_list: bool) -> None:
    name, *lines = spelling.split("|")
    headers = tuple(tuple(line.split(": ", 1)) for line in lines)
    assert to_action(command) == Action(name, headers, as_list)  # type: ignore[arg-type]
    assert encode_action(name, to_action(command).headers)


def test_every_command_has_a_spelling() -> None:
    assert {type(command) for command, _, _ in SPELLINGS} == set(typing.get_args(c.AnyCommand))


def test_a_command_nobody_knows_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="Command"):
        to_action(c.Command())


@pytest.mark.parametrize(
    "command",
    [
        c.StartRecording(channel="c", caller_file="/r/a),x(", agent_file="/r/b"),
        c.StartRecording(channel="c", caller_file="/r/a", agent_file="/r/${EXTEN}"),
        c.StartRecording(channel="c", caller_file="", agent_file="/r/b"),
        c.Originate(channel="c", context="x", exten="1", leg="l", variables={"A,B": "1"}),
        c.Originate(channel="c", context="x", exten="1", leg="l", variables={"A=B": "1"}),
        c.Hangup(channel="/.*/"),
    ],
)
def test_values_that_would_mean_something_else_are_refused(command: c.AnyCommand) -> None:
    with pytest.raises(RefusedValue):
        to_action(command)
