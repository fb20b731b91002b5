"""The service against a PBX with app_queue's rules: who ends up where, and what is journaled."""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callqueue import mover, movers
from callqueue.agent_state import AgentProfile
from callqueue.gathering import Gathering
from callqueue.moves import GAP
from callqueue.policy_file import PolicyFile
from callqueue.service import NotWaiting, QueueService
from callqueue.waiting_line import WaitingLine
from cti.bus import Bus
from cti.domain.commands import AnyCommand, CommandFailed, MoveInQueue, ReadQueues, Reply
from cti.domain.events import (
    AgentActivityChanged,
    AgentAvailabilityChanged,
    AgentOffered,
    CallEnded,
    CallQueued,
    CustomerIdentified,
    CustomerRef,
    OfferEnded,
    QueueContested,
    QueueEntryPlaced,
    QueueEntryScored,
    QueueLeft,
    QueueMoved,
    QueueMoveFailed,
    SwitchConnected,
    SwitchLost,
)

POLICY = """\
name = "test"
default = "standard"
[[class]]
name = "vip"
label = "VIP"
head_start = 120
when = { tier = ["vip"] }
[[class]]
name = "silver"
label = "Silver"
head_start = 10
when = { tier = ["silver"] }
[[class]]
name = "standard"
label = "Standard"
"""


class Scene:
    """Callers join and leave the PBX; the service hears of it as the reducer would tell it."""

    def __init__(self, bus: Any, journal: Any, pbx: Any, clock: Any, policy: PolicyFile) -> None:
        self.journal, self.pbx, self.clock, self.policy = journal, pbx, clock, policy
        self.bus = bus
        pbx.lines["support"] = WaitingLine()
        self.service = self.new_service()

    def new_service(self, **options: Any) -> QueueService:
        return QueueService(
            self.policy, self.bus, self.journal.record, self.pbx.perform, self.clock, **options
        )

    @property
    def order(self) -> list[str]:
        return self.pbx.lines["support"].entry_ids

    def tell(self, event: Any) -> None:
        self.journal.record(event)

    def joins(self, who: str, seconds: float = 1.0, **more: Any) -> None:
        """``who`` is channel, call and entry at once."""
        self.clock.forward(seconds)
        position = self.pbx.lines["support"].join(who, more.pop("priority", 0))
        self.hears_of(who, position, **more)

    def hears_of(self, who: str, position: int, **more: Any) -> None:
        self.tell(
            CallQueued(
                at=self.clock(),
                switch="demo",
                call_id=f"call-{who}",
                entry_id=f"entry-{who}",
                queue="support",
                channel=who,
                leg=f"leg-{who}",
                position=position,
                **more,
            )
        )

    def leaves(self, who: str) -> None:
        self.pbx.lines["support"].leave(who)
        self.tell(
            QueueLeft(
                at=self.clock(),
                switch="demo",
                call_id=f"call-{who}",
                entry_id=f"entry-{who}",
                queue="support",
                ended="connected",
                waited=0,
            )
        )

    def identified(self, who: str, tier: str, match: Any = "one") -> None:
        customer = CustomerRef(id=1, name="Ada", tier=tier) if match == "one" else None
        self.tell(
            CustomerIdentified(
                at=self.clock(), call_id=f"call-{who}", number="", match=match, customer=customer
            )
        )

    def offered(self, who: str, offer: str = "o1") -> None:
        self.tell(
            AgentOffered(
                at=self.clock(),
                switch="demo",
                offer_id=offer,
                agent="PJSIP/101",
                channel="PJSIP/101-1",
                entry_id=f"entry-{who}",
                queue="support",
            )
        )

    def offer_ended(self, who: str, ended: Any, offer: str = "o1") -> None:
        self.tell(
            OfferEnded(
                at=self.clock(),
                switch="demo",
                offer_id=offer,
                agent="PJSIP/101",
                ended=ended,
                rang=0,
                entry_id=f"entry-{who}",
                queue="support",
            )
        )

    @property
    def moved(self) -> list[QueueMoved]:
        return self.journal.all(QueueMoved)

    @property
    def failed(self) -> list[QueueMoveFailed]:
        return self.journal.all(QueueMoveFailed)


