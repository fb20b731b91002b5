"""Settings of the IVR."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class SpeechSettings(BaseModel):
    """How texts of menus (``say``) become sound files."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: str = Field(default="espeak-ng", description="The espeak-ng program, by name or path.")
    voice: str = Field(
        default="en-gb",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_+-]*$",
        description="Voice or language where a menu names none: espeak-ng --voices lists them.",
    )
    words_per_minute: int = Field(
        default=150, ge=80, le=450, description="How fast texts are spoken."
    )
    cache_folder: Path = Field(
        default=Path("var/prompts"), description="Where spoken texts are kept, as Ringdesk sees it."
    )
    pbx_cache_folder: str = Field(
        default="",
        description="The same folder as the PBX sees it, absolute. Empty: the same path as here.",
    )


class IvrSettings(BaseModel):
    """Menus, the FastAGI server that performs them, and the prompts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(
        default="127.0.0.1", description="The address on which the PBX reaches FastAGI."
    )
    port: int = Field(
        default=4573, ge=0, le=65535, description="The TCP port of FastAGI (0: a free one)."
    )
    pbx_networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(IPv4Network("127.0.0.0/8"), IPv6Network("::1/128")),
        description="Where the PBX may connect from, such as 192.0.2.10/32. Empty: anywhere.",
    )
    menus_folder: Path = Field(
        default=Path("config/menus"),
        description="The menus: one .toml file each, named by the file.",
    )
    calendars_folder: Path = Field(
        default=Path("config/calendars"),
        description="Business hours and holidays: one .toml file each.",
    )
    sounds_folder: Path | None = Field(
        default=None,
        description="The PBX's sound files in the callers' language, as Ringdesk sees them, such "
        "as /usr/share/asterisk/sounds/en. Without it a missing sound is not found at load.",
    )
    speech: SpeechSettings = Field(default=SpeechSettings(), description="Spoken texts.")
    customer_deadline: float = Field(
        default=0.3,
        ge=0,
        le=3,
        description="How long a menu waits for the customer's data, in seconds.",
    )
    alive_margin: float = Field(
        default=4.0,
        ge=2,
        le=30,
        description="How long after the end of a prompt, in seconds, the PBX takes the call back "
        "when Ringdesk hangs.",
    )
    unknown_prompt_seconds: float = Field(
        default=30.0,
        ge=1,
        le=300,
        description="The longest sound file whose length cannot be found out.",
    )
    max_sessions: int = Field(default=500, ge=1, description="Callers in menus at the same time.")
    drain_seconds: float = Field(
        default=5.0, ge=0, le=60, description="How long callers may finish their menu at shutdown."
    )
    reload_seconds: float = Field(
        default=2.0,
        gt=0,
        le=3600,
        description="How often changed menu files are looked for, in seconds.",
    )
