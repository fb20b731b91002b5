"""From AMI messages to facts. Pure: the versions and spellings of Asterisk end here.

Names of events and headers are those of AMI 2 and later (Asterisk 12 to 22), see the manager
event reference at docs.asterisk.org. Types not listed in :data:`WANTED` need not even be parsed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Protocol

import structlog

from cti.domain.events import Micros
from cti.domain.facts import (
    AgentCalled,
    AgentConnected,
    AgentRingNoAnswer,
    AttendedTransferred,
    BlindTransferred,
    BridgeEntered,
    BridgeLeft,
    DeviceState,
    DialBegan,
    DialEnded,
    Fact,
    HangupRequested,
    Held,
    LegCondition,
    LegHungUp,
    LegRenamed,
    LegStarted,
    LegState,
    LocalOptimised,
    LocalOptimising,
    MemberStatus,
    MessageLeft,
    PickedUp,
    QueueAbandoned,
    QueueJoined,
    QueueLeft,
    Unheld,
)

log = structlog.get_logger(__name__)


class Headers(Protocol):
    """What is needed of a message: :class:`cti.ami.codec.Message` and plain dicts have it."""

    def get(self, name: str, default: str, /) -> str:
        """The value of a header."""


class UnreadableMessage(ValueError):
    """A header is missing or holds no number; the text names it, never its value."""


Get = Callable[[str, str], str]
Make = Callable[[Get, Micros], "Fact | None"]

# Asterisk's channel states (ast_channel_state) and unreachable device states (ast_device_state).
_CONDITIONS: dict[str, LegCondition] = {"4": "ring", "5": "ringing", "6": "up"}
_UNREACHABLE_STATUS = frozenset({"4", "5"})
_UNREACHABLE_STATE = frozenset({"INVALID", "UNAVAILABLE"})
_NOBODY = frozenset({"<unknown>", "unknown"})


class FactReader:
    """Reads messages one by one.

    ``now`` gives the time for messages without a Timestamp (``timestampevents = no``); without it
    the time of the message before is used. ``unreadable`` counts, by event type and reason, the
    messages that could not be read; each pair is logged once.
    """

    def __init__(self, now: Callable[[], Micros] | None = None) -> None:
        self.unreadable: Counter[tuple[str, str]] = Counter()
        self._now = now
        self._last: Micros = 0

    def to_fact(self, message: Headers) -> Fact | None:
        """The fact in the message, or None when it tells nothing about calls."""
        get = message.get
        event = get("Event", "")
        make = _MAKERS.get(event)
        if make is None:
            return None
        try:
            return make(get, self._time(event, get))
        except UnreadableMessage as problem:
            self._count(event, str(problem))
            return None

    def _time(self, event: str, get: Get) -> Micros:
        stamp = get("Timestamp", "")
        if stamp:
            try:
                self._last = parse_timestamp(stamp)
                return self._last
            except UnreadableMessage as problem:
                self._count(event, str(problem))
        return self._now() if self._now else self._last

    def _count(self, event: str, problem: str) -> None:
        self.unreadable[event, problem] += 1
        if self.unreadable[event, problem] == 1:
            log.warning("ami_message_unreadable", type=event, problem=problem)


def parse_timestamp(stamp: str) -> Micros:
    """``1795298470.874261`` as microseconds, exactly (no float). Raises UnreadableMessage."""
    seconds, _, fraction = stamp.partition(".")
    digits = seconds + fraction[:6].ljust(6, "0")
    if not (seconds and digits.isascii() and digits.isdigit()):
        raise UnreadableMessage("Timestamp is no time")
    return int(digits)


def person(value: str) -> str:
    """A caller's number or name; empty where Asterisk writes that it has none."""
    return "" if value in _NOBODY else value


def condition(state: str) -> LegCondition:
    """A ChannelState number in words; all that is neither ringing nor up is ``down``."""
    return _CONDITIONS.get(state, "down")


def number(get: Get, name: str) -> int:
    """A header that must be a whole number. Raises UnreadableMessage."""
    value = get(name, "")
    digits = value.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise UnreadableMessage(f"{name} is no number")
    return int(value)


