"""Card numbers among spoken words: where they are, whatever way they were said. Pure.

A card number has 13 to 19 digits and passes the Luhn check (ISO/IEC 7812-1). It is looked for in
what each side said and in both sides together, as words ("four one double one", "forty one
eleven", "oh") and as digits. Two rules find it:

- digits that were said without another word between them, if they are such a number as a whole, as
  one would read it ("forty one" is 41);
- any stretch of digits with a few other words between them ("and then") or more digits around them
  (a date, a security code), if it is such a number and begins as the cards of a scheme do, with a
  length which that scheme has.

Number words are ambiguous ("forty one" is 41 or 40 1), and "to" may be "two": a stretch counts as
found if one of its readings is a card number. So a number that is none is kept, unless chance makes
it look like one: of numbers that begin as a card does, one in ten passes the check.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from recordings.transcription import Word

SHORTEST, LONGEST = 13, 19
MOST_BETWEEN = 8
"""Other words between two digits of one number, at most."""
LONGEST_PAUSE = 30.0
"""Seconds between two digits of one number, at most: somebody looks for their card."""

Side = int
"""0: the customer, 1: the agent."""


class Place(NamedTuple):
    """A word: its side, and where it stands among that side's words."""

    side: Side
    at: int


class Vocabulary(NamedTuple):
    """How numbers are said in a language: the digits of each word."""

    digits: Mapping[str, str]
    times: Mapping[str, int] = {}
    maybe: Mapping[str, str] = {}
    """Words that sound like a digit, and are one when a digit stands beside them."""
    fillers: frozenset[str] = frozenset()
    """Words that do not end a number."""


def _numbers(*words: str, first: int = 0, step: int = 1) -> dict[str, str]:
    return {
        word: str(first + step * at) for at, some in enumerate(words) for word in some.split("/")
    }


_ENGLISH = Vocabulary(
    digits={
        **_numbers(
            "zero/oh/o/nought/nil", "one", "two", "three", "four", "five", "six", "seven", "eight",
            "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen",
            "seventeen", "eighteen", "nineteen",
        ),
        **_numbers(
            "twenty", "thirty", "forty/fourty", "fifty", "sixty", "seventy", "eighty", "ninety",
            first=20, step=10,
        ),
        "hundred": "00", "thousand": "000",
    },
    times={"double": 2, "triple": 3, "treble": 3, "quadruple": 4},
    maybe={"to": "2", "too": "2", "for": "4", "ate": "8", "won": "1"},
    fillers=frozenset(["and", "then", "uh", "um", "er", "erm", "dash", "hyphen", "space"]),
)  # fmt: skip
_RUSSIAN = Vocabulary(
    digits={
        **_numbers(
            "ноль/нуль/нолик", "один/одна/раз", "два/две", "три", "четыре", "пять", "шесть",
            "семь", "восемь", "девять", "десять", "одиннадцать", "двенадцать", "тринадцать",
            "четырнадцать", "пятнадцать", "шестнадцать", "семнадцать", "восемнадцать",
            "девятнадцать",
        ),
        **_numbers(
            "двадцать", "тридцать", "сорок", "пятьдесят", "шестьдесят", "семьдесят",
            "восемьдесят", "девяносто", first=20, step=10,
        ),
        **_numbers(
            "сто", "двести", "триста", "четыреста", "пятьсот", "шестьсот", "семьсот",
            "восемьсот", "девятьсот", first=100, step=100,
        ),
    },
    fillers=frozenset(["и", "потом", "дальше", "далее", "э", "тире", "пробел"]),
)  # fmt: skip
_BULGARIAN = Vocabulary(
    digits={
        **_numbers(
            "нула", "едно/един/една", "две/два", "три", "четири", "пет", "шест", "седем", "осем",
            "девет", "десет", "единайсет/единадесет", "дванайсет/дванадесет",
            "тринайсет/тринадесет", "четиринайсет/четиринадесет", "петнайсет/петнадесет",
            "шестнайсет/шестнадесет", "седемнайсет/седемнадесет", "осемнайсет/осемнадесет",
            "деветнайсет/деветнадесет",
        ),
        **_numbers(
            "двайсет/двадесет", "трийсет/тридесет", "четирийсет/четиридесет", "петдесет",
            "шейсет/шестдесет", "седемдесет", "осемдесет", "деветдесет", first=20, step=10,
        ),
        **_numbers(
            "сто", "двеста", "триста", "четиристотин", "петстотин", "шестстотин", "седемстотин",
            "осемстотин", "деветстотин", first=100, step=100,
        ),
    },
    fillers=frozenset(["и", "после", "тире", "ъ"]),
)  # fmt: skip
VOCABULARIES: Mapping[str, Vocabulary] = {"en": _ENGLISH, "ru": _RUSSIAN, "bg": _BULGARIAN}
_DIGITS_ONLY = Vocabulary(digits={})

