"""Facts: what the PBX said, without a trace of its version or protocol.

:mod:`cti.ami.facts` makes them from AMI messages, :mod:`cti.resync` from snapshots, and
:mod:`cti.reducer` folds them into calls. ``at`` is the PBX's own time in integer microseconds
since the epoch. A leg (channel) is named by its ``leg``: Asterisk's Uniqueid, which never changes,
while channel names and the Linkedid (``linkedid``: which call it belongs to) may.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from cti.domain.events import Micros, WaitEnd

LegCondition = Literal["down", "ring", "ringing", "up"]
"""``down``: made by the PBX itself. ``ring``: came in from outside. ``ringing``: we ring it."""


class Fact(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What all facts carry."""

    at: Micros


# --- legs --------------------------------------------------------------------------------------


class LegStarted(Fact, frozen=True, kw_only=True, gc=False):
    """A leg exists. ``condition`` tells who made it; ``at`` is when it came into being.

    ``dialled``: somebody rings or rang it (known only from a snapshot; DialBegan says so live).
    ``queue``: the Queue() it is in, known only from a snapshot. ``restored``: from a snapshot.
    """

    leg: str
    linkedid: str
    channel: str
    number: str = ""
    name: str = ""
    exten: str = ""
    condition: LegCondition = "ring"
    dialled: bool = False
    queue: str = ""
    restored: bool = False


class LegRenamed(Fact, frozen=True, kw_only=True, gc=False):
    """The leg's channel has another name (masquerade)."""

    leg: str
    channel: str


class LegState(Fact, frozen=True, kw_only=True, gc=False):
    """The leg's condition changed."""

    leg: str
    condition: LegCondition


class LegMoved(Fact, frozen=True, kw_only=True, gc=False):
    """The leg belongs to another call now."""

    leg: str
    linkedid: str


class LegJoins(Fact, frozen=True, kw_only=True, gc=False):
    """The leg came over a trunk and goes on with the call ``call_id`` of another switch."""

    leg: str
    call_id: str


class HangupRequested(Fact, frozen=True, kw_only=True, gc=False):
    """The party of this leg hangs up; LegHungUp follows. Asterisk's own hang-ups lack this."""

    leg: str


class LegHungUp(Fact, frozen=True, kw_only=True, gc=False):
    """The leg is gone. ``cause`` is Q.850, 0 for none.

    ``unexplained``: it went while we did not look and nobody tells why; ``at`` is when it was
    noticed.
    """

    leg: str
    cause: int = 0
    unexplained: bool = False


class PickedUp(Fact, frozen=True, kw_only=True, gc=False):
    """``leg`` takes the call that rings ``target`` (Pickup)."""

    leg: str
    target: str


class MessageLeft(Fact, frozen=True, kw_only=True, gc=False):
    """The party of this leg spoke to a mailbox."""

    leg: str


class DialBegan(Fact, frozen=True, kw_only=True, gc=False):
    """``leg`` is being rung, on behalf of the leg ``source`` (empty: of the PBX, Originate)."""

    leg: str
    source: str = ""
    dialled: str = ""


class DialEnded(Fact, frozen=True, kw_only=True, gc=False):
    """Ringing ``leg`` is over; ``status`` is Asterisk's DIALSTATUS (ANSWER, BUSY, NOANSWER...)."""

    leg: str
    status: str


# --- bridges -----------------------------------------------------------------------------------


class BridgeEntered(Fact, frozen=True, kw_only=True, gc=False):
    """The leg can talk to the others in ``bridge``. Its ``linkedid`` may be another one now.

    ``conference`` is the name of the conference that the bridge is, ``place`` is where the leg's
    dialplan stands.
    """

    leg: str
    linkedid: str
    bridge: str
    place: str = ""
    conference: str = ""


class SetAside(Fact, frozen=True, kw_only=True, gc=False):
    """The leg waits in a bridge where nobody talks (parked, or for somebody to come)."""

    leg: str


class BridgeLeft(Fact, frozen=True, kw_only=True, gc=False):
    """The leg is no longer in the bridge. Another ``place`` than before betrays a redirect."""

    leg: str
    bridge: str
    place: str = ""


