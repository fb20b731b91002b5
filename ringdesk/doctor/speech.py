"""Can talks be transcribed? Each model in use is loaded and tried, which may take a while."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from recordings.settings import DEMO_MODEL, SpeechSettings
from recordings.speech_check import ModelProblem, check_model
from ringdesk.doctor.check import Check

NAME = "speech model"
TRY_SECONDS = 7.0
"""A large model loads for longer than anybody watches a doctor."""


async def check_speech(settings: SpeechSettings) -> list[Check]:
    """A check for each language that is spoken, models tried at the same time."""
    languages = dict.fromkeys((settings.language, *settings.queue_languages.values()))
    checks = (_check_language(settings, language) for language in languages)
    return list(await asyncio.gather(*checks))


async def _check_language(settings: SpeechSettings, language: str) -> Check:
    model = settings.model_for(language)
    if model is None:
        said = f"none for {language!r}: talks are recorded but not transcribed"
        fix = (
            "unpack a model from https://alphacephei.com/vosk/models, then:\n"
            f'[recordings.speech]\nmodels = {{ {language} = "/srv/vosk/the-model" }}'
        )
        return Check(NAME, "warn", said, fix)
    problems = await asyncio.to_thread(check_model, model, seconds=TRY_SECONDS)
    return judge_model(language, model, problems, for_demo=model == DEMO_MODEL)


def judge_model(
    language: str, model: Path, problems: Sequence[ModelProblem], *, for_demo: bool
) -> Check:
    """``problems``: what trying the model showed."""
    if any(problem.slow for problem in problems):
        said = f"{model} still loads after {TRY_SECONDS:.0f} s, so it was not tried to the end"
        return Check(NAME, "unknown", said)
    if problems:
        said = "; ".join(problem.reason for problem in problems)
        return Check(NAME, "fail", said, "\n".join(problem.cure for problem in problems))
    if for_demo:
        said = f"{language}: the demo's, which understands espeak-ng's voice and no human"
        return Check(NAME, "warn", said, "unpack a model from https://alphacephei.com/vosk/models")
    return Check(NAME, "ok", f"{language}: {model.name} loads and takes telephone audio")
