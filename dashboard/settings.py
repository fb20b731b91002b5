"""What can be set about the dashboard."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

Reach = Literal["none", "own", "team", "all"]


class DashboardSettings(BaseModel):
    """The web server, its log-ins and what the roles may see."""

    model_config = ConfigDict(extra="forbid")

    host: str = Field(
        "127.0.0.1",
        description="Address to listen on. 127.0.0.1: this machine only, as behind a TLS proxy; "
        "0.0.0.0: every network of this machine, without encryption.",
    )
    port: int = Field(8080, ge=0, le=65535, description="TCP port; 0 takes a free one.")
    public_origin: str = Field(
        "",
        description="What people type into the browser, e.g. https://desk.example.com, when a "
        "proxy stands before Ringdesk. With https the session cookie is marked Secure.",
    )
    behind_proxy: bool = Field(
        False,
        description="Trust the last address in X-Forwarded-For as the visitor's (rate limits, "
        "audit). Switch on only when a proxy of yours always sets it.",
    )
    time_zone: str = Field(
        "UTC", description="Where the day of 'today' begins at midnight, e.g. Europe/Sofia."
    )
    session_hours: float = Field(
        12, gt=0, le=24 * 30, description="Log in again after this many hours, whatever happens."
    )
    session_idle_hours: float = Field(
        2,
        gt=0,
        le=24 * 30,
        description="Log in again after so many hours without a sign of life; an open desk is one.",
    )
    agents_see_calls: Reach = Field(
        "own",
        description="Calls an agent can open: own (taken part in), team (their queues), all.",
    )
    agents_see_customers: Literal["own", "all"] = Field(
        "own",
        description="Customers an agent can open: own (owner by extension, or spoken to or "
        "calling now), or all.",
    )
    agents_hear: Reach = Field(
        "own", description="Recordings an agent can hear and read: none, own, team or all."
    )
    login_attempts_per_username: int = Field(
        10, ge=1, description="Log-ins tried for one user name in five minutes before refusing."
    )
    login_attempts_per_address: int = Field(
        200, ge=1, description="Log-ins tried from one address in five minutes before refusing."
    )
    client_buffer_bytes: int = Field(
        256 * 1024,
        ge=1024,
        description="What is kept for a browser that reads slowly; beyond it the browser gets one "
        "fresh snapshot instead.",
    )
    client_buffer_messages: int = Field(
        256, ge=1, description="The same limit, counted in messages."
    )
    client_stall_seconds: float = Field(
        20, gt=0, description="A browser that takes nothing for so long is disconnected."
    )

    @field_validator("public_origin")
    @classmethod
    def _origin_only(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or parts.path or not parts.hostname):
            raise ValueError("give scheme, host and port only, as in https://desk.example.com")
        return value
