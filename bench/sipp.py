"""One SIPp: callers, or phones. What it counted itself is read from its statistics."""

from __future__ import annotations

import asyncio
import csv
import re
import shutil
import signal
import socket
from asyncio.subprocess import DEVNULL
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ringdesk.demo.asterisk import free_port

_CALLERS_AT_ONCE = 100
"""Of one SIPp: more means that the PBX does not keep up."""
_DRAIN_SECONDS = 60
"""What the last calls may take longer than the load."""


@dataclass(frozen=True)
class SippCounts:
    """As SIPp says: ``failed`` calls went another way than their scenario."""

    calls: int
    done: int
    failed: int


class Sipp:
    """A SIPp of its own folder, which goes down with this program and after ``seconds``."""

    def __init__(self, folder: Path, ip: str, scenario: str, seconds: float) -> None:
        self.port = free_port(socket.SOCK_DGRAM, ip)
        self._folder = folder
        folder.mkdir(parents=True)
        (folder / "scenario.xml").write_text(scenario)
        self._options = [
            *("-sf", "scenario.xml", "-i", ip, "-p", str(self.port), "-nostdin"),
            *("-mp", str(free_port(socket.SOCK_DGRAM, ip)), "-timeout", f"{seconds:.0f}s"),
            *("-trace_stat", "-stf", "counts.csv", "-fd", "5", "-trace_err"),
            *("-error_file", "errors.log", "-watchdog_minor_maxtriggers", "1000000"),
            *("-watchdog_major_maxtriggers", "1000000"),
        ]
        self._process: asyncio.subprocess.Process | None = None

    @classmethod
    def callers(
        cls,
        folder: Path,
        ip: str,
        scenario: str,
        *,
        to: tuple[str, int],
        numbers: str,
        calls: int,
        rate: float,
    ) -> Self:
        """``calls`` calls to the PBX at ``to``, ``rate`` a second, from an injection file."""
        sipp = cls(folder, ip, scenario, calls / rate + _DRAIN_SECONDS)
        (folder / "callers.csv").write_text(numbers)
        thousand = str(round(rate * 1000))
        sipp._options = [
            *(f"{to[0]}:{to[1]}", "-inf", "callers.csv", "-m", str(calls), "-r", thousand),
            *("-rp", "1000000", "-l", str(_CALLERS_AT_ONCE), *sipp._options),
        ]
        return sipp

    async def start(self) -> None:
        """Raises SystemExit when there is no SIPp."""
        if not (program := shutil.which("sipp")):
            raise SystemExit("SIPp is missing (cure: make programs, or apt-get install sip-tester)")
        self._process = await asyncio.create_subprocess_exec(
            *("setpriv", "--pdeathsig", "KILL", "--", program, *self._options),
            cwd=self._folder,
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=(self._folder / "said").open("wb"),
        )

    async def finished(self) -> None:
        """Wait for the last call; whether all went well is in the counts."""
        assert self._process is not None
        await self._process.wait()

    async def stop(self) -> None:
        """Have it end and write its statistics."""
        if self._process and self._process.returncode is None:
            self._process.send_signal(signal.SIGUSR1)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), 5)
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def counts(self) -> SippCounts:
        """Raises SystemExit with SIPp's own words when it never counted."""
        file = self._folder / "counts.csv"
        rows = list(csv.DictReader(file.open(), delimiter=";")) if file.exists() else []
        if not rows:
            raise SystemExit(f"SIPp did not run: {(self._folder / 'said').read_text()[-500:]}")
        last = rows[-1]
        return SippCounts(
            int(last["TotalCallCreated"]),
            int(last["SuccessfulCall(C)"]),
            int(last["FailedCall(C)"]),
        )

    def errors(self) -> str:
        """Why the first calls failed; time-outs that a scenario waits for are none."""
        file = self._folder / "errors.log"
        text = file.read_text("utf-8", "replace") if file.exists() else ""
        told = re.split(r"(?=\d{4}-\d\d-\d\d\t)", text)
        return "".join(entry for entry in told if "bort" in entry)[:1500]
