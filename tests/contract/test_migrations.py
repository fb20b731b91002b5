"""The migrations lead to the schema the code expects, from nothing and from each release."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.domain import events as ev
from cti.storage import DatabaseUnfit, open_engine
from recordings.search_index import WORDS
from ringdesk.migrate import alembic_config, all_tables, migrate
from tests.contract.fixtures_postgresql import Postgresql

RELEASED = ("0001", "0002", "0003", "0004", "0005", "0006")
AT = 1_795_298_491_000_000


@pytest.fixture
async def empty(empty_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(empty_url)
    yield engine
    await engine.dispose()


async def differences(engine: AsyncEngine) -> list[object]:
    def compare(connection: Connection) -> list[object]:
        # SQLite tells defaults in another spelling than they were given in.
        defaults = connection.dialect.name == "postgresql"
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": defaults,
                "include_name": lambda name, _kind, _parents: not str(name).startswith(WORDS),
            },
        )
        return list(compare_metadata(context, all_tables()))

    async with engine.connect() as connection:
        return await connection.run_sync(compare)


async def test_from_nothing_to_what_the_code_expects(empty: AsyncEngine) -> None:
    await migrate(empty)
    assert await differences(empty) == []
    await migrate(empty)  # a second start finds nothing to do


@pytest.mark.parametrize("release", RELEASED)
async def test_from_a_release_with_its_data(empty: AsyncEngine, release: str) -> None:
    await migrate(empty, release)
    async with empty.begin() as connection:
        await connection.run_sync(fill)
        if release > "0001":
            await connection.run_sync(fill_talks)
    await migrate(empty)
    assert await differences(empty) == []
    async with empty.connect() as connection:
        told = await connection.execute(text("SELECT * FROM talks ORDER BY started_at"))
        assert told.all() == [
            ("pbx-1.2-t1", "pbx-1.1", "PJSIP/101", "support", AT + 1, 40),
            ("pbx-1.3-t1", "pbx-1.1", "PJSIP/102", "", AT + 2, None),
        ]
        kept = await connection.execute(text("SELECT call_id, agent, note FROM calls"))
        assert kept.all() == [("pbx-1.1", "PJSIP/102", "Grüße, Иван")]


@pytest.mark.parametrize("release", [name for name in RELEASED if name < "0004"])
async def test_calls_that_the_journal_reconstructed_are_marked(
    empty: AsyncEngine, release: str
) -> None:
    await migrate(empty, release)
    async with empty.begin() as connection:
        for number, event in enumerate(UNSEEN, start=1):
            body = ev.encode(event).decode()
            # As it was written then: omitted fields stay so, and the mark was CallEnded's own.
            await connection.execute(
                text(
                    "INSERT INTO journal (seq, id, at, call_id, type, body)"
                    " VALUES (:seq, :id, 0, :call_id, :type, :body)"
                ),
                {
                    "seq": number,
                    "id": event.id,
                    "call_id": event.call_id,
                    "type": type(event).__name__,
                    "body": body,
                },
            )
            await connection.execute(
                text(
                    "INSERT INTO calls (call_id, switch, direction, arrived_at)"
                    " VALUES (:call_id, 'pbx', 'inbound', 0)"
                ),
                {"call_id": event.call_id},
            )
    await migrate(empty)
    async with empty.connect() as connection:
        marked = await connection.execute(
            text("SELECT call_id FROM calls WHERE reconstructed ORDER BY call_id")
        )
        assert marked.scalars().all() == ["ended", "talks", "waits"]


_END = {"at": 9, "direction": "inbound", "outcome": "answered", "lasted": 5}
_TALK = {"at": 9, "talk_id": "t", "agent": "a", "agent_channel": "a", "caller_channel": "c"}
_WAIT = {"at": 9, "entry_id": "w", "channel": "c", "leg": "1", "position": 1}
UNSEEN: tuple[ev.Event, ...] = (
    ev.CallEnded(call_id="seen", **_END),
    ev.CallEnded(call_id="ended", reconstructed=True, **_END),
    ev.CallAnswered(call_id="talks", restored=True, **_TALK),
    ev.CallQueued(call_id="waits", queue="q", restored=True, **_WAIT),
    ev.CallQueued(call_id="sly", queue='"restored":true', **_WAIT),
)


def fill(connection: Connection) -> None:
    """A call with a transfer, as version 0001 wrote it."""
    talk = {"call_id": "pbx-1.1", "agent_channel": "a", "caller_channel": "c"}
    happened: list[ev.Event] = [
        ev.CallAnswered(
            at=AT + 1, talk_id="pbx-1.2-t1", agent="PJSIP/101", queue="support", **talk
        ),
        ev.TalkEnded(
            at=AT + 2, call_id="pbx-1.1", talk_id="pbx-1.2-t1", agent="PJSIP/101", talked=40
        ),
        ev.CallAnswered(at=AT + 2, talk_id="pbx-1.3-t1", agent="PJSIP/102", **talk),
    ]
    journal = text(
        "INSERT INTO journal (seq, id, at, call_id, type, body)"
        " VALUES (:seq, :id, :at, :call_id, :type, :body)"
    )
    for seq, event in enumerate(happened, start=1):
        row = {"seq": seq, "id": event.id, "at": event.at, "call_id": event.call_id}
        row |= {"type": type(event).__name__, "body": ev.encode(event).decode()}
        connection.execute(journal, row)
    connection.execute(
        text(
            "INSERT INTO calls (call_id, switch, direction, arrived_at, agent, note)"
            " VALUES ('pbx-1.1', 'pbx', 'inbound', :at, 'PJSIP/102', 'Grüße, Иван')"
        ),
        {"at": AT},
    )


def fill_talks(connection: Connection) -> None:
    """The same talks, as version 0002 wrote them."""
    talks = text(
        "INSERT INTO talks (talk_id, call_id, agent, queue, started_at, talked) VALUES"
        " ('pbx-1.2-t1', 'pbx-1.1', 'PJSIP/101', 'support', :at + 1, 40),"
        " ('pbx-1.3-t1', 'pbx-1.1', 'PJSIP/102', '', :at + 2, NULL)"
    )
    connection.execute(talks, {"at": AT})


async def test_back_to_nothing(empty: AsyncEngine) -> None:
    await migrate(empty)
    async with empty.begin() as connection:
        await connection.run_sync(lambda c: command.downgrade(alembic_config(c), "base"))
    async with empty.connect() as connection:
        tables = await connection.run_sync(lambda c: c.dialect.get_table_names(c))
    assert tables == ["alembic_version"]


async def test_every_release_is_tried(empty: AsyncEngine) -> None:
    def revisions(connection: Connection) -> list[str]:
        script = ScriptDirectory.from_config(alembic_config(connection))
        return [revision.revision for revision in script.walk_revisions()]

    async with empty.connect() as connection:
        newest, *older = await connection.run_sync(revisions)
    assert tuple(reversed(older)) == RELEASED, f"add {newest}'s forerunner to RELEASED"


async def test_a_database_without_unicode_is_refused(postgresql: Postgresql) -> None:
    postgresql.sql("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    engine = open_engine(postgresql.url("latin"))
    with pytest.raises(DatabaseUnfit, match=r"is LATIN1.*ENCODING 'UTF8'"):
        await migrate(engine)
    await engine.dispose()
