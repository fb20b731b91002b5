"""From the words of two channels to a conversation. Pure; times are seconds into the recording."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import msgspec

Speaker = Literal["customer", "agent"]

PAUSE = 0.8
"""Seconds of silence which end a segment."""
SHORTEST_NUMBER = 3
"""Digits; fewer are just words ("one moment")."""

_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_DIGITS = {name: str(digit) for digit, name in enumerate(_NAMES)}
_DIGITS |= {"oh": "0", "o": "0", "nought": "0"}
_TIMES = {"double": 2, "triple": 3, "treble": 3}


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """One word as it was heard. ``confidence`` is 0 to 1."""

    text: str
    start: float
    end: float
    confidence: float


class SpokenNumber(msgspec.Struct, frozen=True, kw_only=True):
    """Digits that were said one by one: ``words[first:last]`` of their segment."""

    digits: str
    first: int
    last: int


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """What one speaker said without a pause or an interruption."""

    speaker: Speaker
    start: float
    end: float
    words: tuple[Word, ...]
    numbers: tuple[SpokenNumber, ...] = ()

    @property
    def text(self) -> str:
        """The words in a row."""
        return " ".join(word.text for word in self.words)


def conversation(
    customer: Sequence[Word], agent: Sequence[Word], pause: float = PAUSE
) -> list[Segment]:
    """Both channels' words as segments, in the order they began.

    A segment ends at a pause, and where the other speaker begins in a gap between two words;
    words said over one another do not cut it. Words of a channel must be in order.
    """
    segments = _segments("customer", customer, agent, pause)
    segments += _segments("agent", agent, customer, pause)
    return sorted(segments, key=lambda segment: segment.start)


def _segments(
    speaker: Speaker, words: Sequence[Word], others: Sequence[Word], pause: float
) -> list[Segment]:
    other_starts = [word.start for word in others]
    groups: list[list[Word]] = [[word] for word in words[:1]]
    for before, word in pairwise(words):
        if word.start - before.end >= pause or _any_in(other_starts, before.end, word.start):
            groups.append([])
        groups[-1].append(word)
    return [_segment(speaker, group) for group in groups]


def _any_in(starts: Sequence[float], low: float, high: float) -> bool:
    at = bisect_left(starts, low)
    return at < len(starts) and starts[at] < high


def _segment(speaker: Speaker, words: Sequence[Word]) -> Segment:
    return Segment(
        speaker=speaker,
        start=words[0].start,
        end=words[-1].end,
        words=tuple(words),
        numbers=tuple(spoken_numbers([word.text for word in words])),
    )


def spoken_numbers(words: Sequence[str]) -> list[SpokenNumber]:
    """Strings of digits among English ``words``: "seven double two oh" is 7220.

    Only digits said one by one, at least ``SHORTEST_NUMBER`` of them. The words stay as they are.
    """
    numbers: list[SpokenNumber] = []
    first = at = 0
    digits = ""
    while at <= len(words):
        new, used = _digit(words[at : at + 2])
        if new:
            digits += new
        else:
            if len(digits) >= SHORTEST_NUMBER:
                numbers.append(SpokenNumber(digits=digits, first=first, last=at))
            digits, first = "", at + 1
        at += used
    return numbers


def _digit(words: Sequence[str]) -> tuple[str, int]:
    """The digits at the head of ``words`` (empty: none) and how many words they took."""
    match words:
        case [times, digit] if times in _TIMES and digit in _DIGITS:
            return _DIGITS[digit] * _TIMES[times], 2
        case [digit, *_] if digit in _DIGITS:
            return _DIGITS[digit], 1
        case _:
            return "", 1
