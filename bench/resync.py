"""How long until the book is whole again: 500 live calls, after a restart of Ringdesk.

    python -m bench.resync [--calls 500] [--megabytes 100]

The PBX is a small TCP server that answers with rows of a real Asterisk's snapshot (one talk and two
waits, under as many names as are needed) and takes Getvar for each leg. Ringdesk's own parts do the
rest: a first run journals the calls into SQLite and is dropped; a tenth of the calls end, which is
written to the end of a CEL file of a hundred megabytes; then the journal is opened, the book
restored, the link made, and the clock stops when the picture is whole and every event is written.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from pydantic import SecretStr

from bench.report import Goal, machine, print_table, settle
from cti.ami.codec import Framer, Message, parse
from cti.ami.settings import AmiSettings
from cti.bus import Bus
from cti.capture import read_capture
from cti.clock import now
from cti.domain.events import CallEnded
from cti.feed import SwitchFeed
from cti.history import History
from cti.journal import Journal
from cti.past import Past
from cti.pbx_logs.heard import LastHeard
from cti.pbx_logs.settings import PbxLogSettings
from cti.pbx_logs.source import PbxLogs
from cti.storage import open_engine
from ringdesk.migrate import migrate

SNAPSHOT = Path("tests/captures/f5_snapshot_actions.ami")
RECORDED = Path("tests/pbx_logs/22")
FIRST = 1_795_300_787
CALLS_A_COPY = 3
WANTED = 2.0

Rows = list[list[tuple[str, str]]]


def snapshot_rows(copies: int) -> tuple[Rows, Rows]:
    """The channels and the queues of a real Asterisk, ``copies`` times as busy."""
    messages = read_capture(SNAPSHOT.read_bytes())
    channels = [m for m in messages if m.event == "CoreShowChannel"]
    members = [m for m in messages if m.event == "QueueMember" and m.get("Queue") == "support"]
    waits = [m for m in messages if m.event == "QueueEntry"]
    copied = [[_copy(m, number) for number in range(copies) for m in rows]
              for rows in (channels, [*members, *waits])]  # fmt: skip
    return copied[0], copied[1]


def _copy(message: Message, number: int) -> list[tuple[str, str]]:
    """The same row of other calls: every id, channel and agent has a name of its own."""
    return [
        (name, _renamed(name, value, number))
        for name, value in message.headers
        if name != "ActionID"
    ]


def _renamed(name: str, value: str, number: int) -> str:
    if name in ("Uniqueid", "Linkedid"):
        head, _, tail = value.rpartition(".")
        return f"{head.rpartition('-')[0]}-{FIRST}.{1000 * number + int(tail)}"
    if name == "BridgeId" and value:
        return f"{value}-{number}"
    if name == "Channel":
        return value.replace("6001", f"6{number:03d}").replace("-000000", f"-{number:06x}")
    return (
        value.replace("6001", f"6{number:03d}") if name in ("Location", "StateInterface") else value
    )


class Pbx:
    """Answers what Ringdesk asks after a log-in."""

    def __init__(self, channels: Rows, queues: Rows) -> None:
        self.channels, self.queues = channels, queues
        self.port = 0

    async def start(self) -> None:
        """Listen on a free port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"Asterisk Call Manager/11.0.0\r\n")
        framer = Framer()
        framer.banner = ""
        while data := await reader.read(65536):
            for raw in framer.feed(data):
                writer.write(self._answer(parse(raw)))
            await writer.drain()

    def _answer(self, action: Message) -> bytes:
        name, ours = action.get("Action"), [("ActionID", action.action_id)]
        success = _message([("Response", "Success"), *ours, *self._fields(name)])
        if name == "Login":
            return success + _message([("Event", "FullyBooted"), ("Uptime", "86400")])
        lists = {"CoreShowChannels": self.channels, "QueueStatus": self.queues}
        if name not in lists:
            return success
        begin = _message([("Response", "Success"), *ours, ("EventList", "start")])
        rows = b"".join(_message([*row, *ours]) for row in lists[name])
        end = [("Event", f"{name}Complete"), *ours, ("EventList", "Complete")]
        return begin + rows + _message(end)

    def _fields(self, name: str) -> list[tuple[str, str]]:
        return {
            "CoreSettings": [("AsteriskVersion", "22.10.1")],
            "Ping": [("Ping", "Pong"), ("Timestamp", f"{time.time():.6f}")],
            "Getvar": [("Value", "0")],
        }.get(name, [])


