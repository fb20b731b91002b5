from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.agi.codec import (
    MAX_COMMAND,
    MAX_ENVIRONMENT_LINES,
    MAX_LINE,
    AgiDecoder,
    AgiReply,
    AgiSyntaxError,
    AgiValueError,
    Environment,
    HangupNotice,
    Item,
    encode_command,
    parse_environment,
    parse_reply,
)

ENVIRONMENT = (
    "agi_network: yes\nagi_network_script: menu/main\nagi_request: agi://127.0.0.1:4573/menu/main\n"
    "agi_channel: PJSIP/trunk-00000001\nagi_uniqueid: 1795303200.1\nagi_callerid: 442079460000\n"
    "agi_calleridname: Zoë: the caller\nagi_rdnis:\n\n"
).encode()
USAGE = (
    b"520-Invalid command syntax.  Proper usage follows:\n Usage: WAIT FOR DIGIT <timeout>\n"
    b"   Waits.\n520 End of proper usage.\n"
)


def asterisk_words(line: bytes) -> list[str]:
    """A command line as res_agi.c (parse_args) reads it: an oracle of its own."""
    words: list[str] = []
    quoted = escaped = False
    blank = True
    for char in line.decode().removesuffix("\n"):
        if char == '"' and not escaped:
            quoted = not quoted
            if quoted and blank:
                words.append("")
                blank = False
        elif char in " \t" and not quoted and not escaped:
            blank = True
        elif char == "\\" and not escaped:
            escaped = True
            continue
        else:
            if blank:
                words.append("")
                blank = False
            words[-1] += char
        escaped = False
    return words


WORD = st.text(st.characters(exclude_characters="\r\n\0", codec="utf-8"), max_size=60)


@given(st.lists(WORD, min_size=1, max_size=5))
def test_asterisk_reads_back_the_words_that_were_given(words: list[str]) -> None:
    line = encode_command(*words)
    assert line.count(b"\n") == 1
    assert asterisk_words(line) == words


@pytest.mark.parametrize("bad", ["a\nb", "a\rb", "a\0b", "\n", "\ud800", 'x"\nSET VARIABLE A B'])
def test_a_line_break_or_nul_is_never_sent(bad: str) -> None:
    with pytest.raises(AgiValueError, match="CR, LF, NUL"):
        encode_command("SET", "VARIABLE", "NAME", bad)


def test_a_command_that_asterisk_would_cut_is_never_sent() -> None:
    assert len(encode_command("x" * (MAX_COMMAND - 1))) == MAX_COMMAND
    with pytest.raises(AgiValueError, match="2001 bytes"):
        encode_command("x" * MAX_COMMAND)


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("200 result=1", AgiReply(code=200, text="result=1", result="1")),
        (
            "200 result=0 endpos=8000",
            AgiReply(code=200, text="result=0 endpos=8000", result="0", endpos=8000),
        ),
        (
            "200 result=12 (timeout)",
            AgiReply(code=200, text="result=12 (timeout)", result="12", data="timeout"),
        ),
        (
            "200 result= (timeout)",
            AgiReply(code=200, text="result= (timeout)", data="timeout"),
        ),
        (
            "200 result=1 (timeout) endpos=7",
            AgiReply(
                code=200,
                text="result=1 (timeout) endpos=7",
                result="1",
                data="timeout",
                endpos=7,
            ),
        ),
        (
            "200 result=1 (a (b) c)",
            AgiReply(code=200, text="result=1 (a (b) c)", result="1", data="a (b) c"),
        ),
        ("200 result=*", AgiReply(code=200, text="result=*", result="*")),
        (
            "510 Invalid or unknown command",
            AgiReply(code=510, text="Invalid or unknown command"),
        ),
        (
            "511 Command Not Permitted on a dead channel or intercept routine",
            AgiReply(code=511, text="Command Not Permitted on a dead channel or intercept routine"),
        ),
    ],
)
def test_replies(line: str, reply: AgiReply) -> None:
    assert parse_reply(line) == reply


@pytest.mark.parametrize("line", ["", "hello", "200", "200 OK", "20 result=1", "2000 result=1"])
def test_what_is_no_reply_is_refused(line: str) -> None:
    with pytest.raises(AgiSyntaxError):
        parse_reply(line)


def everything() -> tuple[bytes, list[Item]]:
    data = ENVIRONMENT + b"200 result=1\r\nHANGUP\n" + USAGE + b"200 result=0 endpos=1\n"
    return data, AgiDecoder().feed(data)


def test_a_whole_conversation() -> None:
    environment, first, hangup, usage, last = everything()[1]
    assert isinstance(environment, Environment)
    assert environment.variables["agi_calleridname"] == "Zoë: the caller"
    assert environment.variables["agi_rdnis"] == ""
    assert first == AgiReply(code=200, text="result=1", result="1")
    assert hangup == HangupNotice()
    assert isinstance(usage, AgiReply)
    assert (usage.code, usage.text.count("\n")) == (520, 3)
    assert last == AgiReply(code=200, text="result=0 endpos=1", result="0", endpos=1)


@given(st.lists(st.integers(0, len(everything()[0]))))
def test_any_cut_of_the_stream_gives_the_same(cuts: list[int]) -> None:
    data, whole = everything()
    decoder = AgiDecoder()
    bounds = [0, *sorted(cuts), len(data)]
    items = [
        item for start, end in itertools.pairwise(bounds) for item in decoder.feed(data[start:end])
    ]
    assert items == whole


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\n", "empty"),
        (b"GET / HTTP/1.1\nHost: x\n\n", "not agi_name"),
        (b"agi_a: 1\nagi_a: 2\n\n", "comes twice"),
        (b"agi_uniqueid: 1\nagi_calleridname: x\nagi_uniqueid: 2\n\n", "comes twice"),
        (b"x" * (MAX_LINE + 1), "longer than"),
        (b"agi_a: " + b"x" * MAX_LINE + b"\n", "longer than"),
        (b"agi_a: 1\n" * (MAX_ENVIRONMENT_LINES + 1), "more than"),
        (b"agi_a: 1\n\n520-usage\n" + b"x\n" * (MAX_ENVIRONMENT_LINES + 1), "does not end"),
        (b"agi_a: 1\n\nrubbish\n", "three digits"),
    ],
)
def test_what_is_not_agi_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(AgiSyntaxError, match=reason):
        AgiDecoder().feed(data)


def test_an_environment_of_lines() -> None:
    assert parse_environment(["agi_arg_1:  x ", "agi_b:"]) == {"agi_arg_1": " x ", "agi_b": ""}


@given(st.binary(max_size=200))
def test_any_bytes_are_items_or_refused(data: bytes) -> None:
    decoder = AgiDecoder()
    try:
        items = decoder.feed(ENVIRONMENT + data)
    except AgiSyntaxError:
        return
    assert isinstance(items[0], Environment)
    assert len(items) <= 1 + data.count(b"\n")
