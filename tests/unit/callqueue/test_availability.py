from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import ValidationError

from callqueue import availability, memberships
from callqueue.agent_state import AgentProfile, AgentState
from callqueue.availability import AvailabilityRefused, AvailabilityService
from callqueue.settings import QueueSettings
from cti.clock import now as wall_clock
from cti.domain.commands import (
    AddQueueMember,
    AnyCommand,
    CommandFailed,
    PauseQueueMember,
    ReadQueues,
    RemoveQueueMember,
    Reply,
)
from cti.domain.events import (
    AgentAvailabilityChanged,
    AgentOffered,
    CallAnswered,
    SwitchConnected,
    SwitchLost,
    TalkEnded,
)

ADA = "PJSIP/101"
AGENTS = {
    ADA: AgentProfile(name="Ada", queues={"support": 0, "sales": 2}),
    "PJSIP/102": AgentProfile(name="Bo", queues={"support": 1}),
}


class Desk:
    """One agent's desk, and what the PBX has of her."""

    def __init__(self, bus: Any, journal: Any, pbx: Any, clock: Any) -> None:
        self.bus, self.journal, self.pbx, self.clock = bus, journal, pbx, clock
        pbx.members = {"support": {}, "sales": {}}
        self.agents = dict(AGENTS)
        self.service = self.new_service()

    def new_service(self, **settings: Any) -> AvailabilityService:
        return AvailabilityService(
            lambda: self.agents,
            self.bus,
            self.journal.record,
            self.pbx.perform,
            self.clock,
            QueueSettings(**settings),
        )

    @property
    def said(self) -> list[tuple[str, str]]:
        changes = self.journal.all(AgentAvailabilityChanged)
        return [(c.availability, c.reason) for c in changes if c.agent == ADA]

    @property
    def held(self) -> dict[str, tuple[str, str]]:
        """Queue to (paused, reason) of Ada."""
        return {
            queue: (agents[ADA]["Paused"], agents[ADA]["PausedReason"])
            for queue, agents in self.pbx.members.items()
            if ADA in agents
        }

    def talks(self, talk_id: str = "t1", queue: str = "support") -> None:
        self.journal.record(
            CallAnswered(
                at=self.clock(),
                talk_id=talk_id,
                agent=ADA,
                agent_channel="PJSIP/101-1",
                caller_channel="PJSIP/trunk-1",
                queue=queue,
            )
        )

    def hangs_up(self, talk_id: str = "t1") -> None:
        self.journal.record(TalkEnded(at=self.clock(), talk_id=talk_id, agent=ADA, talked=1))

    def connects(self) -> None:
        connected = SwitchConnected(at=self.clock(), switch="demo", asterisk_version="22")
        self.journal.record(connected)


@pytest.fixture
def desk(bus: Any, journal: Any, pbx: Any, clock: Any) -> Desk:
    return Desk(bus, journal, pbx, clock)


async def test_a_shift(desk: Desk) -> None:
    await desk.service.set(ADA, "available")
    assert desk.held == {"support": ("0", ""), "sales": ("0", "")}
    assert desk.pbx.members["sales"][ADA]["Penalty"] == "2"
    await desk.service.set(ADA, "break", "lunch")
    assert desk.held == {"support": ("1", "lunch"), "sales": ("1", "lunch")}
    await desk.service.set(ADA, "available")
    assert desk.held == {"support": ("0", ""), "sales": ("0", "")}
    await desk.service.set(ADA, "offline")
    assert desk.held == {}
    assert desk.said == [("available", ""), ("break", "lunch"), ("available", ""), ("offline", "")]


async def test_the_same_choice_again_repairs_the_pbx_and_is_not_announced(desk: Desk) -> None:
    await desk.service.set(ADA, "available")
    desk.pbx.put("support", ADA, paused=True, reason="Auto-Pause")  # autopause = yes
    await desk.service.set(ADA, "available")
    assert desk.held["support"] == ("0", "")
    assert desk.said == [("available", "")]


async def test_already_there_is_fine(desk: Desk) -> None:
    desk.pbx.put("support", ADA)
    await desk.service.set(ADA, "available")
    assert set(desk.held) == {"support", "sales"}


async def test_a_stale_idea_of_the_pbx_is_looked_up_after_a_refusal(
    desk: Desk, running: Any, settled: Any
) -> None:
    await desk.service.set(ADA, "available")
    desk.pbx.members = {"support": {}, "sales": {}}  # removed by hand at the PBX
    async with running(desk.service):
        desk.talks()
        desk.hangs_up()
        await settled()
    assert desk.held == {"support": ("1", "wrap-up"), "sales": ("1", "wrap-up")}


