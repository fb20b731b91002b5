"""Settings of the customer store, the ``[crm]`` table of the configuration file."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class CrmSettings(BaseModel):
    """How callers are recognised."""

    model_config = ConfigDict(extra="forbid")

    default_region: str = Field(
        default="GB",
        pattern=r"^[A-Z]{2}$",
        description="Country (ISO 3166, two letters) of numbers written without a country code.",
    )
    deadline_seconds: float = Field(
        default=0.3,
        gt=0,
        le=10,
        description="How long routing waits for the store before a caller gets the default class;"
        " the answer is used whenever it comes.",
    )
    contacts_in_pop: int = Field(
        default=3, ge=0, le=50, description="How many past calls the screen-pop shows."
    )
    concurrent_lookups: int = Field(
        default=50,
        ge=1,
        description="Look-ups under way at once; callers beyond that get the default class first.",
    )