@pytest.fixture
def scene(bus: Any, journal: Any, pbx: Any, clock: Any, tmp_path: Path) -> Scene:
    file = tmp_path / "policy.toml"
    file.write_text(POLICY)
    return Scene(bus, journal, pbx, clock, PolicyFile(file))


SIX = "abcdef"


async def test_a_vip_who_calls_last_stands_first(scene: Scene, running: Any, settled: Any) -> None:
    async with running(scene.service):
        for who in SIX:
            scene.joins(who, seconds=5)
        scene.identified("v", "vip")
        scene.joins("v")
        await settled()
    assert scene.order == ["v", *SIX]
    [moved] = scene.moved
    assert (moved.from_rank, moved.to_rank, moved.of) == (7, 1, 7)
    assert moved.confirmed
    assert moved.sentence == "VIP +120 s, waited 0 s: 1st of 7"
    assert moved.policy == scene.policy().title
    assert moved.call_id == "call-v"
    assert moved.switch == "demo"


async def test_who_joins_where_they_belong_costs_nothing(
    scene: Scene, running: Any, settled: Any
) -> None:
    async with running(scene.service):
        for who in SIX:
            scene.joins(who)
        await settled()
    assert scene.pbx.commands == []
    assert [s.label for s in scene.journal.all(QueueEntryScored)] == ["Standard"] * 6


async def test_who_is_served_before_somebody_who_waits_or_would_join(
    scene: Scene, running: Any, settled: Any
) -> None:
    def ahead(who: str, queue: str = "support") -> int:
        return scene.service.ahead("demo", queue, f"call-{who}")

    async with running(scene.service):
        assert ahead("nobody yet") == 0
        scene.joins("a")
        scene.identified("v", "vip")
        scene.joins("v")
        scene.joins("b")
        await settled()
        assert [ahead(who) for who in ("v", "a", "b", "c")] == [0, 1, 2, 3]
        scene.identified("s", "silver")
        await settled()
        for seconds, before in ((5, 1), (4, 2), (2, 3)):  # silver is worth 10 s
            scene.clock.forward(seconds)
            assert ahead("s") == before
        assert ahead("a", "sales") == 0


async def test_the_crm_answers_late(scene: Scene, running: Any, settled: Any) -> None:
    async with running(scene.service):
        scene.joins("a")
        scene.joins("v")
        scene.identified("v", "", match="late")
        await settled()
        assert scene.order == ["a", "v"]
        scene.clock.forward(7)
        scene.identified("v", "vip")
        await settled()
    assert scene.order == ["v", "a"]
    assert [m.sentence for m in scene.moved] == ["VIP +120 s, waited 7 s: 1st of 2"]
    scores = [s for s in scene.journal.all(QueueEntryScored) if s.entry_id == "entry-v"]
    assert [s.label for s in scores] == ["Standard", "VIP"]
    assert scores[1].virtual_join == scores[0].joined_at - 120_000_000


async def test_a_head_start_is_worth_its_seconds_and_no_more(
    scene: Scene, running: Any, settled: Any
) -> None:
    async with running(scene.service):
        scene.joins("old")
        scene.joins("young", seconds=5)
        scene.identified("s", "silver")
        scene.joins("s", seconds=6)  # 11 s after the first, 6 s after the second
        await settled()
    assert scene.order == ["old", "s", "young"]
    assert len(scene.pbx.changes) == 1


async def test_a_burst_is_read_back_once(scene: Scene, running: Any, settled: Any) -> None:
    async with running(scene.service):
        for i in range(20):
            scene.identified(f"v{i:02}", "vip" if i % 2 else "silver")
            scene.joins(f"v{i:02}", seconds=0.1)
        await settled()
    vips = [f"v{i:02}" for i in range(1, 20, 2)]
    silvers = [f"v{i:02}" for i in range(0, 20, 2)]
    assert scene.order == vips + silvers
    assert sum(isinstance(c, ReadQueues) for c in scene.pbx.commands) == 1
    assert len(scene.moved) == 10


async def test_a_caller_whose_agent_rings_is_not_moved(
    scene: Scene, running: Any, settled: Any
) -> None:
    async with running(scene.service):
        scene.joins("a")
        scene.joins("v")
        scene.offered("v")
        scene.identified("v", "vip")
        await settled()
        assert scene.pbx.changes == []
        scene.offer_ended("v", "no_answer")
        await settled()
    assert scene.order == ["v", "a"]


