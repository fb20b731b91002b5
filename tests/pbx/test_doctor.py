"""`ringdesk doctor` on a real Asterisk: all green when all is right, and each fault by its line."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr

from callqueue.callback.settings import CallbackSettings
from callqueue.manager.settings import ManagerSettings
from callqueue.settings import QueueSettings
from cti.ami.settings import AmiSettings
from cti.clock import now
from cti.storage import open_engine
from dashboard.accounts import Accounts
from dashboard.settings import DashboardSettings
from ivr.settings import IvrSettings
from ivr.settings import SpeechSettings as VoiceSettings
from recordings.settings import DEMO_MODEL, RecordingSettings, SpeechSettings
from ringdesk.demo.asterisk import AsteriskFailed, AsteriskInstance, free_port
from ringdesk.demo.phone import Phone
from ringdesk.demo.world import logs_of
from ringdesk.doctor import LISTEN_SECONDS, Check, examine
from ringdesk.doctor.report import lines_of
from ringdesk.migrate import migrate
from ringdesk.server import open_server
from ringdesk.settings import Settings

pytestmark = [pytest.mark.pbx, pytest.mark.asyncio(loop_scope="module")]

MENU = """title = "Main"
[step.welcome]
do = "play"
prompt = { sound = "beep" }
go = "queue support"
"""
POLICY = """name = "default"
default = "standard"
[[class]]
name = "standard"
label = "Standard"
"""


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may load its speech model slowly; that is not what is tested here."""
    monkeypatch.setattr("ringdesk.doctor.speech.TRY_SECONDS", 60)


class Installation:
    """A correct installation on a real Asterisk; each test spoils one thing."""

    def __init__(self, folder: Path, asterisk: AsteriskInstance) -> None:
        self.asterisk = asterisk
        self.folder = folder
        self._whole: dict[Path, str] = {}
        (folder / "menus").mkdir()
        (folder / "prompts").mkdir()
        (folder / "menus/main.toml").write_text(MENU)
        (folder / "policy.toml").write_text(POLICY)
        model = folder / "vosk-model"
        model.symlink_to(DEMO_MODEL)
        host, port = asterisk.ami
        self.settings = Settings(
            database=f"sqlite+aiosqlite:///{folder}/ringdesk.db",
            data_folder=folder,
            ami=AmiSettings(host=host, port=port, secret=SecretStr(asterisk.ami_secret)),
            ivr=IvrSettings(
                port=asterisk.settings.hook.agi_port,
                menus_folder=folder / "menus",
                calendars_folder=folder / "calendars",
                speech=VoiceSettings(cache_folder=folder / "prompts"),
            ),
            personal_manager=ManagerSettings(classes=("Standard",)),
            callback=CallbackSettings(enabled=True),
            queue=QueueSettings(policy=folder / "policy.toml"),
            recordings=RecordingSettings(
                folder=asterisk.recordings, speech=SpeechSettings(models={"en": model})
            ),
            dashboard=DashboardSettings(port=free_port(socket.SOCK_STREAM)),
            pbx_logs=logs_of(asterisk),
        )

    async def add_agent(self, agent: str = "PJSIP/101", *queues: str) -> None:
        engine = open_engine(self.settings.database)
        await migrate(engine)
        await Accounts(engine, self.settings.dashboard, now).add(
            agent[-3:], "Anna", "agent", password="not-used", agent=agent, queues=queues
        )
        await engine.dispose()

    def change(self, part: str, **changes: object) -> None:
        """Change one table of the settings (empty: the top)."""
        if not part:
            self.settings = self.settings.model_copy(update=changes)
            return
        table = getattr(self.settings, part).model_copy(update=changes)
        self.settings = self.settings.model_copy(update={part: table})

    async def edit(self, file: str, edit: Callable[[str], str], reload: str) -> None:
        """Change a file of the PBX, and let it be read."""
        path = self.asterisk.work / "etc" / file
        before = path.read_text()
        self._whole.setdefault(path, before)
        assert edit(before) != before
        path.write_text(edit(before))
        await self.asterisk.cli(reload)

    async def restore(self) -> None:
        """Make the PBX what it was."""
        for path, text in self._whole.items():
            path.write_text(text)
        for command in ("manager reload", "dialplan reload"):
            await self.asterisk.cli(command)
        for agent in ("PJSIP/101", "PJSIP/103"):
            with contextlib.suppress(AsteriskFailed):
                await self.asterisk.cli(f"queue remove member {agent} from support")

    async def examined(self, listen_seconds: float = 0.2) -> dict[str, Check]:
        """What the doctor says, by name; nothing stays behind on the PBX or in the folder."""
        files = set(self.asterisk.recordings.iterdir())
        checks = await examine(self.settings, listen_seconds=listen_seconds)
        assert await self.asterisk.channels() == 0
        assert set(self.asterisk.recordings.iterdir()) == files
        assert not list(self.folder.glob("prompts/ringdesk-doctor*"))
        return {check.name: check for check in checks}