class LocalOptimising(Fact, frozen=True, kw_only=True, gc=False):
    """The Local channel with the halves ``one`` and ``two`` takes itself out of the path."""

    one: str
    two: str


class LocalOptimised(Fact, frozen=True, kw_only=True, gc=False):
    """That is done: those whom it joined are in one bridge."""

    one: str
    two: str


class BridgeSeen(Fact, frozen=True, kw_only=True, gc=False):
    """Exactly these legs are in the bridge, as a snapshot says.

    ``places`` are where their dialplans stand, in the same order.
    """

    bridge: str
    legs: tuple[str, ...]
    places: tuple[str, ...] = ()


class Held(Fact, frozen=True, kw_only=True, gc=False):
    """A party put the other on hold. ``restored``: it had done so before we looked."""

    leg: str
    restored: bool = False


class Unheld(Fact, frozen=True, kw_only=True, gc=False):
    """The hold is over (Asterisk also says so when there was none). ``restored`` as in Held."""

    leg: str
    restored: bool = False


class BlindTransferred(Fact, frozen=True, kw_only=True, gc=False):
    """``leg`` sent the party it talked with, ``transferee``, to the extension ``to``.

    The transferee may be there already. It is empty where several talked.
    """

    leg: str
    to: str
    transferee: str = ""


class AttendedTransferred(Fact, frozen=True, kw_only=True, gc=False):
    """A phone with the legs ``leg`` and ``second`` joined those whom it talked with on them.

    They are ``transferee`` and ``target``; ``to`` is what was dialled on the second leg, ``back``
    on the first. Where nobody was on the second leg yet, the transferee stands in its place (in a
    queue), and there is no target; both may be empty where several talked.
    """

    leg: str
    second: str
    transferee: str = ""
    target: str = ""
    to: str = ""
    back: str = ""


# --- queues ------------------------------------------------------------------------------------


class QueueJoined(Fact, frozen=True, kw_only=True, gc=False):
    """The leg waits in ``queue`` since ``at``. ``place`` is where its dialplan stands."""

    leg: str
    queue: str
    position: int
    place: str = ""
    restored: bool = False


class QueueAbandoned(Fact, frozen=True, kw_only=True, gc=False):
    """The leg stopped waiting by itself, or was taken out of the queue: Asterisk says the same.

    Another ``place`` than at QueueJoined betrays a redirect.
    """

    leg: str
    queue: str
    place: str = ""


class QueueLeft(Fact, frozen=True, kw_only=True, gc=False):
    """The leg no longer waits in ``queue``. ``ended`` is set when a snapshot gave the reason.

    Another ``place`` than at QueueJoined: the caller pressed the key that leads out of the queue.
    """

    leg: str
    queue: str
    ended: WaitEnd | None = None
    place: str = ""


class AgentCalled(Fact, frozen=True, kw_only=True, gc=False):
    """The queue rings ``interface`` through ``leg``, for the waiting leg ``source``."""

    leg: str
    source: str
    queue: str
    interface: str
    channel: str


class AgentConnected(Fact, frozen=True, kw_only=True, gc=False):
    """The queue gave the waiting leg ``source`` to the agent on ``leg``."""

    leg: str
    source: str
    queue: str


class AgentRingNoAnswer(Fact, frozen=True, kw_only=True, gc=False):
    """The agent on ``leg`` did not take the call; the queue goes on to the next."""

    leg: str


# --- agents' phones ----------------------------------------------------------------------------


class MemberStatus(Fact, frozen=True, kw_only=True, gc=False):
    """A queue member as it is now. ``device`` is the interface whose state counts."""

    queue: str
    interface: str
    device: str
    reachable: bool
    paused: bool = False


class DeviceState(Fact, frozen=True, kw_only=True, gc=False):
    """A phone can or cannot be reached at all."""

    device: str
    reachable: bool


class SnapshotBegan(Fact, frozen=True, kw_only=True, gc=False):
    """The facts of a snapshot follow; only all of them together are a picture."""


class SnapshotTaken(Fact, frozen=True, kw_only=True, gc=False):
    """All facts of a snapshot were told: the book is whole again."""
