"""The records of one PBX, read from the files that the settings name."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol
from zoneinfo import ZoneInfo

import msgspec
import structlog

from cti.domain.events import Micros
from cti.pbx_logs.cdr import Record, as_cel, read_cdr
from cti.pbx_logs.cel import read_cel
from cti.pbx_logs.queue_log import read_queue_log
from cti.pbx_logs.rows import SECOND, Row
from cti.pbx_logs.settings import PbxLogSettings
from cti.pbx_logs.tail import read_since
from cti.pbx_logs.told import ENDS_OF_WAITS

log = structlog.get_logger(__name__)

_HOUR: Micros = 3600 * SECOND
BEFORE_CEL: Micros = 5 * SECOND
BEFORE_CDR: Micros = SECOND
"""How far before the last thing heard is read: a crash loses what was heard but not written."""


class Written(msgspec.Struct, frozen=True):
    """``rows`` in the words of CEL, in order; ``queue_log`` is what else is to be asked about those
    who are still there (nothing, if CEL tells of them).
    """

    rows: Sequence[Row] = ()
    queue_log: Sequence[Row] = ()


class Rows(Protocol):
    """Where the rows of a time come from."""

    @property
    def before(self) -> Micros:
        """How much before ``since`` rows begin: what was heard then may not be written."""

    async def rows(self, since: Micros, until: Micros) -> Written:
        """What was recorded from ``since`` to ``until``; else nothing."""


class PbxLogs:
    """Reads the files in a thread. What cannot be read is logged with its cure, and left out."""

    def __init__(self, settings: PbxLogSettings, switch: str) -> None:
        self._settings = settings
        self._switch = switch

    @property
    def before(self) -> Micros:
        """As :class:`Rows` has it; CDR tell too little for more."""
        return BEFORE_CEL if self._settings.cel else BEFORE_CDR

    async def rows(self, since: Micros, until: Micros) -> Written:
        """As :class:`Rows` has it. A folder that hangs is given up after ``patience``."""
        if not self._settings.used:
            return Written()
        since = max(since, until - self._settings.reach_hours * _HOUR) - self.before
        try:
            async with asyncio.timeout(self._settings.patience):
                return await asyncio.to_thread(self._read, since, until)
        except TimeoutError:
            reason = f"not read within {self._settings.patience:g} s"
        except OSError as error:
            reason = f"{error.filename}: {error.strerror}"
        log.error(
            "pbx_logs_not_read",
            switch=self._switch,
            reason=reason,
            cure="calls that ended unseen are closed with the time at which that was noticed; run"
            " ringdesk doctor",
        )
        return Written()

    def _read(self, since: Micros, until: Micros) -> Written:
        settings = self._settings
        if settings.cel:
            cel = read_since(settings.cel, since, read_cel)
            ends = (row for row in self._queue_log(since) if row.kind in ENDS_OF_WAITS)
            return Written([*ends, *(row for row in cel if row.at <= until)])
        assert settings.cdr is not None  # noqa: S101 - `used` says so
        zone = ZoneInfo(settings.cdr_time_zone)
        records = read_since(settings.cdr, since, lambda line: read_cdr(line, zone))
        known = [record for record in records if record.at <= until]
        queue_log = [row for row in self._queue_log(_oldest(known, since)) if row.at <= until]
        return Written(as_cel(known, queue_log, since), queue_log)

    def _queue_log(self, since: Micros) -> list[Row]:
        path = self._settings.queue_log
        return read_since(path, since // SECOND * SECOND, read_queue_log) if path else []


def _oldest(records: list[Record], since: Micros) -> Micros:
    return min((record.start for record in records), default=since)
