"""The link against servers that behave, misbehave, say nothing and lie."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from cti.ami.client import AmiClient, ConnectionInfo, _Pauses
from cti.ami.codec import Framer, Message, parse
from cti.ami.density import Density
from cti.ami.settings import AmiSettings
from cti.domain.commands import AddQueueMember, CommandFailed, Hangup, Reply
from cti.switch import Switch

BANNER = b"Asterisk Call Manager/11.0.0\r\n"


class Pbx:
    """One accepted connection of a scripted Asterisk."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self._reader = reader
        self._framer = Framer()
        self._framer.banner = ""
        self._actions: list[Message] = []

    async def action(self) -> Message:
        """The next action of the client."""
        while not self._actions:
            data = await self._reader.read(65536)
            if not data:
                raise ConnectionResetError
            self._actions += [parse(raw) for raw in self._framer.feed(data)]
        return self._actions.pop(0)

    def write(self, *lines: str) -> None:
        self.writer.write("\r\n".join([*lines, "", ""]).encode())

    def answer(self, action: Message, response: str = "Success", *lines: str) -> None:
        self.write(f"Response: {response}", f"ActionID: {action.action_id}", *lines)

    async def welcome(self, uptime: int = 100) -> None:
        """Everything up to a connected client."""
        self.writer.write(BANNER)
        self.answer(await self.action(), "Success", "Message: Authentication accepted")
        self.write("Event: FullyBooted", f"Uptime: {uptime}", "Status: Fully Booted")
        self.answer(await self.action(), "Success", "AsteriskVersion: 22.10.1")

    async def keep(self) -> None:
        """Answer everything that still comes with Success."""
        while True:
            self.answer(await self.action())


Script = Callable[[Pbx], Awaitable[None]]


class Rig:
    """A scripted server and a client that keeps a link to it."""

    def __init__(self, client: AmiClient, server: asyncio.Server) -> None:
        self.client = client
        self.server = server
        self.events: list[Message] = []
        self.connected: list[ConnectionInfo] = []
        self.lost: list[str] = []
        self.scripts_run = 0

    async def until(self, condition: Callable[[], bool], seconds: float = 5.0) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.002)

    async def up(self) -> None:
        await self.until(lambda: self.client.connected)


def quick_settings(port: int, **changes: Any) -> AmiSettings:
    quick = {
        "action_timeout": 0.3,
        "connect_timeout": 0.2,
        "boot_timeout": 0.2,
        "reconnect_min": 0.01,
        "reconnect_max": 0.05,
        "refused_pause": 0.05,
    }
    return AmiSettings(port=port, secret="s3cret", **{**quick, **changes})


@asynccontextmanager
async def rig(*scripts: Script, on_event: Any = None, **changes: Any) -> AsyncIterator[Rig]:
    """Each connection runs the next script; the last one is repeated."""
    order = itertools.chain(scripts, itertools.repeat(scripts[-1]))
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())  # type: ignore[arg-type]
        made.scripts_run += 1
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await next(order)(Pbx(reader, writer))
        writer.close()

    wanted = changes.pop("wanted_events", None)
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    client = AmiClient(
        quick_settings(server.sockets[0].getsockname()[1], **changes),
        on_event=lambda _line, raw: (on_event or made.events.append)(parse(raw)),
        on_connected=lambda info: made.connected.append(info),
        on_lost=lambda reason: made.lost.append(reason),
        wanted_events=wanted,
        now=lambda: 1_000_000_000_000_000,
    )
    made = Rig(client, server)
    run = asyncio.create_task(client.run())
    try:
        yield made
        assert not run.done(), "the link is kept whatever comes"
    finally:
        run.cancel()
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(run, *tasks, return_exceptions=True)


async def welcomed(pbx: Pbx) -> None:
    await pbx.welcome()
    await pbx.keep()


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    with capture_logs() as captured:
        yield captured


def reasons(logs: list[Any], event: str) -> list[str]:
    return [entry["reason"] for entry in logs if entry["event"] == event]


async def failure(awaitable: Awaitable[Reply]) -> CommandFailed:
    with pytest.raises(CommandFailed) as failed:
        await awaitable
    return failed.value


# --- making the link ---------------------------------------------------------------------------


async def test_the_introduction() -> None:
    async with rig(welcomed) as r:
        await r.up()
        info = r.client.info
        assert info == ConnectionInfo(
            ami_version="11.0.0", asterisk_version="22.10.1", started_at=999_999_900_000_000
        )
        assert r.connected == [info]
        assert [event.event for event in r.events] == ["FullyBooted"]


