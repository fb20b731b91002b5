"""Can people be called, managers on their mobiles above all? Only where anybody is to be."""

from __future__ import annotations

from collections.abc import Iterable

from callqueue.manager.settings import ManagerSettings
from callqueue.policy_file import load_policy
from crm_bridge.numbers import to_e164
from cti.config_files import ConfigFileError, did_you_mean
from ivr.sounds import find_sound
from ringdesk.ask_config import ASK_CONTEXT, TAKEN_CONTEXT
from ringdesk.doctor.check import Check, listed
from ringdesk.doctor.hook import PASTE
from ringdesk.doctor.site import Site
from ringdesk.doctor.visit import Visit
from ringdesk.settings import Settings

NAME, ON_PBX = "personal manager", "calls that Ringdesk makes"
_MODULE = "app_bridgewait"


def check_managers(settings: Settings, site: Site) -> list[Check]:
    """What lies on this machine; nothing where nobody is to be called."""
    managers = settings.personal_manager
    if not managers.enabled:
        return []
    faults = (
        *_labels(managers, settings),
        *_calendar(managers, site),
        *_sounds(managers, settings),
        *_deputies(managers, settings.crm.default_region),
    )
    if faults:
        return [Check(NAME, "fail", said, fix) for said, fix in faults]
    return [Check(NAME, "ok", f"class {listed([*managers.classes])}, by {managers.dial}")]


async def check_on_pbx(visit: Visit, settings: Settings) -> list[Check]:
    """Can this Asterisk ask somebody to press 1? Nothing where nobody is to be called."""
    if not (settings.personal_manager.enabled or settings.callback.enabled):
        return []
    faults = [Check(ON_PBX, "fail", said, PASTE) for said in await _missing(visit)]
    return faults or [Check(ON_PBX, "ok", f"by context {ASK_CONTEXT}")]


def _labels(managers: ManagerSettings, settings: Settings) -> Iterable[tuple[str, str]]:
    try:
        labels = [c.label for c in load_policy(settings.queue.policy).classes]
    except ConfigFileError:
        return  # told by the check of the policy
    known = {label.strip().casefold() for label in labels}
    for wanted in managers.classes:
        if wanted.strip().casefold() not in known:
            said = f'personal_manager.classes: no class of the policy has the label "{wanted}"'
            yield said, did_you_mean(wanted, labels)


def _calendar(managers: ManagerSettings, site: Site) -> Iterable[tuple[str, str]]:
    calendars = site.menus.calendars if site.menus else None
    if managers.calendar and calendars is not None and managers.calendar not in calendars:
        said = f'personal_manager.calendar: there is no calendar "{managers.calendar}"'
        yield said, did_you_mean(managers.calendar, calendars) or "write the calendar file"


def _sounds(managers: ManagerSettings, settings: Settings) -> Iterable[tuple[str, str]]:
    folder = settings.ivr.sounds_folder
    for key, sound in (("whisper", managers.whisper), ("ask", managers.ask)):
        if folder and sound and not sound.startswith("/") and find_sound(sound, folder) is None:
            said = f'personal_manager.{key}: there is no sound file "{sound}" in {folder}'
            yield said, "correct the name, or put the file there"


def _deputies(managers: ManagerSettings, region: str) -> Iterable[tuple[str, str]]:
    for deputy in managers.deputies:
        if not to_e164(deputy.mobile, region):
            said = f'the deputy {deputy.name}\'s mobile "{deputy.mobile}" is no number'
            yield said, "write it with the country code: +44 7700 900105"


async def _missing(visit: Visit) -> list[str]:
    faults = []
    for context in (ASK_CONTEXT, TAKEN_CONTEXT):
        reply = await visit.ask("ShowDialPlan", ("Context", context), as_list=True)
        if not reply.ok and "Did not find" in reply.message:
            faults.append(f"there is no context {context}: a mobile cannot be asked")
    reply = await visit.ask("ModuleCheck", ("Module", _MODULE))
    if not reply.ok and "permission" not in reply.message.lower():
        faults.append(f"{_MODULE} is not loaded: who has accepted cannot wait for the caller")
    return faults
