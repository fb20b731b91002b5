"""Who calls, read as one job: the same on every database, and again after the connection died."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from crm_bridge.importing import import_customers
from crm_bridge.lookup import Caller, CallerLookup
from crm_bridge.store import CustomerStore, Phone
from cti.bus import Bus
from cti.domain import events as ev
from cti.journal import Journal
from cti.writer import DatabaseAway
from tests.contract.stories import AT, arrived, identified, now

NUMBER = "+447700900147"
CSV = """external_id,name,phone,tier
A-1,Marina Ivanova,+447700900147; +442079460147,vip
A-2,Ёлочка & Co,+447700900147,
A-3,Nobody Else,+447700900149,
"""
MARINA, COMPANY = 1, 2


@pytest.fixture
async def lookup(engine: AsyncEngine) -> AsyncIterator[CallerLookup]:
    await import_customers(engine, CSV, region="GB", at=AT)
    lookup = CallerLookup(engine.url, contacts=2)
    yield lookup
    await lookup.close()


async def told(engine: AsyncEngine, folder: Path, *events: ev.Event) -> None:
    journal = Journal(engine, Bus(), now, folder / "spool")
    await journal.open("test")
    for event in events:
        journal.record(event)
    await journal._close()


def call(customer: int, call_id: str, at: int) -> list[ev.Event]:
    end = ev.CallEnded(
        at=at + 9, call_id=call_id, direction="inbound", outcome="abandoned", lasted=9
    )
    return [arrived(call_id, at), identified(customer, call_id), end]


async def test_the_one_in_contact_last_comes_first(
    engine: AsyncEngine, lookup: CallerLookup, tmp_path: Path
) -> None:
    found = await lookup.by_number(NUMBER)
    assert [one.name for one in found.customers] == ["Marina Ivanova", "Ёлочка & Co"]
    assert found.customers[0].phones == (
        Phone(number="+447700900147"),
        Phone(number="+442079460147"),
    )
    assert found.customers[0] == await CustomerStore(engine).get(MARINA)
    assert (found.contacts, found.notes) == ([], [])
    await told(engine, tmp_path, *call(COMPANY, "pbx-1.1", AT))
    found = await lookup.by_number(NUMBER)
    assert [one.name for one in found.customers] == ["Ёлочка & Co", "Marina Ivanova"]
    assert [contact.call_id for contact in found.contacts] == ["pbx-1.1"]


async def test_nobody_has_the_number(lookup: CallerLookup) -> None:
    assert await lookup.by_number("+447700900999") == Caller()


async def test_ended_calls_and_notes_the_newest_first(
    engine: AsyncEngine, lookup: CallerLookup, tmp_path: Path
) -> None:
    goes_on = [arrived("pbx-4.1", AT + 400), identified(MARINA, "pbx-4.1")]
    calls = [one for n in (1, 2, 3) for one in call(MARINA, f"pbx-{n}.1", AT + 100 * n)]
    await told(engine, tmp_path, *calls, *goes_on)
    for n in range(7):
        await CustomerStore(engine).add_note(MARINA, "anna", f"note {n}", AT + n)
    found = await lookup.by_number(NUMBER)
    assert [contact.call_id for contact in found.contacts] == ["pbx-3.1", "pbx-2.1"]
    assert found.contacts[0].at == AT + 300
    assert [note.text for note in found.notes] == [f"note {n}" for n in (6, 5, 4, 3, 2)]


async def test_a_call_over_a_trunk_is_one_contact(
    engine: AsyncEngine, lookup: CallerLookup, tmp_path: Path
) -> None:
    """Whichever of its calls is the customer's: the others are read as well."""
    first, second, other, theirs = (
        f"{name}.1" for name in ("east-1", "west-1", "east-2", "west-2")
    )
    await told(
        engine,
        tmp_path,
        *call(MARINA, first, AT),
        arrived(second, AT + 1),
        ev.CallJoined(at=AT + 1, call_id=second, to_call_id=first),
        ev.CallAnswered(
            at=AT + 5,
            call_id=second,
            talk_id="t",
            agent="west:PJSIP/101",
            agent_channel="a",
            caller_channel="c",
        ),
        ev.CallEnded(at=AT + 9, call_id=second, direction="inbound", outcome="answered", lasted=8),
        arrived(other, AT + 100),
        ev.CallEnded(at=AT + 120, call_id=other, direction="inbound", outcome="busy", lasted=20),
        *call(MARINA, theirs, AT + 101),
        ev.CallJoined(at=AT + 101, call_id=theirs, to_call_id=other),
    )
    found = await lookup.by_number(NUMBER)
    assert [(c.call_id, c.outcome, c.agent) for c in found.contacts] == [
        (theirs, "abandoned", ""),
        (first, "answered", "west:PJSIP/101"),
    ]
    assert found.contacts[0].at == AT + 100


async def test_a_connection_that_died_is_opened_anew(
    backend: str, engine: AsyncEngine, lookup: CallerLookup
) -> None:
    await lookup.by_number(NUMBER)
    if backend == "postgresql":
        ends = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        )
        async with engine.connect() as connection:
            await connection.execute(text(f"{ends} AND datname = current_database()"))
    else:
        lookup._reads._connection.driver_connection.close()
    assert len((await lookup.by_number(NUMBER)).customers) == 2


async def test_a_database_without_tables_is_away(empty_url: str) -> None:
    lookup = CallerLookup(make_url(empty_url), contacts=2)
    with pytest.raises(DatabaseAway):
        await lookup.by_number(NUMBER)
    await lookup.close()
