"""Calls in a few lines: of recorded streams, whole or cut off."""

from __future__ import annotations

import gzip

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti.ami.codec import Framer
from cti.ami.facts import WANTED
from cti.capture import NoCapture, agents_in, calls_in, read_capture
from cti.summary import CallSummary, Offer, Talk, Transfer, Wait
from tests.unit.cti.reducing import CAPTURES, NAMES, RECORDED, is_agent


def raw(name: str) -> bytes:
    return (CAPTURES / f"{name}.ami").read_bytes()


BLIND = CallSummary(
    linkedid="rig1-1795298494.140",
    direction="inbound",
    outcome="answered",
    waits=[Wait("support", 0.32, "connected")],
    offers=[Offer("PJSIP/6001", 0.318, "answered"), Offer("PJSIP/6002", 0.308, "answered")],
    talks=[Talk("PJSIP/6001", 0.704), Talk("PJSIP/6002", 1.004)],
    transfers=[Transfer("blind", "6002")],
)


def test_a_blind_transfer_in_a_few_lines() -> None:
    assert calls_in(read_capture(raw("d1_blind_sip_refer"))) == [BLIND]


@pytest.mark.parametrize(
    "wrap",
    [
        gzip.compress,
        lambda data: b"Asterisk Call Manager/11.0.0\r\nResponse: Success\r\n\r\n" + data,
        lambda data: data.replace(b"\r\n", b"\n"),
        lambda data: b"Asterisk Call Manager/11.0.0\r\n" + data.replace(b"\r\n", b"\n"),
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: b"Asterisk Call Manager/5.0.4\r\n" + data.rstrip(),
        lambda data: data + b"Asterisk Call Manager/11.0.0\r\nResponse: Success\r\n\r\n",
    ],
    ids=[
        "gzip",
        "banner and log-in",
        "plain line ends",
        "mixed",
        "byte order mark",
        "cut at the end",
        "second log-in",
    ],
)
def test_however_the_stream_was_kept(wrap) -> None:  # type: ignore[no-untyped-def]
    assert calls_in(read_capture(wrap(raw("d1_blind_sip_refer")))) == [BLIND]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (b"\r\n \n", "it is empty"),
        (bytes(range(256)) * 50, "no AMI event"),
        (b"# Notes\r\n\r\nEvents: many\r\n\r\n", "no AMI event"),
        (b"\x1f\x8b\x08rubbish", "does not unpack"),
        (gzip.compress(b"Event: Hangup\r\n\r\n", mtime=0)[:-9], "does not unpack"),
    ],
)
def test_what_is_no_stream_is_said_to_be_none(data: bytes, reason: str) -> None:
    with pytest.raises(NoCapture, match=reason):
        read_capture(data)


@pytest.mark.parametrize("name", NAMES)
def test_the_phones_of_the_house_show_in_the_stream(name: str) -> None:
    found = agents_in(read_capture(raw(name)))
    assert all(is_agent(interface) for interface in found)
    told = msgspec.json.encode(calls_in(read_capture(raw(name)))).decode()
    assert all(interface in told for interface in ("PJSIP/trunk",) if interface in found)


@pytest.mark.parametrize("name", NAMES)
def test_the_lean_set_of_events_says_the_same(name: str) -> None:
    messages = read_capture(raw(name))
    lean = [message for message in messages if message.event in WANTED]
    assert len(lean) < len(messages)
    assert calls_in(lean) == calls_in(messages)


Words = tuple[list[tuple[str, str | None]], list[tuple[str, str | None]], list[str], list[str]]


def in_words(call: CallSummary) -> Words:
    return (
        [(wait.queue, wait.ended) for wait in call.waits],
        [(offer.agent, offer.ended) for offer in call.offers],
        [talk.agent for talk in call.talks],
        [transfer.to for transfer in call.transfers],
    )


