"""The search over what was said: nobody finds what they may not hear."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from sqlalchemy import insert, select

from cti.domain.events import Micros
from cti.tables import calls
from dashboard.rights import ROLES, Role
from dashboard.tables import audit
from recordings import rows
from recordings.transcription import Word, conversation
from tests.unit.dashboard.conftest import OpenHouse
from tests.unit.dashboard.house import House, add_customer, call

ANNA, BORIS = "PJSIP/101", "PJSIP/102"
AT = 1_795_305_600_000_000


def spoken(text: str, start: float = 1.0) -> list[Word]:
    return [
        Word(text=word, start=start + n, end=start + n + 0.5, confidence=1.0)
        for n, word in enumerate(text.split())
    ]


async def add(
    house: House, number: int, agent: str, queue: str, said: str, at: Micros = AT, customer: int = 0
) -> str:
    """A recording in which the customer says it and the agent agrees; its id."""
    recording_id, engine = f"{number:032x}", house.dashboard.deps.engine
    call_row = {
        "call_id": f"pbx-{number}", "switch": "pbx", "direction": "inbound", "arrived_at": at,
        "number": "+447700900147", "topic": "order", "customer_id": customer or None,
    }  # fmt: skip
    async with engine.begin() as connection:
        await connection.execute(insert(calls).values(call_row))
    row = {
        "call_id": f"pbx-{number}", "talk_id": "t", "switch": "pbx", "agent": agent,
        "queue": queue, "channel": "x", "started_at": at + number, "state": "stored",
        "seconds": 30.0, "language": "en",
    }  # fmt: skip
    await rows.save(engine, recording_id, row)
    segments = conversation(spoken(said), spoken("yes of course", 20))
    transcript = {
        "engine": "vosk", "language": "en", "made_at": at, "words": 3,
        "segments": msgspec.json.encode(segments).decode(),
    }  # fmt: skip
    await rows.save_transcript(engine, recording_id, transcript, {"transcript": "ready"})
    return recording_id


async def search(house: House, username: str, **query: Any) -> Any:
    browser = await house.browser(username)
    status, answer = await call(browser, "GET", "/api/recordings", params=query)
    assert status == 200, answer
    return answer


async def test_a_snippet_leads_to_the_moment(house: House) -> None:
    await house.user("maria", "manager")
    await house.user("anna", "agent", agent=ANNA)
    await add_customer(house, 1, "Marina Ivanova")
    recording_id = await add(house, 1, ANNA, "support", "i want a refund please", customer=1)
    answer = await search(house, "maria", q="refunds")
    (found,) = answer["found"]
    assert answer["next"] is None
    assert (found["recording"]["id"], found["recording"]["call_id"]) == (recording_id, "pbx-1")
    assert (found["customer"]["name"], found["agent_name"], found["topic"]) == (
        "Marina Ivanova",
        "Anna",
        "order",
    )
    assert found["places"] == 1
    assert found["hits"] == [
        {
            "speaker": "customer",
            "start": 4.0,
            "pieces": [
                {"text": "i want a", "hit": False},
                {"text": "refund", "hit": True},
                {"text": "please", "hit": False},
            ],
            "before": False,
            "after": False,
        }
    ]


@pytest.mark.parametrize("hears", ["none", "own", "team", "all"])
@pytest.mark.parametrize("role", ROLES)
async def test_what_is_found_is_what_may_be_heard(
    opened: OpenHouse, role: Role, hears: str
) -> None:
    async with opened(agents_hear=hears) as house:
        await _found_is_heard(house, role, hears)


async def _found_is_heard(house: House, role: Role, hears: str) -> None:
    await house.user("boris", "agent", agent=BORIS, queues=["sales"])
    await house.user("somebody", role, agent=ANNA, queues=["sales"])
    for number, (agent, queue) in enumerate(
        [(ANNA, "support"), (BORIS, "support"), (BORIS, "sales"), ("PJSIP/103", "support")]
    ):
        await add(house, number, agent, queue, "a refund please")
    browser = await house.browser("somebody")
    heard = []
    for number in (3, 2, 1, 0):
        status, _ = await call(browser, "GET", f"/api/recordings/{number:032x}/transcript")
        heard += [f"{number:032x}"] if status == 200 else []
    status, answer = await call(browser, "GET", "/api/recordings?q=refund")
    if hears == "none" and role in {"agent", "telemarketer"}:
        assert (status, heard) == (403, [])
    else:
        assert [one["recording"]["id"] for one in answer["found"]] == heard
        assert heard


async def test_filters_and_pages(house: House) -> None:
    await house.user("maria", "manager")
    await add_customer(house, 1, "Marina Ivanova")
    for number in range(5):
        queue, customer = ("sales", 1) if number % 2 else ("support", 0)
        await add(house, number, ANNA, queue, "a refund please", customer=customer)
    first = await search(house, "maria", q='"refund please"', limit="2")
    second = await search(house, "maria", q='"refund please"', limit="2", before=first["next"])
    third = await search(house, "maria", q='"refund please"', limit="2", before=second["next"])
    ids = [one["recording"]["id"][-1] for page in (first, second, third) for one in page["found"]]
    assert (ids, third["next"]) == (["4", "3", "2", "1", "0"], None)
    for query, expected in (
        ({"queue": "sales"}, ["3", "1"]),
        ({"customer": "marina"}, ["3", "1"]),
        ({"customer": "nobody"}, []),
        ({"speaker": "agent"}, []),
        ({"topic": "billing"}, []),
        ({"since": str(AT + 3)}, ["4", "3"]),
        ({"until": str(AT + 1)}, ["0"]),
        ({"longest": "29.5"}, []),
    ):
        answer = await search(house, "maria", q="refund", **query)
        assert [one["recording"]["id"][-1] for one in answer["found"]] == expected, query


async def test_where_no_word_is_asked_for_nothing_is_found(house: House) -> None:
    await house.user("maria", "manager")
    await add(house, 1, ANNA, "support", "a refund please")
    for asked in ('"', "?!", "  "):
        assert await search(house, "maria", q=asked) == {"found": [], "next": None}


async def test_a_search_is_in_the_audit(house: House) -> None:
    await house.user("maria", "manager")
    for _ in range(2):
        await search(house, "maria", q="refund card")
    query = select(audit.c.username, audit.c.subject)
    async with house.dashboard.deps.engine.connect() as connection:
        found = await connection.execute(query.where(audit.c.action == "search_recordings"))
        assert found.all() == [("maria", "refund card")]
