"""What AMI messages say, as facts. Pure: the versions and spellings of Asterisk end here.

:data:`KINDS` is the one table: for each type of event the headers it is read from, and what makes
a fact of their values. :mod:`cti.ami.reader` fetches the values, in whichever way.

Names of events and headers are those of AMI 2 and later (Asterisk 12 to 22), see the manager
event reference at docs.asterisk.org. Types not in :data:`KINDS` need not even be parsed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

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
    SetAside,
    Unheld,
)


class Headers(Protocol):
    """What is needed of a message: :class:`cti.ami.codec.Message` and plain dicts have it."""

    def get(self, name: str, default: str, /) -> str:
        """The value of a header."""


class UnreadableMessage(ValueError):
    """A header is missing or holds no number; the text names it, never its value."""


Get = Callable[[str, str], str]
Make = Callable[..., Fact | None]

TIMESTAMP: Final = "Timestamp"

# Asterisk's channel states (ast_channel_state) and unreachable device states (ast_device_state).
_CONDITIONS: dict[str, LegCondition] = {"4": "ring", "5": "ringing", "6": "up"}
_UNREACHABLE_STATUS = frozenset({"4", "5"})
_UNREACHABLE_STATE = frozenset({"INVALID", "UNAVAILABLE"})
_NOBODY = frozenset({"<unknown>", "unknown"})
_LONGEST_NUMBER = 18  # digits: what 64 bits hold in any case


class Kind:
    """One type of event: the ``headers`` it is read from, and what makes a fact of it.

    ``headers`` are named in one string, in Asterisk's own order, those in ``needs`` with a star:
    they must be there and not be empty. ``make(at, *values)`` is given their values in that order
    (empty where there is none), and gives None where nothing happened that counts; it raises
    :class:`UnreadableMessage`.
    """

    __slots__ = ("headers", "make", "needs")

    def __init__(self, make: Make, headers: str) -> None:
        names = headers.split()
        self.headers = tuple(name.rstrip("*") for name in names)
        self.needs = frozenset(name.rstrip("*") for name in names if name.endswith("*"))
        self.make = make

    def values(self, get: Get) -> list[str]:
        """What the headers of a message hold. Raises :class:`UnreadableMessage`."""
        values = [get(name, "") for name in self.headers]
        for name, value in zip(self.headers, values, strict=True):
            if not value and name in self.needs:
                raise UnreadableMessage(f"{name} is missing")
        return values


def parse_timestamp(stamp: str) -> Micros:
    """``1795298470.874261`` as microseconds, exactly (no float). Raises UnreadableMessage."""
    seconds, _, fraction = stamp.partition(".")
    digits = seconds + fraction[:6].ljust(6, "0")
    if not (seconds and _is_number(digits)):
        raise UnreadableMessage("Timestamp is no time")
    return int(digits)


def _is_number(digits: str) -> bool:
    return digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_NUMBER


def person(value: str) -> str:
    """A caller's number or name; empty where Asterisk writes that it has none."""
    return "" if value in _NOBODY else value


def condition(state: str) -> LegCondition:
    """A ChannelState number in words; all that is neither ringing nor up is ``down``."""
    return _CONDITIONS.get(state, "down")


def number(get: Get, name: str) -> int:
    """A header that must be a whole number. Raises UnreadableMessage."""
    return _number(get(name, ""), name)


def _number(value: str, name: str) -> int:
    if not _is_number(value.removeprefix("-")):
        raise UnreadableMessage(f"{name} is no number")
    return int(value)


def reachable(status: str) -> bool:
    """Whether a queue member's Status leaves the phone reachable."""
    return status not in _UNREACHABLE_STATUS


def place(get: Get) -> str:
    """Where the dialplan of a channel stands: ``context,extension,priority``."""
    return f"{get('Context', '')},{get('Exten', '')},{get('Priority', '')}"


def member(get: Get, at: Micros) -> MemberStatus:
    """A member in a row of QueueStatus, which calls the interface Location."""
    queue, interface = get("Queue", ""), get("Location", "") or get("Interface", "")
    if not (queue and interface):
        raise UnreadableMessage("Queue or Location is missing")
    return _member(
        at, queue, interface, get("StateInterface", ""), get("Status", ""), get("Paused", "")
    )


