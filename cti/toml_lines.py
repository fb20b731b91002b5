"""Where each key of a TOML text stands: the path of the key -> its line.

:mod:`tomllib` gives the values but no positions; the syntax tree of tree-sitter gives positions
and survives a broken text. A path is a tuple of keys and, for the items of an array or of an
array of tables, their index from 0: ``("step", 1, "say")``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

KeyPath = tuple[str | int, ...]

_TOML = Language(tree_sitter_toml.language())
_KEYS = frozenset({"bare_key", "quoted_key", "dotted_key"})


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line (from 1) of each key, table header and array item of a TOML ``text``.

    The first mention wins. Never raises: what the syntax tree cannot make out is left out.
    """
    root = Parser(_TOML).parse(f"{text}\n".encode("utf-8", "replace")).root_node
    lines: dict[KeyPath, int] = {}
    items: dict[KeyPath, int] = {}  # arrays of tables: how many items there are so far
    for node in root.named_children:
        if node.type == "pair":
            _add_pair(node, (), lines)
        elif node.type in {"table", "table_array_element"}:
            _add_table(node, lines, items)
    return lines


def _add_table(node: Node, lines: dict[KeyPath, int], items: dict[KeyPath, int]) -> None:
    keys = _keys_of(node)
    path: KeyPath = ()
    for depth, key in enumerate(keys, 1):
        path = (*path, key)
        lines.setdefault(path, _line(node))
        if node.type == "table_array_element" and depth == len(keys):
            items[path] = items.get(path, 0) + 1
        if path in items:  # a header names the array; it means its latest item
            path = (*path, items[path] - 1)
            lines.setdefault(path, _line(node))
    for child in node.named_children:
        if child.type == "pair":
            _add_pair(child, path, lines)


def _add_pair(node: Node, base: KeyPath, lines: dict[KeyPath, int]) -> None:
    path = base
    for key in _keys_of(node):
        path = (*path, key)
        lines.setdefault(path, _line(node))
    for child in node.named_children:
        if child.type not in _KEYS:
            _add_value(child, path, lines)


def _add_value(node: Node, path: KeyPath, lines: dict[KeyPath, int]) -> None:
    if node.type == "inline_table":
        for child in node.named_children:
            if child.type == "pair":
                _add_pair(child, path, lines)
    elif node.type == "array":
        values = [child for child in node.named_children if child.type not in {"comment", "ERROR"}]
        for index, child in enumerate(values):
            lines.setdefault((*path, index), _line(child))
            _add_value(child, (*path, index), lines)


def _keys_of(node: Node) -> list[str]:
    """The keys of a table header or of a pair: ``a."b c"`` is ``["a", "b c"]``."""
    key = next((child for child in node.named_children if child.type in _KEYS), None)
    return list(_flatten(key)) if key is not None else []


def _flatten(key: Node) -> Iterator[str]:
    if key.type == "dotted_key":
        for child in key.named_children:
            yield from _flatten(child)
    else:
        yield _unquote((key.text or b"").decode("utf-8", "replace"))


def _unquote(key: str) -> str:
    if key[:1] not in {'"', "'"}:
        return key
    try:
        return str(tomllib.loads(f"key = {key}")["key"])
    except tomllib.TOMLDecodeError:
        return key.strip("\"'")


def _line(node: Node) -> int:
    return node.start_point.row + 1
