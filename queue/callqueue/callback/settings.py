"""What can be set about calling customers back."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from callqueue.manager.settings import SOUND, Dial


class CallbackSettings(BaseModel):
    """Customers who keep their place in a queue without holding the line."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(
        False, description="Take requests, and call. When off, menus go on as if nobody asked."
    )
    calendar: str = Field(
        "", description="The calendar with the hours in which customers are called. Empty: any."
    )
    dial: Dial = Field(
        "PJSIP/{number}@trunk",
        description="The channel to dial, with the place of the number, as for managers.",
    )
    caller_id: str = Field(
        "", max_length=80, description="The number that customers see. Empty: what the trunk sets."
    )
    prefixes: tuple[str, ...] = Field(
        (),
        description='Beginnings of numbers that may be called, e.g. ["+44"]. Empty: all; numbers'
        " of premium rate never.",
    )
    ring: float = Field(25, ge=5, le=90, description="Seconds a customer's phone rings.")
    attempts: int = Field(3, ge=1, le=10, description="How often a customer is called at most.")
    pause: float = Field(600, ge=10, le=86_400, description="Seconds between two attempts.")
    keep: float = Field(
        24, gt=0, le=336, description="Hours after which a callback is given up, whatever happens."
    )
    most_open: int = Field(500, ge=1, description="Most callbacks that are open at a time.")
    say: str = Field(
        "This is the call you asked for. Press 1 and we connect you, or 2 if you no longer need"
        " it.",
        max_length=500,
        description="What customers hear first, spoken by espeak-ng.",
    )
    voice: str = Field("", description="Its voice or language. Empty: ivr.speech.voice.")
    sound: str = Field(
        "", pattern=SOUND, description="A sound file of the PBX to play instead of `say`."
    )
    tries: int = Field(2, ge=1, le=5, description="How often a customer is asked to press 1.")
    answer: float = Field(5, ge=1, le=15, description="Seconds to press a key after each time.")
    web_token: SecretStr = Field(
        SecretStr(""),
        description="The token that a web site sends to ask for a callback. Empty: web sites may"
        " not. Also from the environment: RINGDESK_CALLBACK_TOKEN.",
    )
    web_per_address: int = Field(
        100,
        ge=1,
        description="Requests by web from one address in an hour, at most. It is the address of"
        " your web server, where that passes the form on.",
    )
    web_per_number: int = Field(
        3, ge=1, description="Requests by web for one number in a day, at most."
    )
