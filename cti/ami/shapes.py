"""Shapes of messages: the values of chosen headers fetched by one regular expression. Pure.

All events of a type that one Asterisk sends have the same headers in the same order. A
:class:`Shape` is learnt from one message and matches its like in place: of a line to be passed over
it looks only at as much as tells that this is none of the chosen headers, and behind the last of
those it looks at nothing. It never guesses: what it matches it reads exactly as
:func:`cti.ami.codec.parse` does (the first value of each header, names without regard to case),
and where it cannot promise that it does not match.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from typing import Final, NamedTuple

MOST: Final = 8
"""So many shapes of one type are learnt: each takes a millisecond to make, and is tried."""

_EOL: Final = "\r\n"
_AT_LINE: Final = r"(?<=\r\n)"  # a line feed alone ends no line
_ANY: Final = "(.*)\r\n"
_SOME: Final = "(.+)\r\n"
_NOTHING: Final = "()"  # the value of a header that is not there
_PASSED: Final = ".*+\n"


class Shape(NamedTuple):
    """The values of some headers in messages that are alike.

    ``match(text, start)`` begins behind the first line; the groups of its result are the values in
    the order of the headers, or else in this ``order``.
    """

    match: Callable[[str, int], re.Match[str] | None]
    order: tuple[int, ...] | None


def learn(
    text: str, headers: Sequence[str], needs: Set[str], forms: Mapping[str, str]
) -> Shape | None:
    """The shape of a message, given without its first line; None for odd ones.

    ``headers`` are the chosen ones; those in ``needs`` match only when they are not empty, those in
    ``forms`` only when their value has the form of that regular expression.
    """
    missing = {name.lower(): name for name in headers}
    chosen = frozenset(missing)
    pattern, found = "", [""]
    lines = text.split(_EOL)
    for line in lines:
        name, separator, _ = line.partition(": ")
        if not separator:
            return None
        header = missing.pop(name.lower(), "")
        if header:
            form = f"({forms[header]}){_EOL}" if header in forms else ""
            value = form or (_SOME if header in needs else _ANY)
            pattern += f"{_AT_LINE}{re.escape(name)}: {value}"
            found.append(header)
        else:
            pattern += re.escape(_telling(name, chosen)) + _PASSED
        if not missing:
            break
    if not needs.isdisjoint(missing.values()):
        return None
    if line is lines[-1]:
        pattern = pattern.removesuffix("\n").removesuffix("\r") + r"\Z"
    if missing:
        pattern += _NOTHING
    order = tuple(found.index(name) if name in found else len(found) for name in headers)
    return Shape(re.compile(pattern).match, None if order == _plain(order) else order)


def _plain(order: Sequence[int]) -> tuple[int, ...]:
    return tuple(range(1, len(order) + 1))


def _telling(name: str, chosen: Collection[str]) -> str:
    """As much of the line as tells that it is none of the chosen headers."""
    line = f"{name}: "
    if name.lower() in chosen:
        return line  # Once more: its first value counts, and was found.
    lengths = range(1, len(line))
    begins = (line[:length] for length in lengths)
    return next((begin for begin in begins if not _begins_one(begin, chosen)), line)


def _begins_one(begin: str, chosen: Collection[str]) -> bool:
    return any(name.startswith(begin.lower()) for name in chosen)
