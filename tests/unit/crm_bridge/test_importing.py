"""Each row of a file gets a verdict, and nothing is half imported."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from crm_bridge.importing import RowVerdict, UnreadableFile, import_customers, read_text
from crm_bridge.store import CustomerStore

HEADER = "id,name,phone,phone2,tier,company,note\n"


async def take(
    engine: AsyncEngine, rows: str, header: str = HEADER, **kw: bool
) -> list[RowVerdict]:
    return await import_customers(engine, header + rows, region="GB", at=1_000_000, **kw)


async def test_new_merged_unchanged_and_rejected(engine: AsyncEngine, store: CustomerStore) -> None:
    first = await take(engine, "A1,Marina Ivanova,07700 900147,,vip,Sever Logistics,likes tea\n")
    assert [v.verdict for v in first] == ["new"]
    again = await take(
        engine,
        "A1,Marina Ivanova,+447700900147,,vip,Sever Logistics,likes tea\n"
        "A1,Marina Ivanova,,020 7946 0001,gold,,\n"
        ",marina ivanova,07700900147,,,,\n"
        ",Igor Belov,07700900147,,,,\n"
        ",,07700900148,,,,\n"
        ",Vera Zotova,12-ab,,,,\n"
        ",Too,Many,,,,,cells\n",
    )
    assert [v.verdict for v in again] == [
        "unchanged",
        "merged",
        "unchanged",
        "new",
        "rejected",
        "rejected",
        "rejected",
    ]
    assert "shares a phone with customer 1" in again[3].reason
    assert [v.reason for v in again[4:]] == [
        "no name",
        "'12-ab' is not a phone number (write +<country><number>)",
        "8 values for 7 columns: quote the delimiter",
    ]
    assert [v.line for v in again] == [2, 3, 4, 5, 6, 7, 8]
    card = (await store.search("+442079460001"))[0]
    assert (card.name, card.tier, card.company) == ("Marina Ivanova", "gold", "Sever Logistics")
    assert [note.text for note in await store.notes(card.id)] == ["likes tea"]


async def test_duplicates_within_one_file_are_merged(engine: AsyncEngine) -> None:
    verdicts = await take(
        engine, ",Nord Trade,02079460002,,,,\n,Nord Trade,02079460002,07700900150,,,\n"
    )
    assert [v.verdict for v in verdicts] == ["new", "merged"]


async def test_semicolons_quotes_and_a_byte_order_mark(engine: AsyncEngine, tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_bytes('\ufeffName;Phone\n"Dom; Mebel";020 7946 0003\n\n'.encode())
    verdicts = await import_customers(engine, read_text(file), region="GB", at=1)
    assert [v.verdict for v in verdicts] == ["new"]
    assert (await CustomerStore(engine).search("dom;"))[0].name == "Dom; Mebel"


async def test_a_dry_run_keeps_nothing(engine: AsyncEngine, store: CustomerStore) -> None:
    assert [v.verdict for v in await take(engine, ",A B,07700900147,,,,\n", dry_run=True)] == [
        "new"
    ]
    assert await store.search("") == []


async def test_a_database_error_half_way_keeps_nothing(
    engine: AsyncEngine, store: CustomerStore
) -> None:
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "CREATE TRIGGER full BEFORE INSERT ON customers WHEN NEW.name = 'Last'"
                " BEGIN SELECT RAISE(ABORT, 'disk full'); END"
            )
        )
    with pytest.raises(SQLAlchemyError, match="disk full"):
        await take(engine, ",First,07700900147,,,,\n,Last,,,,,\n")
    assert await store.search("") == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name,shoe size\nA,43\n", "unknown column 'shoe_size'"),
        (b"phone\n07700900147\n", "no column 'name'"),
        (b"", "no column 'name'"),
        (b"name\n\xff\xfe\n", "not UTF-8"),
    ],
)
async def test_an_unusable_file_says_why(
    engine: AsyncEngine, tmp_path: Path, content: bytes, said: str
) -> None:
    file = tmp_path / "x.csv"
    file.write_bytes(content)
    with pytest.raises(UnreadableFile, match=said):
        await import_customers(engine, read_text(file), region="GB", at=1)


async def test_hostile_cells_are_rejected_or_kept_as_text(
    engine: AsyncEngine, store: CustomerStore
) -> None:
    verdicts = await take(
        engine,
        f'"A\x00B",C,,,,,\n,{"x" * 201},,,,,\n,"two\nlines",,,,,\n,=cmd(),,,,,\n',
    )
    assert [v.verdict for v in verdicts] == ["rejected", "rejected", "rejected", "new"]
    assert (await store.search("=cmd"))[0].name == "=cmd()"


def test_a_missing_file_names_the_cure(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="Name a CSV file you may read"):
        read_text(tmp_path / "nothing.csv")


async def test_a_quote_that_is_never_closed_takes_no_other_row_along(
    engine: AsyncEngine, store: CustomerStore
) -> None:
    verdicts = await take(
        engine,
        ',Anna,07700900141,,,,"likes ""tea"",\nand cake"\n'
        ',"Broken,07700900142,,,,\n'
        ',Igor,07700900143,,,"Sever" Ltd,\n'
        ",Vera,07700900144,,,,\n"
        ',"Last,07700900145,,,,\n',
    )
    assert [(v.line, v.verdict) for v in verdicts] == [
        (2, "new"),
        (4, "rejected"),
        (5, "rejected"),
        (6, "new"),
        (7, "rejected"),
    ]
    assert "close the quote" in verdicts[1].reason
    anna, vera = [(await store.search(f"+44770090014{n}"))[0] for n in (1, 4)]
    assert [note.text for note in await store.notes(anna.id)] == ['likes "tea",\nand cake']
    assert vera.name == "Vera"


async def test_what_is_at_stake_is_taken_in(engine: AsyncEngine, store: CustomerStore) -> None:
    head = "name,phone,language,value,open_complaint,open_deal\n"

    async def take_all(text: str) -> list[RowVerdict]:
        return await import_customers(engine, head + text, region="GB", at=5)

    first = await take_all(
        "Ada,07700900141,de,1200,Yes,no\nBo,07700900142,,,,\n"
        "Cy,07700900143,,1.5,,\nDi,07700900144,,-3,,\nEd,07700900145,,,maybe,\n"
    )
    assert [v.verdict for v in first] == ["new", "new", "rejected", "rejected", "rejected"]
    assert "not a whole number" in first[2].reason
    assert "neither yes nor no" in first[4].reason
    [ada], [bo] = await store.search("Ada"), await store.search("Bo")
    ref = ada.ref()
    assert (ref.language, ref.value, ref.open_complaint, ref.open_deal) == ("de", 1200, True, False)
    assert (bo.language, bo.value, bo.open_complaint, bo.open_deal) == ("", 0, False, False)
    again = await take_all("Ada,07700900141,de,1200,yes,\nBo,07700900142,,7,1,true\n")
    assert [v.verdict for v in again] == ["unchanged", "merged"]
    settled = await take_all("Ada,07700900141,,,no,\n")
    assert [v.verdict for v in settled] == ["merged"]
    [ada], [bo] = await store.search("Ada"), await store.search("Bo")
    assert (ada.open_complaint, ada.value) == (False, 1200)
    assert (bo.value, bo.open_complaint, bo.open_deal) == (7, True, True)
