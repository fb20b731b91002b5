"""All settings of the program: one TOML file, every key described where it is defined.

Secrets may stay out of the file: the AMI secret is then read from the environment variable
``RINGDESK_AMI_SECRET`` or from the file that ``ami_secret_file`` names. Each further switch has its
own: ``RINGDESK_AMI_SECRET_WEST`` or the ``ami_secret_file`` of ``[switches.west]``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from callqueue.callback.settings import CallbackSettings
from callqueue.manager.settings import ManagerSettings
from callqueue.settings import LabSettings, QueueSettings
from crm_bridge.settings import CrmSettings
from cti.ami.settings import AmiSettings, TapeSettings
from cti.config_files import ConfigFileError, Problem, TomlDocument, dotted, read_toml
from cti.pbx_logs.settings import PbxLogSettings
from cti.toml_lines import KeyPath
from dashboard.settings import DashboardSettings
from ivr.settings import IvrSettings
from recordings.settings import RecordingSettings

SECRET_VARIABLE = "RINGDESK_AMI_SECRET"  # noqa: S105 - the name of a variable
CALLBACK_VARIABLE = "RINGDESK_CALLBACK_TOKEN"


_NAME = r"^[A-Za-z0-9_.@+-]+$"
SwitchName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]{0,30}$")]
"""No hyphen: it ends where the Linkedid begins in a call's id."""


class HookOptions(BaseModel):
    """The dialplan that `ringdesk asterisk-config` prints; print it anew after a change here."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fallback_queue: str = Field(
        "support",
        pattern=_NAME,
        description="The queue of calls about which Ringdesk does not decide, e.g. while it is"
        " down.",
    )
    menu: str = Field(
        "main", pattern=_NAME, description="The menu of callers whose dialplan names none."
    )
    agi_address: str = Field(
        "", description="Host under which the PBX reaches Ringdesk's FastAGI. Empty: ivr.host."
    )
    internal_context: str = Field(
        "internal",
        pattern=_NAME,
        description="The dialplan context in which extensions are dialled, for menus that send"
        " callers to one.",
    )
    queue_timeout: int = Field(
        600, gt=0, description="Seconds after which a caller stops waiting in a queue."
    )
    mailbox: str = Field(
        "", description="Voicemail box for callers whose wait timed out. Empty: they hear goodbye."
    )
    extension_timeout: int = Field(30, gt=0, description="Seconds an extension rings.")


class MetricsSettings(BaseModel):
    """Where Prometheus reads how Ringdesk is doing."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool = Field(True, description="Serve the metrics at http://host:port/metrics.")
    host: str = Field(
        "127.0.0.1",
        description="Address to listen on. Whoever reaches it may read the metrics: keep it on"
        " this machine or in a network of monitoring.",
    )
    port: int = Field(9464, ge=0, le=65535, description="TCP port; 0 takes a free one.")


class TrunkSettings(BaseModel):
    """How a call that goes from one of our switches to another is known to be the same call.

    The dialplan of the first puts the call's id into a header, that of the second puts the header
    into a variable: `ringdesk asterisk-config` prints both.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    header: str = Field(
        "X-Ringdesk-Call",
        pattern=r"^[A-Za-z][A-Za-z0-9-]{0,60}$",
        description="The SIP header that carries a call's id over a trunk between two switches.",
    )
    variable: str = Field(
        "RINGDESK_JOINS",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,60}$",
        description="The channel variable that holds it on the second switch; it stands in"
        " `channelvars` of manager.conf.",
    )


class SwitchSettings(BaseModel):
    """One further Asterisk. What is not here is the same for all switches."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ami_secret_file: Path | None = Field(
        None, description="A file that holds this Asterisk's AMI secret, instead of ami.secret."
    )
    pbx_recordings: str = Field(
        "",
        pattern=r"^(/[A-Za-z0-9_./+-]*)?$",
        description="The folder of this switch's name within recordings.folder, as this Asterisk"
        " sees it, when its path differs there. Absolute; letters, digits and _ . / + - only.",
    )
    hook: HookOptions = Field(
        default=HookOptions(), description="What this Asterisk's dialplan does with callers."
    )
    pbx_logs: PbxLogSettings = Field(
        default=PbxLogSettings(), description="This Asterisk's own records."
    )
    ami: AmiSettings = Field(default=AmiSettings(), description="The link to this Asterisk.")


