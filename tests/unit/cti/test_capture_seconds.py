"""The seconds in the tables of :mod:`test_reducer_captures`, counted again from the raw bytes.

Those tables must not be what the fold says of itself: 17 lengths in them once changed with it, by
up to two milliseconds, when it learnt that a phone answers with its Newstate rather than with
DialEnd, and that who hangs up gives up then, and not when the queue notices. Here no reader, fact
or reducer of ours takes part: the messages are split by hand, and each length is the difference of
two Timestamps that stand in the capture. Which two is said in :data:`RULES`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

import pytest

from tests.unit.cti.reducing import CAPTURES
from tests.unit.cti.test_reducer_captures import TABLES

Said = dict[str, str]
RULES = {
    "left": "QueueCallerJoin to QueueCallerAbandon or Leave, or to the caller's HangupRequest",
    "offer": "AgentCalled or DialBegin to the phone's Newstate Up, in vain to the first answer",
    "answered": "waited as above",
    "talked": "from the second BridgeEnter of two in one bridge to the first BridgeLeave",
    "ended": "Newchannel of the call's first channel to its last Hangup",
}


def said(name: str) -> list[Said]:
    """The messages of a capture, oldest first, as they stand in it."""
    found = []
    for text in (CAPTURES / f"{name}.ami").read_bytes().decode().split("\r\n\r\n"):
        pairs = (line.partition(": ") for line in text.split("\r\n"))
        message = {key: value for key, _, value in pairs if key != "ChanVariable"}
        if "Timestamp" in message and "Event" in message:
            found.append(message)
    return found


def at(message: Said) -> int:
    seconds, _, micros = message["Timestamp"].partition(".")
    return int(seconds) * 1_000_000 + int(micros)


def of_kind(messages: list[Said], *kinds: str) -> Iterator[Said]:
    return (message for message in messages if message["Event"] in kinds)


def waits(messages: list[Said]) -> set[int]:
    lengths = set()
    leaving: dict[str, int] = {}
    for message in of_kind(messages, "HangupRequest"):
        leaving.setdefault(message["Uniqueid"], at(message))
    for join in of_kind(messages, "QueueCallerJoin"):
        caller, queue = join["Uniqueid"], join["Queue"]
        left = next(
            message
            for message in of_kind(messages, "QueueCallerAbandon", "QueueCallerLeave")
            if (message["Uniqueid"], message["Queue"]) == (caller, queue)
        )
        until = min(at(left), leaving.get(caller, at(left)))
        lengths.add(until - at(join))
    return lengths


def rings(messages: list[Said]) -> set[int]:
    lengths = set()
    for rung in of_kind(messages, "AgentCalled", "DialBegin"):
        phone = rung["DestUniqueid"]
        began = min(
            at(message)
            for message in of_kind(messages, "AgentCalled", "DialBegin")
            if message["DestUniqueid"] == phone
        )
        ups = [
            at(message)
            for message in of_kind(messages, "Newstate")
            if message["Uniqueid"] == phone and message["ChannelState"] == "6"
        ]
        said_no = [
            at(message)
            for message in of_kind(messages, "AgentRingNoAnswer", "DialEnd")
            if message["DestUniqueid"] == phone
        ]
        lengths.add(min(ups or said_no) - began)
    return lengths


def talks(messages: list[Said]) -> set[int]:
    """How long each two were in one bridge together."""
    lengths = set()
    inside: dict[str, dict[str, int]] = defaultdict(dict)
    for message in of_kind(messages, "BridgeEnter", "BridgeLeave"):
        bridge, leg = inside[message["BridgeUniqueid"]], message["Uniqueid"]
        if message["Event"] == "BridgeEnter":
            bridge[leg] = at(message)
        else:
            entered = bridge.pop(leg)
            lengths |= {at(message) - max(entered, other) for other in bridge.values()}
    return lengths


def lives(messages: list[Said]) -> set[int]:
    """Of each call, by the Linkedid with which its last channel hung up."""
    born = {message["Uniqueid"]: at(message) for message in of_kind(messages, "Newchannel")}
    gone: dict[str, int] = {}
    for message in of_kind(messages, "Hangup"):
        gone[message["Linkedid"]] = at(message)
    return {ended - born[call] for call, ended in gone.items() if call in born}


COUNTED = {"left": waits, "offer": rings, "answered": waits, "talked": talks, "ended": lives}


@pytest.mark.parametrize("name", TABLES)
def test_each_length_is_the_difference_of_two_timestamps(name: str) -> None:
    messages = said(name)
    told = [line for lines in TABLES[name].values() for line in lines]
    for line in told:
        kind, number = line.split()[0], re.search(r"(\d+)$", line)
        if number is None or kind not in COUNTED or line.endswith("waited 0"):
            continue
        counted = COUNTED[kind](messages)
        assert int(number[0]) in counted, (line, RULES[kind], sorted(counted))
