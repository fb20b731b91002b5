"""The conditions of a policy: a small language, checked when the file is read. Pure.

``tier in ["gold", "vip"] and (open_complaint or abandoned_last_hour > 0)``

It is read with :mod:`ast` and only a few of its nodes are allowed: names of :data:`FIELDS`, texts,
whole numbers, ``and``, ``or``, ``not``, comparisons, ``in`` with a list, and the functions of
:data:`FUNCTIONS`. Nothing is ever evaluated as Python: each node becomes a closure over
:class:`CallerFacts`, and kinds are checked on the way, so that a condition which was read cannot
fail on a caller. (cel-python and simpleeval find an unknown name or a wrong kind only when a caller
comes for whom that part is evaluated.)
"""

from __future__ import annotations

import ast
import operator
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, get_args

from callqueue.facts import FIELDS, FUNCTIONS, CallerFacts, Kind
from cti.config_files import did_you_mean
from cti.domain.events import Match

MAX_LENGTH = 2_000
"""Characters of a condition: nobody wrote a longer one by hand, and deep nesting ends here."""

Test = Callable[[CallerFacts], bool]
_Value = Callable[[CallerFacts], Any]


class ExpressionError(ValueError):
    """A condition cannot be used: ``reason``, ``cure``, and the ``line`` and ``column`` (from 1)
    within the condition.
    """

    def __init__(self, reason: str, cure: str, line: int, column: int) -> None:
        super().__init__(f"{reason} ({cure})" if cure else reason)
        self.reason = reason
        self.cure = cure
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition that was read: ``names`` are the fields it asks for."""

    text: str
    test: Test
    names: frozenset[str]


def parse(text: str) -> Expression:
    """The condition which ``text`` says. Raises :class:`ExpressionError`."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"it is longer than {MAX_LENGTH} characters", "split it", 1, 1)
    if not text.strip():
        raise ExpressionError("it is empty", 'write a condition: tier == "vip"', 1, 1)
    reader = _Reader(text)
    return Expression(text, reader.flag(reader.tree()), frozenset(reader.names))


@dataclass(frozen=True, slots=True)
class _Part:
    """A value of the condition: its kind, how to get it, and the literal if it is one."""

    kind: Kind
    get: _Value
    literal: str | int | None = None
    field: str = ""


_ORDERED: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_EQUAL: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_SLIPS = (
    ("&&", 'write "and"'),
    ("||", 'write "or"'),
    ("!", 'write "not", or "!=" between two values'),
    (" AND ", 'write "and"'),
    (" OR ", 'write "or"'),
    ("“", 'use plain quotes: "vip"'),
)
_QUOTED = re.compile(r"""'[^']*'|"[^"]*"|!=""")
_EXAMPLE = 'as in: tier == "vip" and value > 0'
_TOLD = (
    ("==", "compare with two equals signs: =="),
    ("was never closed", "close the bracket"),
    ("unmatched", "there is a bracket too many"),
    ("unterminated string", "close the text with a quote"),
)
"""What :mod:`ast` says of a broken condition, and the cure."""


