from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from callqueue.curve import SECOND, Curve
from callqueue.eligibility import AgentFacts
from callqueue.facts import CallerFacts, of_customer
from callqueue.policy import Policy
from callqueue.policy_file import PolicyFile, load_policy
from callqueue.wording import ordinal, sentence, terms_at
from cti.calendars import Calendar, Week
from cti.config_files import ConfigFileError, parse_toml
from cti.domain.events import CustomerIdentified, CustomerRef, PriorityTerm

DEFAULT = Path(__file__).parents[3] / "config" / "policies" / "default.toml"
T = 1_800_000_000_000_000

TWO_CLASSES = """\
name = "test"
default = "standard"

[[class]]
name = "vip"
label = "VIP"
head_start = 120
when = { tier = ["vip", "platinum"], status = ["current", ""] }

[[class]]
name = "standard"
label = "Standard"
"""


def identified(match: str = "one", **fields: str) -> CustomerIdentified:
    customer = CustomerRef(id=1, name="Ada", **fields) if match in {"one", "several"} else None
    return CustomerIdentified(at=T, number="", match=match, customer=customer)  # type: ignore[arg-type]


def policy_of(text: str, folder: Path) -> Policy:
    file = folder / "policy.toml"
    file.write_text(text)
    return load_policy(file)


@pytest.mark.parametrize(
    ("who", "queue", "label"),
    [
        (identified(tier="vip"), "support", "VIP"),
        (identified(tier=" VIP "), "support", "VIP"),
        (identified("several", tier="gold"), "support", "Gold"),
        (identified(tier="gold", status="new"), "sales", "Gold"),
        (identified(status="new"), "sales", "New customer"),
        (identified(status="new"), "support", "Standard"),
        (identified(tier="bronze"), "support", "Standard"),
        (identified("none"), "support", "Standard"),
        (identified("anonymous"), "support", "Standard"),
        (identified("late"), "support", "Standard"),
        (None, "support", "Standard"),
    ],
)
def test_the_first_class_that_fits_is_taken(
    who: CustomerIdentified | None, queue: str, label: str
) -> None:
    assert load_policy(DEFAULT).class_of(of_customer(who, queue)).label == label


def test_every_field_of_a_condition_must_fit(tmp_path: Path) -> None:
    policy = policy_of(TWO_CLASSES, tmp_path)
    assert policy.class_of(of_customer(identified(tier="platinum"), "q")).name == "vip"
    assert (
        policy.class_of(of_customer(identified(tier="vip", status="former"), "q")).name
        == "standard"
    )
    assert policy.class_of(of_customer(identified(status="current"), "q")).name == "standard"


def test_a_class_may_ask_how_the_caller_was_found(tmp_path: Path) -> None:
    text = TWO_CLASSES.replace('when = { tier = ["vip", "platinum"]', 'when = { match = ["none"]')
    policy = policy_of(text, tmp_path)
    assert policy.class_of(of_customer(identified("none"), "q")).name == "vip"
    assert policy.class_of(of_customer(identified("anonymous"), "q")).name == "standard"


RICH = """\
name = "rich"
default = "standard"
ceiling = 900

[[class]]
name = "angry"
label = "Complaint"
head_start = 60
target = 20
urgency = 30
ceiling = 120
when = 'tier in ["gold", "vip"] and (open_complaint or abandoned_last_hour > 0)'

[[class]]
name = "german"
label = "German"
hours = "office"
when = 'language == "de" or did == "490"'
rings = [{ after = 0, skills = ["German", "senior"] }, { after = 30, skills = ["german"] },
         { after = 60, skills = [] }]
reserve = { last_agent = 10, manager = 20 }

[[class]]
name = "again"
label = "Called before"
when = "called_within(30)"

[[class]]
name = "standard"
label = "Standard"
"""

OFFICE = parse_toml(
    'title = "Office"\ntime_zone = "UTC"\n[week]\n'
    + "\n".join(f'{day} = ["09:00-17:00"]' for day in Week.model_fields),
    "office.toml",
    Calendar,
)
NINE = T - T % (24 * 3600 * SECOND) + 9 * 3600 * SECOND


def rich(folder: Path, old: str = "", new: str = "") -> Policy:
    file = folder / "rich.toml"
    assert old in RICH
    file.write_text(RICH.replace(old, new, 1) if old else RICH)
    return load_policy(file, {"office": OFFICE})


def test_classes_by_conditions(tmp_path: Path) -> None:
    policy = rich(tmp_path)
    cases = [
        (CallerFacts(match="one", tier="vip", open_complaint=True), "angry"),
        (CallerFacts(match="one", tier="gold", abandoned_last_hour=1), "angry"),
        (CallerFacts(match="one", tier="gold"), "standard"),
        (CallerFacts(match="one", language="de"), "german"),
        (CallerFacts(match="none", last_call=60), "again"),
        (CallerFacts(match="late", last_call=60), "again"),
        (CallerFacts(match="late", did="490"), "standard"),
    ]
    for facts, name in cases:
        assert policy.class_of(facts, NINE).name == name, facts
    german = CallerFacts(match="one", language="de")
    assert policy.class_of(german, NINE - 1).name == "standard"


