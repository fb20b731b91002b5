"""What can be set about queues and agents."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator


class QueueSettings(BaseModel):
    """The order of waiting callers, and the agents' time after a call."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    policy: Path = Field(
        default=Path("config/policies/default.toml"),
        description="The file with the classes of callers and what they are worth"
        " (docs/priority.md).",
    )
    wrap_up: float = Field(
        default=20,
        ge=0,
        description="Seconds an agent is paused after a call from a queue, to write down its"
        " outcome. 0: the next call may ring at once.",
    )
    max_wrap_up: float = Field(
        default=300,
        ge=1,
        description="Seconds after which a wrap-up ends that the agent asked for.",
    )

    @model_validator(mode="after")
    def _wrap_up_fits(self) -> QueueSettings:
        if self.wrap_up > self.max_wrap_up:
            raise ValueError("wrap_up is longer than max_wrap_up: raise max_wrap_up")
        return self


class LabSettings(BaseModel):
    """The policy lab (docs/policy-lab.md)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    loads_folder: Path = Field(
        default=Path("config/lab"),
        description="The folder of made-up days (loads) that policies are tried on.",
    )
    most_days: int = Field(
        default=40, ge=2, le=1000, description="How many days one trial on the page may play."
    )
    nice: int = Field(
        default=10,
        ge=0,
        le=19,
        description="How much the process of a trial stands back behind all others (nice).",
    )
