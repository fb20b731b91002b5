from __future__ import annotations

import pytest

from callqueue.curve import SECOND, Curve, stand
from callqueue.moves import Move
from callqueue.policy import Score
from callqueue.sent_move import SentMove
from callqueue.waiting import Waiting
from callqueue.waiting_line import Place, WaitingLine
from cti.domain.events import PriorityTerm, QueueMoved, QueueMoveFailed

T = 1_800_000_000_000_000
NOW = T + 35 * SECOND


def sent(failure: str = "") -> SentMove:
    """The VIP was third and was given a priority that makes them first of three."""
    curve = Curve(head_start=120)
    score = Score("vip", "VIP", curve, (PriorityTerm(label="VIP", seconds=120),), T, "test@1")
    waiting = Waiting("v", "call-v", "chan", "leg", T, score, stand("v", T, curve, 1), "cause")
    return SentMove("demo", "support", Move("v", 7), waiting, 3, 1, 3, failure)


def line(*places: tuple[str, int]) -> WaitingLine:
    return WaitingLine(Place(*place) for place in places)


CARRIED_OUT = line(("v", 7), ("a", 0), ("b", 0))
UNTOUCHED = line(("a", 0), ("b", 0), ("v", 0))
NOT_AT_ONCE = line(("a", 0), ("b", 0), ("v", 7))
GONE = line(("a", 0), ("b", 0))
BEHIND_ANOTHER = line(("x", 9), ("v", 7), ("a", 0), ("b", 0))


@pytest.mark.parametrize("failure", ["", "the PBX gave no answer in time"])
@pytest.mark.parametrize(("seen", "rank", "of"), [(CARRIED_OUT, 1, 3), (BEHIND_ANOTHER, 2, 4)])
def test_what_stands_in_the_line_was_carried_out_whatever_was_answered(
    failure: str, seen: WaitingLine, rank: int, of: int
) -> None:
    told = sent(failure).seen(seen, NOW)
    assert isinstance(told, QueueMoved)
    assert told.confirmed
    assert (told.from_rank, told.to_rank, told.of) == (3, rank, of)
    assert told.sentence.startswith("VIP +120 s, waited 35 s: ")
    assert (told.call_id, told.cause, told.priority, told.at) == ("call-v", "cause", 7, NOW)


@pytest.mark.parametrize("seen", [UNTOUCHED, NOT_AT_ONCE])
def test_what_does_not_stand_in_the_line_failed(seen: WaitingLine) -> None:
    told = sent().seen(seen, NOW)
    assert isinstance(told, QueueMoveFailed)
    assert "did not carry it out" in told.reason
    refused = sent("no such caller").seen(seen, NOW)
    assert isinstance(refused, QueueMoveFailed)
    assert refused.reason == "no such caller"


def test_of_who_has_left_an_accepted_move_is_told_as_it_was_planned() -> None:
    told = sent().seen(GONE, NOW)
    assert isinstance(told, QueueMoved)
    assert not told.confirmed
    assert (told.from_rank, told.to_rank, told.of) == (3, 1, 3)
    assert sent("no such caller").seen(GONE, NOW) is None


def test_where_nothing_was_read_back_only_the_answer_is_known() -> None:
    told = sent().unseen(NOW)
    assert isinstance(told, QueueMoved)
    assert not told.confirmed
    unknown = sent("lost").unseen(NOW)
    assert isinstance(unknown, QueueMoveFailed)
    assert unknown.reason == "lost; whether it was carried out is unknown"
