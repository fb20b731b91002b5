"""Customers from a CSV file, with a verdict for each row.

Reading and judging are pure (:func:`read_rows`); writing happens in one transaction, so that a
file is taken in whole or, when the database fails, not at all. A row is

``new``        nobody like that was known;
``merged``     the same customer (same external_id, or same phone and name) got the new values;
``unchanged``  everything was known already;
``rejected``   it cannot be used, and the reason says what to mend. The other rows are taken in.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from crm_bridge.numbers import split_numbers, to_e164
from crm_bridge.store import search_text
from crm_bridge.tables import customer_notes, customers, phones

Verdict = Literal["new", "merged", "unchanged", "rejected"]

FIELDS = {
    "external_id": 120,
    "name": 200,
    "status": 60,
    "tier": 60,
    "segment": 60,
    "company": 200,
    "owner_name": 200,
    "owner_extension": 40,
    "owner_mobile": 40,
    "language": 20,
    "value": 15,
    "open_complaint": 5,
    "open_deal": 5,
}
"""Columns that may stand in the file, with the longest value each can hold (characters)."""

_FLAGS = {"open_complaint", "open_deal"}
_YES = {"yes", "y", "true", "1"}
_NO = {"no", "n", "false", "0", ""}

_ALIASES = {
    "id": "external_id",
    "customer": "name",
    "full_name": "name",
    "owner": "owner_name",
    "manager": "owner_name",
    "mobile": "phone",
    "telephone": "phone",
    "tel": "phone",
    "organisation": "company",
    "organization": "company",
}


class UnreadableFile(Exception):
    """The file as a whole cannot be imported; the message says why and what to do."""


class CustomerRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row that was understood. ``line`` counts from 1 with the header."""

    line: int
    values: Mapping[str, str]
    numbers: tuple[str, ...]
    note: str = ""


class RowVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one line of the file."""

    line: int
    verdict: Verdict
    reason: str = ""
    customer_id: int = 0


def read_text(path: Path) -> str:
    """The file's text. Raises :class:`UnreadableFile`."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror}. Name a CSV file you may read.") from error
    except UnicodeDecodeError as error:
        raise UnreadableFile(
            f"{path}: byte {error.start} is not UTF-8. Save the file as “CSV UTF-8”."
        ) from error


def read_rows(text: str, region: str) -> Iterator[CustomerRow | RowVerdict]:
    """Each line of a CSV text: understood, or rejected. Raises :class:`UnreadableFile`.

    The delimiter (comma, semicolon or tab) is taken from the header line.
    """
    lines = list(io.StringIO(text, newline=""))
    header = lines[0] if lines else ""
    delimiter = max(",;\t", key=header.count)
    columns = _columns(next(csv.reader([header], delimiter=delimiter), []))
    for line, cells in _records(lines, delimiter):
        if isinstance(cells, str):
            cure = "close the quote, and write a quote within a text twice"
            yield _reject(line, f"not readable as CSV: {cells} ({cure})")
        elif any(cell.strip() for cell in cells):
            yield _row(line, columns, cells, region)


