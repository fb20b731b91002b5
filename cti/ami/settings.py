"""Settings of the link to one Asterisk."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator


class AmiSettings(BaseModel):
    """Where the Asterisk Manager Interface listens and how patient Ringdesk is with it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field("127.0.0.1", description="Address of the Asterisk server.")
    port: int = Field(
        5038, ge=1, le=65535, description="AMI port: `port` in manager.conf, 5038 by default."
    )
    username: str = Field(
        "ringdesk",
        min_length=1,
        description="The manager user: the section's name in manager.conf. `ringdesk "
        "asterisk-config` prints that section with the rights it needs.",
    )
    secret: SecretStr = Field(
        SecretStr(""), description="The user's `secret` in manager.conf; it may be kept elsewhere."
    )
    action_timeout: float = Field(
        5.0, gt=0, description="Seconds until an action without an answer counts as failed."
    )
    connect_timeout: float = Field(
        10.0, gt=0, description="Seconds for each step of connecting: TCP, greeting, log-in."
    )
    boot_timeout: float = Field(
        60.0, gt=0, description="Seconds to wait for FullyBooted after the log-in."
    )
    ping_interval: float = Field(
        10.0, gt=0, description="Seconds of silence on our side before the link is tested by Ping."
    )
    ping_timeout: float = Field(
        5.0,
        gt=0,
        description="Seconds without any byte from Asterisk after a Ping until the link is dead.",
    )
    reconnect_min: float = Field(
        0.5, gt=0, description="First pause in seconds before connecting again; doubles each time."
    )
    reconnect_max: float = Field(
        30.0, gt=0, description="Longest pause in seconds before connecting again."
    )
    refused_pause: float = Field(
        60.0,
        gt=0,
        description="Pause in seconds after a refused log-in: quick retries would only get the "
        "address banned.",
    )
    max_message: int = Field(
        1024 * 1024, ge=4096, description="Longest message in bytes; longer ones are dropped."
    )
    max_rows: int = Field(
        100_000, ge=1, description="Most rows one list (queues, channels) may have."
    )

    @field_validator("username")
    @classmethod
    def _username_is_one_line(cls, value: str) -> str:
        return _one_line(value)

    @field_validator("secret")
    @classmethod
    def _secret_is_one_line(cls, value: SecretStr) -> SecretStr:
        _one_line(value.get_secret_value())
        return value


class TapeSettings(BaseModel):
    """The raw AMI messages, kept beside the calls for an admin who asks why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hours: int = Field(
        24,
        ge=0,
        le=24 * 31,
        description="How long messages are kept, in files under data_folder; 0 keeps none and"
        " removes what there is. They hold callers' numbers and names.",
    )
    megabytes_an_hour: int = Field(
        50, ge=1, description="What an hour may take on the disk; the rest of the hour is not kept."
    )


def _one_line(text: str) -> str:
    if set(text) & set("\r\n\0"):
        raise ValueError("holds a line break or NUL; write it on one line")
    return text
