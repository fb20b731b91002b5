from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from cti.config_files import ConfigFileError, parse_toml
from recordings.settings import DEMO_MODEL, RecordingSettings, SpeechSettings


def test_asterisk_sees_the_same_folder_unless_told_otherwise() -> None:
    assert str(RecordingSettings(folder=Path("/srv/r")).pbx_root) == "/srv/r"
    told = RecordingSettings.model_validate({"folder": "/srv/r", "pbx_folder": "/var/spool/r"})
    assert str(told.pbx_root) == "/var/spool/r"


@pytest.mark.parametrize("folder", ["/srv/a,b", "/srv/a(b)", "/srv/a b", "relative", "/srv/${x}"])
def test_folder_that_mixmonitor_would_misread_is_refused_with_a_cure(folder: str) -> None:
    with pytest.raises(ConfigFileError, match=r"letters, digits and _ \. / \+ -"):
        parse_toml(f'pbx_folder = "{folder}"', "my.toml", RecordingSettings)


def test_only_the_named_queues_are_recorded() -> None:
    assert RecordingSettings().records("")
    some = RecordingSettings(queues=("support",))
    assert some.records("support")
    assert not some.records("sales")
    assert not some.records("")
    assert not RecordingSettings(enabled=False).records("support")


def test_language_of_a_queue_finds_its_model() -> None:
    speech = SpeechSettings(models={"es": Path("/srv/vosk-es")}, queue_languages={"soporte": "es"})
    assert speech.model_for(speech.language_of("soporte")) == Path("/srv/vosk-es")
    assert speech.model_for(speech.language_of("support")) is None


def test_demo_model_is_used_only_where_it_is_asked_for() -> None:
    assert SpeechSettings().model_for("en") is None
    assert SpeechSettings(demo_model=True).model_for("en") == DEMO_MODEL
    assert SpeechSettings(demo_model=True).model_for("de") is None


def test_every_setting_is_described() -> None:
    for model in (RecordingSettings, SpeechSettings):
        for name, field in model.model_fields.items():
            assert field.description, name


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(ValidationError):
        RecordingSettings.model_validate({"folders": "/srv"})
