"""Why somebody stands where they stand, at any moment; moving them by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from callqueue.service import NotWaiting
from cti.clock import now
from cti.domain import events as ev
from cti.domain.events import Placed, QueueEntryPlaced
from dashboard.tables import audit
from tests.unit.dashboard.house import House, call, open_house

SECOND = 1_000_000
T = now() - 3_600 * SECOND
POLICY = "default@12345678"


def story(house: House, who: str, at: float, label: str = "Standard", **more: Any) -> None:
    """A call that joins the queue ``at`` seconds after :data:`T`."""
    moment = T + round(at * SECOND)
    common = {"at": moment, "switch": "pbx", "call_id": f"pbx-{who}"}
    head_start = more.get("head_start", 0)
    house.record(
        ev.CallArrived(
            **common, direction="inbound", channel=who, leg=who, caller_number="+44",
            caller_name="", did="",
        )
    )  # fmt: skip
    house.record(
        ev.CallQueued(
            **common, entry_id=f"e-{who}", queue="support", channel=who, leg=who, position=1
        )
    )
    house.record(
        ev.QueueEntryScored(
            **common,
            entry_id=f"e-{who}",
            queue=more.pop("queue", "support"),
            joined_at=moment,
            virtual_join=moment - head_start * SECOND,
            label=label,
            terms=(ev.PriorityTerm(label=label, seconds=head_start),),
            policy=POLICY,
            **more,
        )
    )


def leaves(house: House, who: str, at: float) -> None:
    moment = T + round(at * SECOND)
    common = {"at": moment, "switch": "pbx", "call_id": f"pbx-{who}"}
    house.record(
        ev.QueueLeft(**common, entry_id=f"e-{who}", queue="support", ended="abandoned", waited=1)
    )
    house.record(ev.CallEnded(**common, direction="inbound", outcome="abandoned", lasted=1))


def four(house: House) -> None:
    """Two plain callers, a VIP, and one whose target comes near."""
    story(house, "a", 0, ceiling=600)
    story(house, "b", 10, ceiling=600)
    story(house, "vip", 40, "VIP", head_start=120, ceiling=600)
    story(house, "late", 50, "Gold", urgency=100, target=20, ceiling=300)
    story(house, "other", 0, queue="sales")
    leaves(house, "a", 65)


async def why(house: House, who: str, at: float, by: str = "admin") -> tuple[int, Any]:
    browser = await house.browser(by)
    return await call(browser, "GET", f"/api/calls/pbx-{who}/place?at={T + round(at * SECOND)}")


async def test_the_order_of_a_moment_of_the_past_and_why(house: House) -> None:
    await house.user("admin", "admin")
    four(house)
    await house.kept()
    status, answer = await why(house, "b", 60)
    assert status == 200
    assert (answer["queue"], answer["at"]) == ("support", T + 60 * SECOND)
    assert answer["place"]["sentence"] == "Standard, waited 50 s: 3rd of 4"
    assert [row["call_id"] for row in answer["before"]] == ["pbx-vip", "pbx-a"]
    assert [row["sentence"] for row in answer["behind"]] == ["Gold, waited 10 s: 4th of 4"]
    assert answer["place"]["policy"] == POLICY
    _, later = await why(house, "late", 84)
    assert later["place"]["terms"][1] == {"label": "target 20 s", "seconds": 81}
    assert later["place"]["sentence"] == "Gold, target 20 s +81 s, waited 34 s: 2nd of 3"
    _, at_last = await why(house, "late", 350)
    assert at_last["place"]["must_be_served"]
    assert at_last["place"]["sentence"].startswith("must be served, Gold")
    assert at_last["place"]["rank"] == 1


async def test_who_did_not_wait_then_has_no_place(house: House) -> None:
    await house.user("admin", "admin")
    four(house)
    await house.kept()
    for who, at in (("a", -1), ("a", 66)):
        status, answer = await why(house, who, at)
        assert (status, answer["error"]["code"]) == (409, "not_waiting")
    assert (await why(house, "nobody", 1))[0] == 404
    browser = await house.browser("admin")
    _, answer = await call(browser, "GET", "/api/calls/pbx-a/place")
    assert answer["at"] == T + 65 * SECOND - 1
    _, answer = await call(browser, "GET", "/api/calls/pbx-vip/place")
    assert answer["place"]["rank"] == 3  # two others reached their ceilings earlier
    assert now() - answer["at"] < 60 * SECOND


async def test_a_place_a_person_gave_is_told_with_name_and_reason(house: House) -> None:
    await house.user("admin", "admin")
    story(house, "a", 0)
    story(
        house, "b", 1, placed="front", placed_at=T + 5 * SECOND, placed_by="sue", reason="urgent"
    )  # fmt: skip
    await house.kept()
    _, answer = await why(house, "b", 10)
    assert answer["place"]["sentence"] == "moved to the front, Standard, waited 9 s: 1st of 2"
    assert (answer["place"]["placed_by"], answer["place"]["placed_why"]) == ("sue", "urgent")


async def test_the_calls_of_neighbours_are_named_to_those_who_may_open_all(house: House) -> None:
    await house.user("sue", "supervisor", queues=["support"])
    four(house)
    await house.kept()
    status, answer = await why(house, "b", 60, by="sue")
    assert status == 200
    assert answer["place"]["call_id"] == "pbx-b"
    assert {row["call_id"] for row in answer["before"] + answer["behind"]} == {""}
    assert answer["before"][0]["sentence"] == "VIP +120 s, waited 20 s: 1st of 4"


async def test_a_supervisor_moves_a_caller_with_a_reason(tmp_path: Path) -> None:
    asked: list[tuple[str, str, str, str]] = []

    def place(call_id: str, placed: Placed, by: str, reason: str) -> QueueEntryPlaced:
        asked.append((call_id, placed, by, reason))
        if placed == "end":
            raise NotWaiting(call_id)
        return QueueEntryPlaced(
            at=T, call_id=call_id, entry_id="e", queue="support", placed=placed, by=by,
            reason=reason,
        )  # fmt: skip

    async with open_house(tmp_path, place=place) as house:
        await house.user("sue", "supervisor", queues=["support"])
        await house.user("sam", "supervisor", queues=["sales"])
        story(house, "a", 0)
        await house.folded()
        browser = await house.browser("sue")
        front = {"placed": "front", "reason": "  a life at stake "}
        status, answer = await call(browser, "PUT", "/api/calls/pbx-a/place", front)
        assert (status, answer["by"], answer["reason"]) == (200, "sue", "a life at stake")
        end = {"placed": "end", "reason": "prank"}
        status, answer = await call(browser, "PUT", "/api/calls/pbx-a/place", end)
        assert (status, answer["error"]["code"]) == (409, "not_waiting")
        status, _ = await call(browser, "PUT", "/api/calls/pbx-b/place", front)
        assert status == 409
        status, _ = await call(await house.browser("sam"), "PUT", "/api/calls/pbx-a/place", front)
        assert status == 403
        async with house.dashboard.deps.engine.connect() as connection:
            query = select(audit.c.username, audit.c.subject, audit.c.detail)
            rows = await connection.execute(query.where(audit.c.action == "place_caller"))
            noted = [tuple(row) for row in rows]
    assert [one[:2] for one in asked] == [("pbx-a", "front"), ("pbx-a", "end")]
    assert noted == [("sue", "pbx-a", "front: a life at stake")]


@pytest.mark.parametrize("body", [{"placed": "front"}, {"placed": "up", "reason": "r"}])
async def test_a_move_needs_a_place_and_a_reason(house: House, body: Any) -> None:
    await house.user("admin", "admin")
    browser = await house.browser("admin")
    status, _ = await call(browser, "PUT", "/api/calls/pbx-a/place", body)
    assert status == 422
