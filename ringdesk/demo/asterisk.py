"""A private Asterisk for the demo and the tests: boots in about a second, leaves nothing.

    async with AsteriskInstance(prefix) as asterisk:
        await asterisk.cli("queue add member PJSIP/101 to support")

The errors: AsteriskFailed carries the cause and the last lines of Asterisk's own log.
"""

import asyncio
import os
import random
import secrets
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from ringdesk.asterisk_config import HookSettings
from ringdesk.demo.asterisk_files import CUSTOMER_IP, DemoSettings, render_files
from ringdesk.demo.prefix import Prefix

BOOT_TIMEOUT = 30.0
_RTP_PORTS = 400
"""Four ports a bridged call: enough for 100 calls at once."""
_OURS = (5_100, 10_000)
"""Below the RTP ports, and below those that systems choose themselves (32768 on, or 49152)."""
_given: set[int] = set()
"""Ports that this program has promised to somebody."""


class AsteriskFailed(RuntimeError):
    """The private Asterisk did not boot, died or refused a command."""


class AsteriskInstance:
    """One Asterisk process with a work folder and ports of its own.

    recordings: folder for MixMonitor (default: inside the work folder, gone at the end).
    trunk_port: UDP port on 127.0.0.2 which takes calls to outside numbers.
    hook: the dialplan hook's settings, as `ringdesk asterisk-config` would render them; by
    default the FastAGI server is expected at a free port, `settings.hook.agi_port`.
    more_files: texts by file name, added to the end of Asterisk's configuration files.
    variables: further channel variables that AMI events are to carry.
    """

    def __init__(
        self,
        prefix: Prefix,
        *,
        hook: HookSettings | None = None,
        recordings: Path | None = None,
        trunk_port: int | None = None,
        queue_strategy: str = "rrmemory",
        ring_timeout: int = 15,
        more_files: Mapping[str, str] | None = None,
        variables: tuple[str, ...] = (),
    ) -> None:
        self._prefix = prefix
        self._more_files = more_files or {}
        self._process: asyncio.subprocess.Process | None = None
        # Short, because a UNIX socket's path may have 107 bytes only.
        self.work = Path(tempfile.mkdtemp(prefix="ringdesk-"))
        rtp_first = _free_rtp_range()
        self.settings = DemoSettings(
            work=self.work,
            module_dir=prefix.module_dir,
            data_dir=prefix.data_dir,
            recordings=recordings or self.work / "recordings",
            ami_port=free_port(socket.SOCK_STREAM),
            sip_port=free_port(socket.SOCK_DGRAM),
            rtp_first=rtp_first,
            rtp_last=rtp_first + _RTP_PORTS - 1,
            ami_secret=secrets.token_hex(16),
            agent_password=secrets.token_hex(8),
            trunk_port=trunk_port or free_port(socket.SOCK_DGRAM, CUSTOMER_IP),
            hook=hook or HookSettings(agi_port=free_port(socket.SOCK_STREAM)),
            queue_strategy=queue_strategy,
            ring_timeout=ring_timeout,
            variables=variables,
        )

    @property
    def ami(self) -> tuple[str, int]:
        """Where AMI listens. User `ringdesk`, secret `ami_secret`."""
        return ("127.0.0.1", self.settings.ami_port)

    @property
    def ami_user(self) -> str:
        """The AMI user of the printed manager.conf."""
        return "ringdesk"

    @property
    def ami_secret(self) -> str:
        """Random for each instance."""
        return self.settings.ami_secret

    @property
    def sip(self) -> tuple[str, int]:
        """Where SIP listens, for agents (127.0.0.1) and customers (127.0.0.2)."""
        return ("127.0.0.1", self.settings.sip_port)

    @property
    def agent_password(self) -> str:
        """The SIP password of 101 to 106."""
        return self.settings.agent_password

    @property
    def logs(self) -> Path:
        """The folder of its queue_log, cel-custom and cdr-custom."""
        return self.work / "log"

    @property
    def recordings(self) -> Path:
        """MixMonitor's folder, absolute."""
        return self.settings.recordings

    @property
    def pid(self) -> int:
        """Process id of the running Asterisk."""
        if not self._process:
            raise AsteriskFailed("Asterisk is not running: use `async with AsteriskInstance(...)`")
        return self._process.pid

    async def __aenter__(self) -> Self:
        try:
            await asyncio.to_thread(self._write)
            await self.start()
        except BaseException:
            await self._clean_up()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._clean_up()

    async def start(self) -> None:
        """Boot (again, after `kill`) with the same files and ports. Raises AsteriskFailed."""
        output = (self.work / "log" / "console").open("ab")
        with output:
            self._process = await asyncio.create_subprocess_exec(
                *_die_with_parent(),
                *(str(self._prefix.asterisk), "-C", str(self.work / "etc/asterisk.conf"), "-f"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd=self.work,
            )
        try:
            async with asyncio.timeout(BOOT_TIMEOUT):
                await self._fully_booted()
        except TimeoutError:
            raise self._failure(f"Asterisk did not boot within {BOOT_TIMEOUT:.0f} s") from None

    async def cli(self, command: str) -> str:
        """Run a console command and return what it prints. Raises AsteriskFailed."""
        if not self.alive:
            raise self._failure("Asterisk is not running")
        code, text = await self._remote(command)
        if code:
            raise self._failure(f"console command {command!r} failed: {text.strip()}")
        return text

    async def hangup_all(self) -> None:
        """Hang up every channel and wait until all are gone (TimeoutError after 5 seconds)."""
        await self.cli("channel request hangup all")
        async with asyncio.timeout(5):
            while True:
                if not await self.channels():
                    return
                await asyncio.sleep(0.05)

    async def channels(self) -> int:
        """How many channels exist."""
        return int((await self.cli("core show channels count")).split()[0])

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.returncode is None

    async def kill(self) -> None:
        """End it as kill -9 and a crash would. `start` boots it again."""
        if self._process:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()

    def log(self) -> str:
        """Asterisk's notices, warnings and errors so far."""
        file = self.work / "log" / "full"
        return file.read_text("utf-8", "replace") if file.exists() else ""

    def _write(self) -> None:
        for name in ("etc", "var/keys", "spool", "run", "log/cel-custom", "log/cdr-custom"):
            (self.work / name).mkdir(parents=True, exist_ok=True)
        self.recordings.mkdir(parents=True, exist_ok=True)
        files = {**dict.fromkeys(self._more_files, ""), **render_files(self.settings)}
        for name, text in files.items():
            more = self._more_files.get(name, "")
            (self.work / "etc" / name).write_text(text + more)

    async def _fully_booted(self) -> None:
        started = time.monotonic()
        while True:
            if not self.alive:
                raise self._failure("Asterisk died at boot")
            if (self.work / "run/asterisk.ctl").exists():
                code, text = await self._remote("core waitfullybooted")
                if not code and "fully booted" in text:
                    await self._ami_listens()
                    return
            await asyncio.sleep(0.02 if time.monotonic() - started < 2 else 0.2)

    async def _ami_listens(self) -> None:
        """Asterisk boots all the same when another program has the port."""
        try:
            _, writer = await asyncio.open_connection(*self.ami)
        except OSError:
            raise self._failure(f"its AMI does not listen on port {self.ami[1]}") from None
        writer.close()

    async def _remote(self, command: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            *(str(self._prefix.asterisk), "-C", str(self.work / "etc/asterisk.conf")),
            *("-rx", command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            output, _ = await process.communicate()
        except asyncio.CancelledError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise
        return process.returncode or 0, output.decode("utf-8", "replace")

    def _failure(self, cause: str) -> AsteriskFailed:
        console = self.work / "log" / "console"
        printed = console.read_text("utf-8", "replace") if console.exists() else ""
        lines = (printed + self.log()).strip().splitlines()[-15:]
        return AsteriskFailed("\n".join([cause, *lines]))

    async def _clean_up(self) -> None:
        await self.kill()
        await asyncio.to_thread(shutil.rmtree, self.work, ignore_errors=True)


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM, host: str = "127.0.0.1") -> int:
    """A port nobody uses at this moment (SOCK_STREAM: TCP, SOCK_DGRAM: UDP).

    It is none of those that the system gives to whoever asks for any: until its owner takes it,
    some other program would get it sooner or later.
    """
    for _ in range(1000):
        port = random.randrange(*_OURS)  # noqa: S311 - no secret
        if port not in _given and _is_free(port, kind, host):
            _given.add(port)
            return port
    raise AsteriskFailed(f"no free port from {_OURS[0]} to {_OURS[1]} on {host}: stop other PBXs")


def _free_rtp_range() -> int:
    """First port of a free even range, below the system's ephemeral ports."""
    for _ in range(100):
        first = random.randrange(10_000, 32_000 - _RTP_PORTS, _RTP_PORTS)  # noqa: S311
        if all(_is_free(port) for port in range(first, first + _RTP_PORTS)):
            return first
    raise AsteriskFailed(
        f"no {_RTP_PORTS} free UDP ports in a row between 10000 and 32000: stop other PBXs"
    )


def _is_free(
    port: int,
    kind: socket.SocketKind = socket.SOCK_DGRAM,
    host: str = "0.0.0.0",  # noqa: S104 - Asterisk binds its RTP ports so
) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def _die_with_parent() -> tuple[str, ...]:
    """Even if this program is killed with -9, its Asterisk goes with it (Linux, util-linux)."""
    return ("setpriv", "--pdeathsig", "KILL", "--") if shutil.which("setpriv") else ()
