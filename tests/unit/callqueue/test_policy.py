from __future__ import annotations

from pathlib import Path

import pytest

from callqueue.policy import Policy, ordinal, sentence
from callqueue.policy_file import PolicyFile, load_policy
from cti.config_files import ConfigFileError
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
    assert load_policy(DEFAULT).class_of(who, queue).label == label


def test_every_field_of_a_condition_must_fit(tmp_path: Path) -> None:
    policy = policy_of(TWO_CLASSES, tmp_path)
    assert policy.class_of(identified(tier="platinum"), "q").name == "vip"
    assert policy.class_of(identified(tier="vip", status="former"), "q").name == "standard"
    assert policy.class_of(identified(status="current"), "q").name == "standard"


def test_a_class_may_ask_how_the_caller_was_found(tmp_path: Path) -> None:
    text = TWO_CLASSES.replace('when = { tier = ["vip", "platinum"]', 'when = { match = ["none"]')
    policy = policy_of(text, tmp_path)
    assert policy.class_of(identified("none"), "q").name == "vip"
    assert policy.class_of(identified("anonymous"), "q").name == "standard"


def test_the_score_says_what_it_is_made_of(tmp_path: Path) -> None:
    policy = policy_of(TWO_CLASSES, tmp_path)
    score = policy.score(identified(tier="vip"), "q", T)
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
            " (remove when, or name another class as the default)",
        ),
        (
            'label = "Standard"',
            'label = "Standard"\nqueues = ["sales"]',
            ":13: class[2].queues: the default class is for everybody who fits no other"
            " (remove queues, or name another class as the default)",
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
