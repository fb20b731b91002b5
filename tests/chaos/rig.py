"""A real ``ringdesk serve`` beside a real Asterisk, with a proxy on the way between them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from ringdesk.asterisk_config import HookSettings
from ringdesk.demo.asterisk import AsteriskInstance, free_port
from ringdesk.demo.call import Call
from ringdesk.demo.phone import Phone
from ringdesk.demo.prefix import Prefix
from ringdesk.demo.world import CONFIG, write_calendars
from tests.chaos.databases import Database, Sqlite
from tests.chaos.listener import listening
from tests.chaos.truth import RECONSTRUCTED, WHOLE_SECONDS, Told, compare, history, truths
from tests.pbx.fixtures_world import until

SUPPORT = "700"
DIALPLAN = {
    "extensions.conf": """
[from-trunk](+)
exten => 700,1,Answer()
 same => n,Queue(support,c,,,120)
 same => n,Hangup()
"""
}
Records = Literal["cel", "cdr"]
AGENTS = ("101", "102", "103")
PATIENCE = 45


class Proxy:
    """TCP to the PBX's AMI. ``freeze``: nothing passes any more, and nobody is told."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.port = 0
        self._target = target
        self._flows = asyncio.Event()
        self._flows.set()
        self._open = True
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Close what is open and let nobody through."""
        self._open = False
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def freeze(self) -> None:
        """As a firewall that drops packets: also for those who connect anew."""
        self._flows.clear()

    def mend(self) -> None:
        """Let everybody through again; what was frozen is lost for good."""
        if not self._flows.is_set():
            self.cut()
        self._flows.set()
        self._open = True

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._open:
            writer.transport.abort()
            return
        self._writers.add(writer)
        await self._flows.wait()
        try:
            there, back = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers.add(back)
        for source, sink in ((reader, back), (there, writer)):
            task = asyncio.create_task(self._pump(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                if not self._flows.is_set():
                    return  # the packets are gone
                sink.write(data)
                await sink.drain()
        sink.transport.abort()


class Rig:
    """Everything of one scenario. ``database`` is Ringdesk's, ``log`` what it printed.

    ``more`` is added to its settings; ``page`` is the address of its page.
    """

    def __init__(
        self,
        asterisk: AsteriskInstance,
        proxy: Proxy,
        folder: Path,
        database: Database,
        records: Records,
        more: str = "",
    ) -> None:
        self.asterisk = asterisk
        self.proxy = proxy
        self.folder = folder
        self.database = database
        self.log = folder / "ringdesk.log"
        self._records = records
        self._more = more
        self.page = ""
        self.tape = folder / "second-listener.ami"
        self.trunk: Phone
        self.phones: dict[str, Phone] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._ringing: list[tuple[str, Call]] = []

    # --- Ringdesk

    async def serve(self) -> None:
        """Start ``ringdesk serve`` and wait until its picture is whole.

        It is started once more should another program have its port by then.
        """
        before = self.count("SwitchConnected")
        for _ in range(2):
            await self._start()
            await self.told(
                lambda: self._has_ended() or self.count("SwitchConnected") > before, "the picture"
            )
            if not self._has_ended():
                return
        pytest.fail(f"ringdesk serve ended by itself:\n{self._last_words()}")

    async def _start(self) -> None:
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "ringdesk", "serve", "--config", str(self._settings())),
                env={**os.environ, "RINGDESK_AMI_SECRET": self.asterisk.ami_secret},
                stdout=log,
                stderr=log,
            )

    def _has_ended(self) -> bool:
        return self._process is None or self._process.returncode is not None

    def _last_words(self) -> str:
        return self.log.read_text()[-3000:] if self.log.exists() else "(no log)"

    async def kill_ringdesk(self) -> None:
        """Kill -9."""
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def count(self, kind: str, **fields: str) -> int:
        """How many events of a type, with these fields, are in the journal."""
        where = "".join(f" and {self.database.event_field(name)} = ?" for name in fields)
        return int(
            self.ask(f"select count(*) from journal where type = ?{where}", kind, *fields.values())
        )

    def ask(self, sql: str, *values: str) -> Any:
        """The first value that the database answers with; 0 while there is none."""
        try:
            rows = self.database.rows(sql, *values)
        except OSError:
            return 0
        return rows[0][0] if rows else 0

    def logged(self, name: str) -> int:
        """How many lines of Ringdesk's log have this event."""
        return self.log.read_text().count(name)

    def check(self, killed_at: float = 0.0, silence: float = 0.0) -> dict[str, Told]:
        """Compare the history with the truth, as :func:`tests.chaos.truth.compare` does.

        ``silence``: how long a PBX that was killed had written nothing; nothing tells when
        in that time it died.
        """
        told = history(self.database.rows)
        later = RECONSTRUCTED if self._records == "cel" else WHOLE_SECONDS
        compare(told, truths(self.asterisk.logs, self.tape, killed_at), later + silence)
        return told

    async def told(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until the database says so; a failure shows what Ringdesk said."""
        try:
            await until(holds, what, PATIENCE)
        except pytest.fail.Exception as failed:
            pytest.fail(f"{failed.msg}\n{self._last_words()}")

    async def all_ended(self, calls: int) -> None:
        """Wait until so many calls are in the history and all of them have ended."""
        ended = "select count(*) from calls where ended_at is not null"
        every = "select count(*) from calls"
        await self.told(
            lambda: self.ask(ended) == self.ask(every) == calls, f"{calls} calls to have ended"
        )

    def _settings(self) -> Path:
        write_calendars(self.folder / "calendars")
        file = self.folder / "ringdesk.toml"
        logs = self.asterisk.logs
        page = free_port()
        self.page = f"http://127.0.0.1:{page}"
        file.write_text(
            f"""
database = "{self.database.url}"
data_folder = "{self.folder}"
[pbx_logs]
{self._records} = "{logs}/{self._records}-custom/ringdesk.csv"
queue_log = "{logs}/queue_log"
[ami]
port = {self.proxy.port}
ping_interval = 1
ping_timeout = 2
reconnect_min = 0.2
reconnect_max = 0.5
connect_timeout = 3
[ivr]
port = {self.asterisk.settings.hook.agi_port}
menus_folder = "{CONFIG}/menus"
calendars_folder = "{self.folder}/calendars"
speech.cache_folder = "{self.folder}/prompts"
[queue]
policy = "{CONFIG}/policies/default.toml"
[recordings]
enabled = false
folder = "{self.folder}/recordings"
[dashboard]
port = {page}
[metrics]
port = 0
{self._more}
"""
        )
        return file

    # --- calls

    async def call(self, number: int) -> Call:
        """A customer calls in and is in the queue.

        Answered is not there yet: who called later could stand before them.
        """
        before = self._queued("ENTERQUEUE")
        call = await self.trunk.call(SUPPORT, from_user=f"+4477009001{number:02d}")
        await call.answered(timeout=PATIENCE)
        await until(lambda: self._queued("ENTERQUEUE") > before, "the queue to let in", PATIENCE)
        return call

    async def ring(self, *agents: str) -> tuple[str, Call]:
        """The first of these agents whose phone rings, and the call."""
        found: list[tuple[str, Call]] = []

        def rings() -> bool:
            live = ((a, call) for a, call in self._ringing if a in agents and not call.is_ended)
            found.extend(list(live)[:1])
            return bool(found)

        await until(rings, f"{agents} to ring", PATIENCE)
        self._ringing.remove(found[0])
        return found[0]

    def answers(self, agent: str, phone: Phone) -> None:
        """Let this agent's phone be one of those that :meth:`ring` looks at."""

        async def note(call: Call) -> None:
            self._ringing.append((agent, call))

        self.phones[agent] = phone
        phone.on_incoming = note

    async def talk(self, *agents: str) -> tuple[str, Call]:
        """The first of these agents who is rung answers."""
        agent, call = await self.ring(*(agents or AGENTS))
        await call.answer()
        return agent, call

    def bridges(self) -> int:
        """How many legs the PBX has joined to others so far."""
        cel = self.asterisk.logs / "cel-custom" / "ringdesk.csv"
        return cel.read_text().count('"BRIDGE_ENTER"') if cel.exists() else 0

    async def bridged(self, legs: int) -> None:
        """Wait until the PBX has joined so many legs: an answer is not a talk yet."""
        await until(lambda: self.bridges() >= legs, "a talk", PATIENCE)

    async def gives_up(self, call: Call) -> None:
        """A waiting caller hangs up, and the queue has seen it: it rings nobody for them now."""
        before = self._queued("ABANDON")
        await call.hangup()
        await until(lambda: self._queued("ABANDON") > before, "the queue to notice", PATIENCE)

    def _queued(self, event: str) -> int:
        return (self.asterisk.logs / "queue_log").read_text().count(f"|{event}|")

    async def quiet(self) -> None:
        """Hang up everything that is left and wait until the PBX is empty."""
        for phone in (self.trunk, *self.phones.values()):
            for call in list(phone.calls.values()):
                await call.hangup()
        await until(self._is_empty, "the PBX to be empty", PATIENCE)

    async def _is_empty(self) -> bool:
        return await self.asterisk.channels() == 0


@contextlib.asynccontextmanager
async def chaos_rig(
    prefix: Prefix,
    folder: Path,
    database: Database | None = None,
    records: Records = "cel",
    *,
    more: str = "",
    prepare: Callable[[str], Awaitable[None]] | None = None,
) -> AsyncIterator[Rig]:
    """Asterisk with three agents in its queue, phones, and a Ringdesk that is connected.

    ``records``: which of the PBX's own records Ringdesk reads, beside the queue log. ``more``:
    further settings; ``prepare`` is given the database's URL, to fill it before Ringdesk begins.
    """
    hook = HookSettings(agi_port=free_port())
    async with contextlib.AsyncExitStack() as stack:
        asterisk = await stack.enter_async_context(
            AsteriskInstance(prefix, hook=hook, more_files=DIALPLAN, ring_timeout=60)
        )
        proxy = await stack.enter_async_context(Proxy(asterisk.ami))
        kept = database or Sqlite(folder / "ringdesk.db")
        rig = Rig(asterisk, proxy, folder, kept, records, more)
        await stack.enter_async_context(
            listening(asterisk.ami, asterisk.ami_user, asterisk.ami_secret, rig.tape)
        )
        stack.push_async_callback(rig.kill_ringdesk)
        port = asterisk.settings.trunk_port
        rig.trunk = await stack.enter_async_context(
            Phone("127.0.0.2", asterisk.sip, local_port=port)
        )
        for agent in AGENTS:
            phone = Phone("127.0.0.1", asterisk.sip, agent, asterisk.agent_password)
            rig.answers(agent, await stack.enter_async_context(phone))
            await phone.register()
            await asterisk.cli(f"queue add member PJSIP/{agent} to support")
        if prepare:
            await prepare(rig.database.url)
        await rig.serve()
        yield rig
