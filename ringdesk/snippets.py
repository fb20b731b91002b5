"""The Asterisk side of this installation, rendered from its settings."""

from __future__ import annotations

import socket

from ringdesk.asterisk_config import (
    HookSettings,
    ManagerSettings,
    render_extensions,
    render_lean_events,
    render_logs,
    render_manager,
)
from ringdesk.settings import Settings
from ringdesk.trunk_config import TrunkSnippet, render_trunk

_EVERYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared, not bound


def hook_of(settings: Settings) -> HookSettings:
    """The dialplan hook of this installation."""
    hook = settings.hook
    host = hook.agi_address or settings.ivr.host
    if host in _EVERYWHERE:
        host = "127.0.0.1"
    return HookSettings(
        agi_host=host,
        agi_port=settings.ivr.port,
        menu=hook.menu,
        fallback_queue=hook.fallback_queue,
        queue_timeout=hook.queue_timeout,
        mailbox=hook.mailbox,
        internal_context=hook.internal_context,
        extension_timeout=hook.extension_timeout,
        switch="" if settings.is_first else settings.switch,
    )


def manager_of(settings: Settings) -> ManagerSettings:
    """The AMI user of this installation, permitted from this machine's address only."""
    address = own_address(settings.ami.host, settings.ami.port) or "127.0.0.1"
    return ManagerSettings(
        secret=settings.ami.secret.get_secret_value(),
        user=settings.ami.username,
        permit=f"{address}/{128 if ':' in address else 32}",
        variables=(settings.trunk.variable,) if settings.switches else (),
    )


def extensions_of(settings: Settings) -> str:
    """The dialplan of this switch; where there are several, with the trunks between them."""
    hook = render_extensions(hook_of(settings))
    return f"{hook}\n{render_trunk(trunk_of(settings))}" if settings.switches else hook


def trunk_of(settings: Settings) -> TrunkSnippet:
    """Both ends of this switch's trunks to others of ours."""
    return TrunkSnippet(settings.switch, settings.trunk.header, settings.trunk.variable)


def snippets_for(settings: Settings) -> dict[str, str]:
    """Part (manager, extensions, lean, logs) -> text, in the order in which to use them.

    ``settings`` are as the switch sees them, :meth:`Settings.at`; so everywhere here.
    """
    return {
        "manager": render_manager(manager_of(settings)),
        "extensions": extensions_of(settings),
        "lean": "\n".join(render_lean_events().values()),
        "logs": "\n".join(render_logs().values()),
    }


def own_address(host: str, port: int) -> str:
    """The address from which this machine reaches ``host``; empty when there is no way."""
    try:
        family, kind, _, _, target = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as probe:
            probe.connect(target)
            return str(probe.getsockname()[0])
    except OSError:
        return ""
