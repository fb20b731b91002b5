"""Customers, accounts, recordings and the audit are the same on every database."""

from __future__ import annotations

from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from crm_bridge.importing import import_customers
from crm_bridge.store import CustomerStore
from crm_bridge.tables import customer_notes
from dashboard.accounts import HOUR, AccountError, Accounts
from dashboard.audit import SAME_LISTEN, Audit
from dashboard.passwords import Passwords
from dashboard.settings import DashboardSettings
from dashboard.tables import audit
from recordings import rows
from recordings.library import Library
from recordings.settings import RecordingSettings
from recordings.tables import recording_access
from tests.contract.stories import ANNA, AT

CSV = """external_id,name,phone,tier,company,note
A-1,Marina Ivanova,020 7946 0147,vip,Ёлочка & Co,Prefers e-mail
A-2,МАРИНА ЗАЙЦЕВА,020 7946 0148,,100% Cotton,
,Todor Ganev,07700 900149,gold,,
,,07700 900150,,,
"""


async def imported(engine: AsyncEngine, **more: bool) -> list[str]:
    verdicts = await import_customers(engine, CSV, region="GB", at=AT, **more)
    return [verdict.verdict for verdict in verdicts]


async def test_a_file_is_taken_in_once(engine: AsyncEngine) -> None:
    assert await imported(engine, dry_run=True) == ["new", "new", "new", "rejected"]
    assert await CustomerStore(engine).search("") == []
    assert await imported(engine) == ["new", "new", "new", "rejected"]
    assert await imported(engine) == ["unchanged", "unchanged", "unchanged", "rejected"]
    assert len(await CustomerStore(engine).search("")) == 3


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["Marina Ivanova", "Todor Ganev", "МАРИНА ЗАЙЦЕВА"]),
        ("MARINA", ["Marina Ivanova"]),
        ("марина", ["МАРИНА ЗАЙЦЕВА"]),
        ("ёлочка ivanova", ["Marina Ivanova"]),
        ("79460148", ["МАРИНА ЗАЙЦЕВА"]),
        ("100%", ["МАРИНА ЗАЙЦЕВА"]),
        ("_", []),
        ("' OR 1=1 --", []),
    ],
)
async def test_customers_are_found(engine: AsyncEngine, text: str, names: list[str]) -> None:
    await imported(engine)
    assert [one.name for one in await CustomerStore(engine).search(text)] == names


async def test_a_card_with_its_phones_and_notes(engine: AsyncEngine) -> None:
    await imported(engine)
    store = CustomerStore(engine)
    [marina] = await store.search("marina ivanova")
    assert (marina.name, marina.tier, [p.number for p in marina.phones]) == (
        "Marina Ivanova",
        "vip",
        ["+442079460147"],
    )
    assert await store.get(marina.id) == marina
    assert await store.by_ids([marina.id, 99]) == {marina.id: marina}
    note = await store.add_note(marina.id, "anna", "Перезвонить ☎", AT + 1)
    assert [n.text for n in await store.notes(marina.id)] == ["Перезвонить ☎", "Prefers e-mail"]
    assert note in await store.notes(marina.id, limit=1)
    with pytest.raises(IntegrityError):
        await store.add_note(99, "anna", "x", AT)
    async with engine.connect() as connection:
        query = select(func.count()).select_from(customer_notes)
        assert (await connection.execute(query)).scalar() == 2


class Clock:
    def __init__(self) -> None:
        self.at = AT

    def __call__(self) -> int:
        return self.at


def accounts_of(engine: AsyncEngine, clock: Clock) -> Accounts:
    cheap = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    return Accounts(engine, DashboardSettings(), clock, cheap)


async def test_accounts(engine: AsyncEngine) -> None:
    accounts = accounts_of(engine, Clock())
    assert await accounts.ensure_first_admin()
    assert await accounts.ensure_first_admin() is None
    anna, password = await accounts.add("anna", "Анна", "agent", agent=ANNA, queues=["support"])
    assert password
    assert (await accounts.by_name("anna")) == anna
    with pytest.raises(AccountError, match="anna is taken"):
        await accounts.add("anna", "Another", "agent", password="a good long password")
    with pytest.raises(AccountError, match="phone of anna"):
        await accounts.change("admin", {"agent": ANNA})
    with pytest.raises(AccountError, match="last active admin"):
        await accounts.change("admin", {"active": False})
    assert list(await accounts.agent_cards()) == [ANNA]
    changed = await accounts.change("anna", {"active": False, "queues": ["sales", "support"]})
    assert changed is not None
    assert (changed.active, changed.queues) == (False, ("sales", "support"))
    assert await accounts.log_in("anna", password) is None
    assert [user.username for user in await accounts.all()] == ["admin", "anna"]