async def test_events_since_the_login_follow_on_connected() -> None:
    async def eager(pbx: Pbx) -> None:
        pbx.writer.write(BANNER)
        pbx.answer(await pbx.action())
        pbx.write("Event: Newchannel", "Uniqueid: 1")
        pbx.write("Event: FullyBooted")
        core_settings = await pbx.action()
        pbx.write("Event: Hangup", "Uniqueid: 1")
        pbx.answer(core_settings)
        await pbx.keep()

    told: list[str] = []
    async with rig(eager, on_event=lambda event: told.append(event.event)) as r:
        r.client._on_connected = lambda info: told.append("connected")
        await r.up()
        assert told == ["connected", "Newchannel", "FullyBooted", "Hangup"]
        assert r.client.info is not None
        assert r.client.info.started_at == 0, "no Uptime: unknown"


def test_a_restart_is_seen_by_the_start_time() -> None:
    def info(started_at: int) -> ConnectionInfo:
        return ConnectionInfo(ami_version="", asterisk_version="", started_at=started_at)

    before = info(1_000_000_000)
    assert info(1_005_000_000).restarted_since(before)
    assert not info(1_000_900_000).restarted_since(before)
    assert not info(999_000_000).restarted_since(before)
    assert not info(5_000_000_000).restarted_since(info(0))


async def test_the_port_is_closed_at_start_and_opens_later(logs: list[Any]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    client = AmiClient(quick_settings(port), lambda line, raw: None)
    run = asyncio.create_task(client.run())
    async with asyncio.timeout(5):
        while len(reasons(logs, "ami_link_down")) < 3:
            await asyncio.sleep(0.005)
    assert "enabled = yes" in reasons(logs, "ami_link_down")[0]
    assert (await failure(client.send("Ping"))).kind == "not_connected"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await welcomed(Pbx(reader, writer))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    async with asyncio.timeout(5):
        while not client.connected:
            await asyncio.sleep(0.005)
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    server.close()
    await server.wait_closed()


async def test_a_wrong_secret_is_told_with_its_cure_and_retried_slowly(logs: list[Any]) -> None:
    async def refuse(pbx: Pbx) -> None:
        pbx.writer.write(BANNER)
        pbx.answer(await pbx.action(), "Error", "Message: Authentication failed")

    async with rig(refuse, welcomed) as r:
        await r.up()
    [reason] = reasons(logs, "ami_login_refused")
    assert "Authentication failed" in reason
    assert "manager.conf" in reason
    assert "s3cret" not in str(logs)
    [entry] = [entry for entry in logs if entry["event"] == "ami_login_refused"]
    assert entry["retry_in"] == 0.05


async def say_nothing(pbx: Pbx) -> None:
    await asyncio.sleep(30)


async def close_at_once(pbx: Pbx) -> None:
    return


async def speak_ssh(pbx: Pbx) -> None:
    pbx.writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    await asyncio.sleep(30)


async def never_answer_the_login(pbx: Pbx) -> None:
    pbx.writer.write(BANNER)
    await asyncio.sleep(30)


async def close_during_login(pbx: Pbx) -> None:
    pbx.writer.write(BANNER)
    await pbx.action()


async def half_an_answer_then_close(pbx: Pbx) -> None:
    pbx.writer.write(BANNER)
    login = await pbx.action()
    pbx.writer.write(f"Response: Success\r\nActionID: {login.action_id}\r\nMess".encode())


async def never_boot(pbx: Pbx) -> None:
    pbx.writer.write(BANNER)
    pbx.answer(await pbx.action())
    await asyncio.sleep(30)


async def close_before_boot(pbx: Pbx) -> None:
    pbx.writer.write(BANNER)
    pbx.answer(await pbx.action())


async def boot_and_go_silent(pbx: Pbx) -> None:
    pbx.writer.write(BANNER)
    pbx.answer(await pbx.action())
    pbx.write("Event: FullyBooted")
    await asyncio.sleep(30)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (say_nothing, "no greeting within"),
        (close_at_once, "closed before the greeting"),
        (speak_ssh, "not Asterisk's manager"),
        (never_answer_the_login, "no answer to the log-in"),
        (close_during_login, "during the log-in"),
        (half_an_answer_then_close, "during the log-in"),
        (never_boot, "read = system"),
        (close_before_boot, "closed the link"),
        (boot_and_go_silent, "no answer to CoreSettings"),
    ],
)
async def test_a_link_that_cannot_be_made_is_explained_and_tried_again(
    script: Script, words: str, logs: list[Any]
) -> None:
    async with rig(script, welcomed) as r:
        await r.up()
        assert r.scripts_run == 2
        assert r.lost == [], "what was never connected is not lost"
    assert words in reasons(logs, "ami_link_down")[0]


