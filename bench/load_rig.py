"""A real Asterisk, the real ``ringdesk serve`` as a process, and SIPp on both sides.

    async with load_rig(folder, seconds=200) as rig:
        await rig.load(rate=20, seconds=180)
        counts = rig.callers  # SIPp's, by the kind's name

One generator, two uses: the soak counts, the rate benchmark measures CPU.
"""

from __future__ import annotations

import asyncio
import csv
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from bench import call_mix
from bench.sipp import Sipp
from ringdesk.asterisk_config import HookSettings
from ringdesk.demo.asterisk import AsteriskInstance, free_port
from ringdesk.demo.asterisk_files import CUSTOMER_IP
from ringdesk.demo.prefix import default_cache, ensure_prefix
from ringdesk.demo.world import CONFIG, write_calendars

START_SECONDS = 45
QUIET_SECONDS = 60
"""After the last call, until nothing goes on any more and all is in the database."""

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
"""Metrics by name and labels."""


@dataclass
class LoadRig:
    """Up and connected."""

    folder: Path
    asterisk: AsteriskInstance
    ringdesk: asyncio.subprocess.Process
    metrics_port: int
    phones: Mapping[str, Sipp]
    callers: dict[str, Sipp] = field(default_factory=dict)

    @property
    def database(self) -> Path:
        """SQLite."""
        return self.folder / "ringdesk.db"

    @property
    def queue_log(self) -> str:
        """Asterisk's own, so far."""
        return (self.asterisk.work / "log/queue_log").read_text()

    async def load(self, rate: float, seconds: float) -> None:
        """Calls of every kind, ``rate`` a second in all, to the last one's end."""
        for at, kind in enumerate(call_mix.KINDS):
            share = rate * kind.share / call_mix.OF_RATE
            self.callers[kind.name] = Sipp.callers(
                self.folder / f"callers-{at}",
                CUSTOMER_IP,
                kind.scenario,
                to=self.asterisk.sip,
                numbers=call_mix.callers(at),
                calls=max(1, round(share * seconds)),
                rate=share,
            )
        try:
            for sipp in self.callers.values():
                await sipp.start()
            await asyncio.gather(*(sipp.finished() for sipp in self.callers.values()))
        finally:
            await asyncio.gather(*(sipp.stop() for sipp in self.callers.values()))

    async def metrics(self) -> Samples:
        """What Ringdesk says of itself. Raises aiohttp.ClientError while it does not listen."""
        url = f"http://127.0.0.1:{self.metrics_port}/metrics"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            text = await answer.text()
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    async def until(self, holds: Callable[[Samples], bool], what: str, seconds: float) -> Samples:
        """The metrics once ``holds``. Raises SystemExit naming ``what`` did not come about."""
        seen: Samples = {}
        for _ in range(round(seconds * 5)):
            if self.ringdesk.returncode is not None:
                break
            try:
                seen = await self.metrics()
            except aiohttp.ClientError:
                seen = {}
            if seen and holds(seen):
                return seen
            await asyncio.sleep(0.2)
        said = (self.folder / "ringdesk.log").read_text("utf-8", "replace")[-1500:]
        raise SystemExit(f"waited {seconds:g} s in vain for {what}; Ringdesk's log ends:\n{said}")

    async def quiet(self) -> Samples:
        """The metrics when no call goes on and everything is written."""
        return await self.until(
            lambda seen: not total(seen, "ringdesk_legs_live", "ringdesk_journal_backlog"),
            "the calls to end and the journal to be written",
            QUIET_SECONDS,
        )


def total(samples: Samples, *names: str) -> float:
    """The sum over all labels."""
    return sum(value for (name, _), value in samples.items() if name in names)


@asynccontextmanager
async def load_rig(folder: Path, seconds: float) -> AsyncIterator[LoadRig]:
    """Everything up for a load of ``seconds``; gone afterwards. Recording is off."""
    prefix = await asyncio.to_thread(ensure_prefix, default_cache())
    async with AsyncExitStack() as stack:
        phones = await _phones(stack, folder, seconds + START_SECONDS + QUIET_SECONDS * 2)
        asterisk = await stack.enter_async_context(
            AsteriskInstance(
                prefix,
                hook=HookSettings(agi_port=free_port(), queue_timeout=call_mix.QUEUE_SECONDS),
                ring_timeout=call_mix.RING_SECONDS,
                more_files=call_mix.asterisk_files({n: phone.port for n, phone in phones.items()}),
            )
        )
        yield await _with_ringdesk(stack, folder, asterisk, phones)