async def test_sessions_begin_and_end(engine: AsyncEngine) -> None:
    clock = Clock()
    accounts = accounts_of(engine, clock)
    await accounts.add("anna", "Anna", "agent", password="a good long password")
    assert await accounts.log_in("anna", "wrong") is None
    opened = [await accounts.log_in("anna", "a good long password") for _ in range(3)]
    tokens = [pair[0] for pair in opened if pair]
    sessions = [await accounts.session(token) for token in tokens]
    hashes = [session.token_hash for session in sessions if session]
    await accounts.log_out(tokens[0])
    assert await accounts.living(hashes) == set(hashes[1:])
    await accounts.end_sessions(opened[1][1], keep=hashes[1])  # type: ignore[index]
    assert await accounts.living(hashes) == {hashes[1]}
    clock.at += int(DashboardSettings().session_idle_hours * HOUR) - 1
    await accounts.touch([hashes[1]])
    clock.at += 2
    assert await accounts.session(tokens[1])
    clock.at += int(DashboardSettings().session_hours * HOUR)
    assert await accounts.session(tokens[1]) is None


async def test_the_audit_notes_a_listen_once(engine: AsyncEngine) -> None:
    clock = Clock()
    book = Audit(engine, clock)
    for _ in range(3):
        await book.note_once("sofia", "listen", "r1", "192.0.2.1")
    await book.note("x" * 90, "log_in_refused", address="2001:db8::1", detail="дет\naль")
    clock.at += SAME_LISTEN + 1
    await book.note_once("sofia", "listen", "r1", "192.0.2.1")
    async with engine.connect() as connection:
        query = select(audit.c.username, audit.c.action, audit.c.detail).order_by(audit.c.id)
        assert (await connection.execute(query)).all() == [
            ("sofia", "listen", ""),
            ("x" * 60, "log_in_refused", "дет\naль"),
            ("sofia", "listen", ""),
        ]


RECORDING = {
    "call_id": "pbx-1.1",
    "talk_id": "t1",
    "switch": "pbx",
    "agent": ANNA,
    "queue": "support",
    "channel": "PJSIP/trunk-1",
    "started_at": AT,
    "language": "en",
}


async def test_a_recording_from_start_to_transcript(engine: AsyncEngine, tmp_path: Path) -> None:
    library = Library(engine, RecordingSettings(folder=tmp_path))
    await rows.save(engine, "r1", {**RECORDING, "state": "recording"})
    assert [row.id for row in await rows.unfinished(engine)] == ["r1"]
    stored = {"state": "stored", "seconds": 12.25, "sha256": "ab" * 32, "transcript": "pending"}
    await rows.save(engine, "r1", {**RECORDING, **stored})
    failed = {"started_at": AT + 1, "state": "failed", "reason": "disk full", "retry": True}
    await rows.save(engine, "r2", {**RECORDING, **failed})
    assert [row.id for row in await rows.refused(engine)] == ["r2"]
    assert [row.id for row in await rows.untold(engine, AT + 5)] == ["r2", "r1"]
    said = {"engine": "vosk", "language": "en", "made_at": AT + 9, "words": 0, "segments": "[]"}
    for _ in range(2):  # transcribed anew
        await rows.save_transcript(engine, "r1", said, {"transcript": "ready"})
    found = await library.of_calls(["pbx-1.1", "pbx-9"])
    assert [(r.id, r.state, r.seconds, r.transcript) for r in found["pbx-1.1"]] == [
        ("r1", "stored", 12.25, "ready"),
        ("r2", "failed", 0.0, "none"),
    ]
    assert await library.get("r3") is None
    transcript = await library.transcript("r1")
    assert transcript is not None
    assert (transcript.engine, transcript.made_at, transcript.segments) == ("vosk", AT + 9, ())
    await library.note_access("r1", who="sofia", what="audio", result="ok", at=AT)
    async with engine.connect() as connection:
        row = (await connection.execute(select(recording_access))).one()
    assert tuple(row)[1:] == (AT, "sofia", "r1", "audio", "ok")


async def test_an_agents_phone_is_on_a_switch_that_there_is(engine: AsyncEngine) -> None:
    cheap = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    accounts = Accounts(engine, DashboardSettings(), lambda: AT, cheap, switches=["east", "west"])
    for username, agent, kept in (
        ("anna", "PJSIP/101", "PJSIP/101"),
        ("wes", "west:PJSIP/101", "west:PJSIP/101"),
        ("eva", "east:PJSIP/102", "PJSIP/102"),
    ):
        user, _ = await accounts.add(username, username, "agent", agent=agent)
        assert user.agent == kept
    with pytest.raises(AccountError, match="there is no switch north") as caught:
        await accounts.add("nora", "Nora", "agent", agent="north:PJSIP/101")
    assert caught.value.cure == "name one of these: east, west"
    with pytest.raises(AccountError, match="is the phone of anna"):
        await accounts.change("wes", {"agent": "east:PJSIP/101"})