@pytest_asyncio.fixture(loop_scope="module")
async def site(module_asterisk: AsteriskInstance, tmp_path: Path) -> AsyncIterator[Installation]:
    asterisk = module_asterisk
    installation = Installation(tmp_path, asterisk)
    await installation.add_agent("PJSIP/101", "support")
    await asterisk.cli("queue add member PJSIP/101 to support")
    async with Phone("127.0.0.1", asterisk.sip, user="101", password=asterisk.agent_password) as p:
        await p.register()
        yield installation
    await installation.restore()


async def state_of(asterisk: AsteriskInstance) -> tuple[str, ...]:
    """What a doctor must not change; seconds that go by do not count."""
    commands = ("queue show", "dialplan show", "database show", "core show globals")
    return tuple([re.sub(r"\d+ secs", "", await asterisk.cli(c)) for c in commands])


def told(checks: dict[str, Check]) -> str:
    return "\n".join(lines_of(list(checks.values()), width=100, coloured=False))


def faults(checks: dict[str, Check]) -> list[str]:
    return [check.name for check in checks.values() if check.state != "ok"]


async def test_all_is_in_order_and_the_pbx_stays_as_it_was(site: Installation) -> None:
    before = await state_of(site.asterisk)
    began = time.monotonic()
    checks = await site.examined(LISTEN_SECONDS)
    assert time.monotonic() - began < 10
    assert not faults(checks), told(checks)
    assert not [check for check in checks.values() if check.fix]
    assert await state_of(site.asterisk) == before


async def test_beside_a_running_ringdesk_and_without_leaving_a_call_in_its_history(
    site: Installation,
) -> None:
    server = await open_server(site.settings)
    stop = asyncio.Event()
    serving = asyncio.create_task(server.run(stop))
    try:
        async with asyncio.timeout(10):
            while not (server.page.listening.is_set() and server.page.ready):
                await asyncio.sleep(0.05)
        checks = await site.examined()
        await server.core.journal.flush()
        events = await server.core.journal.read_after(0, 1000)
    finally:
        stop.set()
        await serving
    assert not faults(checks), told(checks)
    assert "running Ringdesk answered" in checks["FastAGI"].said
    assert "Ringdesk serves on" in checks["page"].said
    assert events
    assert not [event for event in events if event.call_id]


async def test_a_closed_port_is_one_fault_and_the_rest_says_why_it_was_left_out(
    site: Installation,
) -> None:
    port = free_port(socket.SOCK_STREAM)
    site.change("ami", port=port)
    checks = await site.examined()
    assert checks["AMI"].state == "fail"
    assert f"nothing listens on 127.0.0.1:{port}" in checks["AMI"].said
    assert f"port = {port}" in checks["AMI"].fix
    assert checks["FastAGI"].said == "not checked: there is no AMI link"
    assert checks["menus"].state == "ok"
    assert [c.name for c in checks.values() if c.state == "fail"] == ["AMI"]


async def test_a_wrong_secret(site: Installation) -> None:
    site.change("ami", secret=SecretStr("not-the-secret"))
    check = (await site.examined())["AMI"]
    assert check.state == "fail"
    assert "refuses the user 'ringdesk'" in check.said
    assert "[ringdesk]" in check.fix
    assert "permit = 127.0.0.1/32" in check.fix
    assert "not-the-secret" not in check.said + check.fix


async def test_an_address_that_permit_leaves_out(site: Installation) -> None:
    await site.edit(
        "ringdesk-manager.conf",
        lambda text: text.replace("permit = 127.0.0.1/32", "permit = 192.0.2.1/32"),
        "manager reload",
    )
    check = (await site.examined())["AMI"]
    assert check.state == "fail"
    assert "keeps 127.0.0.1 out" in check.said


