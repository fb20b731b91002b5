"""What one Asterisk says, carried into the journal; after each log-in the picture is made whole.

The AMI reader calls :meth:`SwitchFeed.take` for each event: fact, reducer, journal, in one go and
without waiting for anybody. After a log-in the PBX's channels and queues are read; what its own
records tell of the time before is folded (:mod:`cti.past`), the rest is compared with the book
(:mod:`cti.resync`); only then is the switch said to be connected.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import msgspec
import structlog

from cti.agent_names import AgentNames
from cti.ami.client import AmiClient, ConnectionInfo
from cti.ami.facts import WANTED, UnreadableMessage, parse_timestamp
from cti.ami.joins import JoinReader
from cti.ami.reader import FactReader
from cti.ami.settings import AmiSettings
from cti.clock import Now
from cti.domain.commands import CommandFailed
from cti.domain.events import Event, Micros, SwitchConnected, SwitchLost
from cti.histogram import LAG_BOUNDS, Histogram
from cti.holds import holders
from cti.past import Past
from cti.reducer import Reducer
from cti.resync import read_snapshot, resync
from cti.switch import Switch

log = structlog.get_logger(__name__)

_SNAPSHOT_AGAIN_SECONDS = 2.0


class SwitchFeed:
    """The link to the Asterisk called ``name``, its call book, and the way into the journal.

    ``is_agent`` says of an agent's name whether there is such an agent; ``names`` turns it into the
    interface on this switch and back. ``tape`` is given each message as it came. ``joins``
    finds the calls that came from another switch, ``past`` tells of the time in which nobody
    looked.

    ``counters`` of :attr:`client` and :attr:`reader` tell what was passed over; ``lag`` has the
    seconds from the PBX's own timestamp until the events made of it were on the bus; ``resyncs``
    counts the times the picture was made whole, ``resyncs_failed`` the tries without an answer.
    """

    def __init__(
        self,
        name: str,
        settings: AmiSettings,
        record: Callable[[Event], Event],
        now: Now,
        is_agent: Callable[[str], bool],
        tape: Callable[[bytes], None] | None = None,
        names: AgentNames | None = None,
        joins: JoinReader | None = None,
        past: Past | None = None,
    ) -> None:
        self.name = name
        self.names = names or AgentNames()
        self.reducer = Reducer(name, lambda interface: is_agent(self.names.name(interface)))
        self.reader = FactReader(now)
        self.client = AmiClient(
            settings,
            self.take,
            on_connected=self._on_connected,
            on_lost=self._on_lost,
            wanted_events=WANTED,
            now=now,
            on_raw=tape,
        )
        self.switch = Switch(name, self.client, self.names)
        self.lag = Histogram(LAG_BOUNDS)
        self.resyncs = 0
        self.resyncs_failed = 0
        self.joins = joins
        self._record = record
        self._now = now
        self._past = past or Past()
        self._connected = asyncio.Event()
        self._before: ConnectionInfo | None = None
        self._whole = False

    @property
    def whole(self) -> bool:
        """Whether the link stands and the picture is complete."""
        return self._whole

    def restore(self, events: Iterable[Event]) -> None:
        """Take up the calls that had not ended when Ringdesk last ran; before :meth:`run`."""
        own = [event for event in events if event.switch == self.name]
        self.reducer.restore(self.names.to_switch(event) for event in own)
        self._past.open(own)

    async def run(self) -> None:
        """Keep the link and the picture until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.client.run(), name=f"ami-{self.name}")
            group.create_task(self._keep_whole(), name=f"resync-{self.name}")
            group.create_task(self._past.heard.run(), name=f"heard-{self.name}")

    def take(self, line: bytes, raw: bytes) -> None:
        """One AMI event: its first line, and all of it."""
        fact = self.reader.read(line, raw)
        if fact is None:
            return
        self._past.hear(fact.at)
        joins = self.joins.in_event(line, raw, fact.at) if self.joins else None
        before = self.reducer.apply(joins) if joins else []
        events = [*before, *self.reducer.apply(fact)]
        for event in events:
            self._record(self.names.of_switch(event))
        if events:
            self.lag.observe((self._now() - fact.at) / 1_000_000)

    def _on_connected(self, _info: ConnectionInfo) -> None:
        self.reducer.hold()
        self._past.hold()
        self._connected.set()

    def _on_lost(self, reason: str) -> None:
        self._connected.clear()
        if self._whole:
            self._whole = False
            self._record(SwitchLost(at=self._now(), switch=self.name, reason=reason))

    async def _keep_whole(self) -> None:
        while True:
            await self._connected.wait()
            self._connected.clear()
            while self.client.connected and not await self._make_whole():
                self.resyncs_failed += 1
                await asyncio.sleep(_SNAPSHOT_AGAIN_SECONDS)

    async def _make_whole(self) -> bool:
        info = self.client.info
        try:
            at = await self._pbx_time()
            channels = await self.client.send("CoreShowChannels", as_list=True)
            queues = await self.client.send("QueueStatus", as_list=True)
        except CommandFailed as failed:
            log.warning("snapshot_failed", switch=self.name, reason=failed.reason)
            return False
        for reply in (channels, queues):
            if not reply.ok:
                log.error(
                    "snapshot_refused",
                    switch=self.name,
                    reason=reply.message,
                    cure="give the manager user write = reporting in manager.conf",
                )
                return False
        began = info.started_at + at - self._now() if info and info.started_at else 0
        snapshot = read_snapshot(channels.rows, queues.rows, at)
        joins = self.joins.in_rows(channels.rows, at) if self.joins else ()
        missed = await self._past.missed(self.reducer.book, self.name, snapshot, began)
        holding = await holders(snapshot, self.switch.perform)
        if not self.client.connected or self.client.info is not info:
            return False  # lost again: facts are held back for another snapshot
        for event in self.reducer.fill(missed.facts):
            self._record(self.names.of_switch(event))
        snapshot = msgspec.structs.replace(snapshot, died_at=missed.died_at, holding=holding)
        for event in self.reducer.catch_up([*resync(self.reducer.book, snapshot), *joins]):
            self._record(self.names.of_switch(event))
        self._past.caught_up(at)
        if info is not None:
            self._say_connected(info)
        return True

    async def _pbx_time(self) -> Micros:
        """The PBX's clock, so that its own timestamps can be compared with the snapshot."""
        reply = await self.client.send("Ping")
        try:
            return parse_timestamp(reply.fields.get("Timestamp", ""))
        except UnreadableMessage:
            return self._now()

    def _say_connected(self, info: ConnectionInfo) -> None:
        restarted = self._before is not None and info.restarted_since(self._before)
        self._before = info
        self._whole = True
        self.resyncs += 1
        self._record(
            SwitchConnected(
                at=self._now(),
                switch=self.name,
                asterisk_version=info.asterisk_version,
                restarted=restarted,
            )
        )
