"""What the doctor makes of what it found: the pure parts."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.ami.codec import Message
from cti.ami.facts import WANTED
from cti.ami.link import LinkLost
from cti.capture import read_capture
from cti.domain.commands import Reply
from ivr.settings import IvrSettings
from recordings.speech_check import ModelProblem
from ringdesk.asterisk_config import READ_CLASSES, HookSettings
from ringdesk.doctor import (
    access,
    fastagi,
    hook,
    lean,
    of_switch,
    queues,
    rights,
    sound_files,
    speech,
    trunks,
)
from ringdesk.doctor.check import Check
from ringdesk.doctor.switch_facts import judge_clock, judge_version
from ringdesk.doctor.transfers import judge_transfers
from ringdesk.settings import Settings, SwitchSettings
from ringdesk.trunk_config import TRUNK_IN, TRUNK_OUT, TrunkSnippet, render_trunk

SECOND = 1_000_000
CAPTURES = Path(__file__).parents[2] / "captures"
NOON = 1_795_298_400 * SECOND


def stamp(micros: int) -> str:
    return f"{micros // SECOND}.{micros % SECOND:06}"


def event(name: str, **fields: str) -> Message:
    return Message([("Event", name), *fields.items()])


# --- version and clock ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "state"),
    [
        ("22.10.1", "ok"),
        ("20.5.0", "ok"),
        ("20.4.2", "warn"),
        ("certified-20.7-cert1", "ok"),
        ("certified/18.9-cert5", "warn"),
        ("16.28.0~dfsg-0+deb11u4", "warn"),
        ("13.38.3", "warn"),
        ("GIT-master-9f1", "ok"),
        ("", "unknown"),
    ],
)
def test_versions(version: str, state: str) -> None:
    assert judge_version(version).state == state


def test_an_old_version_says_what_is_lost_and_an_ancient_one_that_nothing_was_tested() -> None:
    assert "cannot move callers who wait" in judge_version("16.28.0").said
    assert "nothing was tested" in judge_version("13.38.3").said


@pytest.mark.parametrize(
    ("skew", "state", "said"),
    [
        (0, "ok", "agree"),
        (-900_000, "ok", "agree to 905 ms"),
        (2 * SECOND, "warn", "2.0 s ahead"),
        (-2 * SECOND, "warn", "2.0 s behind"),
        (3600 * SECOND, "fail", "3600.0 s ahead"),
    ],
)
def test_clocks(skew: int, state: str, said: str) -> None:
    took = 5_000
    check = judge_clock(stamp(NOON + skew + (took if skew > 0 else 0)), NOON, NOON + took)
    assert (check.state, said in check.said) == (state, True), check
    assert ("timedatectl" in check.fix) == (state != "ok")


@given(st.integers(0, 3 * SECOND), st.data())
def test_an_answer_given_between_question_and_receipt_is_never_a_skew(
    took: int, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, took))
    check = judge_clock(stamp(NOON + at), NOON, NOON + took)
    assert check.state == "ok"


@pytest.mark.parametrize("text", ["", "soon", "12:00"])
def test_a_pbx_without_a_time_is_unknown(text: str) -> None:
    assert judge_clock(text, NOON, NOON).state == "unknown"


# --- the way in ----------------------------------------------------------------------------------


def test_an_address_that_does_not_answer() -> None:
    settings = Settings.model_validate({"ami": {"host": "192.0.2.1", "secret": "s"}})
    check = access.why_not(LinkLost("192.0.2.1:5038 does not answer; check firewall"), settings)
    assert (check.state, "192.0.2.1:5038 does not answer" in check.said) == ("fail", True)
    assert "nc 192.0.2.1 5038" in check.fix


def test_a_remote_asterisk_is_told_to_listen_for_others() -> None:
    settings = Settings.model_validate({"ami": {"host": "192.0.2.1", "secret": "s"}})
    assert "bindaddr = 0.0.0.0" in access.why_not(ConnectionRefusedError(111, "x"), settings).fix


# --- rights --------------------------------------------------------------------------------------

LISTED = frozenset(rights.NEEDED)


def test_every_right_that_the_printed_manager_user_has_is_needed_by_an_action() -> None:
    assert set(rights.NEEDED.values()) - {""} == {
        "system",
        "call",
        "agent",
        "user",
        "reporting",
        "originate",
    }


def test_a_module_that_is_not_loaded_is_no_missing_right() -> None:
    answers = {"QueueAdd": Reply(ok=False, message="Invalid/unknown command: QueueAdd. Use")}
    check = rights.judge_actions(LISTED - {"QueueAdd"}, answers)
    assert (check.state, check.fix) == ("fail", "asterisk -rx 'module load app_queue.so'")


def manager_file(read: str) -> rights.ManagerFile:
    return rights.ManagerFile(frozenset(read.split(",")))


PROVOKED = {"system", "user", "call"}


def test_a_class_that_cannot_be_provoked_is_believed_to_manager_conf() -> None:
    check = rights.judge_events(PROVOKED, PROVOKED, manager_file("system,call,agent,user"))
    assert (check.state, "agent: by manager.conf" in check.said) == ("ok", True)
    assert rights.judge_events(PROVOKED, PROVOKED, manager_file("all")).state == "ok"
    assert rights.judge_events(PROVOKED, PROVOKED, manager_file("call,user")).state == "fail"
    assert rights.judge_events(PROVOKED, PROVOKED, None).state == "unknown"
    assert rights.judge_events({*PROVOKED, "agent"}, PROVOKED, None).state == "ok"


def test_a_class_that_was_provoked_and_did_not_come_is_missing_whatever_the_file_says() -> None:
    check = rights.judge_events({"system", "call"}, PROVOKED, manager_file(",".join(READ_CLASSES)))
    assert check.state == "fail"
    assert "the right to read user is missing" in check.said
    assert "Asterisk has not read it" in check.said


def test_an_event_filter_is_told() -> None:
    file = rights.ManagerFile(frozenset(READ_CLASSES), has_filter=True)
    assert rights.judge_events(READ_CLASSES, PROVOKED, file).state == "warn"


def test_times_of_events() -> None:
    assert rights.judge_timestamps([event("FullyBooted")]).state == "unknown"
    assert rights.judge_timestamps([event("UserEvent", Timestamp="1.5")]).state == "ok"
    assert rights.judge_timestamps([event("UserEvent")]).state == "fail"


def test_heavy_events_are_counted_and_each_kind_has_its_cure() -> None:
    assert lean.judge_load([event("Newchannel")] * 500, 2).state == "ok"
    check = lean.judge_load([event("RTCPSent")] * 30 + [event("CEL")] + [event("Hangup")], 2)
    assert check.state == "warn"
    assert "16 events a second" in check.said
    assert "RTCPSent 30, CEL 1" in check.said
    assert f"read = {','.join(READ_CLASSES)}\n" in check.fix
    assert "cel.conf" in check.fix
    assert "read =" not in lean.judge_load([event("CEL")], 2).fix


def test_the_classes_our_user_reads_hold_no_heavy_event_but_those_of_cel() -> None:
    """As the real Asterisk marks them, in recordings made with all classes."""
    classes = {
        message.event: message.get("Privilege").partition(",")[0]
        for capture in CAPTURES.glob("*.ami")
        for message in read_capture(capture.read_bytes())
    }
    heavy = {name: classes[name] for name in lean.HEAVY if name in classes}
    assert {"VarSet", "TestEvent", "RTCPSent", "Newexten", "CEL"} <= heavy.keys()
    assert {name for name, kind in heavy.items() if kind in READ_CLASSES} == {"CEL"}
    assert {classes[name] for name in WANTED & classes.keys()} <= set(READ_CLASSES)


# --- dialplan ------------------------------------------------------------------------------------


def row(context: str, extension: str, application: str, data: str) -> dict[str, str]:
    return {
        "Context": context,
        "Extension": extension,
        "Application": application,
        "AppData": data,
    }


def dialplan(agi: str = "127.0.0.1:4573") -> hook.Dialplan:
    return hook.Dialplan(
        hook=(
            row("ringdesk-in", "_X.", "Set", "RINGDESK_HOOK=2"),
            row("ringdesk-in", "_X.", "ExecIf", '$["${M}" = ""]?Set(RINGDESK_MENU=main)'),
            row("ringdesk-in", "_X.", "AGI", f"agi://{agi}/menu/${{RINGDESK_MENU}}"),
        ),
        fallback=(row("ringdesk-fallback", "s", "Set", "RINGDESK_TARGET=support"),),
        doctor=tuple(row("ringdesk-doctor", e, "Answer", "") for e in ("agi", "record", "prompt")),
    )


def test_the_hook() -> None:
    settings = HookSettings()
    assert hook.judge_hook(dialplan(), settings, ["main"]).state == "ok"
    assert hook.judge_hook(dialplan(), settings, None).state == "ok"
    assert hook.judge_hook(None, settings, ["main"]).state == "unknown"
    other = hook.judge_hook(dialplan("192.0.2.7:4573"), settings, ["main"])
    assert other.said == "the hook calls FastAGI at 192.0.2.7:4573, the settings say 127.0.0.1:4573"
    assert "no" in hook.judge_hook(dialplan(), settings, ["sales"]).said
    foreign = hook.Dialplan((row("ringdesk-in", "s", "Answer", ""),), (), ())
    assert "is not Ringdesk's" in hook.judge_hook(foreign, settings, ["main"]).said


def test_a_hook_pasted_before_the_doctor_learned_more() -> None:
    plan = dialplan()
    older = hook.Dialplan(plan.hook, plan.fallback, plan.doctor[:1])
    assert hook.judge_hook(older, HookSettings(), ["main"]).state == "warn"


def test_a_hook_of_another_switch() -> None:
    plan = dialplan()
    west = HookSettings(switch="west")
    silent = hook.judge_hook(plan, west, ["main"])
    assert (silent.state, "does not say which switch it is, this is west" in silent.said) == (
        "fail",
        True,
    )
    rows = (*plan.hook[:2], row("ringdesk-in", "_X.", "AGI", f"{plan.hook[2]['AppData']},west"))
    named = hook.Dialplan(rows, plan.fallback, plan.doctor)
    assert hook.judge_hook(named, west, ["main"]).state == "ok"
    assert "says it is the switch west" in hook.judge_hook(named, HookSettings(), ["main"]).said


def test_of_several_switches_each_line_and_each_cure_names_its_own() -> None:
    first = Settings(switches={"west": SwitchSettings()})
    check = Check("dialplan hook", "fail", "no host under [ami]", hook.PASTE)
    assert of_switch(check, Settings()) is check
    assert of_switch(check, first).title == "pbx: dialplan hook"
    assert of_switch(check, first).fix == hook.PASTE
    west = of_switch(check, first.at("west"))
    assert west.title == "west: dialplan hook"
    assert west.said == "no host under [switches.west.ami]"
    assert west.fix.startswith("ringdesk asterisk-config --switch west --part extensions")


def test_ways_into_the_hook() -> None:
    included = {"Context": "from-trunk", "IncludeContext": "ringdesk-in"}
    goto = row("from-trunk", "_X.", "Goto", "ringdesk-in,${EXTEN},1")
    ours = row("ringdesk-in", "s", "Goto", "ringdesk-in,0,1")
    assert hook.judge_way_in([included]).state == "ok"
    assert hook.judge_way_in([goto]).said == "callers come from context from-trunk"
    assert hook.judge_way_in([ours]).state == "warn"


# --- FastAGI -------------------------------------------------------------------------------------


def agi(status: str, who: str, *, called: str = "127.0.0.1:4573", **counts: int) -> tuple[str, str]:
    listener = fastagi.Listener(who, counts=counts)
    check = fastagi.judge(status, listener, called=called, settings=IvrSettings(), pbx="192.0.2.10")
    return check.state, check.said + "\n" + check.fix


def test_fastagi_verdicts() -> None:
    assert agi("SUCCESS", "ringdesk")[0] == "ok"
    assert agi("SUCCESS", "doctor", served=1)[0] == "ok"
    assert agi("", "doctor", served=1)[0] == "ok"
    assert agi("SUCCESS", "somebody")[0] == "fail"
    assert agi("", "doctor")[0] == "unknown"
    assert 'pbx_networks = ["192.0.2.10/32"]' in agi("SUCCESS", "doctor", not_allowed=1)[1]
    assert "could not connect" in agi("FAILURE", "doctor")[1]
    assert "agi_address" in agi("FAILURE", "doctor")[1]
    assert "got no answer in time" in agi("TIMEOUT", "doctor")[1]
    assert "agi_address" not in agi("FAILURE", "doctor", called="127.0.0.1:4000")[1]


# --- queues, phones, prompts, models -------------------------------------------------------------


def member(queue: str, status: str) -> dict[str, str]:
    return {"Event": "QueueMember", "Queue": queue, "Status": status}


def test_members_of_queues() -> None:
    assert queues.judge_members(["support"], [member("support", "1")]).state == "ok"
    assert "nobody is in sales" in queues.judge_members(["sales"], [member("support", "1")]).said
    gone = queues.judge_members(["support"], [member("support", "5")])
    assert (gone.state, "registered" in gone.said) == ("warn", True)


def test_phones() -> None:
    assert queues.judge_phones({}).state == "warn"
    assert queues.judge_phones({"PJSIP/1": ""}).state == "unknown"
    assert queues.judge_phones({"PJSIP/1": "INVALID", "PJSIP/2": "INUSE"}).state == "fail"
    said = queues.judge_phones({"PJSIP/1": "UNAVAILABLE", "PJSIP/2": "INUSE"}).said
    assert said == "all known to the PBX, 1 of 2 registered"


def test_prompts() -> None:
    assert sound_files.judge_prompt("SUCCESS", "/p").state == "ok"
    assert sound_files.judge_prompt("FAILED", "/p").state == "fail"
    assert sound_files.judge_prompt("", "/p").state == "unknown"


def test_models() -> None:
    def judge(*problems: ModelProblem, for_demo: bool = False) -> str:
        return speech.judge_model("en", Path("/m"), problems, for_demo=for_demo).state

    assert judge() == "ok"
    assert judge(for_demo=True) == "warn"
    assert judge(ModelProblem(reason="broken", cure="again")) == "fail"
    assert judge(ModelProblem(reason="slow", cure="wait", slow=True)) == "unknown"


# --- trunks between switches ---------------------------------------------------------------------


def rows_in(text: str, context: str) -> list[dict[str, str]]:
    """The rows of one context of a dialplan file, as ShowDialPlan gives them."""
    rows, at = [], ""
    for line in text.splitlines():
        if line.startswith("["):
            at = line.strip("[]")
        elif "," in line and "=>" in line and at == context:
            said = line.partition(",n,")[2] or line.partition(",1,")[2]
            name, _, data = said.partition("(")
            rows.append({"Context": at, "Application": name, "AppData": data.removesuffix(")")})
    return rows


OURS = TrunkSnippet("west")
OUT, IN = (rows_in(render_trunk(OURS), name) for name in (TRUNK_OUT, TRUNK_IN))
DIAL = {"Context": "from-menu", "Application": "Dial", "AppData": f"PJSIP/1@e,9,b({TRUNK_OUT}^s^1)"}
CARRIED = frozenset({"RINGDESK_CALL", "RINGDESK_JOINS"})


def test_trunks_as_printed() -> None:
    check = trunks.judge_trunks(OUT, IN, [*OUT, DIAL], CARRIED, OURS)
    assert (check.state, "from-menu" in check.said) == ("ok", True)
    check = trunks.judge_trunks(OUT, IN, OUT, CARRIED, OURS)
    assert (check.state, "no Dial() here names" in check.said) == ("ok", True)
    check = trunks.judge_trunks(OUT, IN, [DIAL], None, OURS)
    assert (check.state, "not proven" in check.said) == ("ok", True)


def test_trunks_of_which_there_is_nothing_or_half() -> None:
    for out, into, missing in (((), (), TRUNK_OUT), (OUT, (), TRUNK_IN)):
        check = trunks.judge_trunks(out, into, (), CARRIED, OURS)
        assert (check.state, missing in check.said) == ("warn", True)
        assert "asterisk-config --part extensions" in check.fix


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (TrunkSnippet("east"), "it is the switch west, this is east"),
        (
            TrunkSnippet("west", header="X-Other"),
            "header X-Ringdesk-Call, the settings say X-Other",
        ),
        (TrunkSnippet("west", variable="OTHER"), "RINGDESK_JOINS, the settings say OTHER"),
    ],
)
def test_trunks_of_other_settings(wanted: TrunkSnippet, said: str) -> None:
    check = trunks.judge_trunks(OUT, IN, [DIAL], CARRIED | {"OTHER"}, wanted)
    assert (check.state, said in check.said) == ("fail", True)
    assert "dialplan reload" in check.fix


def test_trunks_whose_variable_no_event_carries() -> None:
    quiet = [event("FullyBooted", Status="x")]
    assert trunks.carried(quiet) is None
    calls = [event("Newchannel", Uniqueid="1", ChanVariable="RINGDESK_CALL=")]
    assert trunks.carried([*quiet, *calls]) == {"RINGDESK_CALL"}
    check = trunks.judge_trunks(OUT, IN, [DIAL], trunks.carried(calls), OURS)
    assert check.state == "fail"
    assert "RINGDESK_FALLBACK,RINGDESK_CALL,RINGDESK_JOINS\n" in check.fix


def test_missing_contexts_for_handing_on_are_named_with_what_to_paste() -> None:
    assert judge_transfers([]).state == "ok"
    check = judge_transfers(["ringdesk-to-agent"])
    assert check.state == "warn"
    assert "ringdesk-to-agent" in check.said
    assert "asterisk-config" in check.fix
