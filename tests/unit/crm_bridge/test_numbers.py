"""Phone numbers at the border."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.numbers import is_withheld, split_numbers, to_e164


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("+44 7700 900147", "+447700900147"),
        ("07700 900147", "+447700900147"),
        ("00447700900147", "+447700900147"),
        ("447700900147", "+447700900147"),
        ("(020) 7946-0001 ext. 12", "+442079460001"),
        ("+1 212 555 0123", "+12125550123"),
        ("101", ""),
        ("anonymous", ""),
        ("+44", ""),
        ("'; DROP TABLE", ""),
        ("", ""),
    ],
)
def test_numbers_become_e164(raw: str, expected: str) -> None:
    assert to_e164(raw, "GB") == expected


@given(st.text(max_size=40))
def test_any_text_is_e164_or_nothing(raw: str) -> None:
    number = to_e164(raw, "GB")
    assert number == "" or (number[0] == "+" and number[1:].isdigit())
    assert not number or to_e164(number, "US") == number


def test_withheld_numbers_are_a_state_of_their_own() -> None:
    assert is_withheld("")
    assert is_withheld("Anonymous")
    assert is_withheld("<unknown>")
    assert not is_withheld("101")


def test_a_cell_with_several_numbers_is_split() -> None:
    assert split_numbers("020 7946 0001 / 07700 900147;") == ["020 7946 0001", "07700 900147"]
