"""Is the dialplan hook there, is it ours, and does anything lead into it?"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ringdesk.asterisk_config import (
    DOCTOR_CONTEXT,
    HOOK_CONTEXT,
    HOOK_VARIABLE,
    HOOK_VERSION,
    HookSettings,
)
from ringdesk.doctor.check import Check, not_checked
from ringdesk.doctor.visit import Visit

HOOK, WAY_IN = "dialplan hook", "way into the hook"
PASTE = (
    "ringdesk asterisk-config --part extensions > ringdesk-extensions.conf\n"
    "copy it to /etc/asterisk on the PBX, add to extensions.conf:\n"
    '#include "ringdesk-extensions.conf"\n'
    "then: asterisk -rx 'dialplan reload'"
)
_AGI = re.compile(r"agi://(.+)/(?:menu/|ask/|doctor)")

Row = Mapping[str, str]


@dataclass(frozen=True)
class Dialplan:
    """The contexts of ours that the PBX has; None: it could not be asked."""

    hook: tuple[Row, ...]
    fallback: tuple[Row, ...]
    doctor: tuple[Row, ...]

    def has(self, extension: str) -> bool:
        """Whether the doctor's context has it."""
        return any(row.get("Extension") == extension for row in self.doctor)

    @property
    def menu(self) -> str:
        """The menu of callers whose dialplan names none; empty: the hook names none either."""
        found = re.search(r"Set\(RINGDESK_MENU=([^)]+)\)", "\n".join(_data(self.hook)))
        return found[1] if found else ""


async def read_dialplan(visit: Visit) -> Dialplan | None:
    """Our contexts; one that is not there has no rows. None: we may not look."""
    found = []
    for context in (HOOK_CONTEXT, "ringdesk-fallback", DOCTOR_CONTEXT):
        reply = await visit.ask("ShowDialPlan", ("Context", context), as_list=True)
        if not reply.ok and "Did not find" not in reply.message:
            return None
        found.append(tuple(reply.rows))
    return Dialplan(*found)


def judge_hook(
    dialplan: Dialplan | None, wanted: HookSettings, menus: Collection[str] | None
) -> Check:
    """Whether the hook on the PBX is the one that these settings print.

    ``menus``: those there are, None when they are not in order.
    """
    if dialplan is None:
        return not_checked(HOOK, "the right to write reporting is missing (ShowDialPlan)")
    versions = [v for v in map(_version_in, _data(dialplan.hook)) if v]
    if not dialplan.hook:
        said = f"there is no context {HOOK_CONTEXT}: no call reaches Ringdesk's menus"
        return Check(HOOK, "fail", said, PASTE)
    if not versions:
        return Check(HOOK, "fail", f"context {HOOK_CONTEXT} is not Ringdesk's", PASTE)
    if versions[0] != str(HOOK_VERSION):
        said = f"the hook is version {versions[0]}, this Ringdesk prints {HOOK_VERSION}"
        return Check(HOOK, "fail", said, PASTE)
    differences = list(_differences(dialplan, wanted))
    if differences:
        return Check(HOOK, "fail", "; ".join(differences), PASTE)
    if menus is not None and dialplan.menu not in menus:
        said = f"it sends callers to the menu {dialplan.menu!r}, and there is none of this name"
        return Check(HOOK, "fail", said, f"write {dialplan.menu}.toml into the folder of menus")
    if not (dialplan.has("agi") and dialplan.has("record") and dialplan.has("prompt")):
        said = f"version {versions[0]}, but without all of {DOCTOR_CONTEXT}"
        return Check(HOOK, "warn", said + ": not everything can be checked", PASTE)
    return Check(HOOK, "ok", f"version {versions[0]}, fallback queue {wanted.fallback_queue}")


def no_call(visit: Visit, dialplan: Dialplan | None, extension: str) -> str:
    """Why no call can be made to ``extension`` of the doctor's context; empty: it can."""
    if dialplan is None or not dialplan.has(extension):
        return "the dialplan hook is not there, or not whole"
    return "" if "Originate" in visit.allowed else "the right to write originate is missing"


def _differences(dialplan: Dialplan, wanted: HookSettings) -> Iterable[str]:
    address = f"{wanted.agi_host}:{wanted.agi_port}"
    for found in dict.fromkeys(agi_addresses((*dialplan.hook, *dialplan.doctor))):
        if found != address:
            yield f"the hook calls FastAGI at {found}, the settings say {address}"
    for found in _switches_told(dialplan.hook):
        if found != wanted.switch:
            yield _wrong_switch(found, wanted.switch)
    fallback = [d.partition("=")[2] for d in _data(dialplan.fallback) if "RINGDESK_TARGET=" in d]
    if fallback and fallback[0] != wanted.fallback_queue:
        yield f"it falls back to queue {fallback[0]}, the settings say {wanted.fallback_queue}"


def _switches_told(rows: Iterable[Row]) -> list[str]:
    """The switch that each call of a menu names; empty: none."""
    return [
        data.partition("/menu/")[2].partition(",")[2] for data in _data(rows) if "/menu/" in data
    ]


def _wrong_switch(found: str, wanted: str) -> str:
    told = f"says it is the switch {found}" if found else "does not say which switch it is"
    return f"the hook {told}, this is {wanted or 'the first one, which needs no name'}"


def agi_addresses(rows: Iterable[Row]) -> list[str]:
    """``host:port`` of each FastAGI call in these rows."""
    return [found[1] for data in _data(rows) if (found := _AGI.search(data))]


def _data(rows: Iterable[Row]) -> list[str]:
    return [row.get("AppData", "") for row in rows]


def _version_in(data: str) -> str:
    return data.partition("=")[2] if data.startswith(f"{HOOK_VARIABLE}=") else ""


async def check_way_in(visit: Visit) -> Check:
    """Whether any extension of the dialplan leads into the hook."""
    reply = await visit.ask("ShowDialPlan", as_list=True)
    if not reply.ok:
        return Check(WAY_IN, "unknown", f"the dialplan cannot be read: {reply.message}")
    return judge_way_in(reply.rows)


def judge_way_in(rows: Iterable[Row]) -> Check:
    """``rows``: the whole dialplan."""
    ways = sorted({row.get("Context", "") for row in rows if _leads_in(row)})
    if ways:
        return Check(WAY_IN, "ok", f"callers come from context {', '.join(ways[:3])}")
    said = (
        f"no extension leads into {HOOK_CONTEXT}: callers never meet Ringdesk (unless a trunk's"
        " context is set to it)"
    )
    fix = f"in the context of your trunk:\nexten => _X.,1,Goto({HOOK_CONTEXT},${{EXTEN}},1)"
    return Check(WAY_IN, "warn", said, f"{fix}\nthen: asterisk -rx 'dialplan reload'")


def _leads_in(row: Row) -> bool:
    if row.get("Context", "").startswith("ringdesk-"):
        return False
    return HOOK_CONTEXT in row.get("AppData", "") or row.get("IncludeContext") == HOOK_CONTEXT
