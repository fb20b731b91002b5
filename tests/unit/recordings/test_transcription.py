from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.transcription import Word, conversation, spoken_numbers


def word(text: str, start: float, end: float) -> Word:
    return Word(text=text, start=start, end=end, confidence=1.0)


@st.composite
def speech(draw: st.DrawFn) -> list[Word]:
    """Words in order, in tenths of a second."""
    steps = draw(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 6)), max_size=15))
    words, at = [], 0
    for gap, length in steps:
        words.append(word("w", (at + gap) / 10, (at + gap + length) / 10))
        at += gap + length
    return words


@given(speech(), speech())
def test_every_word_comes_once_in_its_speakers_order(
    customer: list[Word], agent: list[Word]
) -> None:
    segments = conversation(customer, agent)
    for speaker, words in (("customer", customer), ("agent", agent)):
        said = [w for segment in segments if segment.speaker == speaker for w in segment.words]
        assert said == words


@given(speech(), speech())
def test_segments_are_in_order_and_hold_no_pause(customer: list[Word], agent: list[Word]) -> None:
    segments = conversation(customer, agent)
    assert [s.start for s in segments] == sorted(s.start for s in segments)
    for segment in segments:
        assert (segment.start, segment.end) == (segment.words[0].start, segment.words[-1].end)
        assert all(after.start - before.end < 0.8 for before, after in pairwise(segment.words))


def test_a_question_between_two_words_cuts_the_sentence() -> None:
    customer = [word("my", 0, 0.2), word("order", 0.2, 0.5), word("seven", 1.1, 1.4)]
    agent = [word("yes", 0.6, 0.9)]
    said = [(s.speaker, s.text) for s in conversation(customer, agent)]
    assert said == [("customer", "my order"), ("agent", "yes"), ("customer", "seven")]


def test_words_over_one_another_do_not_cut() -> None:
    customer = [word("good", 0, 0.4), word("morning", 0.4, 0.9)]
    agent = [word("hello", 0.2, 0.6)]
    said = [(s.speaker, s.text) for s in conversation(customer, agent)]
    assert said == [("customer", "good morning"), ("agent", "hello")]


def test_nobody_spoke() -> None:
    assert conversation([], []) == []


@pytest.mark.parametrize(
    ("said", "digits"),
    [
        ("seven two four", ["724"]),
        ("order seven double two oh please", ["7220"]),
        ("triple nine", ["999"]),
        ("one moment please", []),
        ("one two and three four", []),
        ("one two three and four five six", ["123", "456"]),
        ("double one", []),
        ("one two double", []),
        ("one two three double", ["123"]),
        ("oh no", []),
        ("", []),
    ],
)
def test_digits_said_one_by_one_are_numbers(said: str, digits: list[str]) -> None:
    assert [number.digits for number in spoken_numbers(said.split())] == digits


@given(st.lists(st.sampled_from(["one", "two", "oh", "double", "triple", "hello"])))
def test_a_number_names_exactly_its_words(words: list[str]) -> None:
    for number in spoken_numbers(words):
        taken = words[number.first : number.last]
        again = spoken_numbers(taken)
        assert [(n.digits, n.first, n.last) for n in again] == [(number.digits, 0, len(taken))]


def test_segment_tells_its_numbers_and_keeps_the_words() -> None:
    words = [word(w, i, i + 0.9) for i, w in enumerate(["number", "seven", "two", "four"])]
    (segment,) = conversation(words, [])
    assert segment.text == "number seven two four"
    assert [(n.digits, n.first, n.last) for n in segment.numbers] == [("724", 1, 4)]
