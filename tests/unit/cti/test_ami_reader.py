"""The quick way from bytes to facts says what the slow one says, whatever comes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti.ami.codec import Framer, as_text, first_line, parse
from cti.ami.facts import KINDS, TIMESTAMP, WANTED
from cti.ami.reader import FactReader
from cti.ami.shapes import MOST, Shape, learn
from cti.domain.facts import Fact
from tests.unit.cti.reducing import CAPTURES, NAMES, RECORDED

EVERY = (*NAMES, *RECORDED)
ODD_NAMES = ("Uniqueid", "UNIQUEID", "uniqueid", "Un\u0131queid", "LIN\u212aEDID", "Uni", "X:Y", "")
ODD_VALUES = ("", " ", "x", "a: b", "0", "-", "1e3", "\r", "a\rb", "\n", "a\nUniqueid: forged", "ë")


@cache
def raws_of(name: str) -> tuple[bytes, ...]:
    data = (CAPTURES / f"{name}.ami").read_bytes()
    framer = Framer()
    if not data.startswith(b"Asterisk"):
        framer.banner = ""
    return tuple(framer.feed(data))


@cache
def wanted() -> tuple[bytes, ...]:
    """One message of each type and set of headers in all captures."""
    kinds = {}
    for name in EVERY:
        for raw in raws_of(name):
            message = parse(raw)
            if message.event in WANTED:
                kinds[message.event, tuple(name for name, _ in message.headers)] = raw
    return tuple(kinds.values())


def quick(reader: FactReader, raw: bytes) -> Fact | None:
    return reader.read(first_line(raw), raw)


def assert_same(raws: Iterable[bytes], quickly: FactReader) -> None:
    slowly = FactReader()
    slowly._last = quickly._last
    before = quickly.unreadable.copy()
    for raw in raws:
        assert quick(quickly, raw) == slowly.to_fact(parse(raw)), raw
        assert quickly._last == slowly._last
    assert quickly.unreadable - before == slowly.unreadable


def taught() -> FactReader:
    """A reader that knows the shapes of all captures, and has room for more."""
    reader = FactReader()
    for line, shapes in known_shapes().items():
        reader._known[line].shapes = list(shapes)
        reader._known[line].tried = len(shapes)
    return reader


@cache
def known_shapes() -> dict[bytes, tuple[Shape, ...]]:
    reader = FactReader()
    for raw in wanted():
        quick(reader, raw)
    return {line: tuple(known.shapes) for line, known in reader._known.items()}


@pytest.mark.parametrize("name", EVERY)
def test_every_message_of_a_real_stream_is_read_alike(name: str) -> None:
    reader = FactReader()
    assert_same(raws_of(name), reader)
    assert_same(raws_of(name), reader)  # By now the shapes are known.


def test_the_shapes_are_used_and_few() -> None:
    reader = taught()
    reader.to_fact = lambda message: pytest.fail("read slowly")  # type: ignore[method-assign]
    for name in EVERY:
        for raw in raws_of(name):
            if first_line(raw).decode().removeprefix("Event: ") in WANTED:
                quick(reader, raw)
    assert max(len(known.shapes) for known in reader._known.values()) <= 5


CHANGES = ("drop", "move", "again", "odd", "case", "empty", "glue", "value", "over")
lines_of_others = st.sampled_from(wanted()).map(lambda raw: raw.split(b"\r\n")[-1])
odd_lines = st.one_of(
    st.builds(lambda name, value: f"{name}: {value}".encode(),
              st.sampled_from(ODD_NAMES), st.sampled_from(ODD_VALUES)),
    st.sampled_from([b"", b"Bare:", b"no header", b": ", b"\xff: \xc3", b"Cause: \0"]),
    st.just(b"Timestamp: 5.5"),
    st.binary(max_size=8).map(lambda value: value.replace(b"\r\n", b"")),
    lines_of_others,
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A real message with headers dropped, moved, repeated, renamed, emptied, and odd ones."""
    lines = draw(st.sampled_from(wanted())).split(b"\r\n")
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(CHANGES)):
            case "drop" if len(lines) > 1:
                del lines[place]
            case "move":
                lines.insert(draw(st.integers(0, len(lines))), lines.pop(place))
            case "again":
                lines.insert(draw(st.integers(0, len(lines))), lines[place])
            case "odd":
                lines.insert(place, draw(odd_lines))
            case "case":
                lines[place] = lines[place].swapcase()
            case "empty":
                lines[place] = lines[place].partition(b": ")[0] + b": "
            case "glue":  # A line feed alone ends no line.
                lines[place : place + 2] = [b"\n".join(lines[place : place + 2])]
            case "over":
                lines[place] = draw(st.sampled_from(lines)).partition(b": ")[0] + b": other"
            case "value":
                name = lines[place].partition(b": ")[0]
                lines[place] = name + b": " + draw(st.sampled_from(ODD_VALUES)).encode()
    return b"\r\n".join(lines).strip(b"\r\n") or b"Event: Hangup"


