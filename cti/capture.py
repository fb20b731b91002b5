"""A recorded AMI stream: its messages, and whose phones are in it. Pure.

A capture is what Asterisk sent, byte for byte: banner, responses and events as they came. It may
be packed with gzip, and its line ends may have been turned into plain LF on the way.
"""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterable, Iterator, Sequence

from cti.ami.codec import Framer, Message, parse
from cti.ami.facts import UnreadableMessage, parse_timestamp
from cti.ami.reader import FactReader
from cti.capture_start import going_on
from cti.domain.book import interface_of
from cti.domain.events import Event, Micros
from cti.domain.facts import Fact, LegStarted
from cti.reducer import Reducer
from cti.reducer.state import IsAgent
from cti.summary import CallSummary, summarise

_GZIP = b"\x1f\x8b"
_RING = "4"
_PHONES = frozenset({"PJSIP", "SIP", "IAX2", "SCCP"})  # DAHDI/1 is a line
_LONGEST_EXTENSION = 5  # digits; providers' accounts have more


class NoCapture(ValueError):
    """These bytes are no AMI stream; the text says what they are instead."""


def read_capture(data: bytes) -> list[Message]:
    """The messages of a capture. Raises :class:`NoCapture`."""
    if data.startswith(_GZIP):
        data = _unpacked(data)
    if not data.strip():
        raise NoCapture("it is empty")
    data = data.removeprefix(codecs.BOM_UTF8)
    if data.count(b"\r\n") * 2 < data.count(b"\n"):
        data = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    # A stream that was cut off may lack the end of its last message.
    messages = [parse(raw) for raw in Framer().feed(data + b"\r\n\r\n")]
    if not any(message.event for message in messages):
        raise NoCapture("there is no AMI event in it")
    return messages


def _unpacked(data: bytes) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise NoCapture(f"it does not unpack: {error}") from None


def calls_in(messages: Sequence[Message], agents: Iterable[str] = ()) -> list[CallSummary]:
    """The calls of a capture. ``agents`` are interfaces of agents besides those that show.

    What was going on before the capture began or goes on after it is measured within it.
    """
    before = going_on(messages, next(_times(messages), 0))
    known = agents_in(messages) | _callers(before) | frozenset(agents)
    events = _fold(messages, before, known.__contains__)
    return summarise(events, until=max(_times(messages), default=0))


def _fold(messages: Sequence[Message], before: Iterable[Fact], is_agent: IsAgent) -> list[Event]:
    reader, reducer = FactReader(), Reducer("pbx", is_agent)
    withdrawals = _withdrawals(messages)
    events = [event for fact in before for event in reducer.apply(fact)]
    for number, message in enumerate(messages):
        if number in withdrawals:
            reducer.tag("", message.get("Uniqueid"), "withdrawn")
        fact = reader.to_fact(message)
        if fact is not None:
            events += reducer.apply(fact)
    return events


def _withdrawals(messages: Iterable[Message]) -> set[int]:
    """Which QueueCallerAbandon are of callers whom a program withdrew from the queue.

    The event does not tell; the answer to the program does, and the variable that Queue() sets
    afterwards (only in a stream with VarSet). Ringdesk knows it beforehand of its own.
    """
    found: set[int] = set()
    last: dict[str, int] = {}
    leaving: set[str] = set()
    asked = 0
    for number, message in enumerate(messages):
        leg = message.get("Uniqueid")
        if message.event == "HangupRequest":
            leaving.add(leg)
        elif message.event == "QueueCallerAbandon" and leg not in leaving:
            last[leg] = number
            if asked:
                asked -= 1
                found.add(number)
        elif message.event == "VarSet" and message.get("Variable") == "QUEUESTATUS":
            if message.get("Value").startswith("WITHDRAW") and leg in last:
                found.add(last[leg])
        elif message.get("Message") == "Withdraw requested successfully":
            asked += 1
    return found


def _times(messages: Iterable[Message]) -> Iterator[Micros]:
    for message in messages:
        try:
            yield parse_timestamp(message.get("Timestamp"))
        except UnreadableMessage:
            continue


def agents_in(messages: Iterable[Message]) -> frozenset[str]:
    """The phones of the house, as far as the stream betrays them.

    They are members of queues, or are dialled by their own name (a trunk is dialled by a number:
    ``0207946000@trunk``), or call with their own name as their number, or are called by a short
    number themselves (``PJSIP/6001``).
    """
    found: set[str] = set()
    for message in messages:
        found.update(_members(message), _named(message))
    return frozenset(name for name in found if name and not name.startswith("Local/"))


def _callers(before: Iterable[Fact]) -> frozenset[str]:
    """The same of legs that were there before the stream: their number is their name."""
    legs = [fact for fact in before if isinstance(fact, LegStarted)]
    named = ((interface_of(leg.channel), leg.number) for leg in legs)
    return frozenset(name for name, number in named if name.partition("/")[2] == number)


def _members(message: Message) -> Iterator[str]:
    if message.event.startswith("QueueMember") or message.event == "AgentCalled":
        yield message.get("Interface") or message.get("Location")
        device = message.get("StateInterface")
        if not device.startswith(("hint:", "Custom:", "Queue:")):
            yield device


def _named(message: Message) -> Iterator[str]:
    if message.event == "DialBegin":
        interface, dialled = interface_of(message.get("DestChannel")), message.get("DialString")
        name = interface.partition("/")[2]
        if dialled == name or dialled.startswith(f"{name}/sip:{name}@"):
            yield interface
    elif message.event == "Newchannel" and message.get("ChannelState") == _RING:
        interface = interface_of(message.get("Channel"))
        technology, _, name = interface.partition("/")
        if name == message.get("CallerIDNum") or (technology in _PHONES and _is_short(name)):
            yield interface


def _is_short(name: str) -> bool:
    return len(name) <= _LONGEST_EXTENSION and name.isascii() and name.isdigit()
