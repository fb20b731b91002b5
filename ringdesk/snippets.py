"""The Asterisk side of this installation, rendered from its settings."""

from __future__ import annotations

from ringdesk.asterisk_config import (
    HookSettings,
    ManagerSettings,
    render_extensions,
    render_lean_events,
    render_manager,
)
from ringdesk.settings import Settings

_EVERYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared, not bound


def hook_of(settings: Settings) -> HookSettings:
    """The dialplan hook of this installation."""
    host = settings.agi_address or settings.ivr.host
    if host in _EVERYWHERE:
        host = "127.0.0.1"
    return HookSettings(
        agi_host=host, agi_port=settings.ivr.port, fallback_queue=settings.fallback_queue
    )


def manager_of(settings: Settings) -> ManagerSettings:
    """The AMI user of this installation."""
    return ManagerSettings(
        secret=settings.ami.secret.get_secret_value(), user=settings.ami.username
    )


def snippets_for(settings: Settings) -> dict[str, str]:
    """Part (manager, extensions, lean) -> text, in the order in which to use them."""
    return {
        "manager": render_manager(manager_of(settings)),
        "extensions": render_extensions(hook_of(settings)),
        "lean": "\n".join(render_lean_events().values()),
    }