# --- legs --------------------------------------------------------------------------------------


def _started(
    at: Micros,
    channel: str,
    state: str,
    caller: str,
    name: str,
    exten: str,
    leg: str,
    linkedid: str,
) -> Fact:
    return LegStarted(
        at=at,
        leg=leg,
        linkedid=linkedid or leg,
        channel=channel,
        number=person(caller),
        name=person(name),
        exten=exten,
        condition=condition(state),
    )


def _renamed(at: Micros, channel: str, leg: str) -> Fact:
    return LegRenamed(at=at, leg=leg, channel=channel)


def _state(at: Micros, state: str, leg: str) -> Fact:
    return LegState(at=at, leg=leg, condition=condition(state))


def _hungup(at: Micros, leg: str, cause: str) -> Fact:
    return LegHungUp(at=at, leg=leg, cause=_number(cause, "Cause") if cause else 0)


def _hangup_requested(at: Micros, leg: str) -> Fact:
    return HangupRequested(at=at, leg=leg)


def _picked_up(at: Micros, leg: str, target: str) -> Fact:
    return PickedUp(at=at, leg=leg, target=target)


def _message_left(at: Micros, leg: str) -> Fact | None:
    # Without a channel it only tells how many messages a mailbox has.
    return MessageLeft(at=at, leg=leg) if leg else None


def _dial_began(at: Micros, source: str, leg: str, dialled: str) -> Fact:
    return DialBegan(at=at, leg=leg, source=source, dialled=dialled)


def _dial_ended(at: Micros, leg: str, status: str) -> Fact:
    return DialEnded(at=at, leg=leg, status=status)


# --- bridges -----------------------------------------------------------------------------------


def _entered(
    at: Micros,
    bridge: str,
    technology: str,
    creator: str,
    name: str,
    context: str,
    exten: str,
    priority: str,
    leg: str,
    linkedid: str,
) -> Fact | None:
    # Parked and waiting channels sit in a holding bridge: nobody talks there.
    if technology == "holding_bridge":
        return SetAside(at=at, leg=leg)
    return BridgeEntered(
        at=at,
        leg=leg,
        linkedid=linkedid or leg,
        bridge=bridge,
        place=f"{context},{exten},{priority}",
        conference=name if creator == "ConfBridge" else "",
    )


def _left(at: Micros, bridge: str, context: str, exten: str, priority: str, leg: str) -> Fact:
    return BridgeLeft(at=at, leg=leg, bridge=bridge, place=f"{context},{exten},{priority}")


def _optimising(at: Micros, one: str, two: str) -> Fact:
    return LocalOptimising(at=at, one=one, two=two)


def _optimised(at: Micros, one: str, two: str) -> Fact:
    return LocalOptimised(at=at, one=one, two=two)


def _held(at: Micros, leg: str) -> Fact:
    return Held(at=at, leg=leg)


def _unheld(at: Micros, leg: str) -> Fact:
    return Unheld(at=at, leg=leg)


def _blind(at: Micros, result: str, leg: str, transferee: str, exten: str) -> Fact | None:
    if result != "Success":
        return None
    return BlindTransferred(at=at, leg=leg, to=exten, transferee=transferee)


def _attended(
    at: Micros,
    result: str,
    back: str,
    leg: str,
    exten: str,
    second: str,
    transferee: str,
    target: str,
) -> Fact | None:
    if result != "Success":
        return None
    # Asterisk's own Atxfer asks on the first leg, whose extension is an older story.
    to, back = (exten, back) if second != leg else ("", "")
    return AttendedTransferred(
        at=at, leg=leg, second=second, transferee=transferee, target=target, to=to, back=back
    )


# --- queues ------------------------------------------------------------------------------------


def _joined(
    at: Micros, context: str, exten: str, priority: str, leg: str, queue: str, position: str
) -> Fact:
    return QueueJoined(
        at=at,
        leg=leg,
        queue=queue,
        position=_number(position, "Position"),
        place=f"{context},{exten},{priority}",
    )


def _abandoned(at: Micros, context: str, exten: str, priority: str, leg: str, queue: str) -> Fact:
    return QueueAbandoned(at=at, leg=leg, queue=queue, place=f"{context},{exten},{priority}")


