"""Every setting is documented, and the page is up to date."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from pydantic import BaseModel

from ringdesk import reference
from ringdesk.settings import Settings


def fields(model: type[BaseModel], at: str = "") -> Iterator[tuple[str, str | None]]:
    for key, field in model.model_fields.items():
        yield f"{at}{key}", field.description
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from fields(kind, f"{at}{key}.")


def test_every_setting_says_what_it_means() -> None:
    silent = [name for name, said in fields(Settings) if not said]
    assert silent == []


def test_the_page_is_what_the_code_says() -> None:
    cure = "run: python -m ringdesk.reference > docs/settings.md"
    assert reference.path().read_text() == reference.render(), cure
