"""Framing and messages: any cut, hostile lengths, hostile values, and what a real Asterisk said."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.ami.codec import (
    MAX_HEADERS,
    Framer,
    Message,
    RefusedValue,
    encode_action,
    event_name,
    parse,
)

CAPTURES = Path(__file__).parents[2] / "captures"
BANNER = b"Asterisk Call Manager/11.0.0\r\n"

header_names = st.from_regex(r"[A-Za-z][A-Za-z0-9()/-]{0,20}", fullmatch=True)
header_values = st.text(
    st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=60
)
header_lists = st.lists(st.tuples(header_names, header_values), max_size=12)
wire_pieces = st.sampled_from(
    [b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"Event: Hangup", b": ", b"\xff", b"\xc3", b"\xa9", b"\0"]
) | st.binary(max_size=12)
wire_streams = st.lists(wire_pieces, max_size=40).map(b"".join)


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    """The stream in pieces, cut at ``places``."""
    edges = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[start:end] for start, end in itertools.pairwise(edges)]


def read_all(pieces: list[bytes], limit: int = 1 << 20) -> tuple[list[bytes], int, str | None]:
    framer = Framer(limit)
    messages = [message for piece in pieces for message in framer.feed(piece)]
    return messages, framer.discarded, framer.banner


@given(stream=wire_streams, places=st.lists(st.integers(0, 10_000), max_size=12), greeted=...)
def test_any_cut_of_the_stream_gives_the_same_messages(
    stream: bytes, places: list[int], greeted: bool
) -> None:
    stream = BANNER * greeted + stream
    limit = 24
    whole = read_all([stream], limit)
    assert read_all(cut(stream, places), limit) == whole
    assert read_all([stream[i : i + 1] for i in range(len(stream))], limit) == whole


def test_a_real_stream_is_the_same_however_it_is_cut() -> None:
    stream = BANNER + (CAPTURES / "e_originate_busy.ami").read_bytes()
    whole = read_all([stream])
    assert whole[2] == "11.0.0"
    assert len(whole[0]) == stream.count(b"\r\n\r\n")
    for size in (1, 2, 3, 7, 500, 4096):
        assert read_all([stream[i : i + size] for i in range(0, len(stream), size)]) == whole


def test_a_character_cut_in_two_is_kept() -> None:
    raw = "Event: NewCallerid\r\nCallerIDName: Zoë Łuk\r\n\r\n".encode()
    middle = raw.index("ë".encode()) + 1
    framer = Framer()
    assert framer.feed(BANNER + raw[:middle]) == []
    [message] = framer.feed(raw[middle:])
    assert parse(message).get("CallerIDName") == "Zoë Łuk"


def test_an_oversized_message_is_dropped_and_the_next_is_read() -> None:
    framer = Framer(limit=1000)
    assert framer.feed(BANNER + b"Event: Big\r\nValue: ") == []
    for _ in range(50):
        assert framer.feed(b"x" * 997) == []
        assert len(framer._buffer) <= 1003, "memory stays bounded while the message goes on"
    assert framer.feed(b"\r\n\r\nEvent: Next\r\n\r\n") == [b"Event: Next"]
    assert framer.discarded == 1


def test_a_message_of_exactly_the_limit_is_kept() -> None:
    message = b"Event: E\r\nValue: " + b"x" * 83
    assert len(message) == 100
    assert read_all([BANNER + message + b"\r\n\r\n"], limit=100)[:2] == ([message], 0)
    assert read_all([BANNER + message + b"y\r\n\r\n"], limit=100)[:2] == ([], 1)


@pytest.mark.parametrize("first", [b"SSH-2.0-OpenSSH_9.2\r\n", b"\x16\x03\x01" * 400])
def test_a_peer_that_is_not_asterisk_has_an_empty_banner(first: bytes) -> None:
    framer = Framer()
    framer.feed(first)
    assert framer.banner == ""


def test_an_unfinished_banner_is_waited_for() -> None:
    framer = Framer()
    framer.feed(b"Asterisk Call Man")
    assert framer.banner is None
    assert framer.feed(b"ager/5.0.4\r\nEvent: FullyBooted\r\n\r\n") == [b"Event: FullyBooted"]
    assert framer.banner == "5.0.4"


def test_headers_keep_their_order_and_repeats() -> None:
    message = parse(
        b"Event: Newchannel\r\nChanVariable: CTI_CALLID=1\r\nChanVariable: T=a: b\r\nBridgeId: x"
    )
    assert message.event == "Newchannel"
    assert message.all("chanvariable") == ("CTI_CALLID=1", "T=a: b")
    assert message.get("BRIDGEID") == "x"
    assert message.fields()["ChanVariable"] == "CTI_CALLID=1\nT=a: b"
    assert [name for name, _ in message.headers] == [
        "Event",
        "ChanVariable",
        "ChanVariable",
        "BridgeId",
    ]


def test_odd_lines() -> None:
    message = parse(b"Event: E\r\nEmpty: \r\nBare:\r\nnot a header\r\nChanVariable(IAX2/a:1): X=1")
    assert message.headers == (
        ("Event", "E"),
        ("Empty", ""),
        ("Bare", ""),
        ("ChanVariable(IAX2/a:1)", "X=1"),
    )


def test_an_event_with_a_response_header_is_an_event() -> None:
    message = parse(b"Event: OriginateResponse\r\nActionID: a1\r\nResponse: Failure\r\nReason: 0")
    assert (message.event, message.response, message.action_id) == ("OriginateResponse", "", "a1")


def test_bytes_that_are_not_text_become_replacement_characters() -> None:
    message = parse(b"Event: E\r\nCallerIDName: M\xfcller\0\r\nNext: ok")
    assert message.get("CallerIDName") == "M\ufffdller\ufffd"
    assert message.get("Next") == "ok"


def test_a_repr_shows_no_personal_data() -> None:
    shown = repr(parse(b"Event: Newchannel\r\nCallerIDNum: +447700900123"))
    assert "Newchannel" in shown
    assert "7700900123" not in shown


def test_event_names_are_read_without_parsing() -> None:
    assert event_name(b"Event: VarSet\r\nVariable: x") == "VarSet"
    assert event_name(b"Event: Lonely") == "Lonely"
    assert event_name(b"Response: Success") == ""


@given(name=header_names, headers=header_lists)
def test_a_message_round_trips(name: str, headers: list[tuple[str, str]]) -> None:
    wire = encode_action(name, headers)
    [raw] = Framer().feed(BANNER + wire)[:1]
    assert parse(raw) == Message([("Action", name), *headers])


@pytest.mark.parametrize("poison", ["\r", "\n", "\0", "\r\n\r\nAction: Originate", "\ud800"])
def test_values_and_names_that_forge_lines_are_refused(poison: str) -> None:
    for name, headers in (
        (f"Ping{poison}", []),
        ("Hangup", [("Channel", f"PJSIP/101{poison}")]),
        ("Hangup", [(f"Channel{poison}", "PJSIP/101")]),
    ):
        with pytest.raises(RefusedValue) as refused:
            encode_action(name, headers)
        assert refused.value.kind == "refused_value"
        assert "PJSIP/101" not in str(refused.value)


@pytest.mark.parametrize(
    "headers",
    [
        [("Variable", "X=" + "1" * 1100)],
        [("Variable", f"V{i}=1") for i in range(MAX_HEADERS)],
        [("", "no name")],
        [("Two: names", "x")],
    ],
)
def test_what_asterisk_would_cut_or_misread_is_refused(headers: list[tuple[str, str]]) -> None:
    with pytest.raises(RefusedValue):
        encode_action("Originate", headers)


def test_every_captured_message_parses() -> None:
    for capture in sorted(CAPTURES.glob("*.ami")):
        framer = Framer()
        stream = capture.read_bytes()
        messages = [parse(raw) for raw in framer.feed(stream)]
        assert len(messages) == stream.count(b"\r\n\r\n"), capture.name
        assert all(message.event or message.response for message in messages), capture.name