def _records(lines: Sequence[str], delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """Number and cells of each record behind the header; in place of the cells what is wrong.

    A quote that is never closed must not take the lines behind it along: reading goes on with
    the next one.
    """
    at = 1
    while at < len(lines):
        rest = (lines[number] for number in range(at, len(lines)))
        reader = csv.reader(rest, delimiter=delimiter, strict=True)
        begun = at
        try:
            for cells in reader:
                yield begun + 1, cells
                begun = at + reader.line_num
            return
        except csv.Error as error:
            yield begun + 1, str(error)
            at = begun + 1


def _columns(header: Sequence[str]) -> list[str]:
    names = [name.strip().lower().replace(" ", "_").replace("-", "_") for name in header]
    names = [_ALIASES.get(name, name) for name in names]
    names = ["phone" if name.startswith("phone") else name for name in names]
    known = {*FIELDS, "phone", "note"}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UnreadableFile(
            f"unknown column {', '.join(repr(name) for name in unknown)}. Columns may be:"
            f" {', '.join(sorted(known))} (phone may stand several times: phone, phone2...)."
        )
    if "name" not in names:
        raise UnreadableFile("no column 'name'. The first line must name the columns.")
    return names


def _row(
    line: int, columns: Sequence[str], cells: Sequence[str], region: str
) -> CustomerRow | RowVerdict:
    if len(cells) > len(columns):
        return _reject(line, f"{len(cells)} values for {len(columns)} columns: quote the delimiter")
    pairs = [(name, cell.strip()) for name, cell in zip(columns, cells, strict=False)]
    values = {name: cell for name, cell in pairs if name in FIELDS}
    note = "\n".join(cell for name, cell in pairs if name == "note" and cell)
    if not values.get("name"):
        return _reject(line, "no name")
    for name, cell in values.items():
        if len(cell) > FIELDS[name]:
            return _reject(line, f"{name} is longer than {FIELDS[name]} characters")
        if any(ord(character) < 32 for character in cell):
            return _reject(line, f"{name} holds a line break or control character")
    raw = [part for name, cell in pairs if name == "phone" for part in split_numbers(cell)]
    numbers = {part: to_e164(part, region) for part in raw}
    bad = [part for part, number in numbers.items() if not number]
    if bad:
        return _reject(line, f"{bad[0]!r} is not a phone number (write +<country><number>)")
    if mobile := values.get("owner_mobile"):
        values["owner_mobile"] = to_e164(mobile, region)
        if not values["owner_mobile"]:
            return _reject(line, f"owner_mobile {mobile!r} is not a phone number")
    if wrong := _put_plainly(values):
        return _reject(line, wrong)
    unique = tuple(dict.fromkeys(numbers.values()))
    return CustomerRow(line=line, values=values, numbers=unique, note=note)


def _put_plainly(values: dict[str, str]) -> str:
    """Whole numbers as digits, flags as yes and no; what cannot be read, or nothing."""
    value = values.get("value", "")
    if value and not (value.isascii() and value.isdigit()):
        return f"value {value!r} is not a whole number (write 1200, without currency)"
    for name in _FLAGS & values.keys():
        said = values[name].lower()
        if said not in _YES | _NO:
            return f"{name} {values[name]!r} is neither yes nor no"
        values[name] = "yes" if said in _YES else "no" if said else ""
    return ""


def _as_text(value: object) -> str:
    """What a column holds, as it may stand in a file."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if value is not None else ""


def _as_stored(name: str, text: str) -> object:
    """What stands in a file, as the column holds it."""
    if name in _FLAGS:
        return text == "yes"
    if name == "value":
        return int(text or 0)
    return (text or None) if name == "external_id" else text


def _reject(line: int, reason: str) -> RowVerdict:
    return RowVerdict(line=line, verdict="rejected", reason=reason)


class CustomerImport:
    """One import into the store: knows who is there, decides, writes."""

    def __init__(self, connection: AsyncConnection, at: int) -> None:
        self._connection = connection
        self._at = at
        self._cards: dict[int, dict[str, str]] = {}
        self._by_external: dict[str, int] = {}
        self._by_number: dict[str, list[int]] = {}
        self._numbers: set[tuple[int, str]] = set()

    async def load(self) -> None:
        """Read what is known, once: a look-up a row would take hours for a large file."""
        names = [customers.c[name] for name in FIELDS]
        for row in (await self._connection.execute(select(customers.c.id, *names))).mappings():
            self._remember(row["id"], {name: _as_text(row[name]) for name in FIELDS})
        for phone in await self._connection.execute(select(phones.c.customer_id, phones.c.number)):
            self._remember_number(phone.customer_id, phone.number)

    def _remember(self, customer_id: int, card: dict[str, str]) -> None:
        self._cards[customer_id] = card
        if card.get("external_id"):
            self._by_external[card["external_id"]] = customer_id

    def _remember_number(self, customer_id: int, number: str) -> None:
        self._by_number.setdefault(number, []).append(customer_id)
        self._numbers.add((customer_id, number))

    async def take(self, row: CustomerRow) -> RowVerdict:
        """Write one row; says what became of it."""
        same, reason = self._find(row)
        if same is None:
            customer_id = await self._insert(row)
            verdict: Verdict = "new"
        else:
            customer_id = same
            verdict = "merged" if await self._merge(same, row) else "unchanged"
        if await self._add_numbers(customer_id, row.numbers) and verdict == "unchanged":
            verdict = "merged"
        if row.note and verdict != "unchanged":
            await self._add_note(customer_id, row.note)
        return RowVerdict(line=row.line, verdict=verdict, reason=reason, customer_id=customer_id)

    def _find(self, row: CustomerRow) -> tuple[int | None, str]:
        external = row.values.get("external_id")
        if external:
            return self._by_external.get(external), ""
        sharing = [c for number in row.numbers for c in self._by_number.get(number, [])]
        name = row.values["name"].casefold()
        for customer_id in sharing:
            if self._cards[customer_id]["name"].casefold() == name:
                return customer_id, ""
        if sharing:
            return None, f"shares a phone with customer {sharing[0]}: both are shown when it calls"
        return None, ""

    async def _insert(self, row: CustomerRow) -> int:
        card = {**dict.fromkeys(FIELDS, ""), **row.values}
        values: dict[str, Any] = {name: _as_stored(name, text) for name, text in card.items()}
        values |= {"created_at": self._at, "updated_at": self._at}
        values["search"] = search_text(card["name"], card["company"])
        result = await self._connection.execute(insert(customers).values(values))
        key = result.inserted_primary_key
        assert key is not None  # noqa: S101 - the table has an autoincrement key
        self._remember(key[0], card)
        return int(key[0])

    async def _merge(self, customer_id: int, row: CustomerRow) -> bool:
        card = self._cards[customer_id]
        changed = {n: v for n, v in row.values.items() if v and v.casefold() != card[n].casefold()}
        if not changed:
            return False
        card |= changed
        values: dict[str, Any] = {name: _as_stored(name, v) for name, v in changed.items()}
        values["updated_at"] = self._at
        values["search"] = search_text(card["name"], card["company"])
        query = update(customers).where(customers.c.id == customer_id).values(values)
        await self._connection.execute(query)
        return True

    async def _add_numbers(self, customer_id: int, numbers: Sequence[str]) -> bool:
        fresh = [number for number in numbers if (customer_id, number) not in self._numbers]
        for number in fresh:
            self._remember_number(customer_id, number)
            values = {"customer_id": customer_id, "number": number}
            await self._connection.execute(insert(phones).values(values))
        return bool(fresh)

    async def _add_note(self, customer_id: int, text: str) -> None:
        values = {"customer_id": customer_id, "at": self._at, "author": "import", "text": text}
        await self._connection.execute(insert(customer_notes).values(values))


async def import_customers(
    engine: AsyncEngine,
    text: str,
    *,
    region: str,
    at: int,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> list[RowVerdict]:
    """Take in a CSV text in one transaction; a verdict a row, in the file's order.

    ``progress`` is told how many rows are done. With ``dry_run`` nothing is kept. Raises
    :class:`UnreadableFile`, or SQLAlchemy's errors, and then nothing was imported.
    """
    verdicts: list[RowVerdict] = []
    async with engine.connect() as connection:
        importing = CustomerImport(connection, at)
        await importing.load()
        for row in read_rows(text, region):
            taken = row if isinstance(row, RowVerdict) else await importing.take(row)
            verdicts.append(taken)
            progress(len(verdicts))
        if dry_run:
            await connection.rollback()
        else:
            await connection.commit()
    return verdicts
