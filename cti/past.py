"""The time in which nobody looked at a PBX: since when, what is known of it, whether it died."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError

from cti.domain import events as ev
from cti.domain.book import Book
from cti.domain.events import Event, Micros
from cti.domain.facts import Fact
from cti.pbx_logs.cdr import in_order
from cti.pbx_logs.heard import LastHeard
from cti.pbx_logs.living import still_there
from cti.pbx_logs.rows import Row
from cti.pbx_logs.source import Rows, Written
from cti.pbx_logs.told import told
from cti.resync import Snapshot

log = structlog.get_logger(__name__)

KNOWN_SECONDS = 2.0
"""So long the history may think: the picture does not wait for a database that is silent."""

Known = Callable[[Sequence[str]], Awaitable[set[str]]]
"""Which of these call ids the history has already."""

_TOLD_BY_PBX = (
    ev.CallArrived,
    ev.CallQueued,
    ev.QueueLeft,
    ev.AgentOffered,
    ev.OfferEnded,
    ev.CallAnswered,
    ev.TalkEnded,
    ev.CallHeld,
    ev.CallResumed,
    ev.CallTransferred,
)
"""Events with the PBX's own time."""


class Missed(msgspec.Struct, frozen=True):
    """``facts``: fold each before the next is taken. ``died_at`` is as in a Snapshot."""

    facts: Iterator[Fact]
    died_at: Micros = 0


class Past:
    """Of one PBX. ``logs`` are its own records (None: not used), ``known`` asks the history."""

    def __init__(
        self,
        logs: Rows | None = None,
        known: Known | None = None,
        heard: LastHeard | None = None,
    ) -> None:
        self.heard = heard or LastHeard(None)
        self._logs = logs
        self._known = known
        self._live: Micros = 0
        self._catching_up = False

    def open(self, open_calls: Iterable[Event]) -> None:
        """At the start: until when the run before had heard the PBX, whose calls these are."""
        self.heard.open()
        told_at = (event.at for event in open_calls if isinstance(event, _TOLD_BY_PBX))
        self.heard.at = max(self.heard.at, *told_at, 0)

    def hear(self, at: Micros) -> None:
        """The PBX told something at ``at``, by its own clock."""
        if self._catching_up:
            self._live = at
        else:
            self.heard.at = at

    def hold(self) -> None:
        """A link stands anew: until all is made whole, nothing counts as heard."""
        self._catching_up = True

    def caught_up(self, at: Micros) -> None:
        """The picture is whole as it was at ``at``."""
        self._catching_up = False
        self.heard.at = max(self._live, at)

    async def missed(self, book: Book, switch: str, snapshot: Snapshot, began: Micros) -> Missed:
        """What the PBX's records tell since it was last heard, up to the snapshot.

        ``began``: when its process did, give or take a second (0: unknown).
        """
        since = self.heard.at
        if not since:
            return Missed(iter(()))
        written = await self._logs.rows(since, snapshot.at) if self._logs else Written()
        rows = in_order([*written.rows, *still_there(written.queue_log, snapshot, book, since)])
        over = await self._over(rows, book, switch)
        rung = [row.started.leg for row in snapshot.legs if row.started.dialled]
        before = self._logs.before if self._logs else 0
        facts = told(rows, book, over=over, rung=rung, heard=since, before=before)
        died_at = max(since, _last_sign(rows, book, snapshot)) if began > since else 0
        return Missed(facts, died_at)

    async def _over(self, rows: Sequence[Row], book: Book, switch: str) -> set[str]:
        """Linkedids of calls that the history has, and that do not go on."""
        new = {row.linkedid for row in rows if row.kind == "CHAN_START"} - book.calls.keys()
        if not (new and self._known):
            return set()
        try:
            known = await _soon(self._known([f"{switch}-{linkedid}" for linkedid in new]))
        except (SQLAlchemyError, OSError) as error:
            # The journal takes no event twice, whose id is the call's; this only saves it work.
            log.warning("history_not_asked", switch=switch, reason=type(error).__name__)
            return set()
        return {call_id.removeprefix(f"{switch}-") for call_id in known}


async def _soon(asked: Awaitable[set[str]]) -> set[str]:
    """The answer, or TimeoutError. A driver may take a cancellation as badly as a question."""
    task = asyncio.ensure_future(asked)
    await asyncio.wait({task}, timeout=KNOWN_SECONDS)
    if task.done():
        return task.result()
    task.add_done_callback(lambda late: late.cancelled() or late.exception())
    task.cancel()
    raise TimeoutError


def _last_sign(rows: Sequence[Row], book: Book, snapshot: Snapshot) -> Micros:
    """The last that is known of a process that has died: its legs have no end, and are gone."""
    over = {row.leg for row in rows if row.kind == "HANGUP"}
    over.update(row.started.leg for row in snapshot.legs)
    return max((row.at for row in rows if row.leg in book.legs or row.leg not in over), default=0)
