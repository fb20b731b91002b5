"""What the replay PBX knows of itself: channels, queues, members, waiting callers. Pure.

It folds the events that are played, and the few actions it carries out, and answers
CoreShowChannels and QueueStatus from that, so that snapshot and events tell the same story.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cti.ami.codec import Message
from cti.domain.events import Micros

Row = list[tuple[str, str]]

_CHANNEL_HEADERS = (
    "Channel",
    "ChannelState",
    "ChannelStateDesc",
    "CallerIDNum",
    "CallerIDName",
    "ConnectedLineNum",
    "ConnectedLineName",
    "Language",
    "AccountCode",
    "Context",
    "Exten",
    "Priority",
    "Uniqueid",
    "Linkedid",
)
_MEMBER_HEADERS = {
    "StateInterface": "",
    "Membership": "dynamic",
    "Penalty": "0",
    "CallsTaken": "0",
    "LastCall": "0",
    "LastPause": "0",
    "LoginTime": "0",
    "InCall": "0",
    "Status": "1",
    "Paused": "0",
    "PausedReason": "",
    "Ringinuse": "0",
    "Wrapuptime": "0",
}


@dataclass
class _Channel:
    headers: dict[str, str]
    started_at: Micros
    bridge: str = ""
    application: str = ""
    data: str = ""


@dataclass
class _Entry:
    caller: Message
    joined_at: Micros
    priority: int = 0


@dataclass
class _Queue:
    entries: list[_Entry] = field(default_factory=list)
    members: dict[str, dict[str, str]] = field(default_factory=dict)


class PbxState:
    """Channels by name and queues by name; ``queues`` are known from the start."""

    def __init__(self, queues: Iterable[str] = ()) -> None:
        self._channels: dict[str, _Channel] = {}
        self._queues = {name: _Queue() for name in queues}

    def apply(self, event: Message, at: Micros) -> None:
        """Fold one played event."""
        if event.event == "Newchannel":
            self._channels[event.get("Channel")] = _Channel({}, at)
        if event.event == "Hangup":
            self._channels.pop(event.get("Channel"), None)
        elif channel := self._channels.get(event.get("Channel")):
            _update_channel(channel, event)
        if event.event.startswith("Queue"):
            self._apply_queue_event(event, at)

    def _apply_queue_event(self, event: Message, at: Micros) -> None:
        queue = self._queues.setdefault(event.get("Queue"), _Queue())
        if event.event == "QueueCallerJoin":
            place = int(event.get("Position", "1")) - 1
            queue.entries.insert(place, _Entry(event, at))
        elif event.event == "QueueCallerLeave":
            gone = event.get("Uniqueid")
            queue.entries = [e for e in queue.entries if e.caller.get("Uniqueid") != gone]
        elif event.event == "QueueMemberRemoved":
            queue.members.pop(event.get("Interface"), None)
        elif event.event.startswith("QueueMember"):
            member = {name: event.get(name, default) for name, default in _MEMBER_HEADERS.items()}
            queue.members[event.get("Interface")] = {
                "MemberName": event.get("MemberName"),
                **member,
            }

    def channel_exists(self, name: str) -> bool:
        """Whether a channel is up."""
        return name in self._channels

    def variable(self, channel: str, name: str) -> str:
        """The few channel variables that the events tell."""
        known = self._channels[channel]
        spoken = {"UNIQUEID": "Uniqueid", "CHANNEL": "Channel", "CHANNEL(linkedid)": "Linkedid"}
        return known.headers.get(spoken.get(name, ""), "")

    # --- actions -------------------------------------------------------------------------------

    def add_member(self, queue: str, interface: str, name: str, penalty: str, paused: str) -> Row:
        """QueueAdd; the headers of its event. Raises LookupError with Asterisk's words."""
        members = self._queue(queue, "Unable to add interface to queue: No such queue").members
        if interface in members:
            raise LookupError("Unable to add interface: Already there")
        given = {"StateInterface": interface, "Penalty": penalty, "Paused": paused}
        members[interface] = {"MemberName": name or interface, **_MEMBER_HEADERS, **given}
        return self._member_row(queue, interface)

    def remove_member(self, queue: str, interface: str) -> Row:
        """QueueRemove; the headers of its event. Raises LookupError with Asterisk's words."""
        members = self._queue(queue, "Unable to remove interface from queue: No such queue").members
        if interface not in members:
            raise LookupError("Unable to remove interface: Not there")
        row = self._member_row(queue, interface)
        del members[interface]
        return row

    def pause_member(self, queue: str, interface: str, paused: str, reason: str) -> list[Row]:
        """QueuePause in one queue or all; the headers of its events. Raises LookupError."""
        names = [queue] if queue else list(self._queues)
        inside = [n for n in names if n in self._queues and interface in self._queues[n].members]
        if not inside:
            raise LookupError("Interface not found")
        for name in inside:
            self._queues[name].members[interface] |= {"Paused": paused, "PausedReason": reason}
        return [self._member_row(name, interface) for name in inside]

    def move_caller(self, queue: str, channel: str, priority: int) -> None:
        """QueueChangePriorityCaller with Immediate. Raises LookupError with Asterisk's words."""
        entries = self._queue(queue, "Could not change priority of caller").entries
        moved = next((e for e in entries if e.caller.get("Channel") == channel), None)
        if moved is None:
            raise LookupError("Could not change priority of caller")
        moved.priority = priority
        entries.remove(moved)
        entries.append(moved)
        entries.sort(key=lambda entry: -entry.priority)

    def _queue(self, name: str, complaint: str) -> _Queue:
        if name not in self._queues:
            raise LookupError(complaint)
        return self._queues[name]

    def _member_row(self, queue: str, interface: str) -> Row:
        member = dict(self._queues[queue].members[interface])
        name = member.pop("MemberName")
        head = [("Queue", queue), ("MemberName", name), ("Interface", interface)]
        return head + list(member.items())

    # --- snapshots -----------------------------------------------------------------------------

    def channels(self, now: Micros) -> list[Row]:
        """The rows of CoreShowChannels."""
        return [_channel_row(channel, now) for channel in self._channels.values()]

    def queue_status(self, wanted: str, now: Micros) -> list[tuple[str, Row]]:
        """The rows of QueueStatus, each with its event's type, of one queue or (empty) of all."""
        return [
            row
            for name, queue in self._queues.items()
            if wanted in ("", name)
            for row in _queue_rows(name, queue, now)
        ]


