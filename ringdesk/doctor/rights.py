"""What the manager user may do and hear.

Actions: ``ListCommands`` names what this user may send. Events: a class counts as allowed when one
of its events has arrived; what cannot be provoked without harm is read in manager.conf.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from cti.ami.codec import Message
from cti.domain.commands import Reply
from ringdesk.asterisk_config import READ_CLASSES, WRITE_CLASSES
from ringdesk.doctor.access import RELOAD_MANAGER
from ringdesk.doctor.check import Check, listed, not_checked
from ringdesk.doctor.visit import Visit

ACTIONS, EVENTS, TIMESTAMPS = "AMI actions", "AMI events", "event times"

# Each action Ringdesk sends, and the class whose lack is told by its absence.
NEEDED = {
    "MixMonitor": "system",
    "StopMixMonitor": "system",
    "MixMonitorMute": "system",
    "Redirect": "call",
    "Hangup": "call",
    "Getvar": "call",
    "Setvar": "call",
    "BlindTransfer": "call",
    "PlayDTMF": "call",
    "MuteAudio": "system",
    "QueueAdd": "agent",
    "QueuePause": "agent",
    "QueueRemove": "agent",
    "UserEvent": "user",
    "CoreShowChannels": "reporting",
    "ShowDialPlan": "reporting",
    "Originate": "originate",
    "QueueStatus": "",
    "QueueChangePriorityCaller": "",
}
TOO_MUCH = {"Command": "command", "UpdateConfig": "config"}
_NOT_RELOADED = "manager.conf grants it, Asterisk has not read it"


async def check_actions(visit: Visit) -> Check:
    """Whether every action Ringdesk sends is allowed, and none that opens the machine."""
    reply = await visit.ask("ListCommands")
    if not reply.ok:
        return Check(ACTIONS, "unknown", f"ListCommands: {reply.message}")
    visit.allowed = allowed = frozenset(reply.fields)
    answers = {name: await visit.ask(name) for name in NEEDED if name not in allowed}
    return judge_actions(allowed, answers)


def judge_actions(allowed: Collection[str], answers: Mapping[str, Reply]) -> Check:
    """``answers``: what Asterisk says to those needed actions that it did not list."""
    unknown = [name for name, reply in answers.items() if "unknown command" in reply.message]
    denied = [name for name in answers if name not in unknown]
    if denied:
        classes = list(dict.fromkeys(NEEDED[name] or "system" for name in denied))
        said = f"the right to write {listed(classes)} is missing: no {listed(denied)}"
        return Check(ACTIONS, "fail", said, _grant("write", WRITE_CLASSES))
    if unknown:
        said = f"Asterisk does not know {listed(unknown)}"
        return Check(ACTIONS, "fail", said, _load(unknown))
    return _not_too_much(allowed)


def _not_too_much(allowed: Collection[str]) -> Check:
    more = [right for action, right in TOO_MUCH.items() if action in allowed]
    if more:
        said = f"all allowed, and {listed(more)} too: a stolen secret would open the whole machine"
        return Check(ACTIONS, "warn", said, _grant("write", WRITE_CLASSES))
    return Check(ACTIONS, "ok", "everything Ringdesk sends is allowed, and no more")


def _load(actions: Iterable[str]) -> str:
    modules = {_module(action) for action in actions}
    return "\n".join(f"asterisk -rx 'module load {module}.so'" for module in sorted(modules))


def _module(action: str) -> str:
    if action.startswith("Queue"):
        return "app_queue"
    if action == "MuteAudio":
        return "res_mutestream"
    return "app_mixmonitor" if "MixMonitor" in action else "func_channel"


def _grant(kind: str, classes: Iterable[str]) -> str:
    return f"in our user's section of manager.conf:\n{kind} = {','.join(classes)}\nthen: " + (
        RELOAD_MANAGER
    )


@dataclass(frozen=True)
class ManagerFile:
    """What manager.conf says about our user. ``read``: its classes."""

    read: frozenset[str]
    has_filter: bool = False


async def read_manager_file(visit: Visit, user: str) -> ManagerFile | None:
    """Our user's section; None when it cannot be read. Other sections are not asked for."""
    reply = await visit.ask("GetConfig", ("Filename", "manager.conf"), ("Category", user))
    lines = [value for name, value in reply.fields.items() if name.startswith("Line-")]
    if not reply.ok or not lines:
        return None
    pairs = [(key.strip(), value) for key, _, value in (line.partition("=") for line in lines)]
    read = ",".join(value for key, value in pairs if key == "read")
    classes = frozenset(name.strip() for name in read.split(","))
    return ManagerFile(classes, any(key.startswith("eventfilter") for key, _ in pairs))


async def provoke_user_event(visit: Visit) -> None:
    """Send a UserEvent, which comes back to those who may read the class."""
    await visit.ask("UserEvent", ("UserEvent", "RingdeskDoctor"), ("Asks", "events"))
    await visit.heard(lambda event: event.event == "UserEvent", 0.5)


def proven_classes(events: Iterable[Message]) -> set[str]:
    """Classes of which an event was heard."""
    return {_class_of(event.event) for event in events} - {""}


def _class_of(event: str) -> str:
    if event == "FullyBooted":
        return "system"
    if event == "UserEvent":
        return "user"
    if event in {"Newchannel", "Hangup", "Newstate"}:
        return "call"
    return "agent" if event.startswith(("QueueMember", "QueueCaller", "Agent")) else ""


def judge_events(
    proven: Collection[str], provoked: Collection[str], file: ManagerFile | None
) -> Check:
    """``provoked``: the classes of which an event should have come."""
    granted = READ_CLASSES if file and "all" in file.read else (file.read if file else ())
    missing = [name for name in READ_CLASSES if name not in proven and name in provoked]
    missing += [n for n in READ_CLASSES if file and n not in (*proven, *provoked, *granted)]
    if missing:
        said = f"the right to read {listed(missing)} is missing: no such event comes"
        if all(name in granted for name in missing):
            said += f" ({_NOT_RELOADED})"
        return Check(EVENTS, "fail", said, _grant("read", READ_CLASSES))
    return _doubtful_events(proven, file)


def _doubtful_events(proven: Collection[str], file: ManagerFile | None) -> Check:
    unproven = [name for name in READ_CLASSES if name not in proven]
    if file and file.has_filter:
        said = "eventfilter in our user's section may hide events that Ringdesk needs"
        return Check(EVENTS, "warn", said, "remove the eventfilter lines from manager.conf")
    if unproven and file is None:
        said = f"no event of class {listed(unproven)} came by meanwhile, so it is not proven"
        return Check(EVENTS, "unknown", said, _grant("read", READ_CLASSES))
    by_file = f" ({listed(unproven)}: by manager.conf)" if unproven else ""
    return Check(EVENTS, "ok", f"{listed(list(READ_CLASSES))} events arrive{by_file}")


def judge_timestamps(events: Iterable[Message]) -> Check:
    """Whether events carry the time at which they happened."""
    dated = [event for event in events if event.event != "FullyBooted"]
    if not dated:
        return not_checked(TIMESTAMPS, "no event came")
    if any("Timestamp" in event for event in dated):
        return Check(TIMESTAMPS, "ok", "events carry their time in microseconds")
    said = "events come without their time: waits and talks are as exact as the network is quick"
    fix = f"in manager.conf:\n[general](+)\ntimestampevents = yes\nthen: {RELOAD_MANAGER}"
    return Check(TIMESTAMPS, "fail", said, fix)