async def test_a_refusal_is_undone_and_told_with_its_cure(desk: Desk) -> None:
    del desk.pbx.members["sales"]
    with pytest.raises(AvailabilityRefused) as refused:
        await desk.service.set(ADA, "available")
    assert "Unable to add interface to queue: No such queue (sales)" in str(refused.value)
    assert "add the queue to queues.conf" in str(refused.value)
    assert "still in force: offline" in str(refused.value)
    assert (desk.said, desk.held) == ([], {})


async def test_half_a_change_is_taken_back(desk: Desk) -> None:
    await desk.service.set(ADA, "offline")
    del desk.pbx.members["sales"]
    with pytest.raises(AvailabilityRefused, match="still in force: offline"):
        await desk.service.set(ADA, "available")
    assert desk.held == {}
    assert RemoveQueueMember(queue="support", agent=ADA) in desk.pbx.commands
    assert desk.service.states[ADA] == AgentState("offline")


async def test_the_link_breaks_in_the_middle(desk: Desk) -> None:
    await desk.service.set(ADA, "available")

    def lose(command: AnyCommand) -> Reply | None:
        if isinstance(command, RemoveQueueMember) and command.queue == "sales":
            desk.pbx.fail = down
            raise CommandFailed("lost", "the link to the PBX broke")
        return None

    def down(_command: AnyCommand) -> Reply | None:
        raise CommandFailed("not_connected", "the link to the PBX is down")

    desk.pbx.fail = lose
    with pytest.raises(AvailabilityRefused, match=r"may hold a part of it.*then again: available"):
        await desk.service.set(ADA, "offline")
    desk.pbx.fail = lambda _command: None
    await desk.service.reconcile()
    assert desk.held == {"support": ("0", ""), "sales": ("0", "")}
    assert desk.said == [("available", "")]


async def test_the_link_breaks_while_an_answer_is_on_its_way(
    desk: Desk, running: Any, settled: Any
) -> None:
    def lose(command: AnyCommand) -> Reply | None:
        if isinstance(command, AddQueueMember) and command.queue == "support":
            desk.journal.record(SwitchLost(at=1, switch="demo", reason="closed"))
        return None

    desk.pbx.fail = lose
    async with running(desk.service):
        await desk.service.set(ADA, "available")
        desk.connects()
        await settled()
    assert set(desk.held) == {"support", "sales"}
    assert desk.said == [("available", "")]


@pytest.mark.parametrize(
    ("failure", "cure"),
    [
        (CommandFailed("not_connected", "the link is down"), "when the link to the PBX is back"),
        (CommandFailed("timeout", "no answer in 5 s"), "whether Asterisk is overloaded"),
        (CommandFailed("refused_value", "CR in Reason"), "leave line breaks out"),
    ],
)
async def test_a_failing_link_refuses_with_the_cure(
    desk: Desk, failure: CommandFailed, cure: str
) -> None:
    def fail(_command: AnyCommand) -> Reply | None:
        raise failure

    desk.pbx.fail = fail
    with pytest.raises(AvailabilityRefused, match=cure):
        await desk.service.set(ADA, "break", "lunch")
    assert desk.said == []


async def test_an_unknown_agent_is_refused(desk: Desk) -> None:
    with pytest.raises(AvailabilityRefused, match="PJSIP/999 is not an agent here"):
        await desk.service.set("PJSIP/999", "available")


async def test_wrap_up_begins_after_a_queue_call_and_ends_by_itself(
    desk: Desk, running: Any, wait_until: Any
) -> None:
    desk.clock = wall_clock  # type: ignore[assignment]
    service = desk.new_service(wrap_up=0.05)
    async with running(service):
        await service.set(ADA, "available")
        desk.talks()
        desk.hangs_up()
        await wait_until(lambda: desk.held["support"] == ("1", "wrap-up"))
        await wait_until(lambda: desk.held["support"] == ("0", ""))
        await wait_until(lambda: len(desk.said) == 3)
    assert desk.said == [("available", ""), ("wrap_up", ""), ("available", "")]
    changes = desk.journal.all(AgentAvailabilityChanged)
    assert changes[1].until - changes[1].at == pytest.approx(50_000, abs=20_000)
    assert changes[2].at >= changes[1].until
    assert changes[1].cause == desk.journal.all(TalkEnded)[0].id


