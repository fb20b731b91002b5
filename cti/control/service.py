"""Carries out what an agent wants done with the call in hand.

Asterisk holds the call: each of these is one command, and what comes of it is told by the events
that follow. Nothing is sent twice; while one command for a call runs, the next one is refused.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from cti.clock import Now
from cti.control.places import (
    ASIDE,
    ASKER,
    BACK_AGENT,
    BACK_QUEUE,
    CALLER,
    CONSULT,
    CONTEXTS,
    TAKES,
    Target,
    is_understood,
)
from cti.control.talk import TalkInHand, is_answered, leg_in_call, talk_in_hand
from cti.domain.commands import (
    AnyCommand,
    BlindTransfer,
    CommandFailed,
    GetVariable,
    Hangup,
    MuteAudio,
    Perform,
    PlayDigit,
    RedirectBoth,
    SetVariable,
)
from cti.domain.events import AgentMuted, CallTransferred, ConsultBegan, Event
from cti.feed import SwitchFeed

MayCall = Callable[[str], str]
"""Why a number is not called; empty: it is."""

PASTE = "paste the output of `ringdesk asterisk-config` anew, then: asterisk -rx 'dialplan reload'"
LOOK = "look where the call is before you try again"


class ControlRefused(Exception):
    """It was not done, or nobody knows whether it was. ``code`` is for programs."""

    def __init__(self, code: str, reason: str, cure: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.cure = cure


@dataclass(frozen=True)
class InHand:
    """A call of an agent on its switch. ``by``: the user who acts."""

    call_id: str
    agent: str
    by: str


class CallControl:
    """What agents do with their calls on all switches, ``feeds`` by name.

    Every method raises :class:`ControlRefused`.
    """

    def __init__(
        self,
        feeds: Mapping[str, SwitchFeed],
        perform: Perform,
        record: Callable[[Event], object],
        now: Now,
        may_call: MayCall = lambda _number: "",
    ) -> None:
        self._feeds = feeds
        self._perform = perform
        self._record = record
        self._now = now
        self._may_call = may_call
        self._busy: set[str] = set()
        self._asked: dict[str, str] = {}

    async def transfer(self, hand: InHand, target: Target) -> None:
        """Hand the caller on at once; who is not reached gives them back to queue or agent."""
        talk, target = self._talk(hand), self._here(hand, target)
        with self._alone(hand):
            await self._can_reach(hand, talk, target)
            for variable, value in ((BACK_QUEUE, talk.queue), (BACK_AGENT, talk.interface)):
                if value:
                    await self._do(hand, _set(talk.other, variable, value, hand))
            await self._do(
                hand,
                BlindTransfer(
                    call_id=hand.call_id,
                    channel=talk.channel,
                    context=CONTEXTS[target.kind],
                    exten=target.to,
                ),
            )

    async def consult(self, hand: InHand, target: Target) -> None:
        """Ask a colleague first, while the caller waits aside."""
        talk, target = self._talk(hand), self._here(hand, target)
        if target.kind != "agent":
            reason, cure = "only a colleague can be asked first", "hand the call on at once"
            raise ControlRefused("no_such_target", reason, cure)
        with self._alone(hand):
            for context, exten in ((ASIDE, "s"), (CONSULT, target.to), (TAKES, "s")):
                if not await self._exists(hand, talk, context, exten):
                    raise _no_context(context)
            kept = {
                BACK_QUEUE: talk.queue,
                BACK_AGENT: talk.interface,
                ASKER: talk.channel,
            }
            for variable, value in kept.items():
                if value:
                    await self._do(hand, _set(talk.other, variable, value, hand))
            await self._do(hand, _set(talk.channel, f"__{CALLER}", talk.other, hand))
            both = RedirectBoth(
                call_id=hand.call_id,
                channel=talk.other,
                context=ASIDE,
                exten="s",
                extra_channel=talk.channel,
                extra_context=CONSULT,
                extra_exten=target.to,
            )
            feed = self._feeds[_switch(hand)]
            await self._tagged(hand, talk.other, both)
            self._asked[hand.call_id] = target.to
            self._record(
                ConsultBegan(
                    at=self._now(),
                    switch=_switch(hand),
                    call_id=hand.call_id,
                    agent=hand.agent,
                    to=feed.names.name(target.to),
                    by=hand.by,
                )
            )

    async def back(self, hand: InHand) -> None:
        """Let whom we asked go, and talk with the caller again."""
        _, asked = self._consult(hand)
        rung = leg_in_call(self._feed(hand).reducer.book, asked, hand.call_id)
        if rung is None:
            raise ControlRefused("not_asking", "nobody is being asked any more", LOOK)
        with self._alone(hand):  # the agent's leg goes on by itself: back to the caller
            await self._do(hand, Hangup(call_id=hand.call_id, channel=rung.channel))

    async def complete(self, hand: InHand) -> None:
        """Leave the caller to whom we asked. Hanging up the phone does the same."""
        leg, asked = self._consult(hand)
        feed = self._feeds[_switch(hand)]
        if not is_answered(feed.reducer.book, asked, hand.call_id):
            reason, cure = "they have not answered yet", "wait until they do, or go back"
            raise ControlRefused("not_answered", reason, cure)
        with self._alone(hand):
            await self._do(hand, Hangup(call_id=hand.call_id, channel=leg))
            self._record(
                CallTransferred(
                    at=self._now(),
                    switch=_switch(hand),
                    call_id=hand.call_id,
                    kind="attended",
                    to=feed.names.name(asked),
                    by=hand.agent,
                )
            )

    async def hang_up(self, hand: InHand) -> None:
        """Let the agent's own leg go; what follows for the caller is the dialplan's."""
        talk = self._talk(hand)
        with self._alone(hand):
            await self._do(hand, Hangup(call_id=hand.call_id, channel=talk.channel))

    async def mute(self, hand: InHand, muted: bool) -> None:
        """Let the other party not hear the agent, or again. It ends with the talk."""
        talk = self._talk(hand)
        with self._alone(hand):
            command = MuteAudio(call_id=hand.call_id, channel=talk.channel, muted=muted)
            await self._do(hand, command)
            self._record(
                AgentMuted(
                    at=self._now(),
                    switch=_switch(hand),
                    call_id=hand.call_id,
                    agent=hand.agent,
                    talk_id=talk.id,
                    muted=muted,
                    by=hand.by,
                )
            )

    async def press(self, hand: InHand, digits: str) -> None:
        """Send keys to the other party, one after the other."""
        talk = self._talk(hand)
        with self._alone(hand):
            for digit in digits:
                command = PlayDigit(call_id=hand.call_id, channel=talk.other, digit=digit)
                await self._do(hand, command)

    async def why_not(self, hand: InHand) -> Mapping[str, ControlRefused]:
        """What cannot be done with this call now, by name, and why."""
        talk = self._talk(hand)
        missing = {}
        for kind, context in CONTEXTS.items():
            exten = {"agent": talk.interface, "queue": "support", "number": "100"}[kind]
            if not await self._exists(hand, talk, context, exten):
                missing["transfer"] = _no_context(context)
        return missing

    async def _tagged(self, hand: InHand, channel: str, command: AnyCommand) -> None:
        """Our own moving of ``channel`` hands nobody on."""
        reducer = self._feeds[_switch(hand)].reducer
        reducer.tag(hand.call_id, channel, "aside")
        try:
            await self._do(hand, command)
        except ControlRefused:
            reducer.untag(hand.call_id, channel)
            raise

    def _consult(self, hand: InHand) -> tuple[str, str]:
        """The agent's leg that asks, and the phone that it asks."""
        feed, asked = self._feed(hand), self._asked.get(hand.call_id, "")
        leg = leg_in_call(feed.reducer.book, feed.names.interface(hand.agent), hand.call_id)
        if not asked or leg is None or leg.talk:
            reason = "you are not asking anybody about this call"
            raise ControlRefused("not_asking", reason, "on the phone: hanging up hands the call on")
        return leg.channel, asked

    # --- inside --------------------------------------------------------------------------------

    def _feed(self, hand: InHand) -> SwitchFeed:
        feed = self._feeds.get(_switch(hand))
        if feed is None or not feed.whole:
            reason = f"the PBX {_switch(hand)} cannot be reached now"
            raise ControlRefused("not_connected", reason, "use the phone's own keys meanwhile")
        return feed

    def _talk(self, hand: InHand) -> TalkInHand:
        feed = self._feed(hand)
        interface = feed.names.interface(hand.agent)
        talk = talk_in_hand(feed.reducer.book, interface, hand.call_id)
        if talk is None:
            reason = "your phone is not in a talk of this call any more"
            raise ControlRefused("not_in_call", reason, LOOK)
        return talk

    def _here(self, hand: InHand, target: Target) -> Target:
        """The target as the call's switch knows it."""
        feed = self._feeds[_switch(hand)]
        if target.kind == "agent":
            interface = feed.names.interface(target.to)
            if feed.names.name(interface) != target.to or ":" in interface:
                reason = f"the phone {target.to} is on another PBX than the call"
                raise ControlRefused("elsewhere", reason, "hand the call on to a queue or a number")
            target = Target("agent", interface)
        if not is_understood(target):
            raise ControlRefused(
                "no_such_target",
                f'"{target.to}" is no {target.kind} that a call can be sent to',
                "choose one of the list, or write a number with digits only",
            )
        if target.kind == "agent" and target.to == feed.names.interface(hand.agent):
            raise ControlRefused("no_such_target", "this is your own phone", "choose somebody else")
        if target.kind == "number" and (reason := self._may_call(target.to)):
            raise ControlRefused("not_allowed", reason, "hand the call on to somebody else")
        return target

    async def _can_reach(self, hand: InHand, talk: TalkInHand, target: Target) -> None:
        """Asterisk hangs up on who is sent to where there is nothing: look first."""
        context = CONTEXTS[target.kind]
        if not await self._exists(hand, talk, context, target.to):
            raise _no_context(context)
        if target.kind == "queue":
            found = await self._ask(hand, talk, f"QUEUE_EXISTS({target.to})")
            if found != "1":
                reason = f"the PBX has no queue {target.to}"
                raise ControlRefused("no_such_target", reason, "choose another queue")

    async def _exists(self, hand: InHand, talk: TalkInHand, context: str, exten: str) -> bool:
        return await self._ask(hand, talk, f"DIALPLAN_EXISTS({context},{exten},1)") == "1"

    async def _ask(self, hand: InHand, talk: TalkInHand, function: str) -> str:
        command = GetVariable(call_id=hand.call_id, channel=talk.other, variable=function)
        return await self._do(hand, command)

    async def _do(self, hand: InHand, command: AnyCommand) -> str:
        """The value that the PBX answers with, if any."""
        try:
            reply = await self._perform(command)
        except CommandFailed as failed:
            sent = failed.kind in {"timeout", "lost"}
            cure = LOOK if sent else "use the phone's own keys meanwhile"
            raise ControlRefused(failed.kind, failed.reason, cure) from None
        if not reply.ok:
            raise _refused(command, reply.message)
        return reply.fields.get("Value", "")

    @contextlib.contextmanager
    def _alone(self, hand: InHand) -> Iterator[None]:
        if hand.call_id in self._busy:
            reason = "another command for this call is being carried out"
            raise ControlRefused("busy", reason, LOOK)
        self._busy.add(hand.call_id)
        try:
            yield
        finally:
            self._busy.discard(hand.call_id)


def _switch(hand: InHand) -> str:
    return hand.call_id.partition("-")[0]


def _set(channel: str, variable: str, value: str, hand: InHand) -> SetVariable:
    return SetVariable(call_id=hand.call_id, channel=channel, variable=variable, value=value)


def _no_context(context: str) -> ControlRefused:
    return ControlRefused("no_dialplan", f"the PBX has no context {context} for this", PASTE)


def _refused(command: AnyCommand, message: str) -> ControlRefused:
    """The PBX said no: most often the channel is gone, or a module or a right is missing."""
    name = type(command).__name__
    said = message.lower()
    if "permission" in said or "unknown command" in said:
        cure = "run `ringdesk doctor`: it names the right or the module that is missing"
        return ControlRefused("not_possible", f"the PBX refuses {name}: {message}", cure)
    return ControlRefused("refused", f"the PBX did not do it: {message or name}", LOOK)