class Settings(BaseModel):
    """One Ringdesk server."""

    model_config = ConfigDict(extra="forbid")

    switch: SwitchName = Field(
        "pbx", description="A short name for the Asterisk; it begins every call's id."
    )
    database: str = Field(
        "sqlite+aiosqlite:///var/ringdesk.db",
        description="Where everything is kept: a SQLAlchemy URL. SQLite needs nothing else;"
        " PostgreSQL: `postgresql+psycopg://user@host/ringdesk`, an empty UTF8 database.",
    )
    data_folder: Path = Field(
        Path("var"), description="For what does not belong into the database, such as the spool."
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="How log lines look: text for people, json for machines."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least important line that is still logged."
    )
    ami_secret_file: Path | None = Field(
        None, description="A file that holds the AMI secret, instead of ami.secret."
    )
    hook: HookOptions = Field(
        default=HookOptions(), description="What the PBX's dialplan does with callers."
    )
    ami_tape: TapeSettings = Field(
        default=TapeSettings(), description="The raw AMI messages behind each call."
    )
    pbx_logs: PbxLogSettings = Field(
        default=PbxLogSettings(),
        description="The PBX's own records, read for what happened while Ringdesk did not look.",
    )
    ami: AmiSettings = Field(default=AmiSettings(), description="The link to Asterisk.")
    ivr: IvrSettings = Field(default=IvrSettings(), description="Menus and FastAGI.")
    crm: CrmSettings = Field(default=CrmSettings(), description="Recognising customers.")
    queue: QueueSettings = Field(default=QueueSettings(), description="Who is served next.")
    callback: CallbackSettings = Field(
        default=CallbackSettings(), description="Customers who are called back."
    )
    personal_manager: ManagerSettings = Field(
        default=ManagerSettings(),
        description="Personal managers on their mobiles, while their customer waits.",
    )
    lab: LabSettings = Field(
        default=LabSettings(), description="Trying policies on recorded and made-up days."
    )
    recordings: RecordingSettings = Field(
        default=RecordingSettings(), description="Recording and transcription."
    )
    dashboard: DashboardSettings = Field(
        default=DashboardSettings(), description="What people see in the browser."
    )
    metrics: MetricsSettings = Field(
        default=MetricsSettings(), description="Numbers for Prometheus."
    )
    trunk: TrunkSettings = Field(
        default=TrunkSettings(), description="Calls that cross from one switch to another."
    )
    switches: dict[SwitchName, SwitchSettings] = Field(
        default={}, description="Further Asterisks: one table each, named by the switch."
    )

    @property
    def switch_names(self) -> tuple[str, ...]:
        """All switches; the first one is that of `switch` and `[ami]`."""
        return (self.switch, *self.switches)

    @property
    def is_first(self) -> bool:
        """Whether these are the settings as the first switch sees them."""
        return self.switch not in self.switches

    def at(self, switch: str) -> Settings:
        """The same installation as seen from one switch: its `ami`, `hook` and recordings.

        Raises KeyError for a switch that there is not.
        """
        if switch == self.switch:
            return self
        own = self.switches[switch]
        return self.model_copy(
            update={
                "switch": switch,
                "ami": own.ami,
                "ami_secret_file": own.ami_secret_file,
                "hook": own.hook,
                "pbx_logs": own.pbx_logs,
                "recordings": self.recordings.within(switch, own.pbx_recordings),
            }
        )


def load_settings(path: Path, *, secrets: bool = True) -> Settings:
    """The settings in a file. Raises :class:`cti.config_files.ConfigFileError`.

    Relative paths in the file are taken from the current folder. ``secrets``: False for what never
    talks to the PBX, and so need not be allowed to read its secret.
    """
    document = read_toml(path)
    settings = document.build(Settings)
    if doubles := [*_doubles(document, settings)]:
        raise ConfigFileError(doubles)
    if not secrets:
        return settings
    ami = _with_secret(document, ("ami",), settings.ami, settings.ami_secret_file)
    switches = {
        name: own.model_copy(
            update={
                "ami": _with_secret(
                    document, ("switches", name, "ami"), own.ami, own.ami_secret_file
                )
            }
        )
        for name, own in settings.switches.items()
    }
    callback = _with_token(settings.callback)
    return settings.model_copy(update={"ami": ami, "switches": switches, "callback": callback})


def _with_token(callback: CallbackSettings) -> CallbackSettings:
    """With the token of web sites, wherever that is kept; there may be none."""
    token = os.environ.get(CALLBACK_VARIABLE, "")
    if callback.web_token.get_secret_value() or not token:
        return callback
    return callback.model_copy(update={"web_token": SecretStr(token)})


def _doubles(document: TomlDocument, settings: Settings) -> Iterator[Problem]:
    """Two switches of one name, or two names for one Asterisk."""
    if settings.switch in settings.switches:
        reason = f'"{settings.switch}" is the name of the first switch too'
        yield document.problem(
            ("switches", settings.switch), reason, "give it another name, or change `switch`"
        )
    seen = {(settings.ami.host, settings.ami.port): "ami"}
    for name, own in settings.switches.items():
        place = (own.ami.host, own.ami.port)
        if place in seen:
            reason = f"{place[0]}:{place[1]} is the Asterisk of [{seen[place]}] already"
            cure = "give each switch the host and port of its own Asterisk"
            yield document.problem(("switches", name, "ami"), reason, cure)
        seen.setdefault(place, f"switches.{name}.ami")


def _with_secret(
    document: TomlDocument, table: KeyPath, ami: AmiSettings, file: Path | None
) -> AmiSettings:
    """The link with its secret, wherever that is kept; the environment where there is no file."""
    if ami.secret.get_secret_value():
        return ami
    variable = "_".join([SECRET_VARIABLE, *(str(part).upper() for part in table[1:-1])])
    reason = "no AMI secret"
    secret = ""
    if file:
        try:
            secret = file.read_text().strip()
        except OSError as error:
            reason = f"{file}: {error.strerror}"
    secret = secret or os.environ.get(variable, "")
    if not secret:
        cure = (
            f'write secret = "..." under [{dotted(table)}], or set {variable}, or name a readable'
            " ami_secret_file; it is the secret of the user in manager.conf"
        )
        raise ConfigFileError([document.problem((*table, "secret"), reason, cure)])
    return ami.model_copy(update={"secret": SecretStr(secret)})
