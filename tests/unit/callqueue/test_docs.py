"""What docs/priority.md shows is what the policy reads."""

from __future__ import annotations

import re
from pathlib import Path

from callqueue.curve import SECOND, Curve
from callqueue.facts import FIELDS, FUNCTIONS, CallerFacts
from callqueue.policy_file import load_policy
from cti.calendar_files import read_calendars

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "priority.md").read_text()
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


def test_the_examples_are_a_policy(tmp_path: Path) -> None:
    file, skills, agents = EXAMPLES
    path = tmp_path / "house.toml"
    path.write_text(agents + file.replace('label = "VIP"', f'label = "VIP"\n{skills}'))
    policy = load_policy(path, read_calendars(ROOT / "config" / "calendars"))
    angry = CallerFacts(match="one", tier="gold", abandoned_last_hour=1)
    assert policy.class_of(angry).name == "complaint"
    vip = policy.class_of(CallerFacts(match="one", tier="vip", status="current"))
    assert policy.agent_facts("pjsip/101").skills == {"german", "senior"}
    assert (vip.name, len(vip.rings), vip.reserve.manager) == ("vip", 3, 45)


def test_every_name_of_a_condition_is_told() -> None:
    table = PAGE[PAGE.index("| name | kind") : PAGE.index("While the CRM has not answered")]
    told = set(re.findall(r"`(\w+)(?:\(30\))?`", table))
    assert {*FIELDS, *FUNCTIONS} <= told


def test_the_figures_of_urgency_are_right() -> None:
    curve = Curve(urgency=30, target=20)
    said = re.search(r"that is (\d+) second after 20 s, (\d+) seconds after 40 s, (\d+)", PAGE)
    assert said
    assert [*map(int, said.groups())] == [curve.urgent_seconds(s * SECOND) for s in (20, 40, 60)]