_NUMERAL = re.compile(r"[\d\s.,/()+-]*\d[\d\s.,/()+-]*")


class _Token(NamedTuple):
    """Digits that were said, or (``digits`` empty) another word."""

    digits: str
    places: tuple[Place, ...]
    start: float
    end: float
    maybe: bool = False


class _State(NamedTuple):
    """A reading so far. ``sums``: of the Luhn check for an even and an odd number of digits;
    ``room``: how many zeros at its end the next number may replace ("forty" by "two");
    ``natural``: it was replaced wherever it could be.
    """

    prefix: str
    length: int
    sums: tuple[int, int]
    room: int
    natural: bool


_NOTHING = _State("", 0, (0, 0), 0, natural=True)


def find(customer: Sequence[Word], agent: Sequence[Word], language: str) -> list[set[Place]]:
    """The words that say a card number: a set a number. Words of a side must be in order."""
    said = [
        (word, Place(side, at))
        for side, words in enumerate((customer, agent))
        for at, word in enumerate(words)
    ]
    together = sorted(said, key=lambda one: one[0].start)
    streams = [[one for one in said if one[1].side == side] for side in (0, 1)]
    found: list[set[Place]] = []
    for stream in (*streams, together):
        for tokens in _chains(_tokens(stream, language[:2])):
            found += _in_chain(tokens)
    return _united(found)


# --- from words to digits ------------------------------------------------------------------------


def _tokens(stream: Sequence[tuple[Word, Place]], language: str) -> list[_Token]:
    known = VOCABULARIES.get(language, _DIGITS_ONLY)
    plain = [(word.text.casefold().strip(".,;:!?").replace("ё", "е"), word, place)
             for word, place in stream]  # fmt: skip
    plain = [one for one in plain if one[0] not in known.fillers]
    tokens: list[_Token] = []
    at = 0
    while at < len(plain):
        text, word, place = plain[at]
        digits, used = _digits(known, text, plain[at + 1][0] if at + 1 < len(plain) else "")
        places = tuple(one[2] for one in plain[at : at + used])
        end = plain[at + used - 1][1].end
        if _NUMERAL.fullmatch(text):  # each digit by itself: a number may begin within
            tokens += [_Token(sign, places, word.start, end) for sign in digits]
        elif text in known.maybe and _beside_a_digit(known, plain, at):
            tokens.append(_Token(known.maybe[text], (place,), word.start, end, maybe=True))
        else:
            tokens.append(_Token(digits, places, word.start, end))
        at += used
    return tokens


def _digits(known: Vocabulary, text: str, following: str) -> tuple[str, int]:
    """The digits said by ``text`` (empty: none), and how many words they take."""
    if _NUMERAL.fullmatch(text):
        return "".join(sign for sign in text if sign.isdecimal()), 1
    times, single = known.times.get(text, 0), known.digits.get(following, following)
    if times and len(single) == 1 and single.isdecimal():
        return single * times, 2
    return known.digits.get(text, ""), 1


def _beside_a_digit(known: Vocabulary, plain: Sequence[tuple[str, Word, Place]], at: int) -> bool:
    beside = (*plain[max(0, at - 1) : at], *plain[at + 1 : at + 2])
    return any(text in known.digits or _NUMERAL.fullmatch(text) for text, *_ in beside)


def _chains(tokens: Iterable[_Token]) -> Iterator[list[_Token]]:
    """Stretches of tokens that may hold one number; each begins with digits."""
    chain: list[_Token] = []
    others = 0
    last = 0.0
    for token in tokens:
        if not token.digits:
            others += 1
            chain += [token] if chain else []
            continue
        if chain and (others > MOST_BETWEEN or token.start - last > LONGEST_PAUSE):
            yield chain
            chain = []
        others, last = 0, token.end
        chain.append(token)
    yield chain


# --- from digits to card numbers -----------------------------------------------------------------


def _in_chain(tokens: Sequence[_Token]) -> Iterator[set[Place]]:
    for first, token in enumerate(tokens):
        if token.digits:
            alone = first == 0 or not tokens[first - 1].digits
            for last in _ends(tokens, first, alone=alone):
                yield {
                    place for one in tokens[first : last + 1] if one.digits for place in one.places
                }


def _ends(tokens: Sequence[_Token], first: int, *, alone: bool) -> Iterator[int]:
    """The tokens with which a card number that begins at ``first`` may end."""
    states = {_NOTHING}
    for at in range(first, len(tokens)):
        token = tokens[at]
        if not token.digits:
            alone = False
            continue
        states = {new for state in states for new in _read(state, token)}
        if not states:
            return
        whole = alone and (at + 1 == len(tokens) or not tokens[at + 1].digits)
        if any(_is_card(state, any_scheme=whole) for state in states):
            yield at


