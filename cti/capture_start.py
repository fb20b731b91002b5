"""What was going on when a recorded stream begins, as its later messages betray it. Pure.

Whoever records starts in the middle of calls: their legs are never announced in the stream, but
each message about a leg names its channel and state. Who leaves a bridge or a queue, or stops
ringing, without a beginning did so from the start; it is measured from there. (Running beside a
PBX, Ringdesk asks for a snapshot instead: :mod:`cti.resync`.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cti.ami.codec import Message
from cti.ami.facts import condition, person
from cti.domain.book import kind_of
from cti.domain.events import Micros
from cti.domain.facts import (
    BridgeEntered,
    DialBegan,
    Fact,
    LegStarted,
    QueueJoined,
)

_ENDINGS = frozenset({"Hangup", "HangupRequest", "SoftHangupRequest", "AgentComplete"})
"""A leg first seen in one of these is ending: of what it did before, only what ends is known."""
_BEFORE = {"Newstate": {"6": "5"}}
"""What a leg was before the news that it changed: ringing, before it was up."""

_Deed = QueueJoined | DialBegan | BridgeEntered


def going_on(messages: Sequence[Message], at: Micros) -> list[Fact]:
    """The facts that the stream needs before its first message; none if it begins in silence."""
    announced = {m.get("Uniqueid") for m in messages if m.event == "Newchannel"}
    start = _Start(at, announced)
    for message in messages:
        start.take_in(message)
    return start.facts()


class _Start:
    """Legs that were there, and what they did. The first message about each thing counts."""

    def __init__(self, at: Micros, announced: set[str]) -> None:
        self.at = at
        self.announced = announced
        self.legs: dict[str, LegStarted | None] = {}
        self.ending: set[str] = set()
        self.bridges: dict[str, BridgeEntered | None] = {}
        self.waits: dict[str, QueueJoined | None] = {}
        self.rings: dict[str, DialBegan | None] = {}

    def take_in(self, message: Message) -> None:
        if not message.event:
            return
        for prefix in ("", "Dest"):
            leg, state = message.get(f"{prefix}Uniqueid"), message.get(f"{prefix}ChannelState")
            if leg and state and leg not in self.announced and leg not in self.legs:
                self.legs[leg] = self._leg(message, prefix, leg, state)
        self._take_in_deeds(message)

    def _leg(self, message: Message, prefix: str, leg: str, state: str) -> LegStarted | None:
        channel = message.get(f"{prefix}Channel")
        if kind_of(channel) == "plumbing":
            return None
        if message.event in _ENDINGS:
            self.ending.add(leg)
        linkedid = message.get(f"{prefix}Linkedid") or leg
        return LegStarted(
            at=self.at,
            leg=leg,
            linkedid=linkedid,
            channel=channel,
            number=person(message.get(f"{prefix}CallerIDNum")),
            name=person(message.get(f"{prefix}CallerIDName")),
            exten=message.get(f"{prefix}Exten"),
            condition=condition(_BEFORE.get(message.event, {}).get(state, state)),
            dialled=bool(prefix) or leg != linkedid,
            restored=True,
        )

    def _take_in_deeds(self, message: Message) -> None:
        leg, rung = message.get("Uniqueid"), message.get("DestUniqueid")
        match message.event:
            case "BridgeEnter" | "BridgeLeave":
                self.bridges.setdefault(leg, self._bridge(message, leg))
            case "QueueCallerJoin" | "QueueCallerLeave" | "QueueCallerAbandon":
                self.waits.setdefault(leg, self._wait(message, leg))
            case "DialBegin":
                self.rings.setdefault(rung, None)
            case "DialEnd":
                began = DialBegan(at=self.at, leg=rung, source=leg)
                self.rings.setdefault(rung, began)

    def _bridge(self, message: Message, leg: str) -> BridgeEntered | None:
        if message.event == "BridgeEnter" or message.get("BridgeTechnology") == "holding_bridge":
            return None
        in_conference = message.get("BridgeCreator") == "ConfBridge"
        return BridgeEntered(
            at=self.at,
            leg=leg,
            linkedid=message.get("Linkedid") or leg,
            bridge=message.get("BridgeUniqueid"),
            conference=message.get("BridgeName") if in_conference else "",
        )

    def _wait(self, message: Message, leg: str) -> QueueJoined | None:
        if message.event == "QueueCallerJoin":
            return None
        position = message.get("Position")
        return QueueJoined(
            at=self.at,
            leg=leg,
            queue=message.get("Queue"),
            position=int(position) if position.isascii() and position.isdigit() else 1,
            restored=True,
        )

    def facts(self) -> list[Fact]:
        """Legs first, those that began their calls before the others; then what they did."""
        # Who is rung through a Local channel is rung after it.
        rings = sorted(self.rings.items(), key=lambda ring: not self._is_local(ring[0]))
        known: tuple[Mapping[str, _Deed | None], ...] = (self.waits, dict(rings), self.bridges)
        begun = (began for kind in known for began in kind.items())
        deeds = [deed for leg, deed in begun if deed and self.legs.get(leg)]
        busy = {deed.leg for deed in deeds}
        legs = [leg for leg in self.legs.values() if leg and leg.leg not in self.ending - busy]
        legs.sort(key=lambda leg: leg.leg != leg.linkedid)
        return [*legs, *deeds]

    def _is_local(self, leg: str) -> bool:
        there = self.legs.get(leg)
        return there is not None and kind_of(there.channel) == "local"
