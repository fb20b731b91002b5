"""Calls in a few lines: of recorded streams, whole or cut off."""

from __future__ import annotations

import gzip

import msgspec
import pytest

from cti.ami.codec import Framer
from cti.capture import NoCapture, agents_in, calls_in, read_capture
from cti.summary import CallSummary, Offer, Talk, Transfer, Wait
from tests.unit.cti.reducing import CAPTURES, NAMES, is_agent


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
        lambda data: b"Asterisk Call Manager/5.0.4\r\n" + data.rstrip(),
        lambda data: data + b"Asterisk Call Manager/11.0.0\r\nResponse: Success\r\n\r\n",
    ],
    ids=["gzip", "banner and log-in", "plain line ends", "cut at the end", "second log-in"],
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


def test_a_phone_nobody_knows_can_be_named() -> None:
    stream = (
        b"Event: Newchannel\r\nTimestamp: 1795298470.5\r\nChannel: PJSIP/desk-ada-1\r\n"
        b"ChannelState: 4\r\nCallerIDNum: 101\r\nExten: 400\r\nUniqueid: 1.1\r\nLinkedid: 1.1\r\n"
        b"\r\nEvent: Hangup\r\nTimestamp: 1795298471.0\r\nUniqueid: 1.1\r\nCause: 16\r\n\r\n"
    )
    messages = read_capture(stream)
    assert calls_in(messages)[0].direction == "inbound"
    assert calls_in(messages, ["PJSIP/desk-ada"])[0].direction == "outbound"