async def test_what_listens_is_not_asterisk(site: Installation) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        site.change("ami", port=server.sockets[0].getsockname()[1])
        check = (await site.examined())["AMI"]
    assert check.state == "fail"
    assert "is not Asterisk's manager" in check.said


SPOILED = {"system": "recording by the PBX", "reporting": "FastAGI", "originate": "FastAGI"}


async def test_a_missing_right_to_write(site: Installation) -> None:
    for right in ("system", "call", "agent", "user", "reporting", "originate"):
        async with without_right(site, "write", right):
            checks = await site.examined()
        check, spoiled = checks["AMI actions"], SPOILED.get(right)
        assert check.state == "fail", told(checks)
        assert f"the right to write {right} is missing" in check.said
        assert "write = system,call,agent,user,reporting,originate" in check.fix
        assert "manager reload" in check.fix
        assert not spoiled or checks[spoiled].said.startswith("not checked"), told(checks)


async def test_a_missing_right_to_read(site: Installation) -> None:
    for right in ("system", "call", "agent", "user"):
        async with without_right(site, "read", right):
            check = (await site.examined())["AMI events"]
        assert check.state == "fail"
        assert f"the right to read {right} is missing" in check.said
        assert "read = system,call,agent,user" in check.fix


@contextlib.asynccontextmanager
async def without_right(site: Installation, kind: str, right: str) -> AsyncIterator[None]:
    def edit(text: str) -> str:
        lines = text.splitlines()
        at = next(i for i, line in enumerate(lines) if line.startswith(f"{kind} ="))
        lines[at] = lines[at].replace(f"{right},", "").replace(f",{right}", "")
        return "\n".join(lines) + "\n"

    path = site.asterisk.work / "etc/ringdesk-manager.conf"
    whole = path.read_text()
    await site.edit("ringdesk-manager.conf", edit, "manager reload")
    yield
    path.write_text(whole)


async def test_more_rights_than_needed_and_more_events_than_useful(site: Installation) -> None:
    await site.edit(
        "ringdesk-manager.conf",
        lambda text: text.replace("read = ", "read = all,").replace("write = ", "write = all,"),
        "manager reload",
    )
    checks = await site.examined()
    assert faults(checks) == ["AMI actions", "event load"], told(checks)
    assert "command and config too" in checks["AMI actions"].said
    assert "Newexten" in checks["event load"].said


async def test_events_without_their_time(site: Installation) -> None:
    await site.edit(
        "ringdesk-manager.conf",
        lambda text: text.replace("timestampevents = yes", "timestampevents = no"),
        "manager reload",
    )
    check = (await site.examined())["event times"]
    assert check.state == "fail"
    assert "timestampevents = yes" in check.fix


async def test_no_hook(site: Installation) -> None:
    await site.edit(
        "extensions.conf",
        lambda text: text.replace('#include "ringdesk-extensions.conf"', ""),
        "dialplan reload",
    )
    checks = await site.examined()
    assert checks["dialplan hook"].state == "fail"
    assert "there is no context ringdesk-in" in checks["dialplan hook"].said
    assert '#include "ringdesk-extensions.conf"' in checks["dialplan hook"].fix
    assert "there is no context ringdesk-" in checks["calls that Ringdesk makes"].said
    assert checks["FastAGI"].said.startswith("not checked: the dialplan hook")
    assert checks["recording by the PBX"].said.startswith("not checked: the dialplan hook")


async def test_a_hook_of_another_version_or_for_other_settings(site: Installation) -> None:
    await site.edit(
        "ringdesk-extensions.conf",
        lambda text: text.replace("RINGDESK_HOOK=2", "RINGDESK_HOOK=0"),
        "dialplan reload",
    )
    assert "the hook is version 0" in (await site.examined())["dialplan hook"].said
    await site.edit(
        "ringdesk-extensions.conf",
        lambda text: text.replace("RINGDESK_HOOK=0", "RINGDESK_HOOK=2"),
        "dialplan reload",
    )
    site.change("hook", fallback_queue="sales")
    said = (await site.examined())["dialplan hook"].said
    assert "it falls back to queue support, the settings say sales" in said


async def test_nothing_leads_into_the_hook(site: Installation) -> None:
    await site.edit(
        "extensions.conf",
        lambda text: text.replace("Goto(ringdesk-in,${EXTEN},1)", "Hangup()"),
        "dialplan reload",
    )
    checks = await site.examined()
    assert faults(checks) == ["way into the hook"], told(checks)
    assert "Goto(ringdesk-in,${EXTEN},1)" in checks["way into the hook"].fix


