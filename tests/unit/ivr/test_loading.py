from __future__ import annotations

from pathlib import Path

import pytest

from cti.config_files import ConfigFileError
from ivr.loading import load_menus
from ivr.settings import IvrSettings, SpeechSettings

from .conftest import Write

GOOD = """\
title = "Main"
[step.hours]
do = "hours"
calendar = "office"
open = "step ask"
closed = "hang up"
[step.ask]
do = "ask"
prompt = [{ sound = "hello" }, { say = "Press one." }]
on_invalid = "queue support"
on_timeout = "queue support"
keys.1 = { label = "Sales", go = "queue sales" }
"""
END = '\n[step.end]\ndo = "play"\nprompt = { sound = "bye" }\ngo = "hang up"\n'


def problems(settings: IvrSettings) -> list[str]:
    with pytest.raises(ConfigFileError) as caught:
        load_menus(settings)
    return [str(p).replace(f"{settings.menus_folder}/", "") for p in caught.value.problems]


def ask(**changes: str) -> str:
    """A menu with one asking step, whose keys are changed."""
    keys = {
        "prompt": '{ sound = "hello" }',
        "on_invalid": '"queue support"',
        "on_timeout": '"queue support"',
        "keys.1": '{ label = "Sales", go = "queue sales" }',
    } | {key.replace("__", "."): value for key, value in changes.items()}
    lines = [f"{key} = {value}" for key, value in keys.items() if value]
    return "\n".join(['title = "x"', "[step.a]", 'do = "ask"', *lines]) + "\n"


def test_a_good_folder_is_ready_to_be_played(write: Write) -> None:
    settings = write(main=GOOD)
    menus = load_menus(settings)
    sound, spoken = menus.playable("main", menus.menus["main"].step["ask"].prompt)  # type: ignore[union-attr]
    assert (sound.file, sound.seconds) == ("hello", 0.5)
    assert Path(f"{spoken.file}.wav").parent == settings.speech.cache_folder
    assert spoken.seconds == pytest.approx(1, abs=0.6)
    assert menus.warnings == ()
    assert menus.versions["main"] != load_menus(write(main=GOOD + "# c\n")).versions["main"]


@pytest.mark.parametrize("name", ["main", "vip"])
def test_the_menus_that_are_shipped_are_in_order(name: str, tmp_path: Path) -> None:
    config = Path(__file__).parents[3] / "config"
    menus = load_menus(
        IvrSettings(
            menus_folder=config / "menus",
            calendars_folder=config / "calendars",
            speech=SpeechSettings(cache_folder=tmp_path),
        )
    )
    assert menus.menus[name].title
    assert menus.warnings == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (ask(prmpt="1"), 'main.toml:8: step.a.prmpt: unknown key (did you mean "prompt"?)'),
        (
            ask(prompt='{ sound = "helo" }'),
            'main.toml:4: step.a.prompt: there is no sound file "he',
        ),
        (ask(prompt='{ sound = "../x" }'), 'step.a.prompt.sound: "../x" is no name of a sound'),
        (ask(prompt="{ sound = 'a', say = 'b' }"), "step.a.prompt: a prompt has either say or"),
        (ask(prompt="{ voice = 'en' }"), "step.a.prompt: a prompt has either say or sound (write"),
        (ask(prompt="'hello'"), "main.toml:4: step.a.prompt: should be a valid list, not 'hello'"),
        (ask(prompt="[]"), "main.toml:4: step.a.prompt: list should have at least 1 item"),
        (ask(prompt='{ say = " " }'), "step.a.prompt.say: there is nothing to say"),
        (ask(prompt='{ say = "a\\u0000" }'), "step.a.prompt.say: the text holds a control char"),
        (ask(prompt='{ say = "a", voice = "-x" }'), "step.a.prompt.voice: string should match"),
        (ask(prompt='{ say = "a", voice = "qq" }'), 'with voice "qq": Error: The specified espeak'),
        (ask(on_timeout='"queu a"'), 'step.a.on_timeout: cannot read "queu a" (write "queue supp'),
        (ask(on_timeout='"queue"'), 'step.a.on_timeout: cannot read "queue" (write "queue supp'),
        (ask(on_timeout="5"), "step.a.on_timeout: should be a text"),
        (ask(on_timeout='"queue a;b"'), 'step.a.on_timeout: "a;b" is no name (use letters'),
        (ask(on_timeout='"menu mian"'), 'step.a.on_timeout: there is no menu "mian" (did you mea'),
        (ask(on_timeout='"step b"'), 'step.a.on_timeout: there is no step "b" (known: a)'),
        (ask(on_timeout=""), "main.toml:2: step.a.on_timeout: this key is required (add it: Wher"),
        (ask(keys__1="5"), "main.toml:7: step.a.keys.1: should be a table"),
        (ask(keys__A='{ label = "x", go = "hang up" }'), 'step.a.keys: "A" is no key of a telep'),
        (ask(keys__1='{ label = "x", go = "menu x" }'), 'step.a.keys.1.go: there is no menu "x"'),
        (ask(tries="0"), "main.toml:8: step.a.tries: should be greater than or equal to 1, not 0"),
        (ask(wait="99"), "step.a.wait: should be less than or equal to 30, not 99"),
        (ask(on_timeout='"step a"'), "main.toml:2: step.a: a caller who does nothing would go"),
        ('title = "x"\n[step.a]\ndo = "aks"\n', 'step.a.do: there is no "aks" (did you mean "as'),
        ('title = "x"\n', "main.toml:1: step: this key is required"),
        (GOOD.replace('"office"', '"offce"'), 'there is no calendar "offce" (did you mean "offi'),
        (
            GOOD.replace('"hang up"', '"step b"')
            + '[step.b]\ndo = "branch"\nrules = [{ when = { teir = "x" }, go = "hang up" }]\n'
            'otherwise = "hang up"\n',
            'step.b.rules[1].when: customers have no field "teir" (did you mean "tier"?)',
        ),
        (
            GOOD.replace('"hang up"', '"step b"')
            + '[step.b]\ndo = "set"\nvariables = { RINGDESK_NEXT = "q" }\ngo = "hang up"\n',
            'main.toml:15: step.b.variables: "RINGDESK_NEXT" cannot be set',
        ),
        (
            GOOD.replace('"hang up"', '"step b"')
            + '[step.b]\ndo = "set"\nvariables = { A = "x\\ny" }\ngo = "hang up"\n',
            'the value of "A" is too long or has several lines',
        ),
    ],
)
def test_a_broken_menu_is_told_with_line_key_and_cure(write: Write, text: str, told: str) -> None:
    (problem,) = problems(write(main=text))
    assert told in problem
    assert problem.startswith("main.toml:")