def test_pauses_double_are_jittered_and_start_again_after_a_good_link() -> None:
    settings = quick_settings(5038, reconnect_min=1, reconnect_max=8)
    pauses = _Pauses(settings)
    ceilings = (1, 2, 4, 8, 8)
    assert all(top / 2 <= pauses.next(lived=0) <= top for top in ceilings)
    assert pauses.next(lived=9) <= 1
    firsts = {_Pauses(settings).next(lived=0) for _ in range(20)}
    assert len(firsts) > 1


# --- losing it ---------------------------------------------------------------------------------


async def test_a_lost_link_fails_what_is_pending_and_resends_nothing() -> None:
    seen: list[str] = []

    async def dies(pbx: Pbx) -> None:
        await pbx.welcome()
        for _ in range(2):
            seen.append((await pbx.action()).get("Action"))

    async def lives(pbx: Pbx) -> None:
        await pbx.welcome()
        while True:
            seen.append((await pbx.action()).get("Action"))

    async with rig(dies, lives, ping_interval=0.05) as r:
        await r.up()
        originate = asyncio.create_task(r.client.send("Originate", [("Channel", "PJSIP/101")]))
        queues = asyncio.create_task(r.client.send("QueueStatus", as_list=True))
        assert (await failure(originate)).kind == "lost"
        assert (await failure(queues)).kind == "lost"
        await r.until(lambda: seen.count("Ping") >= 1)
        assert seen[:2] == ["Originate", "QueueStatus"]
        assert set(seen[2:]) == {"Ping"}
        assert len(r.connected) == 2
        assert len(r.lost) == 1
        assert "closed the link" in r.lost[0]


async def test_a_half_open_link_is_found_by_ping() -> None:
    async def freeze(pbx: Pbx) -> None:
        await pbx.welcome()
        await asyncio.sleep(30)

    async with rig(freeze, welcomed, ping_interval=0.05, ping_timeout=0.05) as r:
        await r.until(lambda: len(r.connected) == 2)
        assert "after a Ping" in r.lost[0]


async def test_a_busy_pbx_that_answers_no_ping_but_sends_events_is_alive() -> None:
    async def busy(pbx: Pbx) -> None:
        await pbx.welcome()
        while True:
            pbx.write("Event: Newstate", "Uniqueid: 1")
            await asyncio.sleep(0.01)

    async with rig(busy, ping_interval=0.02, ping_timeout=0.1) as r:
        await r.up()
        await r.until(lambda: len(r.events) > 30)
        assert r.lost == []
        assert r.client.connected


async def test_cancelling_ends_the_link_and_fails_what_is_pending() -> None:
    async with rig(welcomed_and_silent) as r:
        await r.up()
        pending = asyncio.create_task(r.client.send("Ping", timeout=5))
        await asyncio.sleep(0.01)
        r.client._link.end("Ringdesk stops")  # type: ignore[union-attr]
        assert (await failure(pending)).reason == "Ringdesk stops"


# --- actions -----------------------------------------------------------------------------------


async def welcomed_and_silent(pbx: Pbx) -> None:
    await pbx.welcome()
    await asyncio.sleep(30)


async def test_an_action_has_a_time_out_and_its_late_answer_is_ignored() -> None:
    async def late(pbx: Pbx) -> None:
        await pbx.welcome()
        slow = await pbx.action()
        quick = await pbx.action()
        pbx.answer(slow, "Success", "Message: too late")
        pbx.answer(quick, "Success", "Message: in time")
        await pbx.keep()

    async with rig(late) as r:
        await r.up()
        failed = await failure(r.client.send("Redirect", timeout=0.05))
        assert failed.kind == "timeout"
        assert "Redirect" in failed.reason
        assert (await r.client.send("Ping")).message == "in time"
        assert r.client.counters.late_answers == 1