def reachable(status: str) -> bool:
    """Whether a queue member's Status leaves the phone reachable."""
    return status not in _UNREACHABLE_STATUS


def _needed(get: Get, name: str) -> str:
    value = get(name, "")
    if not value:
        raise UnreadableMessage(f"{name} is missing")
    return value


def place(get: Get) -> str:
    """Where the dialplan of a channel stands: ``context,extension,priority``."""
    return f"{get('Context', '')},{get('Exten', '')},{get('Priority', '')}"


def _started(get: Get, at: Micros) -> Fact:
    leg = _needed(get, "Uniqueid")
    return LegStarted(
        at=at,
        leg=leg,
        linkedid=get("Linkedid", "") or leg,
        channel=_needed(get, "Channel"),
        number=person(get("CallerIDNum", "")),
        name=person(get("CallerIDName", "")),
        exten=get("Exten", ""),
        condition=condition(get("ChannelState", "")),
    )


def _renamed(get: Get, at: Micros) -> Fact:
    return LegRenamed(at=at, leg=_needed(get, "Uniqueid"), channel=_needed(get, "Newname"))


def _state(get: Get, at: Micros) -> Fact:
    return LegState(
        at=at, leg=_needed(get, "Uniqueid"), condition=condition(get("ChannelState", ""))
    )


def _hungup(get: Get, at: Micros) -> Fact:
    cause = number(get, "Cause") if get("Cause", "") else 0
    return LegHungUp(at=at, leg=_needed(get, "Uniqueid"), cause=cause)


def _hangup_requested(get: Get, at: Micros) -> Fact:
    return HangupRequested(at=at, leg=_needed(get, "Uniqueid"))


def _picked_up(get: Get, at: Micros) -> Fact:
    return PickedUp(at=at, leg=_needed(get, "Uniqueid"), target=_needed(get, "TargetUniqueid"))


def _message_left(get: Get, at: Micros) -> Fact | None:
    # Without a channel it only tells how many messages a mailbox has.
    leg = get("Uniqueid", "")
    return MessageLeft(at=at, leg=leg) if leg else None


def _dial_began(get: Get, at: Micros) -> Fact:
    return DialBegan(
        at=at,
        leg=_needed(get, "DestUniqueid"),
        source=get("Uniqueid", ""),
        dialled=get("DialString", ""),
    )


def _dial_ended(get: Get, at: Micros) -> Fact:
    return DialEnded(at=at, leg=_needed(get, "DestUniqueid"), status=_needed(get, "DialStatus"))


def _entered(get: Get, at: Micros) -> Fact | None:
    # Parked and waiting channels sit in a holding bridge: nobody talks there.
    if get("BridgeTechnology", "") == "holding_bridge":
        return None
    leg = _needed(get, "Uniqueid")
    linkedid = get("Linkedid", "") or leg
    return BridgeEntered(
        at=at,
        leg=leg,
        linkedid=linkedid,
        bridge=_needed(get, "BridgeUniqueid"),
        place=place(get),
        conference=get("BridgeName", "") if get("BridgeCreator", "") == "ConfBridge" else "",
    )


def _left(get: Get, at: Micros) -> Fact:
    return BridgeLeft(
        at=at,
        leg=_needed(get, "Uniqueid"),
        bridge=_needed(get, "BridgeUniqueid"),
        place=place(get),
    )


def _optimising(get: Get, at: Micros) -> Fact:
    one, two = _needed(get, "LocalOneUniqueid"), _needed(get, "LocalTwoUniqueid")
    return LocalOptimising(at=at, one=one, two=two)


def _optimised(get: Get, at: Micros) -> Fact:
    one, two = _needed(get, "LocalOneUniqueid"), _needed(get, "LocalTwoUniqueid")
    return LocalOptimised(at=at, one=one, two=two)


def _held(get: Get, at: Micros) -> Fact:
    return Held(at=at, leg=_needed(get, "Uniqueid"))


def _unheld(get: Get, at: Micros) -> Fact:
    return Unheld(at=at, leg=_needed(get, "Uniqueid"))


