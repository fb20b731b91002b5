"""The reference of all settings, made from their own descriptions. Pure.

``python -m ringdesk.reference`` prints docs/settings.md; a test keeps the two alike.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from ringdesk.settings import Settings

_HEAD = """# Settings

All keys of the settings file (`ringdesk serve --config my.toml`), with what they mean and what
holds when they are left out. A wrong key or value is refused with its line and the cure. The AMI
secret may also come from the environment variable `RINGDESK_AMI_SECRET`, that of a further switch
`west` from `RINGDESK_AMI_SECRET_WEST`.

This page is made from the descriptions in the code:
`python -m ringdesk.reference > docs/settings.md`.
"""


def render() -> str:
    """The page, as Markdown."""
    return _HEAD + "\n".join(_table("", "", Settings, {}))


def _table(
    name: str, said: str, model: type[BaseModel], known: dict[type[BaseModel], str]
) -> Iterator[str]:
    """One table and those below it; one that is like another table refers to it."""
    yield f"\n## `[{name}]`\n\n{said}\n" if name else "\n## At the top\n"
    if model in known:
        yield f"The same keys as [`[{known[model]}]`](#{known[model]})."
        return
    known[model] = name
    yield "| key | default | meaning |\n| --- | --- | --- |"
    inner: list[tuple[str, str, type[BaseModel]]] = []
    for key, field in model.model_fields.items():
        below = _model_of(field.annotation)
        if below:
            each = ".NAME" if get_origin(field.annotation) is dict else ""
            place = f"{name}.{key}" if name else f"{key}{each}"
            inner.append((place, field.description or "", below))
        else:
            yield f"| `{key}` | {_default(field)} | {_meaning(field)} |"
    for table in inner:
        yield from _table(*table, known)


def _model_of(annotation: Any) -> type[BaseModel] | None:
    """The model of a table, or of each table in a table of tables."""
    if get_origin(annotation) is dict:
        annotation = get_args(annotation)[1]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return None


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if isinstance(value, SecretStr) or value in (None, "", (), {}):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return ", ".join(f"`{item}`" for item in value)
    return f"`{value}`"


def _meaning(field: FieldInfo) -> str:
    said = " ".join((field.description or "").split()).replace("|", "\\|")
    choices = _choices(field.annotation)
    return f"{said} One of {choices}." if choices else said


def _choices(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _choices(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return next((c for c in map(_choices, get_args(annotation)) if c), "")
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in typing.get_args(annotation))
    return ""


def path() -> Path:
    """Where the page lies in a checkout."""
    return Path(__file__).parents[1] / "docs" / "settings.md"


if __name__ == "__main__":
    print(render(), end="")
