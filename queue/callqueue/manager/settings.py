"""What can be set about calling a personal manager's mobile."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

SOUND = r"^[A-Za-z0-9_./-]{0,200}$"


def check_dial(template: str) -> str:
    """A channel with the place of the number. Raises :class:`PydanticCustomError`."""
    if template.count("{number}") != 1 or not re.fullmatch(
        r"[A-Za-z0-9]+/[A-Za-z0-9_@./:+-]+", template.replace("{number}", "0")
    ):
        raise PydanticCustomError(
            "dial",
            '"{given}" is no channel with a place for the number',
            {
                "given": template[:60],
                "cure": 'write "PJSIP/{number}@your-trunk" or "Local/{number}@outbound"',
            },
        )
    return template


Dial = Annotated[str, AfterValidator(check_dial)]


class Deputy(BaseModel):
    """Who is called when a manager is not reached."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    of: str = Field(
        min_length=1,
        description='The manager: extension or name as on the customers\' cards; "*": all.',
    )
    name: str = Field(min_length=1, max_length=200, description="Name of the deputy.")
    extension: str = Field("", description="Extension of the deputy's desk phone, if any.")
    mobile: str = Field(min_length=3, description="Number of the deputy's mobile.")


class ManagerSettings(BaseModel):
    """Whose manager is called on the mobile while they wait, when, and what it may cost."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    classes: tuple[str, ...] = Field(
        (),
        description='Labels of the policy\'s classes whose callers get it, e.g. ["VIP"]. Empty:'
        " nobody, and no mobile is ever called.",
    )
    queues: tuple[str, ...] = Field((), description="The queues in which it is done. Empty: all.")
    calendar: str = Field(
        "", description="The calendar with the hours of the managers. Empty: at any hour."
    )
    after: float = Field(
        0, ge=0, le=3600, description="Seconds a caller waits before the manager is called."
    )
    ring: float = Field(18, ge=5, le=60, description="Seconds a mobile rings.")
    dial: Dial = Field(
        "PJSIP/{number}@trunk",
        description="The channel to dial, with the place of the number: a trunk, or"
        ' "Local/{number}@context" for a dialplan of your own.',
    )
    caller_id: str = Field(
        "",
        max_length=80,
        description="The number that a mobile shows. Empty: what the trunk sets.",
    )
    whisper: str = Field(
        "followme/call-from",
        pattern=SOUND,
        description="Sound file before the caller's name or number.",
    )
    names: str = Field(
        "",
        pattern=SOUND,
        description="Folder of sound files with customers' names, by the customer's id, such as"
        " custom/customers. A name that is not there is replaced by the digits of the number.",
    )
    ask: str = Field(
        "followme/options",
        pattern=SOUND,
        description="Sound file that says: press 1 to take the call, 2 to refuse.",
    )
    tries: int = Field(2, ge=1, le=5, description="How often the manager is asked.")
    answer: float = Field(5, ge=1, le=15, description="Seconds to press a key after each time.")
    most_calls: int = Field(200, ge=0, description="Most calls to mobiles in a day. 0: no limit.")
    most_minutes: float = Field(
        0, ge=0, description="Most minutes of talk with mobiles in a day. 0: no limit."
    )
    most_cost: float = Field(
        0, ge=0, description="Most that a day may cost, in your currency. 0: no limit."
    )
    cost_per_call: float = Field(0, ge=0, description="Price of a call that is answered.")
    cost_per_minute: float = Field(0, ge=0, description="Price of each minute that is begun.")
    deputies: tuple[Deputy, ...] = Field(
        (),
        description="Who is called next, in this order: tables with of, name, extension, mobile.",
    )

    @property
    def enabled(self) -> bool:
        """Whether anybody is called at all."""
        return bool(self.classes)

    def serves(self, label: str, queue: str) -> bool:
        """Whether callers of this class get it in this queue."""
        labels = {one.strip().casefold() for one in self.classes}
        in_queue = not self.queues or queue in self.queues
        return in_queue and label.strip().casefold() in labels