def _blind(get: Get, at: Micros) -> Fact | None:
    if get("Result", "") != "Success":
        return None
    leg = _needed(get, "TransfererUniqueid")
    return BlindTransferred(at=at, leg=leg, to=get("Extension", ""))


def _attended(get: Get, at: Micros) -> Fact | None:
    if get("Result", "") != "Success":
        return None
    leg, second = _needed(get, "OrigTransfererUniqueid"), get("SecondTransfererUniqueid", "")
    return AttendedTransferred(
        at=at,
        leg=leg,
        target=get("TransferTargetUniqueid", "") or second,
        # Asterisk's own Atxfer asks on the first leg, whose extension is an older story.
        to=get("SecondTransfererExten", "") if second != leg else "",
    )


def _joined(get: Get, at: Micros) -> Fact:
    return QueueJoined(
        at=at,
        leg=_needed(get, "Uniqueid"),
        queue=_needed(get, "Queue"),
        position=number(get, "Position"),
        place=place(get),
    )


def _abandoned(get: Get, at: Micros) -> Fact:
    leg = _needed(get, "Uniqueid")
    return QueueAbandoned(at=at, leg=leg, queue=_needed(get, "Queue"), place=place(get))


def _queue_left(get: Get, at: Micros) -> Fact:
    return QueueLeft(at=at, leg=_needed(get, "Uniqueid"), queue=_needed(get, "Queue"))


def _agent_called(get: Get, at: Micros) -> Fact:
    return AgentCalled(
        at=at,
        leg=_needed(get, "DestUniqueid"),
        source=_needed(get, "Uniqueid"),
        queue=_needed(get, "Queue"),
        interface=_needed(get, "Interface"),
        channel=_needed(get, "DestChannel"),
    )


def _agent_connect(get: Get, at: Micros) -> Fact:
    return AgentConnected(
        at=at,
        leg=_needed(get, "DestUniqueid"),
        source=_needed(get, "Uniqueid"),
        queue=_needed(get, "Queue"),
    )


def _ring_no_answer(get: Get, at: Micros) -> Fact:
    return AgentRingNoAnswer(at=at, leg=_needed(get, "DestUniqueid"))


def member(get: Get, at: Micros) -> MemberStatus:
    """A member of an event, or of a QueueStatus row (which calls the interface Location)."""
    interface = get("Interface", "") or _needed(get, "Location")
    return MemberStatus(
        at=at,
        queue=_needed(get, "Queue"),
        interface=interface,
        device=get("StateInterface", "") or interface,
        reachable=reachable(get("Status", "")),
        paused=get("Paused", "") == "1",
    )


def _device(get: Get, at: Micros) -> Fact:
    return DeviceState(
        at=at,
        device=_needed(get, "Device"),
        reachable=get("State", "") not in _UNREACHABLE_STATE,
    )


_MAKERS: dict[str, Make] = {
    "Newchannel": _started,
    "Rename": _renamed,
    "Newstate": _state,
    "HangupRequest": _hangup_requested,
    "Hangup": _hungup,
    "Pickup": _picked_up,
    "MessageWaiting": _message_left,
    "DialBegin": _dial_began,
    "DialEnd": _dial_ended,
    "BridgeEnter": _entered,
    "BridgeLeave": _left,
    "LocalOptimizationBegin": _optimising,
    "LocalOptimizationEnd": _optimised,
    "Hold": _held,
    "Unhold": _unheld,
    "BlindTransfer": _blind,
    "AttendedTransfer": _attended,
    "QueueCallerJoin": _joined,
    "QueueCallerAbandon": _abandoned,
    "QueueCallerLeave": _queue_left,
    "AgentCalled": _agent_called,
    "AgentConnect": _agent_connect,
    "AgentRingNoAnswer": _ring_no_answer,
    "QueueMemberAdded": member,
    "QueueMemberStatus": member,
    "QueueMemberPause": member,
    "DeviceStateChange": _device,
}

WANTED = frozenset(_MAKERS)
"""The event types facts are made of: a reader may drop all others unparsed."""