def test_a_loop_over_two_menus_without_the_caller_is_told_once(write: Write) -> None:
    play = 'title = "x"\n[step.p]\ndo = "play"\nprompt = {{ sound = "bye" }}\ngo = "{}"\n'
    settings = write(a=play.format("menu b"), b=play.format("step q") + END)
    settings.menus_folder.joinpath("b.toml").write_text(
        play.format("step q") + '[step.q]\ndo = "set"\nvariables = { A = "1" }\ngo = "menu a"\n'
    )
    (problem,) = problems(settings)
    assert "go round for ever: a.p -> b.p -> b.q -> a.p (let one" in problem


def test_a_loop_by_the_callers_own_key_is_no_mistake(write: Write) -> None:
    again = ask(keys__1='{ label = "Again", go = "step a" }', on_invalid='"step a"')
    assert load_menus(write(main=again)).menus


def test_a_step_to_which_nothing_leads_is_a_warning(write: Write) -> None:
    (warning,) = load_menus(write(main=GOOD + END)).warnings
    assert warning.key == "step.end"
    assert warning.line == GOOD.count("\n") + 2


def test_all_files_are_told_at_once_and_a_broken_one_is_still_known(write: Write) -> None:
    settings = write(a=ask(on_timeout='"menu b"'), b="title = oops", c=ask(tries="0"))
    (settings.calendars_folder / "office.toml").write_text("title = 5")
    told = "\n".join(problems(settings))
    for part in ("b.toml:1: title: invalid", "c.toml:8: step.a.tries", "office.toml:1: title"):
        assert part in told
    assert "a.toml" not in told


def test_an_empty_and_a_missing_folder(write: Write, tmp_path: Path) -> None:
    settings = write()
    assert problems(settings) == [
        f"{settings.menus_folder}: there is no menu here (write a file main.toml)"
    ]
    missing = settings.model_copy(update={"menus_folder": tmp_path / "none"})
    assert "cannot be read: No such file or directory (create it, or set" in problems(missing)[0]


def test_a_file_whose_name_is_no_name(write: Write) -> None:
    assert "my menu.toml: the file's name is no name" in problems(write(**{"my menu": GOOD}))[0]


def test_without_espeak_a_text_is_told_unless_it_is_in_the_cache(write: Write) -> None:
    settings = write(main=GOOD)
    speech = settings.speech.model_copy(update={"command": "no-such-espeak"})
    without = settings.model_copy(update={"speech": speech})
    (problem,) = problems(without)
    assert problem.startswith("main.toml:9: step.ask.prompt[2]: no-such-espeak cannot be run")
    assert "apt-get install espeak-ng" in problem
    load_menus(settings)
    assert load_menus(without).menus


def test_without_a_sounds_folder_lengths_are_unknown(write: Write) -> None:
    settings = write(main=GOOD).model_copy(update={"sounds_folder": None})
    menus = load_menus(settings)
    assert menus.playable("main", menus.menus["main"].step["ask"].prompt)[0].seconds is None  # type: ignore[union-attr]


ANNOUNCE = """\
title = "x"
[step.tell]
do = "announce"
queue = "support"
prompt = { say = "Number {position}, {minuts} minutes" }
short_prompt = { say = "{minutes}" }
go = "queue support"
"""


def test_only_what_is_known_can_be_announced(write: Write) -> None:
    assert problems(write(main=ANNOUNCE)) == [
        'main.toml:5: step.tell.prompt: nothing can be said for "minuts" (did you mean "minutes"?)',
        'main.toml:6: step.tell.short_prompt: nothing can be said for "minutes" (known: position)',
    ]


def test_braces_of_other_steps_are_spoken_as_they_are(write: Write) -> None:
    menus = load_menus(write(main=ask(prompt='{ say = "Press {one}." }')))
    assert len(menus.sounds) == 1


def test_the_voice_of_an_announcement_is_tried_at_load(write: Write) -> None:
    text = ANNOUNCE.replace("minuts", "minutes").replace('"{minutes}"', '"{position}"')
    [problem] = problems(write(main=text.replace('"x"', '"x"\nvoice = "klingon-x"')))[:1]
    assert "step.tell.prompt" in problem
    assert 'voice "klingon-x"' in problem