def _message(headers: Sequence[tuple[str, str]]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in headers).encode() + b"\r\n"


@dataclass
class Run:
    """One start of Ringdesk: seconds for the journal, for the link, and until all is written."""

    restored: float
    whole: float
    ended: int
    live: int


async def run_once(folder: Path, pbx: Pbx) -> Run:
    """Open the journal, restore, connect, wait until the picture is whole and written."""
    engine, bus = open_engine(f"sqlite+aiosqlite:///{folder}/bench.db"), Bus()
    await migrate(engine)
    journal = Journal(engine, bus, now, folder / "journal.spool")
    history = History(engine)
    logs = PbxLogs(PbxLogSettings(cel=folder / "cel.csv"), "pbx")
    past = Past(logs, history.known, LastHeard(folder / "pbx.heard"))
    ami = AmiSettings(port=pbx.port, secret=SecretStr("secret"))
    feed = SwitchFeed("pbx", ami, journal.record, now, lambda name: False, past=past)
    began = time.perf_counter()
    await journal.open("bench")
    feed.restore(await journal.written.of_calls(await history.open_calls()))
    restored = time.perf_counter()
    writing, running = asyncio.create_task(journal.run()), asyncio.create_task(feed.run())
    while not feed.whole:  # nothing tells it
        if running.done():
            running.result()
        await asyncio.sleep(0.002)
    await journal.flush(60)
    whole = time.perf_counter()
    result = Run(
        restored - began, whole - restored, await _ended(journal), len(feed.reducer.book.calls)
    )
    for task in (running, writing):
        task.cancel()
        await asyncio.wait({task})
    await engine.dispose()
    return result


async def _ended(journal: Journal) -> int:
    return len(await journal.written.of_type(CallEnded, 0))


def write_cel(folder: Path, megabytes: int, gone: Rows) -> None:
    """A day of real rows, all older; behind them the ends of the legs that are ``gone``."""
    lines = b"".join(f.read_bytes() for f in sorted(RECORDED.glob("*.cel"))).splitlines()
    cells = [line.split(b",", 2) for line in lines]
    old = b"".join(b'%s,"1795000000.000000",%s\n' % (kind, rest) for kind, _, rest in cells)
    with (folder / "cel.csv").open("wb") as file:
        for _ in range(megabytes * 1_000_000 // len(old)):
            file.write(old)
        for row in gone:
            leg = dict(row)
            file.write(
                f'"HANGUP","{time.time():.6f}","{leg["Uniqueid"]}","{leg["Linkedid"]}",'
                f'"{leg["Channel"]}","","","200","from-trunk","","",'
                f'"{{""hangupcause"":16,""hangupsource"":""{leg["Channel"]}""}}"\n'.encode()
            )


async def main() -> None:
    """Run, print, fail when the goal is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--megabytes", type=int, default=100)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    print(f"{machine()}\n")
    copies = -(-options.calls // CALLS_A_COPY)
    gone = copies // 10
    channels, queues = snapshot_rows(copies)
    pbx = Pbx(channels, queues)
    await pbx.start()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "cel.csv").touch()
        first = await run_once(folder, pbx)
        each = len(channels) // copies
        write_cel(folder, options.megabytes, channels[: gone * each])
        live = {dict(row)["Uniqueid"] for row in channels[gone * each :]}
        pbx.channels = channels[gone * each :]
        pbx.queues = [row for row in queues if dict(row).get("Uniqueid", next(iter(live))) in live]
        second = await run_once(folder, pbx)
    if second.ended != gone * CALLS_A_COPY or second.live != first.live - second.ended:
        sys.exit(f"not all calls were told: {first}, {second}")
    head = ("start", "live calls", "ended unseen", "journal s", "link, logs, book, written s")
    print_table(
        head,
        [
            (name, f"{run.live}", f"{run.ended}", f"{run.restored:.3f}", f"{run.whole:.3f}")
            for name, run in (("first", first), ("again", second))
        ],
    )
    settle([Goal("resync_500_calls_seconds", second.restored + second.whole, WANTED, at_most=True)])


if __name__ == "__main__":
    asyncio.run(main())
