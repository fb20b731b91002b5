"""All settings of the program: one TOML file, every key described where it is defined.

Secrets may stay out of the file: the AMI secret is then read from the environment variable
``RINGDESK_AMI_SECRET`` or from the file that ``ami_secret_file`` names.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from callqueue.settings import QueueSettings
from crm_bridge.settings import CrmSettings
from cti.ami.settings import AmiSettings, TapeSettings
from cti.config_files import ConfigFileError, Problem, load_toml
from dashboard.settings import DashboardSettings
from ivr.settings import IvrSettings
from recordings.settings import RecordingSettings

SECRET_VARIABLE = "RINGDESK_AMI_SECRET"  # noqa: S105 - the name of a variable


_NAME = r"^[A-Za-z0-9_.@+-]+$"


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


class Settings(BaseModel):
    """One Ringdesk server."""

    model_config = ConfigDict(extra="forbid")

    switch: str = Field(
        "pbx",
        pattern=r"^[a-z0-9][a-z0-9_]{0,30}$",
        description="A short name for the Asterisk; it begins every call's id.",
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
    ami: AmiSettings = Field(default=AmiSettings(), description="The link to Asterisk.")
    ivr: IvrSettings = Field(default=IvrSettings(), description="Menus and FastAGI.")
    crm: CrmSettings = Field(default=CrmSettings(), description="Recognising customers.")
    queue: QueueSettings = Field(default=QueueSettings(), description="Who is served next.")
    recordings: RecordingSettings = Field(
        default=RecordingSettings(), description="Recording and transcription."
    )
    dashboard: DashboardSettings = Field(
        default=DashboardSettings(), description="What people see in the browser."
    )
    metrics: MetricsSettings = Field(
        default=MetricsSettings(), description="Numbers for Prometheus."
    )


def load_settings(path: Path) -> Settings:
    """The settings in a file. Raises :class:`cti.config_files.ConfigFileError`.

    Relative paths in the file are taken from the current folder.
    """
    settings = load_toml(path, Settings)
    if settings.ami.secret.get_secret_value():
        return settings
    secret = _secret_elsewhere(path, settings)
    return settings.model_copy(
        update={"ami": settings.ami.model_copy(update={"secret": SecretStr(secret)})}
    )


def _secret_elsewhere(path: Path, settings: Settings) -> str:
    if settings.ami_secret_file is None:
        secret = os.environ.get(SECRET_VARIABLE, "")
    else:
        try:
            secret = settings.ami_secret_file.read_text().strip()
        except OSError as error:
            raise _no_secret(path, f"{settings.ami_secret_file}: {error.strerror}") from error
    if not secret:
        raise _no_secret(path, "no AMI secret")
    return secret


def _no_secret(path: Path, reason: str) -> ConfigFileError:
    cure = (
        f'write secret = "..." under [ami], or set {SECRET_VARIABLE}, or name a readable'
        " ami_secret_file; it is the secret of the user in manager.conf"
    )
    return ConfigFileError(
        [Problem(file=str(path), line=0, key="ami.secret", reason=reason, cure=cure)]
    )