class _Reader:
    """Turns the tree of one condition into closures."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: set[str] = set()

    def tree(self) -> ast.expr:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                # In brackets it may go over several lines.
                return ast.parse(f"({self.text}\n)", mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise self._syntax(error) from None

    def _syntax(self, error: Exception) -> ExpressionError:
        line, column = getattr(error, "lineno", None) or 1, getattr(error, "offset", None) or 1
        column -= 1 if line == 1 else 0
        last = self.text.count("\n") + 1
        if line > last:  # the bracket around it
            line, column = last, len(self.text.rsplit("\n", 1)[-1]) + 1
        for sign, cure in _SLIPS:
            found = self._masked().find(sign)
            if found >= 0:
                before = self.text[:found].split("\n")
                return ExpressionError("it cannot be read", cure, len(before), len(before[-1]) + 1)
        told = next((cure for part, cure in _TOLD if part in str(error)), _EXAMPLE)
        return ExpressionError("it cannot be read", told, line, max(1, column))

    def _masked(self) -> str:
        """The text with blanks for what stands in quotes, and for ``!=``."""
        return _QUOTED.sub(lambda found: "_" * len(found.group()), self.text)

    def error(self, node: ast.AST, reason: str, cure: str) -> ExpressionError:
        line, offset = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        before = f"({self.text}".split("\n")[line - 1].encode()[:offset].decode(errors="replace")
        column = len(before) + (0 if line == 1 else 1)
        return ExpressionError(reason, cure, line, max(1, column))

    def flag(self, node: ast.expr) -> Test:
        """A node that must be true or false."""
        match node:
            case ast.BoolOp(op=op, values=values):
                tests = [self.flag(value) for value in values]
                return _all(tests) if isinstance(op, ast.And) else _any(tests)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                test = self.flag(operand)
                return lambda facts: not test(facts)
            case ast.Compare():
                return _all([*self._comparisons(node)])
        part = self.value(node)
        if part.kind == "flag":
            return part.get
        what = f"{part.field} is" if part.field else "this is"
        example = f'{part.field or "tier"} == "vip"' if part.kind == "text" else "value > 0"
        raise self.error(node, f"{what} a {part.kind}, not yes or no", f"compare it: {example}")

    def value(self, node: ast.expr) -> _Part:
        """A node that has a value."""
        match node:
            case ast.Constant(value=bool() as flag):
                return _Part("flag", lambda _: flag)
            case ast.Constant(value=str() as text):
                plain = text.strip().casefold()
                return _Part("text", lambda _: plain, plain)
            case ast.Constant(value=int() as number):
                return _Part("number", lambda _: number, number)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as number)):
                return _Part("number", lambda _: -number, -number)
            case ast.Name(id=name):
                return self._field(node, name)
            case ast.Call():
                return self._call(node)
            case ast.BoolOp() | ast.Compare() | ast.UnaryOp(op=ast.Not()):
                return _Part("flag", self.flag(node))
            case ast.Constant():
                raise self.error(node, "only texts and whole numbers", "as in: value >= 1000")
        raise self.error(node, "this is not part of the language", _EXAMPLE)

    def _field(self, node: ast.expr, name: str) -> _Part:
        if name in FUNCTIONS:
            raise self.error(node, f"{name} needs minutes", f"write {name}(30)")
        if name.lower() in {"true", "false"}:
            raise self.error(node, f"unknown name {name}", f"write {name.capitalize()}")
        if name not in FIELDS:
            hint = did_you_mean(name, [*FIELDS, *FUNCTIONS]).replace('"', "")
            raise self.error(node, f"unknown name {name}", hint)
        self.names.add(name)
        return _Part(FIELDS[name].kind, operator.attrgetter(name), field=name)

    def _call(self, node: ast.Call) -> _Part:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in FUNCTIONS:
            known = did_you_mean(name, FUNCTIONS).replace('"', "")
            raise self.error(node, f"there is no function {name}".rstrip(), known)
        match node:
            case ast.Call(args=[ast.Constant(value=int() as minutes)], keywords=[]) if (
                minutes > 0 and minutes is not True
            ):
                get, seconds = operator.attrgetter(FUNCTIONS[name]), minutes * 60
                return _Part("flag", lambda facts: 0 <= get(facts) <= seconds)
        raise self.error(node, f"{name} needs a whole number of minutes", f"write {name}(30)")

    def _comparisons(self, node: ast.Compare) -> Iterator[Test]:
        """``a < b < c`` is two."""
        sides = [node.left, *node.comparators]
        for left, op, right in zip(sides, node.ops, sides[1:], strict=False):
            if isinstance(op, ast.In | ast.NotIn):
                test = self._among(left, right)
                yield test if isinstance(op, ast.In) else _not(test)
            else:
                yield self._compare(node, self.value(left), op, self.value(right), right)

    def _among(self, left: ast.expr, right: ast.expr) -> Test:
        part = self.value(left)
        if isinstance(right, ast.List | ast.Tuple | ast.Set):
            values = frozenset(self._literal(item, part) for item in right.elts)
            get = part.get
            return lambda facts: get(facts) in values
        container = self.value(right)
        if part.kind == container.kind == "text" and container.literal is None:
            inner, outer = part.get, container.get
            return lambda facts: inner(facts) in outer(facts)
        raise self.error(right, "in needs a list", 'as in: tier in ["gold", "vip"]')

    def _literal(self, node: ast.expr, beside: _Part) -> str | int:
        part = self.value(node)
        if part.literal is None:
            raise self.error(node, "a list holds texts and numbers only", 'as in: ["gold", "vip"]')
        self._check(node, beside, part)
        return part.literal

    def _compare(
        self, node: ast.Compare, left: _Part, op: ast.cmpop, right: _Part, right_node: ast.expr
    ) -> Test:
        self._check(right_node, left, right)
        compare = _EQUAL.get(type(op))
        if compare is None and left.kind == "number":
            compare = _ORDERED.get(type(op))
        if compare is None:
            what = left.field or right.field or f"a {left.kind}"
            raise self.error(node, f"{what} has no order", "compare with == or !=, or use in")
        a, b = left.get, right.get
        return lambda facts: compare(a(facts), b(facts))

    def _check(self, node: ast.expr, left: _Part, right: _Part) -> None:
        if left.kind != right.kind:
            what = left.field or right.field
            of = f"{what} is" if what else "one side is"
            kind = left.kind if left.field or not right.field else right.kind
            cure = {"text": 'put it in quotes: "1"', "number": "write it without quotes"}
            raise self.error(
                node, f"{of} a {kind}", cure.get(kind, "write the name alone, or: not name")
            )
        if "match" in {left.field, right.field}:
            literal = right.literal if right.literal is not None else left.literal
            known = [name for name in get_args(Match) if name != "late"]
            if literal is not None and literal not in known:
                raise self.error(
                    node, f'match is never "{literal}"', did_you_mean(str(literal), known)
                )


def _all(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        first, second = tests
        return lambda facts: first(facts) and second(facts)
    return lambda facts: all(test(facts) for test in tests)


def _any(tests: list[Test]) -> Test:
    return lambda facts: any(test(facts) for test in tests)


def _not(test: Test) -> Test:
    return lambda facts: not test(facts)