async def test_fastagi_on_another_port_than_the_hook_calls(site: Installation) -> None:
    called = site.settings.ivr.port
    site.change("ivr", port=free_port(socket.SOCK_STREAM))
    checks = await site.examined()
    assert faults(checks) == ["dialplan hook", "FastAGI"], told(checks)
    assert f"called 127.0.0.1:{called} and could not connect" in checks["FastAGI"].said
    assert "ringdesk asterisk-config --part extensions" in checks["FastAGI"].fix


async def test_fastagi_from_an_address_that_is_not_let_in(site: Installation) -> None:
    networks = IvrSettings.model_validate({"pbx_networks": ["192.0.2.10/32"]}).pbx_networks
    site.change("ivr", pbx_networks=networks)
    check = (await site.examined())["FastAGI"]
    assert check.state == "fail"
    assert 'pbx_networks = ["127.0.0.1/32"]' in check.fix


async def test_fastagi_port_held_by_another_program_that_hangs(site: Installation) -> None:
    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    port = site.settings.ivr.port
    began = time.monotonic()
    async with await asyncio.start_server(swallow, "127.0.0.1", port):
        check = (await site.examined())["FastAGI"]
    assert time.monotonic() - began < 10
    assert check.state == "fail"
    assert f"another program holds 127.0.0.1:{port}" in check.said


async def test_recordings_folder_that_is_not_the_one_asterisk_writes_to(
    site: Installation,
) -> None:
    elsewhere = site.folder / "elsewhere"
    site.change("recordings", folder=elsewhere)
    checks = await site.examined()
    assert f"there is no folder {elsewhere}" in checks["recordings folder"].said
    assert f"2770 {elsewhere}" in checks["recordings folder"].fix
    assert checks["recording by the PBX"].state == "unknown"
    elsewhere.mkdir()
    site.change("recordings", pbx_folder=site.asterisk.work / "other")
    checks = await site.examined()
    assert faults(checks) == ["recording by the PBX"], told(checks)
    assert f"nothing appeared in {elsewhere}" in checks["recording by the PBX"].said
    assert "pbx_folder = " in checks["recording by the PBX"].fix


async def test_prompts_that_the_pbx_cannot_see(site: Installation) -> None:
    menu = site.folder / "menus/main.toml"
    menu.write_text(MENU.replace('{ sound = "beep" }', '{ say = "Welcome" }'))
    espeak = site.settings.ivr.speech.model_copy(update={"command": "espeak-ng"})
    site.change("ivr", speech=espeak)
    checks = await site.examined()
    assert not faults(checks), told(checks)
    site.change("ivr", speech=espeak.model_copy(update={"pbx_cache_folder": "/nowhere"}))
    checks = await site.examined()
    assert faults(checks) == ["spoken prompts"], told(checks)
    assert "callers would hear silence" in checks["spoken prompts"].said


async def test_queues_that_are_missing_or_empty(site: Installation) -> None:
    await site.add_agent("PJSIP/102", "billing")
    menu = site.folder / "menus/main.toml"
    menu.write_text(MENU.replace("queue support", "queue sales"))
    checks = await site.examined()
    assert checks["queues"].state == "fail"
    assert "no queue billing (named by the account 102)" in checks["queues"].said
    assert "[billing]" in checks["queues"].fix
    assert checks["queue members"].state == "warn"
    assert "nobody is in sales" in checks["queue members"].said


async def test_nobody_can_be_rung(site: Installation) -> None:
    await site.asterisk.cli("queue remove member PJSIP/101 from support")
    await site.asterisk.cli("queue add member PJSIP/103 to support")
    check = (await site.examined())["queue members"]
    assert check.state == "warn"
    assert "nobody in support has a phone that is registered" in check.said


async def test_an_agent_whose_phone_the_pbx_does_not_know(site: Installation) -> None:
    await site.add_agent("PJSIP/999")
    checks = await site.examined()
    assert faults(checks) == ["agents' phones"], told(checks)
    assert "knows no PJSIP/999" in checks["agents' phones"].said


async def test_a_hook_that_sends_callers_to_a_menu_which_is_not_there(site: Installation) -> None:
    (site.folder / "menus/main.toml").rename(site.folder / "menus/welcome.toml")
    checks = await site.examined()
    assert faults(checks) == ["dialplan hook"], told(checks)
    assert "write main.toml" in checks["dialplan hook"].fix