def test_the_numbers_of_a_class_are_those_of_its_curve(tmp_path: Path) -> None:
    policy = rich(tmp_path)
    assert policy.curve_of("angry") == Curve(60, 30, 20, 120)
    assert policy.curve_of("standard") == Curve(ceiling=900)
    angry = policy.standing("e", CallerFacts(match="one", tier="vip", open_complaint=True), T)
    assert (angry.worth(T + 36 * SECOND), angry.must_at) == (60 + 36 + 30, T + 120 * SECOND)


def test_who_may_take_a_caller_is_relaxed_by_time(tmp_path: Path) -> None:
    policy = rich(tmp_path)
    facts = CallerFacts(match="one", language="de", last_agent="PJSIP/1", owner="PJSIP/2")
    rule = policy.eligibility(facts, NINE)
    team = {
        "last": AgentFacts(agent="PJSIP/1"),
        "manager": AgentFacts(agent="pjsip/2"),
        "senior": AgentFacts(agent="PJSIP/3", skills=frozenset({"german", "senior"})),
        "german": AgentFacts(agent="PJSIP/4", skills=frozenset({"german"})),
        "other": AgentFacts(agent="PJSIP/5"),
    }

    def may(seconds: float) -> set[str]:
        at = NINE + round(seconds * SECOND)
        return {name for name, agent in team.items() if rule.allows(agent, at)}

    assert may(0) == {"last", "manager"}
    assert may(9.999999) == {"last", "manager"}
    assert may(10) == {"manager"}
    assert may(20) == {"senior"}
    assert may(30) == {"senior", "german"}
    assert may(60) == set(team)
    changes, at = [], NINE
    while (at := rule.next_change(at)) < NINE + 1000 * SECOND:
        changes.append((at - NINE) // SECOND)
    assert changes == [10, 20, 30, 60, 900]
    never_relaxed = replace(rule, rings=rule.rings[:1])
    assert not never_relaxed.allows(team["other"], NINE + 899 * SECOND)
    assert never_relaxed.allows(team["other"], NINE + 900 * SECOND)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "tier in [",
            "teir in [",
            ":12: class[1].when: unknown name teir at column 1 (did you mean tier?)",
        ),
        (
            'when = "called_within(30)"',
            "when = '''known and\n  teir == \"a\"'''",
            ":26: class[3].when: unknown name teir at line 2, column 3 (did you mean tier?)",
        ),
        (
            "target = 20",
            "",
            ":10: class[1].urgency: urgency needs a target (add: target = 30)",
        ),
        (
            "ceiling = 900",
            "",
            ":15: class[2].name: it has no ceiling, and with the urgency of others it might",
        ),
        (
            "ceiling = 120",
            "ceiling = 20",
            ":11: class[1].ceiling: the ceiling of 20 s comes before the target of 20 s",
        ),
        (
            'hours = "office"',
            'hours = "ofice"',
            ':17: class[2].hours: there is no calendar "ofice" (did you mean "office"?)',
        ),
        (
            "after = 30",
            "after = 0",
            "class[2].rings[2].after: this ring begins after 0 s, the one before after 0 s",
        ),
    ],
)
def test_a_mistake_in_a_rich_policy(old: str, new: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigFileError) as error:
        rich(tmp_path, old, new)
    assert problem in str(error.value)


def test_rules_that_keep_a_caller_for_few_need_a_ceiling(tmp_path: Path) -> None:
    text = TWO_CLASSES.replace("head_start = 120", "reserve = { last_agent = 20 }")
    with pytest.raises(ConfigFileError, match=r":7: class\[1\].reserve: it has no ceiling"):
        policy_of(text, tmp_path)
    policy = policy_of(f"ceiling = 60\n{text}".replace("ceiling", "ceiling", 1), tmp_path)
    rule = policy.eligibility(CallerFacts(match="one", tier="vip", last_agent="PJSIP/1"), T)
    others = [policy.agent_facts("PJSIP/2")]
    assert rule.why_held(others, T) == "kept for the agent who talked with them last"
    assert rule.why_held([*others, policy.agent_facts("PJSIP/1")], T) == ""
    assert rule.why_held(others, T + 20 * SECOND) == ""


def test_the_version_follows_the_calendars_too(tmp_path: Path) -> None:
    longer = OFFICE.model_copy(update={"title": "Longer"})
    file = tmp_path / "rich.toml"
    file.write_text(RICH)
    versions = {load_policy(file, {"office": c}).version for c in (OFFICE, longer, OFFICE)}
    assert len(versions) == 2


