"""The files people edit: TOML read into a pydantic model, each error at its file, line and key.

One problem reads ``file:line: key: reason (cure)``. All problems of a file are told at once,
except that a file whose syntax is broken tells the first place only.

A validator of a model may give its own cure:
``raise PydanticCustomError("hours", "it closes before it opens", {"cure": "swap the times"})``.
"""

from __future__ import annotations

import difflib
import re
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from cti.toml_lines import KeyPath, key_lines

M = TypeVar("M", bound=BaseModel)

MAX_BYTES = 1_000_000
"""A file larger than this is refused: nobody wrote it by hand."""

_SECRET = re.compile(r"secret|passw|token|api_?key", re.IGNORECASE)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong in a file. ``line`` counts from 1; 0: the file as a whole."""

    file: str
    line: int
    key: str
    reason: str
    cure: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        key = f" {self.key}:" if self.key else ""
        cure = f" ({self.cure})" if self.cure else ""
        return f"{place}:{key} {self.reason}{cure}"


class ConfigFileError(Exception):
    """A file cannot be used. :attr:`problems` are all reasons, in the order of the lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.file, problem.line)))
        super().__init__("\n".join(map(str, self.problems)))


class TomlDocument:
    """A TOML text that parsed: ``text``, ``values``, and where each key stands."""

    def __init__(self, text: str, file: str) -> None:
        """Raises :class:`ConfigFileError` when ``text`` is not TOML."""
        self.file = file
        self.text = text
        self._lines = key_lines(text)
        try:
            self.values: dict[str, Any] = tomllib.loads(text.replace("\r\n", "\n"))
        except ValueError as error:  # also numbers beyond Python's limit of digits
            raise ConfigFileError([_syntax_problem(error, text, file, self._lines)]) from None
        except RecursionError:
            reason, cure = "it is nested too deeply", "write it with fewer levels"
            raise ConfigFileError([_whole_file(file, reason, cure)]) from None

    def line_of(self, path: KeyPath) -> int:
        """The line of the key at ``path``, or of the nearest thing around it that has one."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def problem(self, path: KeyPath, reason: str, cure: str = "") -> Problem:
        """What is wrong with the key at ``path``, located."""
        return Problem(
            file=self.file,
            line=self.line_of(path),
            key=dotted(path),
            reason=reason,
            cure=cure,
        )

    def build(self, model: type[M]) -> M:
        """The values as a ``model``. Raises :class:`ConfigFileError` with every problem."""
        try:
            return model.model_validate(self.values)
        except ValidationError as error:
            details = error.errors(include_url=False)
            raise ConfigFileError(
                dict.fromkeys(self._describe(detail, model) for detail in details)
            ) from None

    def _describe(self, detail: ErrorDetails, model: type[BaseModel]) -> Problem:
        path, field, siblings = _resolve(detail["loc"], self.values, model)
        reason, cure = _explain(detail, path, field, siblings)
        if detail["type"] in _TAG_ERRORS:
            path = (*path, _discriminator(detail))
        return self.problem(path, reason, cure)


def load_toml(path: Path, model: type[M]) -> M:
    """The file at ``path`` as a ``model``. Raises :class:`ConfigFileError`."""
    return read_toml(path).build(model)


def parse_toml(text: str, path: Path | str, model: type[M]) -> M:
    """``text`` as a ``model``; ``path`` names it in errors. Raises :class:`ConfigFileError`."""
    return TomlDocument(text, str(path)).build(model)


def read_toml(path: Path) -> TomlDocument:
    """The file at ``path``, parsed but not checked. Raises :class:`ConfigFileError`."""
    return TomlDocument(_read_text(path), str(path))


def dotted(path: KeyPath) -> str:
    """A path as people read it: ``("step", 1, "say")`` is ``step[2].say`` (items count from 1)."""
    parts = [f"[{part + 1}]" if isinstance(part, int) else f".{_quote_key(part)}" for part in path]
    return "".join(parts).removeprefix(".")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``did you mean "x"?`` for the nearest of ``known``, otherwise the list of them."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f'did you mean "{near[0]}"?'
    return f"known: {', '.join(names)}" if names else ""


def _quote_key(key: str) -> str:
    return key if _BARE_KEY.match(key) else '"' + key.replace('"', '\\"') + '"'


def _whole_file(file: str, reason: str, cure: str) -> Problem:
    return Problem(file=file, line=0, key="", reason=reason, cure=cure)


def _read_text(path: Path) -> str:
    try:
        if path.is_dir():
            raise IsADirectoryError
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigFileError([_whole_file(str(path), *_unreadable(error))]) from None
    if len(data) > MAX_BYTES:
        reason = f"it is larger than {MAX_BYTES} bytes"
        raise ConfigFileError([_whole_file(str(path), reason, "is this the right file?")])
    try:
        return data.decode("utf-8-sig")  # some editors put a byte order mark first
    except UnicodeDecodeError as error:
        raise ConfigFileError([_not_utf8(str(path), data, error.start)]) from None


def _unreadable(error: OSError) -> tuple[str, str]:
    match error:
        case FileNotFoundError():
            return "there is no such file", "create it, or correct the path"
        case IsADirectoryError():
            return "this is a folder", "give the path of a .toml file"
        case PermissionError():
            return "it may not be read", "give the user who runs Ringdesk the right to read it"
        case _:
            return f"it cannot be read: {error.strerror or error}", "check the disk and the path"


def _not_utf8(file: str, data: bytes, offset: int) -> Problem:
    return Problem(
        file=file,
        line=data.count(b"\n", 0, offset) + 1,
        key="",
        reason=f"byte 0x{data[offset]:02X} is not UTF-8 text",
        cure="save the file in the encoding UTF-8",
    )


_SYNTAX_CURES = (
    ("invalid value", 'write text in quotes: key = "text"; yes and no are true and false'),
    ("expected '=' after a key", "write: key = value"),
    ("cannot overwrite a value", "the key is given twice: remove one of the two"),
    ("duplicate inline table key", "the key is given twice: remove one of the two"),
    ("cannot declare", "the table is given twice: put its keys together under one header"),
    ("cannot redefine namespace", "the key is given twice: remove one of the two"),
    ("cannot mutate immutable", "an inline table or array is complete: add the key inside it"),
    ("expected newline or end", "one \"key = value\" a line; a text with quotes inside: '...'"),
    ("unclosed array", "close the list with ]"),
    ("unterminated string", "close the text with a quote"),
    ("illegal character", "close the text with a quote on the same line"),
    ("unescaped '\\'", "write \\\\ for a backslash, or put the text in single quotes"),
    ("character for a key", "a table { } stands on one line and has no comma at its end"),
    ("end of document", "something opened is not closed"),
)


def _syntax_problem(
    error: ValueError, text: str, file: str, lines: Mapping[KeyPath, int]
) -> Problem:
    message = str(error)
    place = re.search(r"\(at line (\d+), column \d+\)", message)
    line = int(place.group(1)) if place else _last_line(text)
    reason = re.sub(r" \(at [^()]*\)$", "", message)
    reason = re.sub(r"\((?:'[^']*',? ?)+\)", "the table", reason)  # a key as a Python tuple
    return Problem(
        file=file,
        line=line,
        key=_key_on(line, text, lines),
        reason=reason[:1].lower() + reason[1:],
        cure=next((cure for part, cure in _SYNTAX_CURES if part in message.lower()), ""),
    )


def _key_on(line: int, text: str, lines: Mapping[KeyPath, int]) -> str:
    """The key on a broken line, as the syntax tree or, failing that, the line itself tells."""
    here = [path for path, at in lines.items() if at == line]
    if here:
        return dotted(max(here, key=len))
    written = re.match(r"\s*\[*([\w.\"'-]+)\s*[\]=]", "".join(text.split("\n")[line - 1 : line]))
    return written.group(1) if written else ""


def _last_line(text: str) -> int:
    return text.rstrip().count("\n") + 1


def _resolve(
    loc: Sequence[str | int], values: object, model: type[BaseModel]
) -> tuple[KeyPath, FieldInfo | None, frozenset[str]]:
    """What an error's ``loc`` means in the file: its path, its field and the keys known there.

    pydantic puts names of union members into ``loc`` which are no keys of the file: a part that
    leads nowhere is left out, unless it is the last one (a missing key).
    """
    path: KeyPath = ()
    field: FieldInfo | None = None
    siblings: frozenset[str] = frozenset()
    kinds: tuple[Any, ...] = (model,)
    for position, part in enumerate(loc):
        fields = _fields_of(kinds)
        exists = _has(values, part)
        if not exists and not (part in fields and position == len(loc) - 1):
            kinds = _item_kinds(kinds) if isinstance(part, int) else _tagged(kinds, part)
            continue
        path, field, siblings = (*path, part), fields.get(str(part)), frozenset(fields)
        values = values[part] if exists else None  # type: ignore[index]
        kinds = _members(field.annotation) if field else _item_kinds(kinds)
    return path, field, siblings


def _tagged(kinds: tuple[Any, ...], tag: str) -> tuple[Any, ...]:
    """Of the members of a tagged union the one that ``tag`` stands for, if it is a tag."""
    chosen = tuple(
        kind
        for kind in kinds
        if any(tag in get_args(field.annotation) for field in _fields_of([kind]).values())
    )
    return chosen or kinds


def _has(values: object, part: str | int) -> bool:
    if isinstance(values, dict):
        return part in values
    return isinstance(values, list) and isinstance(part, int) and part < len(values)


def _fields_of(kinds: Iterable[Any]) -> dict[str, FieldInfo]:
    """The fields of all models among ``kinds``, by the name that stands in the file."""
    return {
        field.alias or name: field
        for kind in kinds
        if isinstance(kind, type) and issubclass(kind, BaseModel)
        for name, field in kind.model_fields.items()
    }


def _members(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, without ``Annotated`` around them; otherwise the type itself."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _members(get_args(annotation)[0])
    if isinstance(annotation, typing.TypeAliasType if hasattr(typing, "TypeAliasType") else ()):
        return _members(annotation.__value__)
    if origin in {Union, types.UnionType}:
        return tuple(kind for member in get_args(annotation) for kind in _members(member))
    return (annotation,)


def _item_kinds(kinds: Iterable[Any]) -> tuple[Any, ...]:
    """What the lists and mappings among ``kinds`` hold."""
    return tuple(
        kind
        for container in kinds
        if get_origin(container) is not None
        for kind in _members(get_args(container)[-1 if _is_mapping(container) else 0])
    )


def _is_mapping(container: Any) -> bool:
    origin = get_origin(container)
    return isinstance(origin, type) and issubclass(origin, Mapping)


_TAG_ERRORS = frozenset({"union_tag_invalid", "union_tag_not_found"})


def _discriminator(detail: ErrorDetails) -> str:
    return str(detail["ctx"]["discriminator"]).strip("'")


def _explain(
    detail: ErrorDetails, path: KeyPath, field: FieldInfo | None, siblings: frozenset[str]
) -> tuple[str, str]:
    """The reason and the cure in words, for one error of pydantic."""
    name = str(path[-1]) if path else ""
    help_text = ((field.description if field else None) or "").split("\n")[0].rstrip(". ")
    given_cure = str(detail.get("ctx", {}).get("cure", ""))
    match detail["type"]:
        case "extra_forbidden":
            return "unknown key", did_you_mean(name, siblings - {name})
        case "missing":
            return "this key is required", f"add it: {help_text}" if help_text else "add it"
        case "union_tag_not_found":
            return "this key is required", "add it"
        case "union_tag_invalid":
            tags = re.findall(r"'([^']*)'", detail["ctx"]["expected_tags"])
            tag = str(detail["ctx"]["tag"])
            return f'there is no "{tag}"', did_you_mean(tag, tags)
        case "model_type" | "dict_type" | "model_attributes_type":
            return "should be a table", help_text or "write { key = value }"
        case "value_error":
            return detail["msg"].removeprefix("Value error, "), given_cure or help_text
        case _ if given_cure:
            return detail["msg"], given_cure
        case _:
            return f"{_lower(detail['msg'])}{_shown(detail['input'], path)}", help_text


def _lower(message: str) -> str:
    message = message.removeprefix("Input ")
    return message[:1].lower() + message[1:]


def _shown(value: object, path: KeyPath) -> str:
    """``, not 'x'`` for a short plain value; never the value of something secret."""
    if any(_SECRET.search(str(part)) for part in path):
        return ""
    if isinstance(value, str | int | float) and len(str(value)) <= 60:
        return f", not {value!r}"
    return ""
