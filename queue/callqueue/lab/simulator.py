"""A discrete-event simulation of one day of a contact centre. Pure, in integer microseconds.

Agents take the caller whom the discipline names; among free agents the one who has been free the
longest is asked first. A caller who is not taken hangs up when their patience ends. At the same
instant an agent becomes free first, then somebody hangs up, then somebody joins.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Protocol

from callqueue.lab.scene import NEVER, Caller, Scene, Seat
from cti.domain.events import Micros


class Discipline(Protocol):
    """Who is served next. ``at`` never goes back."""

    def join(self, caller: Caller, at: Micros) -> None:
        """The caller begins to wait."""

    def leave(self, caller: Caller, at: Micros) -> None:
        """The caller hung up."""

    def take(self, seat: Seat, at: Micros) -> Caller | None:
        """Whom this agent serves now, who then waits no more; None: nobody they may serve."""

    def wake_at(self, at: Micros) -> Micros:
        """When free agents are to be asked again although nothing happens (or :data:`NEVER`)."""

    def __len__(self) -> int:
        """How many wait."""
        ...


class Stopped(Exception):
    """The simulation was told to stop."""


@dataclass(slots=True)
class Played:
    """What became of each caller of a scene, by number, and of the agents.

    ``waits`` in microseconds, until the caller was taken, hung up or was left over at the end;
    ``taken``: 1 for who was taken. ``busy`` and ``on_duty``: microseconds of all agents together,
    between the scene's ``counted_from`` and ``end``.
    """

    waits: list[Micros]
    taken: bytearray
    busy: Micros = 0
    on_duty: Micros = 0


_FREE, _COMES, _GOES, _HANGS_UP, _WAKE = range(5)
"""What happens; at the same instant in this order."""


class _Day:
    def __init__(self, scene: Scene, discipline: Discipline) -> None:
        self.scene, self.discipline = scene, discipline
        self.callers, self.seats = scene.callers, scene.seats
        self.waiting = bytearray(len(scene.callers))
        self.played = Played([0] * len(scene.callers), bytearray(len(scene.callers)))
        self.idle: deque[int] = deque()
        self.on_duty = [False] * len(scene.seats)
        self.busy = [False] * len(scene.seats)
        self.woken = NEVER
        self.events = [
            (at, kind, number)
            for number, seat in enumerate(scene.seats)
            for shift in seat.shifts
            for at, kind in zip(shift, (_COMES, _GOES), strict=True)
            if at < NEVER
        ]
        heapify(self.events)

    def play(self, stopped: Callable[[], bool]) -> Played:
        events = self.events
        for caller in self.callers:
            while events and (events[0][0] < caller.joined_at or self._is_first(caller.joined_at)):
                self._happen(*heappop(events))
            if not caller.number & 1023 and stopped():
                raise Stopped
            self._join(caller)
        while events and (len(self.discipline) or self._anybody_busy()):
            self._happen(*heappop(events))
        self._leave_over()
        self._count_duty()
        return self.played

    def _is_first(self, at: Micros) -> bool:
        """Whether what comes next happens before somebody joins at the same instant."""
        return self.events[0][0] == at and self.events[0][1] != _WAKE

    def _anybody_busy(self) -> bool:
        return any(self.busy)

    def _happen(self, at: Micros, kind: int, number: int) -> None:
        if kind == _FREE:
            self._free(number, at)
        elif kind == _HANGS_UP:
            if self.waiting[number]:
                self._hang_up(number, at)
        elif kind == _COMES:
            self.on_duty[number] = True
            if not self.busy[number]:
                self._ready(number, at)
        elif kind == _GOES:
            self._go(number)
        elif at == self.woken:
            self.woken = NEVER
            self._offer(at)

    def _join(self, caller: Caller) -> None:
        at, number = caller.joined_at, caller.number
        self.waiting[number] = 1
        self.discipline.join(caller, at)
        if self.idle:
            self._offer(at)
        if self.waiting[number]:
            if caller.patience < NEVER:
                heappush(self.events, (at + caller.patience, _HANGS_UP, number))
            if self.idle:
                self._sleep(at)

    def _hang_up(self, number: int, at: Micros) -> None:
        self.waiting[number] = 0
        caller = self.callers[number]
        self.discipline.leave(caller, at)
        self.played.waits[number] = at - caller.joined_at

    def _free(self, seat: int, at: Micros) -> None:
        self.busy[seat] = False
        if self.on_duty[seat]:
            self._ready(seat, at)

    def _ready(self, seat: int, at: Micros) -> None:
        """The agent may be given a call: those who have been free longer had their chance."""
        caller = self.discipline.take(self.seats[seat], at) if len(self.discipline) else None
        if caller is not None:
            self._take(seat, caller, at)
        else:
            self.idle.append(seat)
            self._sleep(at)

    def _go(self, seat: int) -> None:
        self.on_duty[seat] = False
        if not self.busy[seat] and seat in self.idle:
            self.idle.remove(seat)

    def _offer(self, at: Micros) -> None:
        """Ask the free agents, whoever has been free the longest first."""
        for seat in tuple(self.idle):
            if not len(self.discipline):
                return
            caller = self.discipline.take(self.seats[seat], at)
            if caller is not None:
                self.idle.remove(seat)
                self._take(seat, caller, at)
        self._sleep(at)

    def _sleep(self, at: Micros) -> None:
        """Ask free agents again when somebody may become theirs by waiting alone."""
        if not len(self.discipline):
            return
        wake = self.discipline.wake_at(at)
        if at < wake < self.woken:
            self.woken = wake
            heappush(self.events, (wake, _WAKE, 0))

    def _take(self, seat: int, caller: Caller, at: Micros) -> None:
        number = caller.number
        self.waiting[number] = 0
        self.played.waits[number] = at - caller.joined_at + caller.ring
        self.played.taken[number] = 1
        self.busy[seat] = True
        free = at + caller.ring + caller.handle
        heappush(self.events, (free, _FREE, seat))
        begin, end = max(at, self.scene.counted_from), min(free, self.scene.end)
        if end > begin:
            self.played.busy += end - begin

    def _leave_over(self) -> None:
        """Whoever still waits when the last agent has gone waited in vain."""
        for caller in self.callers:
            if self.waiting[caller.number]:
                self.played.waits[caller.number] = max(self.scene.end - caller.joined_at, 0)

    def _count_duty(self) -> None:
        begin, end = self.scene.counted_from, self.scene.end
        shifts = (shift for seat in self.seats for shift in seat.shifts)
        self.played.on_duty = sum(max(0, min(b, end) - max(a, begin)) for a, b in shifts)


def simulate(
    scene: Scene, discipline: Discipline, stopped: Callable[[], bool] = lambda: False
) -> Played:
    """Play ``scene`` with ``discipline``, which nobody waits in yet.

    ``stopped`` is asked every 1024 callers. Raises :class:`Stopped` when it says so.
    """
    return _Day(scene, discipline).play(stopped)
