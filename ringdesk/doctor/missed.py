"""Whether calls that Ringdesk does not see can be told later: the PBX's own records.

The doctor's own calls make CEL grow; of CDR and queue log only the form is looked at. Blocking.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cti.pbx_logs.cdr import read_cdr
from cti.pbx_logs.cel import read_cel
from cti.pbx_logs.queue_log import read_queue_log
from cti.pbx_logs.rows import UnreadableRow
from cti.pbx_logs.settings import PbxLogSettings
from cti.pbx_logs.tail import last_lines
from ringdesk.asterisk_config import render_logs
from ringdesk.doctor.check import Check

NAME = "missed calls"
_SHOW = "ringdesk asterisk-config --part logs"
_NOT_USED = (
    "the PBX's own records are not read: a call that ends while Ringdesk is down is closed with the"
    " time at which that is noticed, and one that comes and goes meanwhile is in no history"
)
_USE = f"""\
on the PBX: {_SHOW}, then `asterisk -rx 'module reload'`; in the settings file:
[pbx_logs]
cel = "/var/log/asterisk/cel-custom/ringdesk.csv"
queue_log = "/var/log/asterisk/queue_log\""""
_ONLY_CDR = (
    "from CDR: transfers, conferences and pick-ups that Ringdesk does not see are lost, and so are"
    " calls on a PBX that is killed; CEL tells them"
)
_NO_QUEUE_LOG = "cdr without queue_log: who waited, and when an agent answered, is lost"


def sizes(settings: PbxLogSettings) -> Mapping[Path, int]:
    """How big the files are now; 0 for one that is not there."""
    files = (settings.cel, settings.cdr, settings.queue_log)
    return {file: _size(file) for file in files if file}


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def check_logs(settings: PbxLogSettings, before: Mapping[Path, int] | None) -> list[Check]:
    """``before``: the sizes before calls were made (None: none were)."""
    if not settings.used:
        return [Check(NAME, "warn", _NOT_USED, _USE)]
    zone = ZoneInfo(settings.cdr_time_zone)
    checks = []
    if settings.cel:
        checks.append(_check_file(settings.cel, read_cel, "cel_custom.conf", before))
    elif settings.cdr:
        checks.append(
            _check_file(settings.cdr, lambda line: read_cdr(line, zone), "cdr_custom.conf", None)
        )
    if settings.queue_log:
        checks.append(_check_file(settings.queue_log, read_queue_log, "logger.conf", None))
    if all(check.state == "ok" for check in checks) and not settings.cel:
        lost = [_ONLY_CDR] if settings.queue_log else [_ONLY_CDR, _NO_QUEUE_LOG]
        checks += [Check(NAME, "warn", said, _USE) for said in lost]
    return checks


def _check_file(
    file: Path, read: Callable[[str], Any], config: str, before: Mapping[Path, int] | None
) -> Check:
    fix = f"{render_logs()[config].strip()}\nthen: asterisk -rx 'module reload'"
    try:
        lines = last_lines(file)
    except OSError as error:
        said = f"{file}: {error.strerror}"
        return Check(NAME, "fail", said, f"let Ringdesk's user read it, or set it up:\n{fix}")
    if before is not None and file.stat().st_size <= before.get(file, 0):
        said = f"{file} did not grow by our own calls: the PBX writes elsewhere, or not at all"
        return Check(NAME, "fail", said, fix)
    good = sum(_is_readable(line, read) for line in lines)
    if lines and not good:
        return Check(NAME, "fail", f"{file}: no line is in a form that is understood", fix)
    if not lines:
        return Check(NAME, "ok", f"{file}: nothing written yet")
    return Check(NAME, "ok", f"{file}: {good} of the last {len(lines)} lines understood")


def _is_readable(line: str, read: Callable[[str], Any]) -> bool:
    try:
        read(line)
    except UnreadableRow:
        return False
    return True