async def test_who_is_offered_while_the_plan_is_carried_out_is_passed_over(
    scene: Scene, running: Any, settled: Any
) -> None:
    def ring_for_the_second(command: AnyCommand) -> Reply | None:
        if _moves(command) and len(scene.pbx.changes) == 1:
            scene.offered("w")
        return None

    scene.pbx.fail = ring_for_the_second
    async with running(scene.service):
        for who in "abc":
            scene.joins(who)
        for who in "vw":
            scene.identified(who, "vip")
            scene.joins(who)
        await settled()
    assert scene.order == ["v", "a", "b", "c", "w"]


async def test_somebody_who_was_answered_is_not_moved_before_they_leave(
    scene: Scene, running: Any, settled: Any
) -> None:
    async with running(scene.service):
        scene.joins("a")
        scene.joins("v")
        scene.offered("v")
        scene.identified("v", "vip")
        scene.offer_ended("v", "answered")
        await settled()
        scene.leaves("v")
        await settled()
    assert scene.pbx.changes == []


async def test_who_joined_with_a_priority_of_the_dialplan_is_found_by_reading(
    scene: Scene, running: Any, settled: Any
) -> None:
    async with running(scene.service):
        scene.joins("a")
        scene.joins("b", priority=50)
        await settled()
    assert scene.order == ["a", "b"]
    assert [m.entry_id for m in scene.moved] == ["entry-a"]


async def test_a_stranger_in_the_line_is_left_alone(
    scene: Scene, running: Any, settled: Any
) -> None:
    scene.pbx.lines["support"].join("stranger")
    async with running(scene.service):
        scene.joins("a")
        scene.identified("v", "vip")
        scene.joins("v")
        await settled()
    assert scene.order == ["v", "stranger", "a"]
    assert [m.of for m in scene.moved] == [3]


async def test_a_refused_move_is_told_and_ends_nothing(
    scene: Scene, running: Any, settled: Any
) -> None:
    def refuse(command: AnyCommand) -> Reply | None:
        return Reply(ok=False, message="Permission denied") if _moves(command) else None

    scene.pbx.fail = refuse
    async with running(scene.service):
        scene.joins("a")
        scene.identified("v", "vip")
        scene.joins("v")
        await settled()
        assert [f.reason for f in scene.failed] == ["Permission denied"]
        assert scene.moved == []
        scene.pbx.fail = lambda _command: None
        scene.joins("b")
        await settled()
    assert scene.order == ["v", "a", "b"]


def _moves(command: AnyCommand) -> bool:
    return isinstance(command, MoveInQueue)


async def test_a_timed_out_move_that_was_carried_out_counts(
    scene: Scene, running: Any, settled: Any
) -> None:
    def carry_out_and_time_out(command: AnyCommand) -> Reply | None:
        if isinstance(command, MoveInQueue):
            scene.pbx.lines["support"].move(command.channel, command.priority)
            raise CommandFailed("timeout", "no answer within 5 s")
        return None

    scene.pbx.fail = carry_out_and_time_out
    async with running(scene.service):
        scene.joins("a")
        scene.identified("v", "vip")
        scene.joins("v")
        await settled()
    assert [(m.to_rank, m.confirmed) for m in scene.moved] == [(1, True)]
    assert scene.failed == []


async def test_a_queue_that_cannot_be_read_back_is_read_again(
    scene: Scene, running: Any, settled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mover, "RETRY_SECONDS", 0)
    failures = [CommandFailed("timeout", "no answer within 5 s")]

    def time_out_once(command: AnyCommand) -> Reply | None:
        if isinstance(command, ReadQueues) and failures:
            raise failures.pop()
        return None

    scene.pbx.fail = time_out_once
    async with running(scene.service):
        scene.joins("a")
        scene.identified("v", "vip")
        scene.joins("v")
        await settled()
    assert [(m.to_rank, m.confirmed) for m in scene.moved] == [(1, False)]
    assert scene.order == ["v", "a"]
    assert sum(isinstance(c, ReadQueues) for c in scene.pbx.commands) == 2


