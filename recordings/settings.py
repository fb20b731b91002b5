"""What can be set about recordings and transcripts: the tables ``[recordings]`` and below."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

DEMO_MODEL = Path(__file__).parent / "models" / "vosk-espeak-en-8k"
"""Understands espeak-ng's voice only."""
DEMO_LANGUAGE = "en"

# MixMonitor's options would be cut at a comma or a parenthesis.
_PBX_PATH = re.compile(r"/[A-Za-z0-9_./+-]*\Z")


class SpeechSettings(BaseModel):
    """Which engine reads which language."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    models: dict[str, Path] = Field(
        default={},
        description='Vosk model folders by language, e.g. en = "/srv/vosk/vosk-model-en-us-0.22".'
        " Without one nothing is transcribed; calls and recordings are the same.",
    )
    language: str = Field(default="en", description="The language of calls.")
    queue_languages: dict[str, str] = Field(
        default={}, description='Queues that speak another language, e.g. soporte = "es".'
    )
    workers: int = Field(
        default=1,
        ge=1,
        le=32,
        description="Speech processes. Each loads the models it needs into memory of its own and"
        " keeps one core busy while it works; 1 is enough for most sites.",
    )
    demo_model: bool = Field(
        default=False,
        description="Use the model that is made for the demo: it understands espeak-ng's voice and"
        " no human.",
    )

    def language_of(self, queue: str) -> str:
        """The language spoken in ``queue``."""
        return self.queue_languages.get(queue, self.language)

    def model_for(self, language: str) -> Path | None:
        """The model folder for ``language``; None: not configured."""
        if language in self.models:
            return self.models[language]
        return DEMO_MODEL if self.demo_model and language == DEMO_LANGUAGE else None


class RecordingSettings(BaseModel):
    """Where talks are recorded, and which."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(default=True, description="Record talks.")
    queues: tuple[str, ...] = Field(
        default=(), description="Record only talks of these queues; empty: all talks."
    )
    folder: Path = Field(
        default=Path("var/recordings"), description="The recordings folder as Ringdesk sees it."
    )
    pbx_folder: PurePosixPath | None = Field(
        default=None,
        description="The same folder as Asterisk sees it, when its path differs there (a mount, a"
        " container). Absolute; letters, digits and _ . / + - only.",
    )
    close_seconds: float = Field(
        default=30,
        gt=0,
        le=600,
        description="How long to wait for Asterisk's files after a talk, in seconds.",
    )
    retry_seconds: float = Field(
        default=60,
        gt=0,
        description="How often to try again what the disk refused, in seconds.",
    )
    verify_days: float = Field(
        default=30,
        gt=0,
        description="After how many days a stored recording is compared with its checksum again; at"
        " each listen it is, too.",
    )
    pause_seconds: float = Field(
        default=120,
        gt=0,
        le=3600,
        description="How long a pause of a recording lasts at most, in seconds: then it goes on by"
        " itself.",
    )
    remove_card_numbers: bool = Field(
        default=True,
        description="Take card numbers out of each transcript, and silence them in the recording,"
        " before anybody can read or hear it. A recording that waits for its transcript is not"
        " played.",
    )
    speech: SpeechSettings = Field(default=SpeechSettings(), description="Transcription.")

    @property
    def pbx_root(self) -> PurePosixPath:
        """The recordings folder as Asterisk sees it."""
        return self.pbx_folder or PurePosixPath(self.folder.absolute())

    def within(self, switch: str, pbx_folder: str = "") -> RecordingSettings:
        """The same for another switch, which writes into a folder of its own in :attr:`folder`.

        ``pbx_folder``: that folder as its Asterisk sees it; empty: as the first one would.
        """
        seen = (
            PurePosixPath(pbx_folder)
            if pbx_folder
            else self.pbx_folder and (self.pbx_folder / switch)
        )
        return self.model_copy(update={"folder": self.folder / switch, "pbx_folder": seen})

    def records(self, queue: str) -> bool:
        """Whether a talk of ``queue`` (empty: of no queue) is to be recorded."""
        return self.enabled and (not self.queues or queue in self.queues)

    @model_validator(mode="after")
    def _asterisk_can_name_it(self) -> Self:
        if not _PBX_PATH.match(str(self.pbx_root)):
            raise PydanticCustomError(
                "pbx_folder",
                "Asterisk cannot be given the recordings folder {folder}",
                {
                    "folder": str(self.pbx_root),
                    "cure": "use an absolute path of letters, digits and _ . / + -",
                },
            )
        return self


def no_engine(language: str) -> str:
    """Why there is no transcript, and the cure."""
    return (
        f'no transcription engine configured for the language "{language}": unpack a Vosk model'
        " and name its folder under [recordings.speech.models]"
    )
