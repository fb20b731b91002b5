"""Phone numbers at the border: everything inside is E.164 (ITU-T E.164), or empty.

Pure. Numbers are read by libphonenumber (``phonenumbers``); extensions are left out, since a
caller's number never carries one.
"""

from __future__ import annotations

import re

import phonenumbers

_WITHHELD = frozenset(
    {"", "anonymous", "unknown", "<unknown>", "restricted", "private", "withheld"}
)
_SEPARATORS = re.compile(r"[/;,|\n]+")
_SHORTEST = 7
"""Digits: anything shorter is an internal extension, not a subscriber."""


def is_withheld(raw: str) -> bool:
    """Whether the PBX gave no number to look anybody up by."""
    return raw.strip().lower() in _WITHHELD


def given_number(raw: str) -> str:
    """``raw`` as the PBX gave it; "" when what it gave only says that the caller hides it."""
    return "" if is_withheld(raw) else raw


def to_e164(raw: str, region: str) -> str:
    """``raw`` as E.164, or "" when it is no subscriber's number.

    ``region`` (ISO 3166) is the country of numbers written without a country code. ``00`` in
    front is read as ``+``.
    """
    text = raw.strip()
    if sum(character.isdigit() for character in text) < _SHORTEST:
        return ""
    if text.startswith("00"):
        text = "+" + text[2:]
    for candidate in (text, "+" + text):
        number = _parse(candidate, region)
        if number:
            return number
    return ""


def _parse(text: str, region: str) -> str:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    number.extension = None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


_COSTLY = frozenset(
    {phonenumbers.PhoneNumberType.PREMIUM_RATE, phonenumbers.PhoneNumberType.SHARED_COST}
)


def is_costly(number: str) -> bool:
    """Whether who dials this number (E.164) pays the one who is called: nobody to call back."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.number_type(parsed) in _COSTLY


def split_numbers(raw: str) -> list[str]:
    """The single numbers of a cell like ``020 7946 0001 / 07700 900123; ...``."""
    return [part.strip() for part in _SEPARATORS.split(raw) if part.strip()]
