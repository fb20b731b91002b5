"""The printed snippets: complete, without extra rights, and proof against odd settings."""

import re

import pytest

from cti.control.places import ASIDE, CONSULT, CONTEXTS, REJOIN
from ringdesk.ask_config import QUESTIONS
from ringdesk.asterisk_config import (
    HOOK_CONTEXT,
    HookSettings,
    ManagerSettings,
    render_extensions,
    render_lean_events,
    render_manager,
)

NEXTS = ("queue", "extension", "voicemail", "hangup")


def contexts(text: str) -> dict[str, str]:
    parts = re.split(r"^\[([\w-]+)\]\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_goto_leads_to_a_context_of_the_snippet() -> None:
    text = render_extensions(HookSettings())
    targets = set(re.findall(r"Goto(?:If)?\(.*?(ringdesk-[a-z]+),s,1\)", text))
    by_us = {"ringdesk-doctor", "ringdesk-ask", "ringdesk-accepted", "ringdesk-taken"}
    by_us |= {*CONTEXTS.values(), ASIDE, CONSULT, REJOIN}
    assert targets == set(contexts(text)) - {HOOK_CONTEXT} - by_us


def test_who_is_asked_is_sent_on_only_after_a_1() -> None:
    parts = contexts(render_extensions(HookSettings(switch="west")))
    assert "AGI(agi://127.0.0.1:4573/ask/manager,west)" in parts["ringdesk-ask"]
    for name in QUESTIONS:
        steps = parts["ringdesk-ask"].partition(f"exten => {name},1")[2].splitlines()
        refused = next(n for n, step in enumerate(steps) if '!= "1"]?done' in step)
        accepted = next(n for n, step in enumerate(steps) if "Goto(ringdesk-accepted" in step)
        assert refused < accepted
        assert f"exten => {name},1," in parts["ringdesk-accepted"]


@pytest.mark.parametrize("decision", NEXTS)
def test_the_hook_knows_every_decision(decision: str) -> None:
    hook = contexts(render_extensions(HookSettings()))[HOOK_CONTEXT]
    assert f'"${{RINGDESK_NEXT}}" = "{decision}"' in hook


def test_settings_arrive_where_they_belong() -> None:
    text = render_extensions(
        HookSettings("10.0.0.9", 4999, "eve", "sales", 77, "200", 9, "phones", 21)
    )
    assert "Set(RINGDESK_MENU=eve)" in text
    assert "AGI(agi://10.0.0.9:4999/menu/${RINGDESK_MENU})" in text
    assert "Set(RINGDESK_TARGET=sales)" in text
    assert "Queue(${RINGDESK_TARGET},c,,,77)" in text
    assert "VoiceMail(200,u)" in text
    assert "TIMEOUT(absolute)=9" in text
    assert "Dial(Local/${RINGDESK_TARGET}@phones,21)" in text


def test_without_a_mailbox_the_queue_time_out_hangs_up() -> None:
    assert "VoiceMail" not in contexts(render_extensions(HookSettings()))["ringdesk-queue"]


@pytest.mark.parametrize(
    "settings",
    [
        {"menu": "main)\nexten => x,1,System(rm"},
        {"menu": ""},
        {"fallback_queue": "a,b"},
        {"fallback_queue": "support\n"},
        {"agi_host": "host/path"},
        {"internal_context": "a b"},
        {"mailbox": "100;x"},
        {"agi_port": 0},
        {"silence_timeout": -1},
    ],
)
def test_values_asterisk_would_misread_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        HookSettings(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("secret", ["", "a b", "a;b", "a\nread = all", "a\\"])
def test_secrets_manager_conf_would_cut_are_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="secret"):
        ManagerSettings(secret)


def test_the_ami_user_has_neither_command_nor_config_nor_all() -> None:
    text = render_manager(ManagerSettings("s3cret"))
    rights = re.findall(r"^(?:read|write) = (.*)$", text, re.MULTILINE)
    assert len(rights) == 2
    assert not {"all", "command", "config"} & set(",".join(rights).split(","))
    assert "timestampevents = yes" in text


def test_nothing_that_kills_asterisk_is_declined() -> None:
    declined = re.findall(r"^decline = (\w+)", render_lean_events()["stasis.conf"], re.MULTILINE)
    assert "ast_channel_varset_type" in declined
    assert "ast_channel_dtmf_begin_type" not in declined