async def test_a_pbx_that_does_not_move_at_once_is_found_out(
    scene: Scene, running: Any, settled: Any
) -> None:
    scene.pbx.fail = lambda command: Reply(ok=True) if _moves(command) else None
    async with running(scene.service):
        scene.joins("a")
        scene.identified("v", "vip")
        scene.joins("v")
        await settled()
    assert len(scene.failed) == mover.ROUNDS
    assert "needs Asterisk 18.20" in scene.failed[0].reason


async def test_an_old_pbx_only_scores(scene: Scene, running: Any, settled: Any) -> None:
    async with running(scene.new_service(can_move=lambda _switch: False)):
        scene.joins("a")
        scene.identified("v", "vip")
        scene.joins("v")
        await settled()
    assert scene.pbx.commands == []
    assert [s.label for s in scene.journal.all(QueueEntryScored)] == ["Standard", "VIP"]


async def test_a_lost_link_and_the_picture_after_it(
    scene: Scene, running: Any, settled: Any
) -> None:
    def lost(_command: AnyCommand) -> Reply | None:
        raise CommandFailed("not_connected", "the link to the PBX is down")

    async with running(scene.service):
        scene.joins("a")
        scene.joins("v")
        await settled()
        scene.pbx.fail = lost
        scene.identified("v", "vip")
        await settled()
        scene.tell(SwitchLost(at=scene.clock(), switch="demo", reason="closed"))
        scene.identified("v", "vip")
        await settled()
        tried = len(scene.pbx.commands)
        scene.pbx.fail = lambda _command: None
        scene.pbx.lines["support"].join("b", 7)  # joined while nobody looked
        scene.clock.forward(30)
        scene.hears_of("b", 1, restored=True)
        await settled()
        assert len(scene.pbx.commands) == tried
        connected = SwitchConnected(at=scene.clock(), switch="demo", asterisk_version="22")
        scene.tell(connected)
        await settled()
    assert scene.order == ["v", "a", "b"]
    assert scene.failed == []


async def test_who_left_while_the_move_was_on_its_way(
    scene: Scene, running: Any, settled: Any
) -> None:
    def answer_the_vip(command: AnyCommand) -> Reply | None:
        if isinstance(command, ReadQueues) and "v" in scene.order:
            scene.leaves("v")
        return None

    scene.pbx.fail = answer_the_vip
    async with running(scene.service):
        scene.joins("a")
        scene.identified("v", "vip")
        scene.joins("v")
        await settled()
    assert [(m.to_rank, m.of, m.confirmed) for m in scene.moved] == [(1, 2, False)]


async def test_who_left_before_the_move_came_is_no_failure(
    scene: Scene, running: Any, settled: Any
) -> None:
    async with running(scene.service):
        scene.joins("a")
        scene.identified("v", "vip")
        scene.joins("v")
        scene.pbx.lines["support"].leave("v")
        await settled()
        scene.leaves("v")
        await settled()
    assert (scene.moved, scene.failed) == ([], [])


async def test_somebody_joins_while_the_queue_is_read(
    scene: Scene, running: Any, settled: Any
) -> None:
    stale: list[Reply] = []

    def join_meanwhile(command: AnyCommand) -> Reply | None:
        if isinstance(command, ReadQueues) and not stale:
            stale.append(Reply(ok=True, rows=tuple(scene.pbx._rows("support"))))
            scene.identified("w", "vip")
            scene.joins("w")
            return stale[0]
        return None

    scene.pbx.fail = join_meanwhile
    async with running(scene.service):
        scene.joins("a")
        scene.identified("v", "vip")
        scene.joins("v")
        await settled()
    assert scene.order == ["v", "w", "a"]
    assert len(scene.pbx.changes) == 2


async def test_another_policy_moves_who_waits_already(
    scene: Scene, running: Any, settled: Any
) -> None:
    async with running(scene.service):
        scene.joins("a")
        scene.identified("s", "silver")
        scene.joins("s", seconds=60)
        await settled()
        assert scene.order == ["a", "s"]
        scene.policy.path.write_text(POLICY.replace("head_start = 10", "head_start = 100"))
        scene.policy.reload()
        scene.service.policy_changed()
        await settled()
    assert scene.order == ["s", "a"]
    assert scene.moved[-1].policy == scene.policy().title