async def test_the_agent_ends_the_wrap_up(desk: Desk, running: Any, settled: Any) -> None:
    async with running(desk.service):
        await desk.service.set(ADA, "available")
        desk.talks()
        desk.hangs_up()
        await settled()
        await desk.service.set(ADA, "available")
        await settled()
    assert desk.said[-1] == ("available", "")
    assert desk.held["support"] == ("0", "")


async def test_a_wrap_up_that_is_asked_for_lasts_longer(desk: Desk) -> None:
    service = desk.new_service(wrap_up=20, max_wrap_up=300)
    state = await service.set(ADA, "wrap_up")
    assert state.until == desk.clock() + 300_000_000


@pytest.mark.parametrize("state", ["break", "offline"])
async def test_who_chose_a_pause_while_talking_keeps_it(
    desk: Desk, running: Any, settled: Any, state: Any
) -> None:
    async with running(desk.service):
        await desk.service.set(ADA, "available")
        desk.talks()
        await desk.service.set(ADA, state, "lunch")
        desk.hangs_up()
        await settled()
    assert [availability for availability, _ in desk.said] == ["available", state]


@pytest.mark.parametrize(
    ("queue", "settings"), [("", {}), ("support", {"wrap_up": 0})], ids=["direct call", "off"]
)
async def test_no_wrap_up(
    desk: Desk, running: Any, settled: Any, queue: str, settings: dict[str, Any]
) -> None:
    service = desk.new_service(**settings)
    async with running(service):
        await service.set(ADA, "available")
        desk.talks(queue=queue)
        desk.hangs_up()
        await settled()
    assert desk.said == [("available", "")]


