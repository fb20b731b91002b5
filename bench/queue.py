"""The order of waiting callers: time per event, its growth, and the moves sent to the PBX.

    python -m bench.queue [--events 400]

*Position*: a caller's exact place by `WaitingOrder.rank` against sorting everybody anew, with the
same keys, at 100, 1,000 and 10,000 waiting. *Decision*: one event (somebody joins, the CRM makes
somebody a VIP, somebody leaves, or urgency puts somebody past another) from the event to the
planned moves, with the line of the PBX known: what the mover does without the network. CPU seconds.
*Moves*: how many `QueueChangePriorityCaller` each join costs on a model of app_queue, in the same
story, with our plan, at head starts alone and with urgency (then the time alone moves people),
 with "send all" (a priority for everybody after each event) and with "send
the changed" (a priority to each whose rank changed).
"""

from __future__ import annotations

import argparse
import gc
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from bench.report import Goal, machine, print_table, settle
from callqueue.curve import SECOND, Curve, Standing, scale_of, stand
from callqueue.moves import GAP, Move, plan_moves
from callqueue.near_moves import plan_near
from callqueue.waiting_line import WaitingLine
from callqueue.waiting_order import WaitingOrder

START = 1_800_000_000_000_000
SIZES = (100, 1_000, 10_000)
CLASSES = (
    Curve(ceiling=3_600),
    Curve(ceiling=3_600),
    Curve(ceiling=3_600),
    Curve(head_start=30, urgency=60, target=60, ceiling=1_800),
    Curve(head_start=120, urgency=120, target=20, ceiling=900),
)
PLAIN = tuple(Curve(head_start=c.head_start) for c in CLASSES)
SCALE = scale_of(CLASSES)


@dataclass
class House:
    """A queue as the mover has it in mind: the order, the line of the PBX, who may be wrong."""

    chance: random.Random
    now: int = START
    order: WaitingOrder = field(default_factory=WaitingOrder)
    line: WaitingLine = field(default_factory=WaitingLine)
    suspects: set[str] = field(default_factory=set)
    joined: int = 0
    classes: Sequence[Curve] = CLASSES

    def standing(self, entry_id: str, joined_at: int, curve: Curve) -> Standing:
        return stand(entry_id, joined_at, curve, SCALE)

    def join(self) -> None:
        self.joined += 1
        entry_id = f"e{self.joined:07}"
        self.line.join(entry_id)
        self.order.add(
            self.standing(entry_id, self.now, self.chance.choice(self.classes)), self.now
        )
        self.suspects.add(entry_id)

    def identify(self) -> None:
        one = self.chance.choice(self.order.row(self.now))
        self.order.add(self.standing(one.entry_id, one.joined_at, CLASSES[-1]), self.now)
        self.suspects.add(one.entry_id)

    def leave(self) -> None:
        first = self.order.first(self.now)
        if first:
            self.order.discard(first.entry_id, self.now)
            self.line.leave(first.entry_id)
            self.suspects.discard(first.entry_id)

    def wait(self) -> None:
        """Until the order changes by the time alone."""
        self.now = min(self.order.next_change, self.now + 10 * SECOND)
        self.order.advance(self.now)

    def plan(self) -> list[Move]:
        self.order.advance(self.now)
        self.suspects |= self.order.went_past()
        moves = plan_near(self.line, self.order, self.suspects, frozenset(), self.now)
        if moves is None:
            moves = plan_moves(self.line.places, self.order.order(self.now))
        self.suspects.clear()
        return moves

    def carry_out(self, moves: list[Move]) -> int:
        for move in moves:
            self.line.move(move.entry_id, move.priority)
        return len(moves)