async def test_a_restart_knows_when_people_joined_and_who_they_are(
    scene: Scene, running: Any, settled: Any
) -> None:
    async with running(scene.service):
        for who in "ab":
            scene.joins(who, seconds=0.3)
        scene.identified("v", "vip")
        scene.joins("v")
        await settled()
    moves, events = len(scene.pbx.changes), list(scene.journal.events)
    after = scene.new_service()
    after.restore(events)
    async with running(after):
        for position, who in enumerate(scene.order, start=1):
            scene.hears_of(who, position, restored=True)
        scene.tell(SwitchConnected(at=scene.clock(), switch="demo", asterisk_version="22"))
        await settled()
    assert scene.order == ["v", "a", "b"]
    assert len(scene.pbx.changes) == moves


async def test_a_call_that_ended_is_forgotten(scene: Scene, running: Any, settled: Any) -> None:
    ended = CallEnded(at=1, call_id="call-v", direction="inbound", outcome="abandoned", lasted=1)
    async with running(scene.service):
        scene.identified("v", "vip")
        scene.tell(ended)
        scene.joins("a")
        scene.joins("v")
        await settled()
    assert scene.order == ["a", "v"]


happenings = st.lists(
    st.one_of(
        st.tuples(st.just("joins"), st.sampled_from([0, 0, 0, 5, -2])),
        st.tuples(st.just("leaves"), st.integers(0, 9)),
        st.tuples(st.just("vip"), st.integers(0, 9)),
        st.tuples(st.just("silver"), st.integers(0, 9)),
        st.tuples(st.just("rings"), st.integers(0, 9)),
        st.tuples(st.just("stops ringing"), st.integers(0, 9)),
        st.tuples(st.just("some steps pass"), st.integers(1, 6)),
        st.tuples(st.just("the PBX moves somebody"), st.integers(0, 9)),
    ),
    max_size=40,
)