async def test_a_wrap_up_the_pbx_refuses_harms_nothing(
    desk: Desk, running: Any, settled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(availability, "RETRY_SECONDS", 0.01)
    service = desk.new_service()
    async with running(service):
        await service.set(ADA, "available")
        desk.pbx.fail = lambda c: _refusal(c)
        desk.talks()
        desk.hangs_up()
        await settled()
        assert desk.said == [("available", "")]
        desk.pbx.fail = lambda _command: None
        desk.talks("t2")
        desk.hangs_up("t2")
        await settled()
        assert desk.said[-1] == ("wrap_up", "")
        desk.clock.forward(30)
        desk.pbx.fail = lambda c: _refusal(c)
        await service.set("PJSIP/102", "available")  # wakes the timer
        await asyncio.sleep(0.03)
        assert desk.said[-1] == ("wrap_up", "")
        desk.pbx.fail = lambda _command: None
        await asyncio.sleep(0.03)
    assert desk.said[-1] == ("available", "")


def _refusal(command: AnyCommand) -> Reply | None:
    refused = isinstance(command, PauseQueueMember)
    return Reply(ok=False, message="Permission denied") if refused else None


async def test_what_was_chosen_wins_over_what_the_pbx_has(
    desk: Desk, running: Any, settled: Any
) -> None:
    desk.service.restore(
        [
            AgentAvailabilityChanged(at=1, agent=ADA, availability="available"),
            AgentAvailabilityChanged(at=2, agent=ADA, availability="break", reason="lunch"),
            AgentAvailabilityChanged(at=2, agent="PJSIP/102", availability="offline"),
            TalkEnded(at=3, talk_id="t", agent=ADA, talked=1),
        ]
    )
    desk.pbx.put("sales", ADA, paused=False)
    desk.pbx.put("support", "PJSIP/102")
    async with running(desk.service):
        desk.connects()
        await settled()
    assert desk.held == {"support": ("1", "lunch"), "sales": ("1", "lunch")}
    assert "PJSIP/102" not in desk.pbx.members["support"]
    assert desk.said == []


async def test_a_wrap_up_that_ended_meanwhile_is_over(
    desk: Desk, running: Any, settled: Any
) -> None:
    wrap_up = AgentAvailabilityChanged(
        at=1, agent=ADA, availability="wrap_up", until=desk.clock() - 1
    )
    desk.service.restore([wrap_up])
    desk.pbx.put("support", ADA, paused=True, reason="wrap-up")
    async with running(desk.service):
        desk.connects()
        await settled()
    assert desk.held == {"support": ("0", ""), "sales": ("0", "")}
    assert desk.said == [("available", "")]


async def test_who_never_chose_is_not_touched(desk: Desk, running: Any, settled: Any) -> None:
    desk.pbx.put("support", ADA, paused=True, reason="lunch")
    desk.agents[ADA] = AgentProfile(name="Ada", queues={"support": 0})
    async with running(desk.service):
        desk.connects()
        await settled()
    assert desk.pbx.changes == []
    assert desk.said == [("break", "lunch")]
    assert "PJSIP/102" not in desk.service.states


async def test_reconciling_goes_on_after_a_refusal_and_without_a_link(
    desk: Desk, running: Any, settled: Any
) -> None:
    desk.service.restore(
        [
            AgentAvailabilityChanged(at=1, agent=ADA, availability="available"),
            AgentAvailabilityChanged(at=1, agent="PJSIP/102", availability="available"),
        ]
    )
    refused = Reply(ok=False, message="Permission denied")
    desk.pbx.fail = lambda c: (
        refused if isinstance(c, AddQueueMember) and c.queue == "sales" else None
    )
    async with running(desk.service):
        desk.connects()
        await settled()
        assert "PJSIP/102" in desk.pbx.members["support"]
        desk.pbx.fail = lambda c: refused if isinstance(c, ReadQueues) else None
        desk.journal.record(SwitchLost(at=1, switch="demo", reason="closed"))
        desk.connects()
        await settled()
        desk.pbx.fail = lambda _command: None
        desk.connects()
        await settled()
    assert set(desk.held) == {"support", "sales"}


def test_wrap_up_must_fit_its_limit() -> None:
    with pytest.raises(ValidationError, match="raise max_wrap_up"):
        QueueSettings(wrap_up=301, max_wrap_up=300)


async def test_an_agent_of_a_further_switch_is_looked_for_there_only(
    desk: Desk, running: Any, settled: Any
) -> None:
    asked: list[str] = []

    async def perform(command: AnyCommand) -> Reply:
        asked.append(command.switch or getattr(command, "agent", "")[:5])
        if command.switch == "west":
            raise CommandFailed("not_connected", "no link")
        return Reply(ok=True)

    agents = {ADA: AGENTS[ADA], f"west:{ADA}": AGENTS[ADA]}
    service = AvailabilityService(
        lambda: agents,
        desk.bus,
        desk.journal.record,
        perform,
        desk.clock,
        QueueSettings(),
        ["west"],
    )
    async with running(service):
        await service.set(ADA, "available")
        assert set(asked) == {"", "PJSIP"}
        with pytest.raises(AvailabilityRefused):
            await service.set(f"west:{ADA}", "available")
        asked.clear()
        desk.journal.record(SwitchConnected(at=desk.clock(), switch="west", asterisk_version="22"))
        await settled()
    assert asked == ["west"]


async def test_who_becomes_free_is_opened_first_where_the_first_caller_waits(
    desk: Desk, running: Any, settled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memberships, "FIRST_SECONDS", 60)
    asked: list[Any] = []

    def first_queue(switch: str, queues: Any) -> str:
        asked.append((switch, queues))
        return "sales"

    service = AvailabilityService(
        lambda: desk.agents, desk.bus, desk.journal.record, desk.pbx.perform, desk.clock,
        QueueSettings(), first_queue=first_queue,
    )  # fmt: skip
    async with running(service):
        await service.set(ADA, "break", "lunch")
        assert asked == []
        choice = asyncio.create_task(service.set(ADA, "available"))
        await settled()
        assert desk.held == {"support": ("1", "lunch"), "sales": ("0", "")}
        assert not choice.done()
        offer = AgentOffered(at=desk.clock(), offer_id="o", agent=ADA, channel="c")
        desk.journal.record(offer)
        await choice
        assert desk.held == {"support": ("0", ""), "sales": ("0", "")}
        await service.set(ADA, "available")
    assert asked == [("", ["support", "sales"])]
    assert desk.said == [("break", "lunch"), ("available", "")]


async def test_nobody_is_opened_alone_where_it_makes_no_difference(desk: Desk) -> None:
    service = AvailabilityService(
        lambda: desk.agents, desk.bus, desk.journal.record, desk.pbx.perform, desk.clock,
        QueueSettings(), first_queue=lambda _switch, _queues: "",
    )  # fmt: skip
    await service.set(ADA, "break", "lunch")
    await service.set(ADA, "available")
    assert desk.pbx.changes[-1] == PauseQueueMember(agent=ADA, paused=False)
