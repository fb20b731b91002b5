"""Settings: where one PBX's own records can be read."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator


class PbxLogSettings(BaseModel):
    """The files that tell what happened while Ringdesk did not look; empty: not used."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cel: Path | None = Field(
        None,
        description="The PBX's channel event log, as `ringdesk asterisk-config --part logs` sets it"
        " up, e.g. `/var/log/asterisk/cel-custom/ringdesk.csv`. It tells all there is to know, to"
        " the microsecond.",
    )
    cdr: Path | None = Field(
        None,
        description="Call detail records, read when there is no `cel`: the file that"
        " `ringdesk asterisk-config --part logs` sets up, or `cdr-csv/Master.csv` with"
        " `loguniqueid = yes` and `newcdrcolumns = yes` in cdr.conf. Transfers are not in it.",
    )
    queue_log: Path | None = Field(
        None,
        description="The PBX's queue log, e.g. `/var/log/asterisk/queue_log`. With `cdr` it tells"
        " of waits and who took the call; with `cel` only of withdrawn callers.",
    )
    cdr_time_zone: str = Field(
        "UTC",
        description="The time zone of times in Master.csv, e.g. `Europe/London`; UTC with"
        " `usegmtime = yes`.",
    )
    reach_hours: int = Field(
        24, ge=1, le=24 * 31, description="How far back calls are looked for at most."
    )
    patience: float = Field(
        5.0,
        gt=0,
        description="Seconds that reading may take (a shared folder may hang); then the snapshots"
        " of the PBX must do.",
    )

    @field_validator("cdr_time_zone")
    @classmethod
    def _zone_is_known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("no such time zone; write it as `Europe/London`") from None
        return value

    @property
    def used(self) -> bool:
        """Whether there is anything to tell when calls ended."""
        return self.cel is not None or self.cdr is not None