def _queue_left(at: Micros, context: str, exten: str, priority: str, leg: str, queue: str) -> Fact:
    return QueueLeft(at=at, leg=leg, queue=queue, place=f"{context},{exten},{priority}")


def _agent_called(
    at: Micros, source: str, channel: str, leg: str, queue: str, interface: str
) -> Fact:
    return AgentCalled(
        at=at, leg=leg, source=source, queue=queue, interface=interface, channel=channel
    )


def _agent_connect(at: Micros, source: str, leg: str, queue: str) -> Fact:
    return AgentConnected(at=at, leg=leg, source=source, queue=queue)


def _ring_no_answer(at: Micros, leg: str) -> Fact:
    return AgentRingNoAnswer(at=at, leg=leg)


def _member(
    at: Micros, queue: str, interface: str, device: str, status: str, paused: str
) -> MemberStatus:
    return MemberStatus(
        at=at,
        queue=queue,
        interface=interface,
        device=device or interface,
        reachable=reachable(status),
        paused=paused == "1",
    )


def _device(at: Micros, device: str, state: str) -> Fact:
    return DeviceState(at=at, device=device, reachable=state not in _UNREACHABLE_STATE)


_PLACE: Final = "Context Exten Priority"
_MEMBER: Final = Kind(_member, "Queue* Interface* StateInterface Status Paused")

KINDS: Final[Mapping[str, Kind]] = {
    "Newchannel": Kind(
        _started, "Channel* ChannelState CallerIDNum CallerIDName Exten Uniqueid* Linkedid"
    ),
    "Rename": Kind(_renamed, "Newname* Uniqueid*"),
    "Newstate": Kind(_state, "ChannelState Uniqueid*"),
    "HangupRequest": Kind(_hangup_requested, "Uniqueid*"),
    "Hangup": Kind(_hungup, "Uniqueid* Cause"),
    "Pickup": Kind(_picked_up, "Uniqueid* TargetUniqueid*"),
    "MessageWaiting": Kind(_message_left, "Uniqueid"),
    "DialBegin": Kind(_dial_began, "Uniqueid DestUniqueid* DialString"),
    "DialEnd": Kind(_dial_ended, "DestUniqueid* DialStatus*"),
    "BridgeEnter": Kind(
        _entered,
        f"BridgeUniqueid* BridgeTechnology BridgeCreator BridgeName {_PLACE} Uniqueid* Linkedid",
    ),
    "BridgeLeave": Kind(_left, f"BridgeUniqueid* {_PLACE} Uniqueid*"),
    "LocalOptimizationBegin": Kind(_optimising, "LocalOneUniqueid* LocalTwoUniqueid*"),
    "LocalOptimizationEnd": Kind(_optimised, "LocalOneUniqueid* LocalTwoUniqueid*"),
    "Hold": Kind(_held, "Uniqueid*"),
    "Unhold": Kind(_unheld, "Uniqueid*"),
    "BlindTransfer": Kind(_blind, "Result TransfererUniqueid* TransfereeUniqueid Extension"),
    "AttendedTransfer": Kind(
        _attended,
        "Result OrigTransfererExten OrigTransfererUniqueid* SecondTransfererExten"
        " SecondTransfererUniqueid TransfereeUniqueid TransferTargetUniqueid",
    ),
    "QueueCallerJoin": Kind(_joined, f"{_PLACE} Uniqueid* Queue* Position"),
    "QueueCallerAbandon": Kind(_abandoned, f"{_PLACE} Uniqueid* Queue*"),
    "QueueCallerLeave": Kind(_queue_left, f"{_PLACE} Uniqueid* Queue*"),
    "AgentCalled": Kind(_agent_called, "Uniqueid* DestChannel* DestUniqueid* Queue* Interface*"),
    "AgentConnect": Kind(_agent_connect, "Uniqueid* DestUniqueid* Queue*"),
    "AgentRingNoAnswer": Kind(_ring_no_answer, "DestUniqueid*"),
    "QueueMemberAdded": _MEMBER,
    "QueueMemberStatus": _MEMBER,
    "QueueMemberPause": _MEMBER,
    "DeviceStateChange": Kind(_device, "Device* State"),
}

WANTED = frozenset(KINDS)
"""The event types facts are made of: a reader may drop all others unparsed."""