async def test_a_late_list_reaches_nobody_as_events() -> None:
    async def late(pbx: Pbx) -> None:
        await pbx.welcome()
        slow = await pbx.action()
        quick = await pbx.action()
        mine = f"ActionID: {slow.action_id}"
        pbx.answer(slow, "Success", "EventList: start", "Message: Queue status will follow")
        pbx.write("Event: QueueEntry", mine)
        pbx.write("Event: QueueStatusComplete", mine, "EventList: Complete")
        pbx.answer(quick)
        await pbx.keep()

    async with rig(late) as r:
        await r.up()
        assert (await failure(r.client.send("QueueStatus", as_list=True, timeout=0.05))).kind == (
            "timeout"
        )
        assert (await r.client.send("Ping")).ok
        assert [event.event for event in r.events] == ["FullyBooted"]


async def test_values_with_line_breaks_are_refused_and_the_link_lives() -> None:
    async with rig(welcomed) as r:
        await r.up()
        attack = [("Channel", "PJSIP/101\r\n\r\nAction: Originate")]
        assert (await failure(r.client.send("Hangup", attack))).kind == "refused_value"
        assert (await r.client.send("Ping")).ok


async def test_a_list_is_collected_to_rows() -> None:
    async def lists(pbx: Pbx) -> None:
        await pbx.welcome()
        action = await pbx.action()
        mine = f"ActionID: {action.action_id}"
        pbx.answer(action, "Success", "EventList: start", "Message: Channels will follow")
        pbx.write(
            "Event: CoreShowChannel", mine, "Channel: a", "ChanVariable: X=1", "ChanVariable: Y=2"
        )
        pbx.write("Event: Hangup", "Uniqueid: 9")
        pbx.write("Event: CoreShowChannel", mine, "Channel: b")
        pbx.write("Event: CoreShowChannelsComplete", mine, "EventList: Complete", "ListItems: 2")
        await pbx.keep()

    async with rig(lists) as r:
        await r.up()
        reply = await r.client.send("CoreShowChannels", as_list=True)
        assert reply.ok
        assert [row["Channel"] for row in reply.rows] == ["a", "b"]
        assert reply.rows[0]["ChanVariable"] == "X=1\nY=2"
        assert [event.event for event in r.events] == ["FullyBooted", "Hangup"]


async def test_a_refused_list_is_a_reply_not_a_time_out() -> None:
    async def refuse(pbx: Pbx) -> None:
        await pbx.welcome()
        pbx.answer(await pbx.action(), "Error", "Message: Permission denied")
        await pbx.keep()

    async with rig(refuse) as r:
        await r.up()
        reply = await r.client.send("QueueStatus", as_list=True)
        assert (reply.ok, reply.message, reply.rows) == (False, "Permission denied", ())


async def test_a_list_has_a_bound() -> None:
    async def endless(pbx: Pbx) -> None:
        await pbx.welcome()
        action = await pbx.action()
        pbx.answer(action, "Success", "EventList: start")
        for _ in range(20):
            pbx.write("Event: CoreShowChannel", f"ActionID: {action.action_id}")
        await pbx.keep()

    async with rig(endless, max_rows=10) as r:
        await r.up()
        failed = await failure(r.client.send("CoreShowChannels", as_list=True))
        assert "max_rows" in failed.reason
        assert (await r.client.send("Ping")).ok
        assert [event.event for event in r.events] == ["FullyBooted"]


async def test_added_to_queue_is_an_answer_not_the_start_of_a_list() -> None:
    async def add(pbx: Pbx) -> None:
        await pbx.welcome()
        pbx.answer(await pbx.action(), "Success", "Message: Added interface to queue")
        await pbx.keep()

    async with rig(add) as r:
        await r.up()
        reply = await Switch("pbx", r.client).perform(AddQueueMember(queue="q", agent="PJSIP/1"))
        assert (reply.ok, reply.message) == (True, "Added interface to queue")


async def test_an_event_with_our_action_id_is_an_event_not_the_answer() -> None:
    async def echo(pbx: Pbx) -> None:
        await pbx.welcome()
        action = await pbx.action()
        mine = f"ActionID: {action.action_id}"
        pbx.write("Event: UserEvent", mine, "UserEvent: Mine")
        pbx.answer(action, "Success", "Message: Event Sent")
        pbx.write("Event: OriginateResponse", mine, "Response: Failure", "Reason: 0")
        await pbx.keep()

    async with rig(echo) as r:
        await r.up()
        assert (await r.client.send("UserEvent", [("UserEvent", "Mine")])).message == "Event Sent"
        await r.until(lambda: len(r.events) == 3)
        assert [event.event for event in r.events[1:]] == ["UserEvent", "OriginateResponse"]