async def _phones(stack: AsyncExitStack, folder: Path, seconds: float) -> Mapping[str, Sipp]:
    """Each SIPp that plays phones, by name."""
    phones = {}
    for name, (scenario, _) in call_mix.PHONES.items():
        sipp = Sipp(folder / name, call_mix.PHONES_IP, scenario, seconds)
        stack.push_async_callback(sipp.stop)
        await sipp.start()
        phones[name] = sipp
    return phones


async def _with_ringdesk(
    stack: AsyncExitStack, folder: Path, asterisk: AsteriskInstance, phones: Mapping[str, Sipp]
) -> LoadRig:
    metrics_port = free_port()
    settings = _settings_file(folder, asterisk, metrics_port)
    await _ringdesk_ran(folder, asterisk, "customers", "import", str(_customers(folder)))
    process = await _ringdesk(folder, asterisk, "serve", settings=settings)
    stack.push_async_callback(_end, process)
    rig = LoadRig(folder, asterisk, process, metrics_port, phones)
    ready = ("ringdesk_ready",)
    await rig.until(
        lambda seen: (
            all(value for (name, _), value in seen.items() if name in ready)
            and total(seen, "ringdesk_switch_up") == 1
        ),
        "Ringdesk to be ready",
        START_SECONDS,
    )
    return rig


async def _ringdesk(
    folder: Path, asterisk: AsteriskInstance, *command: str, settings: Path
) -> asyncio.subprocess.Process:
    with (folder / "ringdesk.log").open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *("setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", "ringdesk"),
            *(*command, "--config", str(settings)),
            env={**os.environ, "RINGDESK_AMI_SECRET": asterisk.ami_secret},
            stdout=log,
            stderr=log,
        )


async def _ringdesk_ran(folder: Path, asterisk: AsteriskInstance, *command: str) -> None:
    process = await _ringdesk(folder, asterisk, *command, settings=folder / "ringdesk.toml")
    if await process.wait():
        said = (folder / "ringdesk.log").read_text("utf-8", "replace")
        raise SystemExit(f"ringdesk {' '.join(command)} failed: {said[-1500:]}")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), 20)
        except TimeoutError:
            process.kill()
    await process.wait()


def _settings_file(folder: Path, asterisk: AsteriskInstance, metrics_port: int) -> Path:
    write_calendars(folder / "calendars")
    (folder / "menus").mkdir()
    for name, text in call_mix.MENUS.items():
        (folder / "menus" / f"{name}.toml").write_text(text)
    file = folder / "ringdesk.toml"
    file.write_text(
        f"""
database = "sqlite+aiosqlite:///{folder}/ringdesk.db"
data_folder = "{folder}"
[ami]
port = {asterisk.ami[1]}
[ivr]
port = {asterisk.settings.hook.agi_port}
menus_folder = "{folder}/menus"
calendars_folder = "{folder}/calendars"
speech.cache_folder = "{folder}/prompts"
[queue]
policy = "{CONFIG}/policies/default.toml"
[recordings]
enabled = false
folder = "{asterisk.recordings}"
[dashboard]
port = {free_port()}
[metrics]
port = {metrics_port}
"""
    )
    return file


def _customers(folder: Path) -> Path:
    """Every second caller is a customer, in three classes."""
    file = folder / "customers.csv"
    with file.open("w", newline="") as text:
        rows = csv.writer(text)
        rows.writerow(("external_id", "name", "phone", "status", "tier"))
        for kind in range(len(call_mix.KINDS)):
            for row in range(0, call_mix.CUSTOMERS_OF_A_KIND, 2):
                number, tier = call_mix.caller_number(kind, row), ("vip", "gold", "")[row % 3]
                rows.writerow((f"L-{kind}-{row}", f"Customer {row}", number, "current", tier))
    return file
