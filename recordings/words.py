"""What was said, as it is searched: terms of words, parts of a question, hits. Pure.

The databases do not agree on what a word is, nor on how it is stemmed, so neither is asked: both
get terms that are made here, separated by spaces, and compare them byte by byte. A term is a word
without case, without the marks of «ё», and without its ending where we know the language's endings
(Snowball's, and :mod:`recordings.bulgarian`).

A question consists of parts: words, and "phrases" in quotation marks. All must be said in one
recording, by the side that is asked for, each anywhere in it; a phrase within one segment. Digits
that were said one by one are a term as well: 724 finds "seven two four".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from typing import Any

import msgspec
import snowballstemmer

from recordings import bulgarian
from recordings.transcription import Segment, Speaker

SEPARATOR = "¶"
"""Stands between two runs of terms, so that no phrase goes over the end of a segment."""
AROUND = 7
"""Words shown on each side of a hit."""
MOST_PARTS = 12

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_PART = re.compile(r'"([^"]*)"?|([^\s"]+)')
_APOSTROPHES = str.maketrans("’ʼ`", "'''")
_QUOTES = str.maketrans("“”„«»", '"""""')
_LIKE_E = str.maketrans("ё", "е")
_ALGORITHMS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german",
    "el": "greek", "en": "english", "eo": "esperanto", "es": "spanish", "et": "estonian",
    "eu": "basque", "fi": "finnish", "fr": "french", "ga": "irish", "hu": "hungarian",
    "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian", "nl": "dutch",
    "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian",
    "sr": "serbian", "sv": "swedish", "tr": "turkish",
}  # fmt: skip

Run = tuple[str, ...]
"""Terms one after the other."""


class NoWords(ValueError):
    """There is no word in what is asked for."""


class Part(msgspec.Struct, frozen=True):
    """A word or phrase: the same in each language that is spoken here, alike ones once."""

    runs: tuple[Run, ...]


class Piece(msgspec.Struct, frozen=True):
    """Words of a snippet, which are a ``hit`` or stand around one."""

    text: str
    hit: bool


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A segment in which a part was said. ``start``: seconds into the recording, of its first word.

    ``before`` and ``after``: there is more of the segment there.
    """

    speaker: Speaker
    start: float
    pieces: tuple[Piece, ...]
    before: bool
    after: bool


@lru_cache(maxsize=65_536)
def terms(text: str, language: str) -> Run:
    """The terms of ``text``. ``language``: ISO 639-1; unknown ones keep their endings."""
    plain = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES).casefold()
    return tuple(_term(word, language[:2]) for word in _WORD.findall(plain))


def _term(word: str, language: str) -> str:
    stemmed = bulgarian.stem(word) if language == "bg" else _snowball(word, language)
    return stemmed.translate(_LIKE_E).replace("'", "")


def _snowball(word: str, language: str) -> str:
    algorithm = _ALGORITHMS.get(language)
    return str(_stemmer(algorithm).stemWord(word)) if algorithm else word


@cache
def _stemmer(algorithm: str) -> Any:
    return snowballstemmer.stemmer(algorithm)


def spoken(segments: Iterable[Segment], speaker: Speaker, language: str) -> list[str]:
    """All that ``speaker`` said, for the index: terms, with separators between the runs."""
    found: list[str] = []
    for segment in segments:
        if segment.speaker == speaker:
            for run, _ in _runs(segment, language):
                found += [*run, SEPARATOR]
    return found[:-1]


def _runs(segment: Segment, language: str) -> Iterator[tuple[Run, list[int]]]:
    """Runs of terms, and which word of the segment each term belongs to."""
    said = [
        (term, at) for at, word in enumerate(segment.words) for term in terms(word.text, language)
    ]
    if said:
        yield tuple(term for term, _ in said), [at for _, at in said]
    for number in segment.numbers:
        yield (number.digits,), [number.first]


def parse(text: str, languages: Iterable[str]) -> tuple[Part, ...]:
    """What is asked for. Raises :class:`NoWords`; more than :data:`MOST_PARTS` parts are cut."""
    parts: list[Part] = []
    known = list(dict.fromkeys(languages)) or [""]
    for match in _PART.finditer(text.translate(_QUOTES)):
        runs = dict.fromkeys(terms(match[1] or match[2] or "", language) for language in known)
        if () not in runs:
            parts.append(Part(tuple(runs)))
    if not parts:
        raise NoWords("there is no word in it")
    return tuple(dict.fromkeys(parts[:MOST_PARTS]))


def hits(
    segments: Iterable[Segment], language: str, parts: Sequence[Part], speaker: str = ""
) -> list[Hit]:
    """Where the parts were said, in order; empty unless ``speaker`` (empty: any) said each."""
    found: list[Hit] = []
    unsaid = set(parts)
    for segment in segments:
        if speaker not in {"", segment.speaker}:
            continue
        lit: set[int] = set()
        runs = list(_runs(segment, language))
        for part in parts:
            if words := _said(segment, runs, part):
                lit |= words
                unsaid.discard(part)
        if lit:
            found.append(_snippet(segment, lit))
    return [] if unsaid else found


def _said(segment: Segment, runs: Sequence[tuple[Run, list[int]]], part: Part) -> set[int]:
    """The words of the segment that say this part."""
    lit: set[int] = set()
    for run, words in runs:
        for wanted in part.runs:
            for at in _places(run, wanted):
                lit |= _words_of(segment, run, words[at : at + len(wanted)])
    return lit


def _places(run: Run, wanted: Run) -> Iterator[int]:
    first, size = wanted[0], len(wanted)
    at = -1
    for _ in range(run.count(first)):
        at = run.index(first, at + 1)
        if run[at : at + size] == wanted:
            yield at


def _words_of(segment: Segment, run: Run, words: Sequence[int]) -> set[int]:
    for number in segment.numbers:
        if run == (number.digits,) and words[0] == number.first:
            return set(range(number.first, number.last))
    return set(words)


def _snippet(segment: Segment, lit: set[int]) -> Hit:
    first, size = min(lit), len(segment.words)
    last = max((at for at in lit if at <= first + AROUND), default=first)
    begin, end = max(0, first - AROUND), min(size, last + AROUND + 1)
    pieces: list[Piece] = []
    for at in range(begin, end):
        text, hit = segment.words[at].text, at in lit
        if pieces and pieces[-1].hit == hit:
            pieces[-1] = Piece(f"{pieces[-1].text} {text}", hit)
        else:
            pieces.append(Piece(text, hit))
    return Hit(
        speaker=segment.speaker,
        start=segment.words[first].start,
        pieces=tuple(pieces),
        before=begin > 0,
        after=end < size,
    )