@given(st.lists(mutated(), min_size=1, max_size=6))
@settings(max_examples=150, deadline=None)
def test_no_change_of_a_message_makes_the_two_ways_differ(raws: list[bytes]) -> None:
    assert_same(raws, taught())


@given(st.lists(mutated(), min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_shapes_learnt_from_odd_messages_are_right_too(raws: list[bytes]) -> None:
    reader = FactReader()
    assert_same(raws, reader)
    assert_same([*raws, *wanted()], reader)


@given(mutated(), mutated())
@settings(max_examples=150, deadline=None)
def test_a_shape_matches_only_what_it_reads_right(teacher: bytes, pupil: bytes) -> None:
    event = parse(teacher).event
    headers = (TIMESTAMP, *KINDS[event].headers) if event in KINDS else ("Uniqueid", "Cause")
    for other in (teacher, pupil):
        _, _, rest = as_text(teacher).partition("\r\n")
        shape = learn(rest, headers, frozenset(), {})
        text = as_text(other)
        start = text.find("\r\n") + 2
        found = shape.match(text, start) if shape and start > 1 else None
        if shape and found:
            message = parse(b"X\r\n" + text[start:].encode())
            values = found.group(*shape.order) if shape.order else found.groups()
            assert list(values) == [message.get(name) for name in headers]


@pytest.mark.parametrize(
    ("teacher", "pupil"),
    [
        ("Unwanted: x\r\nUniqueid: 1\r\nCause: 2", "Uniqueid: 3\r\nUniqueid: 1\r\nCause: 2"),
        (
            "Channel: a\r\nChannel: b\r\nCallerIDNum: 1\r\nUniqueid: 1",
            "Channel: a\r\nCallerIDNum: 2\r\nCallerIDNum: 1\r\nUniqueid: 1",
        ),
        ("Cat: x\r\nUniqueid: 1\r\nCause: 2", "CAUSE: 3\r\nUniqueid: 1\r\nCause: 2"),
        ("Cause: 1\r\nCurt: 2\r\nUniqueid: 1", "Cause: 1\r\nCause: 2\r\nUniqueid: 1"),
        ("Cat: x\r\nUniqueid: 1", "Cat: x\nUniqueid: 1\r\nUniqueid: 2"),
    ],
)
def test_a_line_that_is_passed_over_is_none_of_the_wanted(teacher: str, pupil: str) -> None:
    reader = FactReader()
    for text in (teacher, pupil, teacher):
        event = "Newchannel" if "Channel" in text else "Hangup"
        assert_same([f"Event: {event}\r\n{text}".encode()], reader)


def test_no_more_shapes_are_learnt_than_are_worth_it() -> None:
    reader = FactReader()
    raws = [b"Event: Hold\r\n" + b"X: y\r\n" * n + b"Uniqueid: 1.1" for n in range(MOST + 3)]
    assert_same(raws, reader)
    assert len(reader._known[b"Event: Hold"].shapes) == MOST


def test_a_wrong_number_is_counted_on_the_quick_way_too() -> None:
    raw = b"Event: Hangup\r\nTimestamp: 1.000002\r\nUniqueid: 1.1\r\nCause: %s"
    reader = FactReader()
    assert quick(reader, raw % b"16") == quick(reader, raw % b"16")
    assert quick(reader, raw % b"many") is None
    assert reader.unreadable == {("Hangup", "Cause is no number"): 1}


def cut(stream: bytes, edges: Sequence[int]) -> list[bytes]:
    return [stream[a:b] for a, b in zip((0, *edges), (*edges, len(stream)), strict=True)]


@pytest.mark.parametrize("name", ["22/message_left", "16/given_up_in_the_menu"])
def test_a_cut_at_any_byte_loses_nothing(name: str) -> None:
    stream = (CAPTURES / f"{name}.ami").read_bytes()
    reader = FactReader()
    whole = [reader.to_fact(parse(raw)) for raw in raws_of(name)]
    for edge in range(len(stream) + 1):
        framer = Framer()
        raws = [raw for piece in cut(stream, [edge]) for raw in framer.feed(piece)]
        assert [quick(reader, raw) for raw in raws] == whole
