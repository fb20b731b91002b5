"""Is there a manager interface, and does it let us in?"""

from __future__ import annotations

import socket

from cti.ami.link import LinkLost, LoginRefused
from ringdesk.asterisk_config import render_manager
from ringdesk.doctor.check import Check
from ringdesk.settings import Settings
from ringdesk.snippets import manager_of, own_address

NAME = "AMI"
RELOAD_MANAGER = "asterisk -rx 'manager reload'"


def why_not(error: LinkLost | OSError, settings: Settings) -> Check:
    """The check of a link that could not be made."""
    where = f"{settings.ami.host}:{settings.ami.port}"
    match error:
        case LoginRefused():
            return _refused(settings)
        case LinkLost():
            said = str(error)
            return Check(NAME, "fail", said if where in said else f"{where}: {said}", _open(where))
        case socket.gaierror():
            said = f"the name {settings.ami.host!r} is not known here"
            return Check(NAME, "fail", said, "correct host under [ami] in the settings file")
        case ConnectionRefusedError():
            return Check(NAME, "fail", f"nothing listens on {where}", _listen(settings))
        case _:
            said = f"{where} cannot be reached: {error.strerror or error}"
            return Check(NAME, "fail", said, _open(where))


def _listen(settings: Settings) -> str:
    return (
        "start Asterisk, or put into manager.conf:\n"
        "[general]\n"
        "enabled = yes\n"
        f"port = {settings.ami.port}\n"
        f"bindaddr = {_bind_address(settings.ami.host)}\n"
        f"then: {RELOAD_MANAGER}"
    )


def _bind_address(host: str) -> str:
    local = host == "localhost" or host.startswith("127.")
    return "127.0.0.1" if local else "0.0.0.0"  # noqa: S104 - for Asterisk, told to a person


def _open(where: str) -> str:
    host, _, port = where.rpartition(":")
    return (
        f"from this machine, `nc {host} {port}` must greet with 'Asterisk Call Manager': check host"
        " and port under [ami], the firewall, and permit/deny/acl under [general] in manager.conf"
    )


def _refused(settings: Settings) -> Check:
    user, address = settings.ami.username, own_address(settings.ami.host, settings.ami.port)
    said = (
        f"Asterisk refuses the user {user!r}: there is no such user, the secret is another one,"
        f" or permit/deny keeps {address} out"
    )
    return Check(NAME, "fail", said, _manager_snippet(settings, address))


def _manager_snippet(settings: Settings, address: str) -> str:
    """The section to paste, without showing the secret on a screen."""
    manager = manager_of(settings)
    lines = render_manager(manager).splitlines()
    shown = [_shown(line, address) for line in lines[lines.index(f"[{manager.user}]") :]]
    return "\n".join(["put into manager.conf:", *shown, f"then: {RELOAD_MANAGER}"])


def _shown(line: str, address: str) -> str:
    key = line.partition("=")[0].strip()
    if key == "secret":
        return "secret = <the secret of [ami] in the settings file>"
    if key == "permit" and address:
        return f"permit = {address}/{128 if ':' in address else 32}"
    return line
