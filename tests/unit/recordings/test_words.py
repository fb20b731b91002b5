"""Words as they are searched; tests/contract/test_search.py tries the databases with them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.search_index import full_text, match
from recordings.transcription import Segment, SpokenNumber, Word
from recordings.words import SEPARATOR, NoWords, Part, hits, parse, spoken, terms


def segment(said: str, *numbers: SpokenNumber) -> Segment:
    words = tuple(
        Word(text=text, start=float(at), end=at + 0.5, confidence=1.0)
        for at, text in enumerate(said.split())
    )
    return Segment(speaker="customer", start=0, end=99, words=words, numbers=numbers)


@pytest.mark.parametrize(
    ("language", "alike"),
    [
        ("en", "refund refunds REFUNDED"),
        ("en", "don't don’t DONT"),
        ("en-GB", "call calls calling"),
        ("ru", "возврат возврата Возвраты возвратом"),
        ("ru", "ещё еще"),
        ("bg", "поръчка поръчката поръчки поръчките"),
        ("bg", "договор договорът договора договорите"),
        ("bg", "град градът градове градовете"),
        ("de", "Straße STRASSE strasse"),
        ("xx", "Été ÉTÉ été"),
    ],
)
def test_words_that_are_searched_as_one(language: str, alike: str) -> None:
    assert len({terms(word, language) for word in alike.split()}) == 1


@pytest.mark.parametrize(
    ("language", "apart"), [("en", "bill ball"), ("ru", "дом дым"), ("bg", "пари пара")]
)
def test_words_that_are_not(language: str, apart: str) -> None:
    assert len({terms(word, language) for word in apart.split()}) == 2


def test_a_question_has_words_and_phrases_once_each_in_each_language() -> None:
    asked = parse('refunds "my  Card" refund “two words” "never closed', ["en", "ru"])
    assert asked[0] == Part((("refund",), ("refunds",)))
    assert [part.runs[0] for part in asked] == [
        ("refund",),
        ("my", "card"),
        ("refund",),
        ("two", "word"),
        ("never", "close"),
    ]
    with pytest.raises(NoWords):
        parse('"" ?! "', ["en"])


@given(st.text(max_size=60), st.sampled_from(["en", "ru", "bg", "xx"]))
def test_no_term_can_be_taken_for_syntax(text: str, language: str) -> None:
    """So nothing a caller says and nobody types can change what a database is asked."""
    for term in terms(text, language):
        assert term.replace("'", "") == term
        assert all(sign.isalnum() for sign in term), term


def test_a_snippet_is_some_words_around_its_first_hit() -> None:
    said = segment(" ".join(f"w{n}" for n in range(20)))
    (hit,) = hits([said], "en", parse("w10 w12 w19", ["en"]))
    assert (hit.start, hit.before, hit.after) == (10.0, True, False)
    assert [(piece.text, piece.hit) for piece in hit.pieces] == [
        ("w3 w4 w5 w6 w7 w8 w9", False),
        ("w10", True),
        ("w11", False),
        ("w12", True),
        ("w13 w14 w15 w16 w17 w18", False),
        ("w19", True),
    ]


def test_a_number_is_found_by_its_digits() -> None:
    number = SpokenNumber(digits="724", first=2, last=5)
    said = segment("order number seven two four please", number)
    assert spoken([said], "customer", "en")[-2:] == [SEPARATOR, "724"]
    (hit,) = hits([said], "en", parse("724", ["en"]))
    assert [piece.text for piece in hit.pieces if piece.hit] == ["seven two four"]


def test_what_the_databases_are_given() -> None:
    said = ["my", "card", SEPARATOR, "card"]
    assert full_text(said, "sqlite") == "my card ¶ card"
    assert full_text(said, "postgresql") == "'my':1 'card':2,4"
    part = Part((("my", "card"), ("mein", "kart")))
    assert match(part, "sqlite") == '("my card" OR "mein kart")'
    assert match(part, "postgresql") == "(('my' <-> 'card') | ('mein' <-> 'kart'))"
