from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callqueue.expression import MAX_LENGTH, ExpressionError, Test, parse
from callqueue.facts import FIELDS, CallerFacts

ADA = CallerFacts(
    queue="support",
    did="400",
    choice="Billing › Invoice",
    keys="1-3",
    match="one",
    status="current",
    tier=" VIP ",
    language="de",
    value=1200,
    open_complaint=True,
    calls_last_day=2,
    abandoned_last_hour=1,
    last_call=1_800,
    last_abandoned=1_801,
)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('tier in ["gold", "vip"] and (open_complaint or abandoned_last_hour > 0)', True),
        ('tier == "Vip"', True),
        ('tier != "vip"', False),
        ('tier not in ["gold"]', True),
        ('tier in ("gold", "silver")', False),
        ("open_complaint and not open_deal", True),
        ("not open_complaint", False),
        ("known", True),
        ("value >= 1000", True),
        ("1000 < value <= 1200", True),
        ("1200 < value < 1300", False),
        ("value > -5", True),
        ("value in [1200, 5]", True),
        ('"billing" in choice', True),
        ('keys == "1-3"', True),
        ('did == "400" and queue == "support" and language == "de"', True),
        ("called_within(30)", True),
        ("called_within(29)", False),
        ("abandoned_within(30)", False),
        ("not called_within(30) or calls_last_day == 2", True),
        ('match in ["one", "several"]', True),
        ("open_complaint == True", True),
        ("open_complaint == open_deal", False),
        ("True", True),
        ('tier == "gold"\nor\n  value > 5  # rich', True),
    ],
)
def test_what_a_condition_says(text: str, *, holds: bool) -> None:
    assert parse(text).test(ADA) is holds


def test_nobody_who_never_called_has_called_lately() -> None:
    assert not parse("called_within(100000)").test(CallerFacts())


def test_the_names_a_condition_asks_for() -> None:
    assert parse('tier == "vip" or called_within(5) or value > 1').names == {"tier", "value"}


@pytest.mark.parametrize(
    ("text", "problem", "line", "column"),
    [
        ('did == "1" and teir == "vip"', "unknown name teir (did you mean tier?)", 1, 16),
        ('known and\n  teir == "vip"', "unknown name teir (did you mean tier?)", 2, 3),
        ('"ä" in teir', "unknown name teir (did you mean tier?)", 1, 8),
        ('tier = "vip"', "it cannot be read (compare with two equals signs: ==)", 1, 1),
        ('known && tier == "vip"', 'it cannot be read (write "and")', 1, 7),
        ('(tier == "vip"', "it cannot be read (close the bracket)", 1, 1),
        ('tier == "vip', "it cannot be read (close the text with a quote)", 1, 9),
        ("", 'it is empty (write a condition: tier == "vip")', 1, 1),
        ("tier", 'tier is a text, not yes or no (compare it: tier == "vip")', 1, 1),
        ("known or value", "value is a number, not yes or no (compare it: value > 0)", 1, 10),
        ('value > "5"', "value is a number (write it without quotes)", 1, 9),
        ("did == 400", 'did is a text (put it in quotes: "1")', 1, 8),
        ("did in [400]", 'did is a text (put it in quotes: "1")', 1, 9),
        ("known == 1", "known is a flag (write the name alone, or: not name)", 1, 10),
        ('tier > "a"', "tier has no order (compare with == or !=, or use in)", 1, 1),
        ('tier in "vip"', 'in needs a list (as in: tier in ["gold", "vip"])', 1, 9),
        ("tier in [status]", "a list holds texts and numbers only", 1, 10),
        ('match == "on"', 'match is never "on" (did you mean "one"?)', 1, 10),
        ('match in ["late"]', 'match is never "late"', 1, 11),
        ("value > 1.5", "only texts and whole numbers (as in: value >= 1000)", 1, 9),
        ("called_within", "called_within needs minutes (write called_within(30))", 1, 1),
        ("called_within(0)", "called_within needs a whole number of minutes", 1, 1),
        ("called_within(value)", "called_within needs a whole number of minutes", 1, 1),
        ("call_within(5)", "there is no function call_within (did you mean called_within?)", 1, 1),
        ("true", "unknown name true (write True)", 1, 1),
        ("value + 1 > 5", "this is not part of the language", 1, 1),
        ('__import__("os").system("id")', "there is no function", 1, 1),
        ("tier.__class__", "this is not part of the language", 1, 1),
        ("[x for x in tier]", "this is not part of the language", 1, 1),
        ("lambda: 1", "this is not part of the language", 1, 1),
        ("(known := True)", "this is not part of the language", 1, 2),
        ("1" * (MAX_LENGTH + 1), "it is longer than 2000 characters", 1, 1),
    ],
)
def test_a_mistake_is_told_at_its_place(text: str, problem: str, line: int, column: int) -> None:
    with pytest.raises(ExpressionError) as error:
        parse(text)
    assert str(error.value).startswith(problem)
    assert (error.value.line, error.value.column) == (line, column)


_WORDS = [*FIELDS, "(", ")", "and", "==", '"a"', "in", "not", "1", "["]


@given(
    st.text(max_size=60) | st.lists(st.sampled_from(_WORDS), max_size=12).map(" ".join),
)
def test_whatever_is_written_is_read_or_refused_and_never_fails_on_a_caller(text: str) -> None:
    found, error = _read(text)
    if found is None:
        assert error is not None
        assert error.reason
        assert 1 <= error.line <= text.count("\n") + 2
        assert error.column >= 1
    else:
        assert found(ADA) in {True, False}
        assert found(CallerFacts()) in {True, False}


def _read(text: str) -> tuple[Test | None, ExpressionError | None]:
    try:
        return parse(text).test, None
    except ExpressionError as error:
        return None, error


_texts = st.sampled_from(["vip", "gold", ""])


@st.composite
def conditions(draw: st.DrawFn, depth: int = 3) -> tuple[str, Any]:
    """A condition, and the same as a function that Python itself would compute."""
    kind = draw(st.integers(0, 5 if depth else 2))
    if kind == 0:
        values = draw(st.lists(_texts, max_size=2))
        return f"tier in {values!r}", lambda f: f.tier in values
    if kind == 1:
        number = draw(st.integers(-2, 2))
        op = draw(st.sampled_from(["<", "<=", "==", "!=", ">", ">="]))
        compare = {"<": int.__lt__, "<=": int.__le__, "==": int.__eq__, "!=": int.__ne__,
                   ">": int.__gt__, ">=": int.__ge__}[op]  # fmt: skip
        return f"value {op} {number}", lambda f: compare(f.value, number)
    if kind == 2:
        return "open_deal", lambda f: f.open_deal
    (left, a), (right, b) = draw(conditions(depth - 1)), draw(conditions(depth - 1))
    if kind == 3:
        return f"({left} and {right})", lambda f: a(f) and b(f)
    if kind == 4:
        return f"({left} or {right})", lambda f: a(f) or b(f)
    return f"not ({left})", lambda f: not a(f)


_callers = st.builds(CallerFacts, tier=_texts, value=st.integers(-3, 3), open_deal=st.booleans())


@given(conditions(), _callers)
def test_a_condition_means_what_python_would_make_of_it(
    condition: tuple[str, Any], facts: CallerFacts
) -> None:
    text, meaning = condition
    assert parse(text).test(facts) == bool(meaning(facts))
