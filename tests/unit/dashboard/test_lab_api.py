"""The policy lab over HTTP: a trial in its own process, publishing, and taking it back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import ClientSession
from sqlalchemy import select
from sqlalchemy.engine import make_url

from callqueue.lab.process import Job, RecordedTime, TrialFailed, play
from cti.domain import events as ev
from dashboard.tables import audit
from tests.unit.dashboard.house import House, call
from tests.unit.dashboard.lab_files import POLICY

BETTER = POLICY.replace("head_start = 60", "head_start = 600")
SECOND = 1_000_000


async def settled(browser: ClientSession, trial: Any) -> Any:
    """The trial when it is over."""
    async with asyncio.timeout(60):
        while trial["state"] == "running":
            await asyncio.sleep(0.05)
            _, trial = await call(browser, "GET", f"/api/lab/trials/{trial['id']}")
    return trial


async def test_a_trial_compares_the_edited_policy_with_the_one_in_force(house: House) -> None:
    await house.user("max", "manager")
    browser = await house.browser("max")
    _, lab = await call(browser, "GET", "/api/lab")
    assert lab["policy"]["text"] == POLICY
    assert [row["name"] for row in lab["loads"]] == ["short"]
    assert (lab["may_publish"], lab["trial"], lab["first_call"]) == (False, None, 0)
    body = {"text": BETTER, "load": "short", "days": 4, "busier": 1.5}
    status, trial = await call(browser, "POST", "/api/lab/trials", body)
    assert (status, trial["by"], trial["on"]) == (202, "max", "short")
    assert trial["against"] == lab["policy"]["title"] != trial["title"]
    busy, refused = await call(browser, "POST", "/api/lab/trials", body)
    assert (busy, refused["error"]["code"]) == (409, "busy")
    trial = await settled(browser, trial)
    assert (trial["state"], trial["done"], trial["of"]) == ("done", 16, 16)
    result = trial["result"]
    names = [one["name"] for one in result["contenders"]]
    assert names == ["in_force", "edited", "fifo", "strict"]
    assert [one["name"] for one in result["classes"]] == ["gold", "standard"]
    in_force, edited, _, strict = (
        one["classes"]["gold"]["figures"] for one in result["contenders"]
    )
    assert edited["in_target"] == strict["in_target"], "ten minutes are more than anybody waits"
    assert edited["mean_wait"][0] < in_force["mean_wait"][0]
    _, lab = await call(browser, "GET", "/api/lab")
    assert lab["trial"]["id"] == trial["id"]


async def test_a_trial_is_cancelled_and_its_process_is_gone(house: House) -> None:
    await house.user("sam", "supervisor")
    browser = await house.browser("sam")
    body = {"text": BETTER, "load": "short", "days": 5, "busier": 90, "agents": 200}
    _, trial = await call(browser, "POST", "/api/lab/trials", body)
    async with asyncio.timeout(60):
        while not trial["done"]:
            await asyncio.sleep(0.02)
            _, trial = await call(browser, "GET", f"/api/lab/trials/{trial['id']}")
    status, trial = await call(browser, "DELETE", f"/api/lab/trials/{trial['id']}")
    assert (status, trial["state"], trial["result"]) == (200, "cancelled", None)
    task = house.dashboard.deps.policy_desk.trials.get(trial["id"]).task  # type: ignore[union-attr]
    assert task.cancelled()  # type: ignore[union-attr]
    status, trial = await call(browser, "POST", "/api/lab/trials", body | {"busier": 1})
    assert status == 202
    assert (await settled(browser, trial))["state"] == "done"


async def test_a_trial_on_recorded_time_says_when_nothing_is_recorded(house: House) -> None:
    await house.user("sam", "supervisor")
    browser = await house.browser("sam")
    body = {"text": BETTER, "begin": 1_000 * SECOND, "end": 5_000 * SECOND, "days": 2}
    _, trial = await call(browser, "POST", "/api/lab/trials", body)
    trial = await settled(browser, trial)
    assert trial["state"] == "failed"
    assert "no call has waited in a queue yet" in trial["reason"]


async def test_a_trial_plays_what_was_recorded(house: House) -> None:
    """Three callers, one agent: what the records say stands beside what is played."""
    for number in range(3):
        begin = (1_000 + 50 * number) * SECOND
        named = {"call_id": f"c{number}", "switch": "sw1"}
        story: list[ev.Event] = [
            ev.CallArrived(
                at=begin, direction="inbound", channel="x", leg=str(number), caller_number="",
                caller_name="", did="", **named,
            ),
            ev.CallQueued(
                at=begin, entry_id=f"e{number}", queue="support", channel="x", leg=str(number),
                position=1, **named,
            ),
            ev.CallAnswered(
                at=begin + 20 * SECOND, talk_id=f"t{number}", agent="PJSIP/101", queue="support",
                agent_channel="y", caller_channel="x", entry_id=f"e{number}",
                waited=20 * SECOND, **named,
            ),
            ev.QueueLeft(
                at=begin + 20 * SECOND, entry_id=f"e{number}", queue="support", ended="connected",
                waited=20 * SECOND, **named,
            ),
            ev.TalkEnded(
                at=begin + 60 * SECOND, talk_id=f"t{number}", agent="PJSIP/101",
                talked=40 * SECOND, **named,
            ),
        ]  # fmt: skip
        for event in story:
            house.record(event)
    await house.kept()
    await house.user("sam", "supervisor")
    browser = await house.browser("sam")
    body = {"text": POLICY, "begin": 0, "end": 5_000 * SECOND, "days": 2}
    _, trial = await call(browser, "POST", "/api/lab/trials", body)
    result = (await settled(browser, trial))["result"]
    assert result["recorded"]["standard"]["p50"] == 20
    assert result["callers"] == 3
    in_force = result["contenders"][0]["classes"]["standard"]["figures"]
    # The agent is first seen 20 s after the first call.
    assert (in_force["longest"], in_force["p50"]) == ([20, 0], [10, 0])


async def test_a_text_is_checked_line_by_line(house: House) -> None:
    await house.user("max", "manager")
    browser = await house.browser("max")
    _, fine = await call(browser, "POST", "/api/lab/check", {"text": BETTER})
    assert fine["title"].startswith("house@")
    broken = {"text": POLICY.replace("head_start = 60", "head_start = -1")}
    _, checked = await call(browser, "POST", "/api/lab/check", broken)
    assert [(one["line"], one["key"]) for one in checked["problems"]] == [
        (6, "class[1].head_start")
    ]
    status, refused = await call(
        browser, "POST", "/api/lab/trials", broken | {"load": "short", "days": 2}
    )
    assert (status, refused["error"]["code"]) == (409, "not_a_policy")
    assert refused["error"]["message"].startswith("line 6: class[1].head_start: ")
    for wrong in ({"load": "long"}, {"begin": 5, "end": 4}, {"load": "short", "days": 6}):
        status, _ = await call(browser, "POST", "/api/lab/trials", {"text": POLICY, **wrong})
        assert status == 409, wrong


async def test_a_policy_is_published_with_its_author_and_taken_back(house: House) -> None:
    await house.user("ada", "admin")
    browser = await house.browser("ada")
    file = house.folder / "policy.toml"
    _, lab = await call(browser, "GET", "/api/lab")
    before = lab["policy"]["title"]
    body = {"text": BETTER, "instead_of": before}
    status, answer = await call(browser, "POST", "/api/lab/policy", body)
    assert (status, answer["version"]["author"]) == (200, "ada")
    assert file.read_text() == BETTER
    late, refused = await call(browser, "POST", "/api/lab/policy", body)
    assert (late, refused["error"]["code"]) == (409, "changed")
    _, lab = await call(browser, "GET", "/api/lab")
    assert lab["policy"]["title"] == answer["version"]["title"] != before
    newest, oldest = lab["versions"]
    assert (newest["author"], oldest["author"], oldest["title"]) == ("ada", "", before)
    address = f"/api/lab/versions/{oldest['at']}"
    assert (await call(browser, "GET", address))[1]["text"] == POLICY
    now = {"instead_of": newest["title"]}
    status, answer = await call(browser, "POST", address, now)
    assert (status, answer["version"]["restored"]) == (200, oldest["at"])
    assert file.read_text() == POLICY
    _, lab = await call(browser, "GET", "/api/lab")
    assert (lab["policy"]["title"], len(lab["versions"])) == (before, 3)
    async with house.dashboard.deps.engine.connect() as connection:
        noted = select(audit.c.username, audit.c.action, audit.c.subject).order_by(audit.c.id)
        rows = [row for row in await connection.execute(noted) if row.action.endswith("_policy")]
    assert [tuple(row) for row in rows] == [
        ("ada", "publish_policy", newest["title"]),
        ("ada", "restore_policy", before),
    ]


async def test_a_policy_that_cannot_be_written_changes_nothing(house: House) -> None:
    await house.user("ada", "admin")
    browser = await house.browser("ada")
    (house.folder / "policies").write_text("a file where the archive should be")
    title = house.dashboard.deps.policy_desk.in_force.title  # type: ignore[union-attr]
    body = {"text": BETTER, "instead_of": title}
    status, refused = await call(browser, "POST", "/api/lab/policy", body)
    assert (status, refused["error"]["code"]) == (503, "not_written")
    assert (house.folder / "policy.toml").read_text() == POLICY
    assert house.dashboard.deps.policy_desk.in_force.title == title  # type: ignore[union-attr]


async def test_the_process_of_a_trial_is_its_own() -> None:
    day = RecordedTime(url=make_url("sqlite+aiosqlite:///"), begin=0, end=1)
    job = Job(policies={"x": "broken"}, calendars={}, baselines=(), days=day, count=1)
    with pytest.raises(TrialFailed, match="ended by itself"):
        await play(job, lambda _done, _of: None, nice=0)