def filled(count: int) -> House:
    """``count`` people who joined over half an hour, each put where they belong."""
    house = House(random.Random(count), now=START + 1_800 * SECOND, joined=count)
    house.order = WaitingOrder(
        (
            house.standing(
                f"e{i + 1:07}",
                START + i * 1_800 * SECOND // count,
                house.chance.choice(CLASSES),
            )
            for i in range(count)
        ),
        house.now,
    )
    for i, entry_id in enumerate(house.order.order(house.now)):
        house.line.join(entry_id, GAP * (count - i) // 10)
    return house


def timed(work: Callable[[], object]) -> float:
    began = time.thread_time_ns()
    work()
    return (time.thread_time_ns() - began) / 1e9


def positions(house: House, rounds: int) -> tuple[float, float]:
    """Seconds of one exact position: ours, and by sorting."""
    row = list(house.order.row(house.now))
    ours, sorting = [], []
    for i in range(rounds):
        one = house.chance.choice(row)
        ours.append(timed(lambda one=one: house.order.rank(one.entry_id, house.now)))
        if i % max(1, len(row) // 500) == 0:
            found: list[int] = []

            def sort_anew(one: Standing = one, found: list[int] = found) -> None:
                now = house.now
                keys = sorted(standing.key(now) for standing in row)
                found.append(keys.index(one.key(now)) + 1)

            sorting.append(timed(sort_anew))
            assert found == [house.order.rank(one.entry_id, house.now)]
    return median(ours), median(sorting)


def decisions(house: House, rounds: int) -> dict[str, list[float]]:
    """Seconds of each event with its plan, by what happened."""
    took: dict[str, list[float]] = {}
    events = {
        "joins": house.join,
        "identified": house.identify,
        "leaves": house.leave,
        "urgency": house.wait,
    }
    for _ in range(rounds):
        for name, happens in events.items():
            moves: list[Move] = []

            def decide(happens: Callable[[], None] = happens, moves: list[Move] = moves) -> None:
                happens()
                moves.extend(house.plan())

            took.setdefault(name, []).append(timed(decide))
            house.carry_out(moves)
            assert house.line.entry_ids == house.order.order(house.now)
    return took


def moves_sent(waiting: int, joins: int, classes: Sequence[Curve]) -> dict[str, float]:
    """Moves for each event: ours, everybody, and whose rank changed. The same story for all."""
    house = House(random.Random(7), classes=classes)
    sent = dict.fromkeys(("ours", "the changed", "all"), 0)
    before: list[str] = []
    counted = 0
    while counted < joins:
        house.now += SECOND
        full = len(house.order) >= waiting
        goes = full and house.chance.random() < 0.5
        house.leave() if goes else house.join()
        ours = house.carry_out(house.plan())
        order = house.order.order(house.now)
        if full:
            counted += not goes
            sent["ours"] += ours
            sent["all"] += len(order)
            known = {entry_id: rank for rank, entry_id in enumerate(before)}
            left = 1 if goes else 0
            sent["the changed"] += sum(
                known.get(entry_id, -1) != rank + left for rank, entry_id in enumerate(order)
            )
        before = order
    return {name: count / joins for name, count in sent.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=400, help="events of each kind and size")
    rounds = parser.parse_args().events
    print(f"# {machine()}\n")
    gc.disable()
    rows, ratio, worst, at_100, at_10000 = [], 0.0, 0.0, 0.0, 0.0
    for count in SIZES:
        house = filled(count)
        ours, sorting = positions(house, rounds)
        took = decisions(house, rounds)
        everything = sorted(second for seconds in took.values() for second in seconds)
        half, p99 = median(everything), everything[int(len(everything) * 0.99)]
        rows.append(
            [
                f"{count:,}",
                f"{ours * 1e6:.1f}",
                f"{sorting * 1e6:,.0f}",
                f"{sorting / ours:,.0f}",
                *(f"{median(seconds) * 1e6:.0f}" for seconds in took.values()),
                f"{p99 * 1e6:,.0f}",
            ]
        )
        ratio, worst = sorting / ours, p99
        at_100, at_10000 = (half, at_10000) if count == 100 else (at_100, half)
    head = ["waiting", "position µs", "sort µs", "ratio", *took, "p99 µs"]
    print_table(head, rows)
    print()
    sent = {
        (count, kind): moves_sent(count, 200, classes)
        for count in (20, 200)
        for kind, classes in (("head starts", PLAIN), ("urgency", CLASSES))
    }
    print_table(
        ["moves a join", *(f"{count} waiting, {kind}" for count, kind in sent)],
        [[name, *(f"{of[name]:.2f}" for of in sent.values())] for name in sent[20, "urgency"]],
    )
    many = sent[200, "head starts"]
    settle(
        [
            Goal("position against sorting, 10,000 waiting", ratio, 200),
            Goal("decision and plan at 10,000, p99 ms", worst * 1e3, 1, at_most=True),
            Goal("growth of a decision, 100 to 10,000", at_10000 / at_100, 5, at_most=True),
            Goal("moves against send all, 200 waiting", many["all"] / many["ours"], 50),
            Goal("moves against send the changed", many["the changed"] / many["ours"], 3),
        ]
    )


if __name__ == "__main__":
    main()