class Story:
    """Any happenings in any order, while moves and readings are under way."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.names = (f"c{i:02}" for i in range(100))
        self.ringing: set[str] = set()

    async def happen(self, what: str, value: int) -> None:
        waiting = self.scene.order
        who = waiting[value % len(waiting)] if waiting else ""
        if what == "joins":
            self.scene.joins(next(self.names), priority=value)
        elif what == "some steps pass":
            for _ in range(value):
                await asyncio.sleep(0)
        elif who:
            self.happen_to(who, what)

    def happen_to(self, who: str, what: str) -> None:
        scene = self.scene
        if what == "leaves":
            self.ringing.discard(who)
            scene.leaves(who)
        elif what == "rings":
            self.ringing.add(who)
            scene.offered(who, offer=who)
        elif what == "stops ringing" and who in self.ringing:
            self.ringing.discard(who)
            scene.offer_ended(who, "no_answer", offer=who)
        elif what == "the PBX moves somebody":
            scene.pbx.lines["support"].move(who, 3)
        elif what in {"vip", "silver"}:
            scene.identified(who, what)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(happenings)
async def test_whatever_happens_the_order_is_reached(
    tmp_path: Path, happened: list[tuple[str, int]]
) -> None:
    fixtures = importlib.import_module(Scene.__module__.replace("test_service", "conftest"))
    bus = Bus()
    file = tmp_path / "policy.toml"
    file.write_text(POLICY)
    journal, pbx, clock = fixtures.Journal(bus), fixtures.Pbx(), fixtures.Clock()
    scene = Scene(bus, journal, pbx, clock, PolicyFile(file))
    story = Story(scene)
    task = asyncio.create_task(scene.service.run())
    for what, value in happened:
        await story.happen(what, value)
    await fixtures.quiet()
    scene.identified("last", "vip")
    scene.joins("last")
    await fixtures.quiet()
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    scores = {s.entry_id: s.virtual_join for s in scene.journal.all(QueueEntryScored)}
    waiting = [f"entry-{who}" for who in scene.order if who not in story.ringing]
    assert waiting == sorted(waiting, key=lambda entry_id: (scores[entry_id], entry_id))


# --- by the time alone, by a person, against another program -------------------------------------

URGENT = POLICY.replace('name = "test"', 'name = "test"\nceiling = 600').replace(
    'label = "Silver"\nhead_start = 10', 'label = "Silver"\ntarget = 1\nurgency = 100'
)


async def test_the_time_alone_changes_the_order_and_one_timer_waits_for_it(
    scene: Scene, running: Any, settled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(movers, "TOGETHER", 1_000)
    scene.policy.path.write_text(URGENT)
    scene.policy.reload()
    async with running(scene.service):
        scene.joins("a")
        scene.identified("s", "silver")
        scene.joins("s", seconds=5)
        await settled()
        assert scene.order == ["a", "s"]
        began = scene.clock.micros
        # 100 (W - 0.8)^2 reaches the lead of five seconds when W is a little over 1.02 s
        async with asyncio.timeout(30):
            while scene.order == ["a", "s"]:
                await asyncio.sleep(0.01)
                scene.clock.forward(0.01)
        assert 1.02 < (scene.clock.micros - began) / 1e6 < 1.5
        await settled()
    [moved] = scene.moved
    assert moved.sentence.startswith("Silver, target 1 s +")
    assert moved.sentence.endswith("1st of 2")


async def test_a_ceiling_that_is_reached_comes_first(
    scene: Scene, running: Any, settled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(movers, "TOGETHER", 1_000)
    scene.policy.path.write_text(URGENT.replace("ceiling = 600", "ceiling = 2"))
    scene.policy.reload()
    async with running(scene.service):
        scene.joins("a")
        scene.identified("v", "vip")
        scene.joins("v", seconds=1)
        await settled()
        assert scene.order == ["v", "a"]
        scene.clock.forward(0.9)
        await asyncio.sleep(1.1)
        scene.clock.forward(0.1)
        async with asyncio.timeout(30):
            while scene.order == ["v", "a"]:
                await asyncio.sleep(0.01)
        await settled()
    assert scene.moved[-1].sentence == "must be served, Standard, waited 2 s: 1st of 2"


async def test_a_person_moves_somebody_with_a_reason_and_takes_it_back(
    scene: Scene, running: Any, settled: Any
) -> None:
    async with running(scene.service):
        for who in "abc":
            scene.joins(who)
        await settled()
        scene.service.place("call-c", "front", "sue", "a life is at stake")
        await settled()
        assert scene.order == ["c", "a", "b"]
        assert scene.moved[-1].sentence == "moved to the front, Standard, waited 0 s: 1st of 3"
        scene.identified("v", "vip")
        scene.joins("v")
        await settled()
        assert scene.order == ["c", "v", "a", "b"]
        scene.service.place("call-v", "end", "sue", "a prank")
        await settled()
        assert scene.order == ["c", "a", "b", "v"]
        for who in "cv":
            scene.service.place(f"call-{who}", "", "sue", "wrong line")
        await settled()
        assert scene.order == ["v", "a", "b", "c"]
    said = scene.journal.all(QueueEntryPlaced)
    assert [(e.call_id, e.placed, e.by, e.reason) for e in said] == [
        ("call-c", "front", "sue", "a life is at stake"),
        ("call-v", "end", "sue", "a prank"),
        ("call-c", "", "sue", "wrong line"),
        ("call-v", "", "sue", "wrong line"),
    ]
    scored = [s for s in scene.journal.all(QueueEntryScored) if s.entry_id == "entry-c"]
    assert [s.placed for s in scored] == ["", "front", ""]
    assert scored[1].cause == said[0].id


async def test_who_does_not_wait_is_not_placed(scene: Scene, running: Any, settled: Any) -> None:
    async with running(scene.service):
        scene.joins("a")
        await settled()
        scene.leaves("a")
        await settled()
        with pytest.raises(NotWaiting):
            scene.service.place("call-a", "front", "sue", "")


async def test_a_restart_knows_whom_a_person_moved(
    scene: Scene, running: Any, settled: Any
) -> None:
    async with running(scene.service):
        for who in "ab":
            scene.joins(who)
        await settled()
        scene.service.place("call-b", "front", "sue", "urgent")
        await settled()
    after = scene.new_service()
    after.restore([*scene.journal.events])
    scene.pbx.lines["support"] = WaitingLine()
    async with running(after):
        for who in "ab":
            scene.pbx.lines["support"].join(who)
        for position, who in enumerate("ab", start=1):
            scene.hears_of(who, position, restored=True)
        scene.tell(SwitchConnected(at=scene.clock(), switch="demo", asterisk_version="22"))
        await settled()
        assert scene.order == ["b", "a"]
        [_, (_, _, b)] = sorted(after.waiting(), key=lambda row: row[2].entry_id)
    assert (b.placing.by, b.placing.reason) == ("sue", "urgent")


async def test_another_program_is_put_right_once_and_then_has_its_way(
    scene: Scene, running: Any, settled: Any
) -> None:
    line = scene.pbx.lines["support"]
    async with running(scene.service):
        for who in "ab":
            scene.joins(who)
        scene.identified("v", "vip")
        scene.joins("v")
        await settled()
        for round_number in range(1, 4):
            line.move("b", 9 * GAP)
            assert scene.order[0] == "b"
            scene.offered("b")  # Asterisk offers whom we take to be last
            scene.offer_ended("b", "no_answer")
            await settled()
            expected = ["v", "a", "b"] if round_number == 1 else ["b", "v", "a"]
            assert scene.order == expected, round_number
        scene.identified("w", "vip")
        scene.joins("w")
        await settled()
        assert scene.order == ["b", "v", "w", "a"]
    contested = scene.journal.all(QueueContested)
    assert [(c.entry_id, c.yielded) for c in contested] == [("entry-b", False), ("entry-b", True)]
    assert contested[0].found == 9 * GAP


async def test_a_priority_of_the_dialplan_is_nobody_s_contest(
    scene: Scene, running: Any, settled: Any
) -> None:
    async with running(scene.service):
        scene.joins("a")
        scene.joins("b", priority=50)
        scene.identified("v", "vip")
        scene.joins("v", priority=3)
        await settled()
        scene.tell(SwitchLost(at=scene.clock(), switch="demo", reason="closed"))
        await settled()
        scene.pbx.lines["support"].move("a", 77)
        scene.tell(SwitchConnected(at=scene.clock(), switch="demo", asterisk_version="22"))
        await settled()
    assert scene.order == ["v", "a", "b"]
    assert scene.journal.all(QueueContested) == []


async def test_of_several_queues_the_one_with_the_first_caller(
    scene: Scene, running: Any, settled: Any
) -> None:
    scene.pbx.lines["sales"] = WaitingLine()

    def joins(who: str, queue: str, tier: str = "") -> None:
        scene.clock.forward(1)
        if tier:
            scene.identified(who, tier)
        position = scene.pbx.lines[queue].join(who)
        scene.tell(
            CallQueued(
                at=scene.clock(), switch="demo", call_id=f"call-{who}", entry_id=f"entry-{who}",
                queue=queue, channel=who, leg=f"leg-{who}", position=position,
            )
        )  # fmt: skip

    service = scene.new_service(first_switch="demo")
    both = ["support", "sales"]
    async with running(service):
        joins("a", "support")
        await settled()
        assert service.first_queue("", both) == ""
        joins("b", "sales")
        await settled()
        assert service.first_queue("", both) == "support"
        joins("v", "sales", "vip")
        await settled()
        assert service.first_queue("", both) == service.first_queue("demo", both) == "sales"
        assert service.first_queue("west", both) == service.first_queue("", ["sales"]) == ""


async def test_another_policy_holds_for_all_from_one_moment_on(
    scene: Scene, running: Any, settled: Any
) -> None:
    async with running(scene.service):
        scene.joins("a")
        await settled()
        scene.policy.path.write_text(URGENT)
        scene.policy.reload()
        scene.joins("b")
        await settled()
        policies = {s.policy for s in scene.journal.all(QueueEntryScored)}
        scales = {w.standing.scale for _, _, w in scene.service.waiting()}
        assert (len(policies), len(scales)) == (1, 1)
        scene.service.policy_changed()
        await settled()
        assert {w.standing.scale for _, _, w in scene.service.waiting()} == {scene.policy().scale}
        assert scene.policy().scale not in scales


# --- who may take whom ---------------------------------------------------------------------------

SKILLED = """\
name = "skilled"
default = "standard"
ceiling = 600
agents = { "PJSIP/101" = ["German"], "PJSIP/102" = ["french"] }
[[class]]
name = "german"
label = "German"
when = 'language == "de"'
rings = [{ after = 0, skills = ["german"] }, { after = 2, skills = [] }]
[[class]]
name = "standard"
label = "Standard"
"""
TEAM = {
    agent: AgentProfile(name=agent, queues={"support": 0}) for agent in ("PJSIP/101", "PJSIP/102")
}


@pytest.fixture
def skilled(scene: Scene) -> Scene:
    scene.policy.path.write_text(SKILLED)
    scene.policy.reload()
    scene.service = scene.new_service(first_switch="demo", agents=lambda: TEAM)
    return scene


def chooses(scene: Scene, agent: str, availability: Any) -> None:
    scene.tell(AgentAvailabilityChanged(at=scene.clock(), agent=agent, availability=availability))


def german(scene: Scene, who: str) -> None:
    customer = CustomerRef(id=1, name="Ada", language="de")
    scene.tell(
        CustomerIdentified(
            at=scene.clock(), call_id=f"call-{who}", number="", match="one", customer=customer
        )
    )
    scene.joins(who)


async def test_whom_nobody_free_may_take_stands_behind_the_others(
    skilled: Scene, running: Any, settled: Any
) -> None:
    async with running(skilled.service):
        chooses(skilled, "PJSIP/102", "available")
        german(skilled, "g")
        skilled.joins("a")
        await settled()
        assert skilled.order == ["a", "g"]
        held = [s.held for s in skilled.journal.all(QueueEntryScored) if s.entry_id == "entry-g"]
        assert held == ["needs german"]
        chooses(skilled, "PJSIP/101", "available")
        await settled()
        assert skilled.order == ["g", "a"]
        skilled.tell(AgentActivityChanged(at=1, agent="PJSIP/101", activity="talking"))
        await settled()
        assert skilled.order == ["a", "g"]
        skilled.tell(AgentActivityChanged(at=2, agent="PJSIP/101", activity="idle"))
        await settled()
        assert skilled.order == ["g", "a"]
        chooses(skilled, "PJSIP/101", "break")
        await settled()
        assert skilled.order == ["a", "g"]
    assert "needs german, German, waited" in skilled.moved[0].sentence or any(
        "needs german" in str(term) for move in skilled.moved for term in move.terms
    )


async def test_a_rule_that_comes_with_a_late_answer_holds_though_the_score_stays(
    skilled: Scene, running: Any, settled: Any
) -> None:
    skilled.policy.path.write_text(f"{SKILLED}reserve = {{ manager = 30 }}\n")
    skilled.policy.reload()
    skilled.service = skilled.new_service(
        first_switch="demo", agents=lambda: TEAM, gathering=Gathering(lambda own: f"PJSIP/{own}")
    )
    async with running(skilled.service):
        chooses(skilled, "PJSIP/102", "available")
        skilled.joins("m")
        skilled.joins("a")
        await settled()
        assert skilled.order == ["m", "a"]
        customer = CustomerRef(id=1, name="Ada", owner_extension="101")
        answer = CustomerIdentified(
            at=skilled.clock(), call_id="call-m", number="", match="one", customer=customer
        )
        skilled.tell(answer)
        await settled()
        assert skilled.order == ["a", "m"]
    told = [s for s in skilled.journal.all(QueueEntryScored) if s.entry_id == "entry-m"]
    assert [bool(s.held) for s in told] == [False, True]
    assert told[-1].cause == answer.id


async def test_who_becomes_free_finds_their_caller_in_front(
    skilled: Scene, running: Any, settled: Any
) -> None:
    async with running(skilled.service):
        german(skilled, "g")
        skilled.joins("a")
        await settled()
        assert skilled.order == ["a", "g"]
        await skilled.service.make_ready("PJSIP/101")
        assert skilled.order == ["g", "a"]


async def test_a_rule_is_relaxed_by_the_time_alone(
    skilled: Scene, running: Any, settled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(movers, "TOGETHER", 1_000)
    async with running(skilled.service):
        german(skilled, "g")
        skilled.joins("a", seconds=0.5)
        await settled()
        assert skilled.order == ["a", "g"]
        async with asyncio.timeout(8):
            while skilled.order == ["a", "g"]:
                await asyncio.sleep(0.01)
                skilled.clock.forward(0.02)
    assert skilled.order == ["g", "a"]