def _update_channel(channel: _Channel, event: Message) -> None:
    told = {name: event.get(name) for name in _CHANNEL_HEADERS if name in event}
    channel.headers.update(told)
    if event.event == "BridgeEnter":
        channel.bridge = event.get("BridgeUniqueid")
    elif event.event == "BridgeLeave":
        channel.bridge = ""
    elif event.event == "Newexten":
        channel.application, channel.data = event.get("Application"), event.get("AppData")


def _channel_row(channel: _Channel, now: Micros) -> Row:
    seconds = max(0, now - channel.started_at) // 1_000_000
    duration = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return [
        *channel.headers.items(),
        ("Application", channel.application),
        ("ApplicationData", channel.data),
        ("Duration", duration),
        ("BridgeId", channel.bridge),
    ]


def _queue_rows(name: str, queue: _Queue, now: Micros) -> Iterator[tuple[str, Row]]:
    yield (
        "QueueParams",
        [
            ("Queue", name),
            ("Max", "0"),
            ("Strategy", "rrmemory"),
            ("Calls", str(len(queue.entries))),
        ],
    )
    for interface, member in queue.members.items():
        head = [("Queue", name), ("Name", member["MemberName"]), ("Location", interface)]
        yield "QueueMember", head + [(k, v) for k, v in member.items() if k != "MemberName"]
    for position, entry in enumerate(queue.entries, start=1):
        yield "QueueEntry", _entry_row(name, position, entry, now)


def _entry_row(queue: str, position: int, entry: _Entry, now: Micros) -> Row:
    caller = ("Channel", "Uniqueid", "CallerIDNum", "CallerIDName")
    return [
        ("Queue", queue),
        ("Position", str(position)),
        *((name, entry.caller.get(name)) for name in caller),
        ("Wait", str(max(0, now - entry.joined_at) // 1_000_000)),
        ("Priority", str(entry.priority)),
    ]