WAIT, RING, SECOND_RING = (
    ("support", "connected"),
    ("PJSIP/6001", "answered"),
    ("PJSIP/6002", "answered"),
)
ONE, TWO = "PJSIP/6001", "PJSIP/6002"


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("QueueCallerJoin", ([WAIT], [RING, SECOND_RING], [ONE, TWO], ["6002"])),
        ("AgentCalled", ([WAIT], [RING, SECOND_RING], [ONE, TWO], ["6002"])),
        ("QueueCallerLeave", ([], [SECOND_RING], [ONE, TWO], ["6002"])),
        ("BridgeEnter", ([], [], [TWO], [])),
    ],
)
def test_a_stream_that_begins_in_mid_call(after: str, expected: Words) -> None:
    """What goes on then is told from there on; agents are known by their numbers."""
    messages = read_capture(raw("d1_blind_sip_refer"))
    last = max(n for n, message in enumerate(messages) if message.event == after)
    [call] = calls_in(messages[last + 1 :])
    assert (call.direction, call.outcome) == ("inbound", "answered")
    assert in_words(call) == expected


def test_a_talk_that_went_on_before_is_measured_from_the_beginning_of_the_stream() -> None:
    messages = read_capture(raw("a1_queue_answered_hold_agent_hangup"))
    held = next(n for n, message in enumerate(messages) if message.event == "Hold")
    [call] = calls_in(messages[held:])
    left = float(next(m for m in messages if m.event == "BridgeLeave").get("Timestamp"))
    since = left - float(messages[held].get("Timestamp"))
    assert [talk.seconds for talk in call.talks] == [pytest.approx(since, abs=0.002)]


@given(st.sampled_from(RECORDED), st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_wherever_a_stream_begins_its_calls_end(name: str, seed: int) -> None:
    messages = read_capture(raw(name))
    told = calls_in(messages[seed % len(messages) :])
    assert all(call.outcome for call in told)
    parts = [part for call in told for part in (*call.waits, *call.offers)]
    assert all(part.ended for part in parts)


def test_a_call_that_goes_on_is_measured_up_to_the_end_of_the_stream() -> None:
    messages = Framer().feed(raw("a1_queue_answered_hold_agent_hangup"))
    ringing = next(n for n, message in enumerate(messages) if b"Event: DialBegin" in message)
    talking = next(n for n, message in enumerate(messages) if b"Event: Hold" in message)

    def until(number: int) -> CallSummary:
        [call] = calls_in(read_capture(b"\r\n\r\n".join(messages[: number + 1])))
        return call

    call = until(ringing)
    assert (call.outcome, call.talks) == (None, [])
    assert [(wait.queue, wait.ended) for wait in call.waits] == [("support", None)]
    assert [(offer.agent, offer.ended) for offer in call.offers] == [("PJSIP/6001", None)]
    assert call.offers[0].seconds < call.waits[0].seconds < 0.1
    call = until(talking)
    assert call.outcome is None
    assert call.talks[0].seconds > 0.5


@pytest.mark.parametrize(
    ("channel", "direction"),
    [("PJSIP/6001-1", "outbound"), ("PJSIP/4420794600-1", "inbound"), ("DAHDI/1-1", "inbound")],
)
def test_a_phone_that_shows_the_number_of_the_house(channel: str, direction: str) -> None:
    stream = (
        f"Event: Newchannel\r\nChannel: {channel}\r\nChannelState: 4\r\nUniqueid: 1.1\r\n"
        "CallerIDNum: 02079460000\r\nExten: 07700900123\r\n\r\n"
        "Event: Hangup\r\nUniqueid: 1.1\r\nCause: 16\r\n\r\n"
    )
    assert calls_in(read_capture(stream.encode()))[0].direction == direction


def test_a_phone_nobody_knows_can_be_named() -> None:
    stream = (
        b"Event: Newchannel\r\nTimestamp: 1795298470.5\r\nChannel: PJSIP/desk-ada-1\r\n"
        b"ChannelState: 4\r\nCallerIDNum: 101\r\nExten: 400\r\nUniqueid: 1.1\r\nLinkedid: 1.1\r\n"
        b"\r\nEvent: Hangup\r\nTimestamp: 1795298471.0\r\nUniqueid: 1.1\r\nCause: 16\r\n\r\n"
    )
    messages = read_capture(stream)
    assert calls_in(messages)[0].direction == "inbound"
    assert calls_in(messages, ["PJSIP/desk-ada"])[0].direction == "outbound"
