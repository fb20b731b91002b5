"""Card numbers among words: any card in any way of saying it is found, other numbers are kept."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from recordings.cards import AROUND, MARK, of_scheme, redact
from recordings.transcription import Word

ONES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TEENS = (
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen",
    "eighteen", "nineteen",
)  # fmt: skip
TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
OTHERS = ("my", "card", "is", "please", "yes", "okay", "the", "number", "right", "go", "on")
PREFIXES = ("4", "51", "55", "2221", "2720", "2200", "34", "37", "36", "305", "3528", "6011", "62")
LENGTHS = {"34": 15, "37": 15, "36": 14, "305": 14}


def luhn_ok(digits: str) -> bool:
    """Independent of the code under test: as everybody writes it."""
    total = 0
    for at, sign in enumerate(reversed(digits)):
        value = int(sign) * (2 if at % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def check_digit(digits: str) -> str:
    return next(sign for sign in "0123456789" if luhn_ok(digits + sign))


def timed(texts: Sequence[str], start: float = 0.0, gap: float = 0.1) -> list[Word]:
    words, at = [], start
    for text in texts:
        words.append(Word(text=text, start=at, end=at + 0.3, confidence=0.9))
        at += 0.3 + gap
    return words


def texts(words: Sequence[Word]) -> list[str]:
    return [word.text for word in words]


def digits_of(words: Sequence[Word]) -> str:
    """What is left of digits, said one by one or written."""
    left = ""
    for word in words:
        left += str(ONES.index(word.text)) if word.text in ONES else ""
        left += "".join(sign for sign in word.text if sign.isdecimal())
    return left


def longest_reading(words: Sequence[Word]) -> int:
    """Digits, when "forty one" is 40 1."""
    said = " ".join(texts(words)).replace("triple ", "zero zero ").replace("double ", "zero ")
    return sum(
        sum(sign.isdecimal() for sign in word) or 1 + (word in TEENS or word in TENS)
        for word in said.split()
        if word not in OTHERS and word != "order"
    )


@st.composite
def cards(draw: st.DrawFn) -> str:
    prefix = draw(st.sampled_from(PREFIXES))
    length = LENGTHS.get(prefix, 16)
    rest = length - len(prefix) - 1
    body = prefix + draw(st.text("0123456789", min_size=rest, max_size=rest))
    return body + check_digit(body)


@st.composite
def spoken(draw: st.DrawFn, digits: str) -> list[str]:
    """The digits in some grouping: each group as digits, a word for two, a double, or numerals."""
    said: list[str] = []
    at = 0
    while at < len(digits):
        ways = ["digit", "numeral"]
        pair, three = digits[at : at + 2], digits[at : at + 3]
        if len(pair) == 2 and pair[0] != "0":
            ways.append("pair")
        if len(pair) == 2 and pair[0] == pair[1]:
            ways.append("double")
        if len(three) == 3 and len(set(three)) == 1:
            ways.append("triple")
        match draw(st.sampled_from(ways)):
            case "digit":
                oh = digits[at] == "0" and draw(st.booleans())
                said.append("oh" if oh else ONES[int(digits[at])])
                at += 1
            case "pair":
                ten, one = int(pair[0]), int(pair[1])
                said += [TEENS[one]] if ten == 1 else [TENS[ten], *([ONES[one]] if one else [])]
                at += 2
            case "double":
                said += ["double", ONES[int(pair[0])]]
                at += 2
            case "triple":
                said += ["triple", ONES[int(three[0])]]
                at += 3
            case "numeral":
                size = draw(st.integers(1, 4))
                said.append(digits[at : at + size])
                at += size
    return said


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_any_card_number_in_any_grouping_is_found(data: st.DataObject) -> None:
    """Also over segments, with words between its parts, and with talk around it."""
    card = data.draw(cards())
    said = data.draw(spoken(card))
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(said) - 1)), max_size=4)))
    between = data.draw(st.lists(st.sampled_from(OTHERS), max_size=3))
    words: list[Word] = timed(["my", "card", "is"])
    at = 3.0
    for begin, end in zip([0, *cuts], [*cuts, len(said)], strict=True):
        if begin and said[begin - 1] in {"double", "triple"}:
            between_now: list[str] = []  # nobody says "double, yes, four"
        else:
            between_now = between if begin else []
        words += timed(between_now, at)
        words += timed(said[begin:end], at + 2)
        at = words[-1].end + data.draw(st.sampled_from([0.1, 1.0, 9.0]))
    words += timed(["thank", "you"], at)
    redacted = redact(words, [], "en")
    assert redacted.numbers == 1
    left = [text for text in texts(redacted.customer) if text != MARK]
    assert left == ["my", "card", "is", *between * _gaps(said, cuts), "thank", "you"]


def _gaps(said: Sequence[str], cuts: Sequence[int]) -> int:
    return sum(said[cut - 1] not in {"double", "triple"} for cut in cuts if cut < len(said))


@settings(deadline=None)
@given(cards(), st.integers(1, 12), st.data())
def test_a_number_said_by_both_in_turn_is_found(card: str, cut: int, data: st.DataObject) -> None:
    mine = timed([ONES[int(sign)] for sign in card[:cut]], 1)
    theirs = timed(["and", *(ONES[int(sign)] for sign in card[cut:])], mine[-1].end + 1)
    redacted = redact(mine, theirs, "en")
    assert digits_of(redacted.customer + redacted.agent) == ""


@settings(deadline=None)
@given(cards())
def test_one_who_repeats_each_group_hides_nothing(card: str) -> None:
    mine: list[Word] = []
    theirs: list[Word] = []
    at = 1.0
    for begin in range(0, len(card), 4):
        group = [ONES[int(sign)] for sign in card[begin : begin + 4]]
        mine += timed(group, at)
        theirs += timed(group, at + 2.5)
        at += 5
    redacted = redact(mine, theirs, "en")
    assert digits_of(redacted.customer + redacted.agent) == ""


@settings(deadline=None)
@given(cards(), st.text("0123456789", min_size=3, max_size=7))
def test_a_date_and_a_code_behind_it_hide_nothing(card: str, behind: str) -> None:
    words = timed([ONES[int(sign)] for sign in card + behind])
    assert len(digits_of(redact(words, [], "en").customer)) <= len(behind)


@settings(deadline=None)
@given(st.text("0123456789", min_size=1, max_size=12), st.data())
def test_short_numbers_are_kept_as_they_were_said(digits: str, data: st.DataObject) -> None:
    words = timed(["order", *data.draw(spoken(digits)), "please"])
    assume(longest_reading(words) <= 12)
    redacted = redact(words, [], "en")
    assert (redacted.customer, redacted.spans, redacted.numbers) == (words, [], 0)


@settings(deadline=None)
@given(st.text("0123456789", min_size=13, max_size=19))
def test_long_numbers_that_fail_the_check_are_kept(digits: str) -> None:
    assume(not luhn_ok(digits))
    parts = (
        digits[begin:end]
        for begin in range(len(digits))
        for end in range(begin + 13, len(digits) + 1)
    )
    assume(not any(of_scheme(part[:4], len(part)) and luhn_ok(part) for part in parts))
    words = timed([ONES[int(sign)] for sign in digits])
    assert redact(words, [], "en").customer == words


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "four triple one double one double one double one double one double one double one"),
        ("en", "forty one eleven eleven eleven eleven eleven eleven eleven"),
        ("en", "forty one hundred and then oh oh oh oh oh oh oh oh oh zero zero one"),
        ("en", "for one one one uh one one one one one one one one one one one one"),
        ("en", "4111-1111-1111-1111"),
        ("en", "4111 1111, 1111 1111."),
        ("ru", "сорок один одиннадцать одиннадцать одиннадцать 1111 1111"),
        ("ru", "четыреста одиннадцать сто одиннадцать один один 1111 1111"),
        (
            "bg",
            "четири едно едно едно едно едно едно едно и едно едно едно едно едно едно едно едно",
        ),
        ("bg", "четиридесет и едно единайсет единадесет единайсет 1111 1111"),
        ("xx", "4111 1111 1111 1111"),
    ],
)
def test_ways_of_saying_it(language: str, said: str) -> None:
    redacted = redact(timed(said.split()), [], language)
    assert redacted.numbers == 1
    assert set(texts(redacted.customer)) <= {MARK, "uh", "and", "then", "и"}


@pytest.mark.parametrize(
    "said",
    [
        "call me on oh seven seven double oh nine oh oh one two three please",
        "the order is seven two four and the invoice is five five zero one",
        "four one one one one one one one one one one one one one one two",
        "i want to pay for two of the four",
    ],
)
def test_ordinary_numbers(said: str) -> None:
    words = timed(said.split())
    assert redact(words, [], "en").customer == words


def test_what_is_silenced_is_the_number_and_a_tenth_of_a_second() -> None:
    card = "4111111111111111"
    words = timed(["my", *(ONES[int(sign)] for sign in card), "yes"], 1.0)
    redacted = redact([], words, "en")
    assert redacted.spans == [pytest.approx((words[1].start - AROUND, words[16].end + AROUND))]
    assert texts(redacted.agent) == ["my", MARK, "yes"]
    assert redacted.agent[1].start == words[1].start
    assert redacted.agent[1].end == words[16].end


def test_it_is_quick_in_a_long_call() -> None:
    """An hour of nothing but digits, which no call is."""
    chance = random.Random(3)
    words = timed([chance.choice(ONES + TEENS + TENS[2:]) for _ in range(3000)])
    redact(words, words, "en")