async def test_unknown_and_duplicate_answers_change_nothing() -> None:
    async def lie(pbx: Pbx) -> None:
        await pbx.welcome()
        pbx.write("Response: Success", "ActionID: nobody's")
        pbx.write("Response: Error", "Message: Missing action in request")
        action = await pbx.action()
        pbx.answer(action, "Success", "Message: first")
        pbx.answer(action, "Error", "Message: second")
        await pbx.keep()

    async with rig(lie) as r:
        await r.up()
        assert (await r.client.send("Ping")).message == "first"
        assert (await r.client.send("Ping")).ok
        assert r.client.counters.late_answers == 3


async def test_repeated_headers_and_cli_output() -> None:
    sent: list[Message] = []

    async def run_cli(pbx: Pbx) -> None:
        await pbx.welcome()
        sent.append(await pbx.action())
        pbx.answer(sent[0], "Success", "Output: line: 1", "Output: ", "Output: line 3")
        await pbx.keep()

    async with rig(run_cli) as r:
        await r.up()
        headers = [("Command", "x"), ("Variable", "A=1"), ("Variable", "B=2")]
        reply = await r.client.send("Command", headers)
        assert reply.fields["Output"] == "line: 1\n\nline 3"
        assert sent[0].all("Variable") == ("A=1", "B=2")
        assert sent[0].event == sent[0].response == ""


async def test_many_actions_at_once_under_a_flood_of_events() -> None:
    async def flood(pbx: Pbx) -> None:
        await pbx.welcome()
        while True:
            action = await pbx.action()
            for _ in range(50):
                pbx.write("Event: Newstate", "Channel: PJSIP/trunk-1", "Uniqueid: 1")
            pbx.answer(action, "Success", f"Message: {action.get('Number')}")

    async with rig(flood, action_timeout=5) as r:
        await r.up()
        sends = [r.client.send("Echo", [("Number", str(n))]) for n in range(40)]
        replies = await asyncio.gather(*sends)
        assert [reply.message for reply in replies] == [str(n) for n in range(40)]
        assert r.client.counters.events == 1 + 40 * 50


# --- hostile streams and callbacks -------------------------------------------------------------


async def test_a_raising_callback_is_counted_and_the_link_lives(logs: list[Any]) -> None:
    async def three(pbx: Pbx) -> None:
        await pbx.welcome()
        for number in range(3):
            pbx.write("Event: Newstate", f"Uniqueid: {number}")
        await pbx.keep()

    handled: list[str] = []

    def stumble(event: Message) -> None:
        if event.get("Uniqueid") == "1":
            raise KeyError("a bug")
        handled.append(event.get("Uniqueid"))

    async with rig(three, on_event=stumble) as r:
        await r.until(lambda: handled == ["", "0", "2"])
        assert r.client.counters.callback_errors == 1
        assert (await r.client.send("Ping")).ok
        assert r.lost == []
    assert [entry["event"] for entry in logs].count("ami_callback_failed") == 1


async def test_raising_connection_callbacks_are_guarded_too() -> None:
    def stumble(value: object) -> None:
        raise RuntimeError("a bug")

    async def once(pbx: Pbx) -> None:
        await pbx.welcome()

    async with rig(once, welcomed) as r:
        r.client._on_connected = r.client._on_lost = stumble
        await r.until(lambda: r.client.counters.links == 2)
        assert r.client.counters.callback_errors == 3


async def test_a_stream_read_in_gulps_loses_nothing_and_answers_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cti.ami.link.Density.take", lambda *_: True)

    async def busy(pbx: Pbx) -> None:
        await pbx.welcome()
        for number in range(300):
            pbx.write("Event: Newstate", f"Uniqueid: {number}")
            await asyncio.sleep(0)
        await pbx.keep()

    async with rig(busy) as r:
        await r.up()
        assert (await r.client.send("Ping")).ok
        await r.until(lambda: len(r.events) == 301)
        assert [event.get("Uniqueid") for event in r.events[1:]] == [str(n) for n in range(300)]
        assert r.lost == []


async def test_a_link_that_ends_while_it_rests_is_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cti.ami.link.Density.take", lambda *_: True)

    async def once(pbx: Pbx) -> None:
        await pbx.welcome()
        pbx.write("Event: Newstate", "Uniqueid: last")

    async with rig(once, welcomed) as r:
        await r.until(lambda: r.client.counters.links == 2)
        assert "last" in [event.get("Uniqueid") for event in r.events]


