"""The doctor without a PBX: what is wrong on this machine, and that looking changes nothing."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest
from aiohttp import web
from pydantic import SecretStr

from callqueue.callback.settings import CallbackSettings
from callqueue.manager.settings import Deputy, ManagerSettings
from callqueue.settings import QueueSettings
from cti.ami.settings import AmiSettings
from cti.clock import now
from cti.pbx_logs.settings import PbxLogSettings
from cti.storage import open_engine
from dashboard.accounts import Accounts
from dashboard.settings import DashboardSettings
from ivr.settings import IvrSettings
from ivr.settings import SpeechSettings as VoiceSettings
from recordings.settings import DEMO_MODEL, RecordingSettings, SpeechSettings
from ringdesk.demo.asterisk import free_port
from ringdesk.doctor import Check, examine
from ringdesk.migrate import migrate
from ringdesk.settings import Settings, load_settings

CONFIG = Path(__file__).parents[3] / "config"
MENU = """title = "Main"
[step.welcome]
do = "play"
prompt = { sound = "beep" }
go = "queue support"
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A good installation whose PBX is switched off."""
    (tmp_path / "menus").mkdir()
    (tmp_path / "menus/main.toml").write_text(MENU)
    (tmp_path / "recordings").mkdir()
    shutil.copy(CONFIG / "policies/default.toml", tmp_path / "policy.toml")
    return Settings(
        database=f"sqlite+aiosqlite:///{tmp_path}/data/ringdesk.db",
        data_folder=tmp_path / "data",
        ami=AmiSettings(port=free_port(socket.SOCK_STREAM), secret=SecretStr("s")),
        ivr=IvrSettings(
            menus_folder=tmp_path / "menus",
            calendars_folder=tmp_path / "calendars",
            speech=VoiceSettings(cache_folder=tmp_path / "prompts"),
        ),
        queue=QueueSettings(policy=tmp_path / "policy.toml"),
        recordings=RecordingSettings(folder=tmp_path / "recordings"),
        dashboard=DashboardSettings(port=free_port(socket.SOCK_STREAM)),
    )


async def examined(settings: Settings) -> dict[str, list[Check]]:
    by_name: dict[str, list[Check]] = {}
    for check in await examine(settings):
        by_name.setdefault(check.name, []).append(check)
    return by_name


async def the(name: str, settings: Settings) -> Check:
    (check,) = (await examined(settings))[name]
    return check


async def test_looking_makes_no_file(settings: Settings, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    checks = await examined(settings)
    assert sorted(tmp_path.rglob("*")) == before
    assert checks["AMI"][0].state == "fail"
    assert checks["database"][0].said.endswith("`ringdesk serve` makes it at its first start")
    assert {c.state for n in ("menus", "priority policy", "page") for c in checks[n]} == {"ok"}


async def test_a_broken_menu_is_told_by_file_line_and_cure(settings: Settings) -> None:
    path = settings.ivr.menus_folder / "main.toml"
    path.write_text(MENU.replace("queue support", "quue support"))
    check = await the("menus", settings)
    assert check.state == "fail"
    assert check.said.startswith(f"{path}:5: step.welcome.go:")
    assert "queue support" in check.fix


async def test_many_problems_are_cut_short(settings: Settings) -> None:
    for number in range(8):
        (settings.ivr.menus_folder / f"m{number}.toml").write_text("title = 1\n")
    checks = (await examined(settings))["menus"]
    assert {check.state for check in checks} == {"fail"}
    assert len(checks) == 6
    assert checks[-1].fix == "ringdesk menus check"


async def test_a_broken_policy(settings: Settings) -> None:
    settings.queue.policy.write_text('name = "default"\ndefault = "nobody"\n')
    assert (await examined(settings))["priority policy"][0].state == "fail"


async def test_accounts_of_a_database_that_is_up_to_date(settings: Settings) -> None:
    engine = open_engine(settings.database)
    await migrate(engine)
    await Accounts(engine, settings.dashboard, now).add("anna", "Anna", "agent", password="x" * 12)
    await engine.dispose()
    check = await the("database", settings)
    assert (check.state, check.said.endswith("1 account")) == ("ok", True)


async def test_a_database_without_migrations_is_not_touched(settings: Settings) -> None:
    engine = open_engine(settings.database)
    async with engine.begin() as connection:
        await connection.exec_driver_sql("create table something (id integer)")
    await engine.dispose()
    check = await the("database", settings)
    assert (check.state, "not migrated" in check.said) == ("warn", True)
    engine = open_engine(settings.database)
    async with engine.connect() as connection:
        rows = await connection.exec_driver_sql("select name from sqlite_master")
        assert [name for (name,) in rows] == ["something"]
    await engine.dispose()


@pytest.mark.parametrize(
    "url", ["nonsense", "mysqlish://a:pw@b/c", "postgresql+psycopg://a:pw@127.0.0.1:1/c"]
)
async def test_a_database_that_cannot_be_used(settings: Settings, url: str) -> None:
    check = await the("database", settings.model_copy(update={"database": url}))
    assert check.state == "fail"
    assert "pw" not in check.said


def with_models(settings: Settings, speech: SpeechSettings) -> Settings:
    recordings = settings.recordings.model_copy(update={"speech": speech})
    return settings.model_copy(update={"recordings": recordings})


async def test_speech_models(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringdesk.doctor.speech.TRY_SECONDS", 60)  # busy machines are slow
    broken = tmp_path / "broken"
    shutil.copytree(DEMO_MODEL, broken)
    (broken / "graph/HCLr.fst").write_bytes(b"not a graph")
    good = tmp_path / "good"
    good.symlink_to(DEMO_MODEL)
    speech = SpeechSettings(
        models={"en": good, "fr": broken, "de": tmp_path / "nowhere"},
        queue_languages={"a": "fr", "b": "de", "c": "es"},
    )
    checks = (await examined(with_models(settings, speech)))["speech model"]
    assert [check.state for check in checks] == ["ok", "fail", "fail", "warn"]
    assert "there is no folder" in checks[2].said
    assert "none for 'es'" in checks[3].said


async def test_another_program_on_the_page_s_port(settings: Settings) -> None:
    runner = web.AppRunner(web.Application())
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", settings.dashboard.port).start()
        check = await the("page", settings)
    finally:
        await runner.cleanup()
    assert (check.state, "another program holds" in check.said) == ("fail", True)
    assert str(settings.dashboard.port) in check.fix


async def test_a_ringdesk_that_is_not_ready(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gets some time, for it may have started this moment; then its own words are told."""
    asked = 0

    async def ready(_request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        if asked > 3:
            return web.json_response({"status": "ready", "parts": []})
        error = {"code": "not_ready", "message": "journal: stuck", "cure": "free the disk"}
        return web.json_response({"error": error}, status=503)

    application = web.Application()
    application.router.add_get("/api/ready", ready)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", settings.dashboard.port).start()
        with monkeypatch.context() as impatient:
            impatient.setattr("ringdesk.doctor.page.READY_SECONDS", 0)
            check = await the("page", settings)
        assert (check.state, check.fix) == ("warn", "free the disk")
        assert "but journal: stuck" in check.said
        assert (await the("page", settings)).state == "ok"
    finally:
        await runner.cleanup()


async def test_a_page_address_that_is_not_ours(settings: Settings) -> None:
    dashboard = settings.dashboard.model_copy(update={"host": "192.0.2.1"})
    check = await the("page", settings.model_copy(update={"dashboard": dashboard}))
    assert (check.state, "cannot listen on 192.0.2.1" in check.said) == ("fail", True)


async def test_a_recordings_folder_that_is_a_file(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    recordings = settings.recordings.model_copy(update={"folder": tmp_path / "file"})
    check = await the("recordings folder", settings.model_copy(update={"recordings": recordings}))
    assert (check.state, "it is no folder" in check.said) == ("fail", True)


async def test_root_is_told_that_root_sees_too_little(settings: Settings) -> None:
    if os.geteuid():
        assert "user" not in await examined(settings)
        return
    os.chown(settings.recordings.folder, 65534, 65534)
    check = await the("user", settings)
    assert check.state == "warn"
    assert "sudo -u " in check.fix


def test_the_settings_file_to_copy_is_in_order(tmp_path: Path) -> None:
    text = (CONFIG / "ringdesk.toml").read_text()
    secret, copy = tmp_path / "secret", tmp_path / "ringdesk.toml"
    secret.write_text("s3cret\n")
    copy.write_text(text.replace("/etc/ringdesk/ami-secret", str(secret)))
    assert load_settings(copy).ami.secret.get_secret_value() == "s3cret"
    everything = tmp_path / "everything.toml"
    commented = [line.removeprefix("# ") for line in copy.read_text().splitlines()]
    keys = [line for line in commented if line.startswith("[") or " = " in line]
    everything.write_text("\n".join(keys))
    assert load_settings(everything).hook.agi_address == "192.0.2.20"


async def test_nothing_is_said_of_calls_that_nobody_is_to_make(settings: Settings) -> None:
    found = await examined(settings)
    assert not found.keys() & {"personal manager", "callbacks", "calls that Ringdesk makes"}


async def test_what_keeps_a_manager_from_being_called(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "sounds").mkdir()
    (tmp_path / "sounds" / "beep.gsm").write_bytes(b"x" * 33)
    deputy = Deputy(of="*", name="Vera", mobile="ask Eva")
    managers = ManagerSettings(
        classes=("VPI",), calendar="ofice", whisper="beep", ask="bepp", deputies=(deputy,)
    )
    ivr = settings.ivr.model_copy(update={"sounds_folder": tmp_path / "sounds"})
    wrong = settings.model_copy(update={"personal_manager": managers, "ivr": ivr})
    checks = (await examined(wrong))["personal manager"]
    assert {check.state for check in checks} == {"fail"}
    assert [check.said.partition(":")[0] for check in checks] == [
        "personal_manager.classes",
        "personal_manager.calendar",
        "personal_manager.ask",
        'the deputy Vera\'s mobile "ask Eva" is no number',
    ]
    assert 'did you mean "VIP"?' in checks[0].fix

    right = settings.model_copy(update={"personal_manager": ManagerSettings(classes=("vip",))})
    (check,) = (await examined(right))["personal manager"]
    assert (check.state, check.said) == ("ok", "class vip, by PJSIP/{number}@trunk")


async def test_what_keeps_customers_from_being_called_back(settings: Settings) -> None:
    wanted = CallbackSettings(enabled=True, calendar="office")
    check = await the("callbacks", settings.model_copy(update={"callback": wanted}))
    assert (check.state, "there is no calendar" in check.said) == ("fail", True)
    logs = {"callback": CallbackSettings(enabled=True), "pbx_logs": PbxLogSettings()}
    check = await the("callbacks", settings.model_copy(update=logs))
    assert (check.state, "pbx_logs.cel" in check.said) == ("warn", True)
    logs["pbx_logs"] = PbxLogSettings(cel=Path("cel.csv"))
    check = await the("callbacks", settings.model_copy(update=logs))
    assert check.state == "ok"
