"""Calls, customers and recordings through the running server."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from sqlalchemy import insert, select
from yarl import URL

from callqueue.availability import AvailabilityRefused
from cti.domain import events as ev
from recordings.places import audio_file
from recordings.tables import recording_access, recordings
from tests.unit.dashboard.conftest import OpenHouse
from tests.unit.dashboard.house import House, add_customer, call

ANNA, BORIS = "PJSIP/101", "PJSIP/102"
RECORDING = f"{1:032x}"
AT = 1_795_305_600_000_000


async def a_call(house: House, call_id: str, agent: str, at: int, customer: int = 0) -> None:
    house.record(
        ev.CallArrived(
            at=at, call_id=call_id, direction="inbound", channel="x", leg="1",
            caller_number="07700900123", caller_name="", did="+442079460100",
        )
    )  # fmt: skip
    if customer:
        ref = ev.CustomerRef(id=customer, name="")
        house.record(
            ev.CustomerIdentified(
                at=at, call_id=call_id, number="+447700900123", match="one", customer=ref
            )
        )
    house.record(
        ev.CallQueued(
            at=at + 1, call_id=call_id, entry_id=f"e-{call_id}", queue="support", channel="x",
            leg="1", position=1,
        )
    )  # fmt: skip
    house.record(
        ev.CallAnswered(
            at=at + 2, call_id=call_id, talk_id=f"t-{call_id}", agent=agent, agent_channel="y",
            caller_channel="x", queue="support",
        )
    )  # fmt: skip
    house.record(
        ev.TalkEnded(at=at + 3, call_id=call_id, talk_id=f"t-{call_id}", agent=agent, talked=1)
    )
    house.record(
        ev.CallEnded(at=at + 4, call_id=call_id, direction="inbound", outcome="answered", lasted=4)
    )
    await house.kept()


async def people(house: House) -> None:
    await house.user("anna", "agent", agent=ANNA, queues=["support"])
    await house.user("boris", "agent", agent=BORIS, queues=["sales"])
    await house.user("sofia", "supervisor", queues=["sales"])
    await house.user("maria", "manager")


async def calls_of(house: House, username: str, query: str = "") -> list[str]:
    status, answer = await call(await house.browser(username), "GET", f"/api/calls{query}")
    assert status == 200, answer
    return [row["call_id"] for row in answer["calls"]]


async def test_each_sees_the_calls_that_are_theirs(house: House) -> None:
    await people(house)
    await a_call(house, "sw1-1", ANNA, AT)
    await a_call(house, "sw1-2", BORIS, AT + 10)
    assert await calls_of(house, "anna") == ["sw1-1"]
    assert await calls_of(house, "sofia") == ["sw1-2"]
    assert await calls_of(house, "maria") == ["sw1-2", "sw1-1"]
    assert await calls_of(house, "maria", "?q=07700900123&agent=PJSIP/101") == ["sw1-1"]
    assert await calls_of(house, "maria", "?q=%25") == []
    boris = await house.browser("boris")
    assert (await call(boris, "GET", "/api/calls/sw1-1"))[0] == 404
    assert (await call(boris, "GET", "/api/calls/sw1-2"))[0] == 200


async def test_whoever_handed_a_call_on_still_finds_it(house: House) -> None:
    await people(house)
    await a_call(house, "sw1-1", ANNA, AT)
    house.record(
        ev.CallAnswered(
            at=AT + 5, call_id="sw1-1", talk_id="t-2", agent=BORIS, agent_channel="z",
            caller_channel="x",
        )
    )  # fmt: skip
    await house.kept()
    for username in ("anna", "boris", "sofia"):
        assert await calls_of(house, username) == ["sw1-1"]
    assert await calls_of(house, "maria", "?agent=PJSIP/101") == ["sw1-1"]


async def test_agents_may_be_allowed_to_see_all_calls(opened: OpenHouse) -> None:
    async with opened(agents_see_calls="all") as house:
        await people(house)
        await a_call(house, "sw1-1", ANNA, AT)
        assert await calls_of(house, "boris") == ["sw1-1"]


async def test_pages_lead_to_the_end(house: House) -> None:
    await people(house)
    for n in range(3):
        await a_call(house, f"sw1-{n}", ANNA, AT)  # in the same microsecond
    browser = await house.browser("maria")
    status, first = await call(browser, "GET", "/api/calls?limit=2")
    assert (status, first["next"]) == (200, f"{AT}-sw1-1")
    _, last = await call(browser, "GET", f"/api/calls?limit=2&before={first['next']}")
    assert ([row["call_id"] for row in last["calls"]], last["next"]) == (["sw1-0"], None)


async def test_a_call_is_told_step_by_step(house: House) -> None:
    await people(house)
    await a_call(house, "sw1-1", ANNA, AT)
    _, answer = await call(await house.browser("anna"), "GET", "/api/calls/sw1-1")
    assert answer["call"]["agent_name"] == "Anna"
    assert [step["text"] for step in answer["steps"]][:4] == [
        "Call from 07700900123 to +442079460100",
        "Waits in queue support at place 1",
        "Anna talks with the caller",
        "The talk with Anna ended after 0:00",
    ]


async def test_an_outcome_is_durable_when_answered(house: House) -> None:
    await people(house)
    await add_customer(house, 7, "Marina Ivanova", owner_extension="101")
    await a_call(house, "sw1-1", ANNA, AT)
    anna = await house.browser("anna")
    body = {"note": "Wrong invoice", "topic": "Billing", "result": "Solved", "customer_id": 7}
    status, _ = await call(anna, "PUT", "/api/calls/sw1-1/disposition", body)
    assert status == 200
    row = await house.dashboard.deps.history.call("sw1-1")
    assert row is not None
    assert (row.note, row.note_by, row.customer_id) == ("Wrong invoice", "anna", 7)
    path = "/api/calls/sw1-1/disposition"
    assert (await call(anna, "PUT", path, {"customer_id": 8}))[0] == 404
    assert (await call(await house.browser("boris"), "PUT", path, body))[0] == 404


async def test_an_outcome_that_cannot_be_kept_is_said_so(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await people(house)
    await a_call(house, "sw1-1", ANNA, AT)
    anna = await house.browser("anna")
    monkeypatch.setattr(house.dashboard.deps.journal.flush.__func__, "__defaults__", (0.1,))
    engine = house.dashboard.deps.engine
    async with engine.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE journal RENAME TO journal_away")
    house.record(ev.AgentActivityChanged(at=AT, agent=ANNA, activity="idle"))
    status, answer = await call(anna, "PUT", "/api/calls/sw1-1/disposition", {"note": "n"})
    assert (status, answer["error"]["code"]) == (503, "not_durable_yet")
    assert answer["error"]["cure"]
    async with engine.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE journal_away RENAME TO journal")


async def test_agents_open_their_own_customers(house: House) -> None:
    await people(house)
    await add_customer(house, 1, "Owned", owner_extension="101")
    await add_customer(house, 2, "Spoken")
    await add_customer(house, 3, "Ringing")
    await add_customer(house, 4, "Stranger")
    await a_call(house, "sw1-1", ANNA, AT, customer=2)
    ref = ev.CustomerRef(id=3, name="Ringing")
    house.record(ev.AgentOffered(at=AT, call_id="c", offer_id="o", agent=ANNA, channel="y"))
    house.record(
        ev.ScreenPopReady(at=AT, call_id="c", number="", match="several", candidates=(ref,))
    )
    await house.folded()
    anna = await house.browser("anna")
    statuses = [(await call(anna, "GET", f"/api/customers/{n}"))[0] for n in range(1, 6)]
    assert statuses == [200, 200, 200, 404, 404]
    _, answer = await call(anna, "GET", "/api/customers")
    assert [row["name"] for row in answer["customers"]] == ["Owned", "Ringing", "Spoken"]
    _, answer = await call(anna, "GET", "/api/customers/2/calls")
    assert [row["call_id"] for row in answer["calls"]] == ["sw1-1"]


async def test_a_note_stands_on_the_card(house: House) -> None:
    await people(house)
    await add_customer(house, 1, "Owned", owner_extension="101")
    anna = await house.browser("anna")
    text = "<script>alert(1)</script>"
    status, answer = await call(anna, "POST", "/api/customers/1/notes", {"text": text})
    assert (status, answer["note"]["author"]) == (201, "anna")
    _, answer = await call(anna, "GET", "/api/customers/1")
    assert [note["text"] for note in answer["notes"]] == [text]


async def a_recording(house: House, **more: Any) -> bytes:
    row = {
        "id": RECORDING, "call_id": "sw1-1", "talk_id": "t", "switch": "sw1", "agent": ANNA,
        "queue": "support", "channel": "x", "started_at": AT, "state": "stored", "language": "en",
        "seconds": 1.0, "sha256": hashlib.sha256(b"RIFF" + bytes(range(200))).hexdigest(),
    }  # fmt: skip
    async with house.dashboard.deps.engine.begin() as connection:
        await connection.execute(insert(recordings).values(row | more))
    file = audio_file(house.folder, RECORDING, AT)
    file.parent.mkdir(parents=True)
    file.write_bytes(b"RIFF" + bytes(range(200)))
    return file.read_bytes()


async def test_a_recording_is_heard_in_ranges_and_every_listen_is_written_down(
    house: House,
) -> None:
    await people(house)
    sound = await a_recording(house)
    anna, boris = await house.browser("anna"), await house.browser("boris")
    address = f"/api/recordings/{RECORDING}/audio"
    for _ in range(2):
        async with anna.get(address, headers={"Range": "bytes=4-9"}) as response:
            assert (response.status, response.content_type) == (206, "audio/wav")
            assert await response.read() == sound[4:10]
            assert response.headers["Content-Range"] == f"bytes 4-9/{len(sound)}"
    async with anna.get(address, headers={"Range": "bytes=900-"}) as response:
        assert response.status == 416
    assert (await call(boris, "GET", address))[0] == 404
    async with house.dashboard.deps.engine.connect() as connection:
        rows = (await connection.execute(select(recording_access))).all()
    assert [(row.who, row.what, row.result) for row in rows] == [
        ("anna", "audio", "ok"),
        ("boris", "audio", "refused"),
    ]


async def test_a_changed_recording_is_shown_and_written_down_at_each_listen(house: House) -> None:
    await people(house)
    await a_recording(house)
    file = audio_file(house.folder, RECORDING, AT)
    anna = await house.browser("anna")
    _, answer = await call(anna, "GET", f"/api/recordings/{RECORDING}")
    assert (answer["recording"]["custody"], answer["recording"]["verified_at"]) == ("", 0)
    piece = {"headers": {"Range": "bytes=0-9"}}
    assert (await call(anna, "GET", f"/api/recordings/{RECORDING}/audio", **piece))[0] == 206
    file.write_bytes(file.read_bytes()[:-4] + b"\1\2\3\4")
    maria = await house.browser("maria")
    for _ in range(2):  # a player asks in pieces
        assert (await call(maria, "GET", f"/api/recordings/{RECORDING}/audio", **piece))[0] == 206
    _, answer = await call(anna, "GET", f"/api/recordings/{RECORDING}")
    assert answer["recording"]["custody"] == "changed"
    assert answer["recording"]["verified_at"] > AT
    async with house.dashboard.deps.engine.connect() as connection:
        rows = (await connection.execute(select(recording_access))).all()
    assert [(row.who, row.what, row.result) for row in rows] == [
        ("anna", "audio", "ok"),
        ("maria", "audio", "changed"),
    ]


async def test_recordings_stand_at_their_calls_for_those_who_may_hear(house: House) -> None:
    await people(house)
    await a_call(house, "sw1-1", ANNA, AT)
    await a_recording(house)
    for username, count in (("anna", 1), ("maria", 1)):
        _, answer = await call(await house.browser(username), "GET", "/api/calls/sw1-1")
        assert len(answer["call"]["recordings"]) == count
    boris = await house.browser("boris")
    for part in ("", "/audio", "/transcript", "/peaks"):
        assert (await call(boris, "GET", f"/api/recordings/{RECORDING}{part}"))[0] == 404


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"state": "recording"}, "not_yet"),
        ({"transcript": "pending"}, "not_yet"),
        ({"state": "failed", "reason": "the disk was full"}, "no_sound"),
    ],
)
async def test_a_recording_without_sound_says_why(
    house: House, values: dict[str, str], code: str
) -> None:
    await people(house)
    await a_recording(house, **values)
    anna = await house.browser("anna")
    for part in ("audio", "peaks"):
        status, answer = await call(anna, "GET", f"/api/recordings/{RECORDING}/{part}")
        assert (status, answer["error"]["code"]) == (404, code)
    status, answer = await call(anna, "GET", f"/api/recordings/{RECORDING}/transcript")
    assert status == 404
    assert answer["error"]["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/recordings/..%2f..%2fetc%2fpasswd/audio",
        "/api/recordings/%2e%2e/audio",
        "/api/recordings/x%00y",
        "/api/recordings/" + "a" * 200,
        "/api/calls/%00",
        "/api/calls/..%2f..%2fetc",
        "/api/customers/1e3",
        "/api/customers/-1",
        "/api/customers/99999999999999999999",
        "/api/calls?limit=0",
        "/api/calls?before=99999999999999999999-x",
        "/api/calls?before=7",
        "/api/calls?limit=1&limit=2",
        "/api/calls?unknown=1",
        "/api/calls?q=%00",
        "/api/customers?q=%FF%FE",
    ],
)
async def test_hostile_ids_and_queries_lead_nowhere(house: House, path: str) -> None:
    await people(house)
    maria = await house.browser("maria")
    status, answer = await call(maria, "GET", str(URL(path, encoded=True)))
    assert status in {200, 404, 422}, answer
    assert status != 200 or answer == {"customers": []}


async def test_availability_is_the_pbx_s_to_take(house: House) -> None:
    await people(house)
    anna, maria = await house.browser("anna"), await house.browser("maria")
    body = {"availability": "break", "reason": "lunch"}
    status, answer = await call(anna, "PUT", "/api/me/availability", body)
    assert (status, answer) == (200, body | {"until": 0})
    _, answer = await call(maria, "PUT", "/api/me/availability", body)
    assert answer["error"]["code"] == "no_phone"
    house.refuse_availability[:] = [AvailabilityRefused("no such queue", "check the queues")]
    status, answer = await call(anna, "PUT", "/api/me/availability", body)
    assert status == 409
    assert answer["error"] | {"code": ""} == {
        "code": "",
        "message": "no such queue",
        "cure": "check the queues",
    }