def test_a_stream_is_dense_after_a_while_of_many_messages_and_not_in_a_burst() -> None:
    density = Density()
    burst = [density.take(1, 1.0 + n / 10_000) for n in range(200)]
    assert not any(burst)
    assert not density.take(1, 5.0), "long ago"
    busy = [density.take(1, 10.0 + n / 2_000) for n in range(1_000)]
    assert not any(busy[:100])
    assert all(busy[102:])
    calm = [density.take(1, 10.6 + n / 1_000) for n in range(1_000)]
    assert not any(calm[60:])


async def test_garbage_oversized_and_non_utf8_messages_do_not_stop_the_stream(
    logs: list[Any],
) -> None:
    async def garbage(pbx: Pbx) -> None:
        await pbx.welcome()
        pbx.writer.write(b"\x00\xff\x80 nonsense\r\n\r\n")
        pbx.writer.write(b"Event: Huge\r\nValue: " + b"x" * 10_000 + b"\r\n\r\n")
        pbx.writer.write(b"Event: NewCallerid\r\nCallerIDName: M\xfcller\r\n\r\n")
        zoe = "Event: NewCallerid\r\nCallerIDName: Zoë\r\n\r\n".encode()
        pbx.writer.write(zoe[:-6])
        await pbx.writer.drain()
        await asyncio.sleep(0.02)
        pbx.writer.write(zoe[-6:])
        await pbx.keep()

    async with rig(garbage, max_message=4096) as r:
        await r.until(lambda: len(r.events) == 3)
        names = [event.get("CallerIDName") for event in r.events[1:]]
        assert names == ["M\ufffdller", "Zoë"]
        assert r.client.counters.unknown_messages == 1
        assert r.client.counters.discarded_messages == 1
        assert (await r.client.send("Ping")).ok
    assert any(entry["event"] == "ami_message_too_long" for entry in logs)


async def test_a_half_sent_message_is_not_an_event() -> None:
    async def half(pbx: Pbx) -> None:
        await pbx.welcome()
        pbx.writer.write(b"Event: Hangup\r\nUniqueid: 17")

    async with rig(half, welcomed) as r:
        await r.until(lambda: len(r.connected) == 2)
        await r.until(lambda: len(r.events) == 2)
        assert {event.event for event in r.events} == {"FullyBooted"}


async def test_only_wanted_events_are_handed_on() -> None:
    async def chatter(pbx: Pbx) -> None:
        await pbx.welcome()
        pbx.write("Event: VarSet", "Variable: X")
        pbx.write("Event: Hangup", "Uniqueid: 1")
        await pbx.keep()

    async with rig(chatter, wanted_events={"Hangup"}) as r:
        await r.until(lambda: len(r.events) == 1)
        assert r.events[0].event == "Hangup"
        assert r.client.counters.unwanted_events == 2


# --- the switch --------------------------------------------------------------------------------


async def test_the_switch_tells_refusals_and_failures_without_values(logs: list[Any]) -> None:
    async def refuse(pbx: Pbx) -> None:
        await pbx.welcome()
        pbx.answer(await pbx.action(), "Error", "Message: No such channel")
        await asyncio.sleep(30)

    async with rig(refuse) as r:
        await r.up()
        switch = Switch("north", r.client)
        secret = Hangup(channel="PJSIP/447700900123-1")
        reply = await switch.perform(secret)
        assert (reply.ok, reply.message) == (False, "No such channel")
        assert (await failure(switch.perform(secret))).kind == "timeout"
        poisoned = Hangup(channel="PJSIP/447700900123\r\n")
        assert (await failure(switch.perform(poisoned))).kind == "refused_value"
    told = [entry for entry in logs if entry["event"].startswith("command_")]
    assert [(e["event"], e["switch"], e["command"]) for e in told] == [
        ("command_refused", "north", "Hangup"),
        ("command_failed", "north", "Hangup"),
        ("command_failed", "north", "Hangup"),
    ]
    assert "447700900123" not in str(logs)


@pytest.mark.parametrize("changes", [{"secret": "a\r\nb"}, {"username": "a\nb"}, {"unknown": 1}])
def test_settings_refuse_what_cannot_work(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"one line|unknown"):
        AmiSettings(**{"secret": "s3cret", **changes})