def _read(state: _State, token: _Token) -> Iterator[_State]:
    if token.maybe:
        yield state
    size = len(token.digits)
    room = size - len(token.digits.rstrip("0")) if size > 1 and token.digits.strip("0") else 0
    if token.digits in {"00", "000"}:
        room = size
    fits = size <= state.room and token.digits[0] != "0"
    if state.length + size <= LONGEST:
        apart = state._replace(natural=state.natural and not fits)
        yield _put(apart, state.length, token.digits, room)
    if fits:
        yield _put(state, state.length - size, token.digits, min(room, size - 1))


def _put(state: _State, at: int, digits: str, room: int) -> _State:
    """``digits`` from place ``at`` on; what they replace are zeros, which count nothing."""
    prefix = (state.prefix[:at] + digits)[:4] if at < 4 else state.prefix
    even, odd = state.sums
    for place, sign in enumerate(digits, start=at):
        digit = int(sign)
        doubled = digit * 2 - 9 * (digit > 4)
        # Counted from the right: with an even number of digits the first one is doubled.
        even += digit if place % 2 else doubled
        odd += doubled if place % 2 else digit
    return _State(prefix, at + len(digits), (even % 10, odd % 10), room, state.natural)


def _is_card(state: _State, *, any_scheme: bool) -> bool:
    if not SHORTEST <= state.length <= LONGEST or state.sums[state.length % 2]:
        return False
    return (any_scheme and state.natural) or of_scheme(state.prefix, state.length)


def of_scheme(prefix: str, length: int) -> bool:
    """Whether cards begin with these four digits and are so long."""
    two, four = int(prefix[:2]), int(prefix)
    match prefix[0]:
        case "4":  # Visa
            return length in {13, 16, 19}
        case "2":  # Mir, Mastercard
            return (2200 <= four <= 2204 or 2221 <= four <= 2720) and length in {16, 19}
        case "5":  # Mastercard, Maestro
            return length == 16 or (two in {50, 56, 57, 58} and 13 <= length <= 19)
        case "6":  # Maestro, Discover, UnionPay, RuPay
            return length in {16, 18, 19} or (two in {60, 63, 67} and 13 <= length <= 19)
        case "3" if two in {34, 37}:  # American Express
            return length == 15
        case "3" if two in {36, 38, 39} or 300 <= four // 10 <= 305:  # Diners Club
            return length in {14, 16, 19}
        case "3":  # JCB
            return two == 35 and length in {16, 19}
        case _:
            return False


def _united(found: Iterable[set[Place]]) -> list[set[Place]]:
    """Numbers that share words are one."""
    united: list[set[Place]] = []
    for places in found:
        apart = []
        for other in united:
            if other & places:
                places = places | other
            else:
                apart.append(other)
        united = [*apart, places]
    return united


# --- what is left --------------------------------------------------------------------------------

MARK = "[card number]"
AROUND = 0.1
"""Seconds that are silenced on each side of a number."""
_ONE_WORD = 0.8
_ONE_SPAN = 5.0


class Redacted(NamedTuple):
    """The words without card numbers; ``spans`` are silenced (seconds), in order; how many."""

    customer: list[Word]
    agent: list[Word]
    spans: list[tuple[float, float]]
    numbers: int


def redact(customer: Sequence[Word], agent: Sequence[Word], language: str) -> Redacted:
    """Take the card numbers out.

    The words of one become :data:`MARK`, once for each stretch without a pause. Both channels are
    to be silenced: a line echoes. A pause up to 5 s between two words of a number is silenced too:
    the recogniser may have missed a digit there.
    """
    found = find(customer, agent, language)
    sides = (customer, agent)
    spans: list[tuple[float, float]] = []
    for places in found:
        words = sorted((sides[side][at].start, sides[side][at].end) for side, at in places)
        spans += _joined(words, _ONE_SPAN)
    spans = [(max(0.0, start - AROUND), end + AROUND) for start, end in spans]
    lost = set[Place]().union(*found)
    kept = [
        _without(words, {place.at for place in lost if place.side == side})
        for side, words in enumerate(sides)
    ]
    return Redacted(kept[0], kept[1], _joined(sorted(spans), 0.0), len(found))


def _joined(spans: Sequence[tuple[float, float]], gap: float) -> list[tuple[float, float]]:
    joined = list(spans[:1])
    for start, end in spans[1:]:
        if start - joined[-1][1] <= gap:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _without(words: Sequence[Word], lost: set[int]) -> list[Word]:
    kept: list[Word] = []
    for at, word in enumerate(words):
        if at not in lost:
            kept.append(word)
        elif at - 1 in lost and word.start - words[at - 1].end < _ONE_WORD:
            kept[-1] = Word(text=MARK, start=kept[-1].start, end=word.end, confidence=1.0)
        else:
            kept.append(Word(text=MARK, start=word.start, end=word.end, confidence=1.0))
    return kept
