"""Can customers be called back? Only looked at where callbacks are switched on."""

from __future__ import annotations

from cti.config_files import did_you_mean
from ringdesk.doctor.check import Check
from ringdesk.doctor.site import Site
from ringdesk.settings import Settings

NAME = "callbacks"


def check_callbacks(settings: Settings, site: Site) -> list[Check]:
    """The settings; that the PBX has the dialplan is told by the check of the hook."""
    callback = settings.callback
    if not callback.enabled:
        return []
    calendars = site.menus.calendars if site.menus else None
    if callback.calendar and calendars is not None and callback.calendar not in calendars:
        said = f'callback.calendar: there is no calendar "{callback.calendar}": nobody is called'
        fix = did_you_mean(callback.calendar, calendars) or "write the calendar file"
        return [Check(NAME, "fail", said, fix)]
    if settings.pbx_logs.cel is None:
        said = (
            "without the PBX's channel event log (pbx_logs.cel) a callback that was being made when"
            " Ringdesk died is given up: nobody can tell whether the customer was called"
        )
        return [Check(NAME, "warn", said, "ringdesk asterisk-config --part logs")]
    return [Check(NAME, "ok", f"by {callback.dial}, {callback.attempts} attempts at most")]