def test_the_terms_follow_the_time() -> None:
    curve = Curve(head_start=60, urgency=30, target=20, ceiling=100)
    said = [[str(t) for t in terms_at("Gold", curve, w * SECOND)] for w in (16, 36)]
    assert said == [["Gold +60 s"], ["Gold +60 s", "target 20 s +30 s"]]
    assert [str(t) for t in terms_at("Gold", curve, 16 * SECOND, "front", must=True)] == [
        "moved to the front",
        "Gold +60 s",
    ]
    assert [str(t) for t in terms_at("Gold", curve, 16 * SECOND, "end", must=True)] == [
        "must be served",
        "sent to the end",
        "Gold +60 s",
    ]


def test_the_score_says_what_it_is_made_of(tmp_path: Path) -> None:
    policy = policy_of(TWO_CLASSES, tmp_path)
    score = policy.score(of_customer(identified(tier="vip"), "q"), T)
    assert score.terms == (PriorityTerm(label="VIP", seconds=120),)
    assert (score.label, score.virtual_join) == ("VIP", T - 120_000_000)
    assert score.policy == f"test@{policy.version}"


def test_the_version_follows_the_rules_and_not_the_comments(tmp_path: Path) -> None:
    policy = policy_of(TWO_CLASSES, tmp_path)
    assert policy_of("# a comment\n" + TWO_CLASSES, tmp_path).version == policy.version
    changed = TWO_CLASSES.replace("head_start = 120", "head_start = 121")
    assert policy_of(changed, tmp_path).version != policy.version
    assert len(policy.version) == 8


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            'default = "standard"',
            'default = "standart"',
            ':2: default: no class is named "standart" (did you mean "standard"?)',
        ),
        (
            'name = "vip"',
            'name = "standard"',
            ':11: class[2].name: two classes are named "standard" (give each a name of its own)',
        ),
        (
            'default = "standard"',
            'default = "vip"',
            ":8: class[1].when: the default class is for everybody who fits no other"
            " (remove when, or name another class as default)",
        ),
        (
            'label = "Standard"',
            'label = "Standard"\nqueues = ["sales"]',
            ":13: class[2].queues: the default class is for everybody who fits no other"
            " (remove queues, or name another class as default)",
        ),
        (
            'when = { tier = ["vip", "platinum"], status = ["current", ""] }',
            "",
            ':5: class[1].name: class "vip" does not say who belongs to it'
            ' (add: when = { tier = ["gold"] })',
        ),
        (
            'tier = ["vip", "platinum"], status = ["current", ""]',
            'match = ["late"]',
            ":8: class[1].when.match: who is late is not known yet and belongs to the default"
            " class (remove this class)",
        ),
        (
            "head_start = 120",
            "head_start = 1.5",
            ":7: class[1].head_start: should be a valid integer, not 1.5",
        ),
        ("head_start = 120", "head_strat = 120", ":7: class[1].head_strat: unknown key (did you"),
        ("tier =", "teir =", ':8: class[1].when.teir: unknown key (did you mean "tier"?)'),
        ("head_start = 120", "head_start = -1", ":7: class[1].head_start:"),
    ],
)
def test_a_broken_file_is_told_at_its_line_with_the_cure(
    old: str, new: str, problem: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigFileError) as error:
        policy_of(TWO_CLASSES.replace(old, new, 1), tmp_path)
    assert problem in str(error.value)


def test_a_broken_file_leaves_the_last_good_policy_in_force(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(TWO_CLASSES)
    policies = PolicyFile(file)
    good = policies()
    file.write_text("name = ")
    problems = policies.reload()
    assert [problem.line for problem in problems] == [1]
    assert policies.problems == problems
    assert policies() is good
    file.write_text(TWO_CLASSES.replace("120", "60"))
    assert policies.reload() == policies.problems == ()
    assert policies().classes[0].head_start == 60


def test_without_a_policy_there_is_no_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigFileError, match="no such file"):
        PolicyFile(tmp_path / "policy.toml")


def test_the_sentence_for_people() -> None:
    vip, standard = (
        PriorityTerm(label="VIP", seconds=120),
        PriorityTerm(label="Standard", seconds=0),
    )
    complaint = PriorityTerm(label="open complaint", seconds=30)
    assert sentence([vip], 35_999_999, 1, 6) == "VIP +120 s, waited 35 s: 1st of 6"
    assert sentence([standard], -5, 2, 2) == "Standard, waited 0 s: 2nd of 2"
    both = sentence([vip, complaint], 61_000_000, 3, 23)
    assert both == "VIP +120 s, open complaint +30 s, waited 61 s: 3rd of 23"


def test_ordinals() -> None:
    words = [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 102, 111)]
    assert words == ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "111th"]
