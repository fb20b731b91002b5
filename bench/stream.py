"""A stream of domain events as a busy hour makes it: many calls at once, all outcomes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import msgspec

from cti.domain import events as ev

AT = 1_795_298_491_000_000
AT_ONCE = 40
SECOND = 1_000_000

_TERMS = (ev.PriorityTerm(label="VIP", seconds=120),)
_WHO = ev.CustomerRef(
    id=7, name="Marina Ivanova", status="active", tier="vip", segment="B2B",
    company="Sever Logistics", owner_name="Igor Belov", owner_extension="104",
)  # fmt: skip
_PAST = tuple(
    ev.PastContact(
        call_id=f"pbx-{n}", at=AT - n, direction="inbound", outcome="answered",
        agent="PJSIP/101", queue="support", talked=95 * SECOND, note="Asked about the invoice",
    )
    for n in range(3)
)  # fmt: skip


def call(number: int) -> Iterator[ev.Event]:
    """One call from its arrival to the agent's note: 19 events, in order."""
    at = AT + number * 150_000
    leg = f"{AT // SECOND + number}.{number}"
    call_id, entry, agent = f"pbx-{leg}", f"pbx-{leg}-q1", f"PJSIP/{101 + number % 30}"
    ours = {"switch": "pbx", "call_id": call_id}
    queued = {"entry_id": entry, "queue": "support"}
    channel = f"PJSIP/trunk-{number:08x}"
    yield ev.CallArrived(
        at=at,
        direction="inbound",
        channel=channel,
        leg=leg,
        caller_number="+447700900147",
        caller_name="M IVANOVA",
        did="+442079460100",
        **ours,
    )
    yield ev.MenuEntered(at=at + 1, menu="main", version="3f2a", **ours)
    yield ev.CustomerIdentified(
        at=at + 9, number="+447700900147", match="one", customer=_WHO, took=4200, **ours
    )
    yield ev.ScreenPopReady(
        at=at + 12, number="+447700900147", match="one", customer=_WHO, contacts=_PAST, **ours
    )
    yield ev.MenuChosen(at=at + 20, menu="main", digits="1", label="1 Billing", **ours)
    yield ev.MenuLeft(at=at + 30, menu="main", next="queue", target="support", **ours)
    yield ev.CallQueued(at=at + 40, channel=channel, leg=leg, position=7, **queued, **ours)
    yield ev.QueueEntryScored(
        at=at + 50,
        joined_at=at + 40,
        virtual_join=at - 120 * SECOND,
        label="VIP",
        terms=_TERMS,
        policy="default 1",
        **queued,
        **ours,
    )
    yield ev.QueueMoved(
        at=at + 60,
        from_rank=7,
        to_rank=1,
        of=7,
        priority=10,
        terms=_TERMS,
        waited=20,
        sentence="VIP +120 s, waited 0 s: 1st of 7",
        policy="default 1",
        **queued,
        **ours,
    )
    yield ev.AgentOffered(
        at=at + 70,
        offer_id=f"{entry}-o1",
        agent=agent,
        channel=f"{agent}-{number:08x}",
        **queued,
        **ours,
    )
    yield ev.AgentActivityChanged(at=at + 70, switch="pbx", agent=agent, activity="ringing")
    yield ev.OfferEnded(
        at=at + 80,
        offer_id=f"{entry}-o1",
        agent=agent,
        ended="answered",
        rang=10,
        **queued,
        **ours,
    )
    yield ev.QueueLeft(at=at + 80, ended="connected", waited=40 * SECOND, **queued, **ours)
    yield ev.CallAnswered(
        at=at + 80,
        talk_id=f"pbx-{leg}-t1",
        agent=agent,
        agent_channel=f"{agent}-{number:08x}",
        caller_channel=channel,
        waited=40 * SECOND,
        **queued,
        **ours,
    )
    yield ev.AgentActivityChanged(at=at + 81, switch="pbx", agent=agent, activity="talking")
    yield ev.TalkEnded(
        at=at + 90, talk_id=f"pbx-{leg}-t1", agent=agent, talked=180 * SECOND, **ours
    )
    yield ev.AgentActivityChanged(at=at + 91, switch="pbx", agent=agent, activity="idle")
    yield ev.CallEnded(
        at=at + 92, direction="inbound", outcome="answered", lasted=230 * SECOND, **ours
    )
    yield ev.DispositionSet(
        at=at + 99, agent=agent, author="anna", note="Invoice sent again", topic="Billing",
        result="Solved", **ours,
    )  # fmt: skip


def stream() -> Iterator[ev.Event]:
    """Events without end: :data:`AT_ONCE` calls go on at a time, each a step after the other."""
    running = [call(n) for n in range(AT_ONCE)]
    for place in range(AT_ONCE):  # they did not all begin at once
        yield from islice(running[place], place % 19)
    following = AT_ONCE
    while True:
        for place in range(AT_ONCE):
            event = next(running[place], None)
            if event is None:
                running[place] = call(following)
                following += 1
                event = next(running[place])
            yield event


def batches(size: int) -> Iterator[Sequence[ev.Event]]:
    """The stream, numbered, in batches."""
    seq = 0
    events = stream()
    while True:
        batch = []
        for event in islice(events, size):
            seq += 1
            batch.append(msgspec.structs.replace(event, seq=seq))
        yield batch
