"""Made-up days: as ordered on the average, the same for the same seed, clear about mistakes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from callqueue.lab.files import load_of, read_load, read_loads
from callqueue.lab.load import drawn_day
from callqueue.lab.scene import HOUR, NEVER
from cti.config_files import ConfigFileError, TomlDocument

LOADS = Path(__file__).parents[4] / "config" / "lab"
TEXT = """name = "two"
hours = 10
profile = [1, 3]
[[class]]
name = "gold"
per_hour = 400
customer = { tier = "gold", value = 900 }
handle = { mean = 200, shape = "lognormal", deviation = 0.5 }
[[class]]
name = "others"
per_hour = 100
queue = "sales"
handle = { mean = 60, shape = "constant" }
patience = { mean = 30 }
[[team]]
agents = 3
queues = ["support"]
[[team]]
agents = 2
skills = ["german"]
"""


def test_a_day_is_as_ordered() -> None:
    scene = drawn_day(load_of(TomlDocument(TEXT, "two.toml")), 1, lambda facts, _at: facts.queue)
    gold = [c for c in scene.callers if c.kind == "support"]
    others = [c for c in scene.callers if c.kind == "sales"]
    assert len(gold) == pytest.approx(4_000, rel=0.05)
    assert len(others) == pytest.approx(1_000, rel=0.1)
    early = sum(c.joined_at < 5 * HOUR for c in scene.callers)
    assert early / len(scene.callers) == pytest.approx(0.25, abs=0.02)
    handles = np.array([c.handle for c in gold]) / 1e6
    assert handles.mean() == pytest.approx(200, rel=0.03)
    assert handles.std() == pytest.approx(100, rel=0.1)
    assert {c.patience for c in gold} == {NEVER}
    assert {c.handle for c in others} == {60_000_000}
    assert np.mean([c.patience for c in others]) == pytest.approx(30e6, rel=0.1)
    assert (gold[0].facts.value, gold[0].facts.known, others[0].facts.known) == (900, True, False)
    assert [c.number for c in scene.callers] == list(range(len(scene.callers)))
    assert [len(seat.skills) for seat in scene.seats] == [0, 0, 0, 1, 1]
    assert [seat.serves("sales") for seat in scene.seats] == [False] * 3 + [True] * 2


def test_the_same_seed_gives_the_same_day_and_a_change_leaves_the_rest_alone() -> None:
    load = load_of(TomlDocument(TEXT, "two.toml"))
    assert drawn_day(load, 3) == drawn_day(load, 3)
    assert drawn_day(load, 3) != drawn_day(load, 4)
    patient = load_of(TomlDocument(TEXT.replace("mean = 30", "mean = 300"), "two.toml"))
    pairs = zip(drawn_day(load, 3).callers, drawn_day(patient, 3).callers, strict=True)
    assert all((a.joined_at, a.handle) == (b.joined_at, b.handle) for a, b in pairs)


def test_more_callers_and_other_agents() -> None:
    load = load_of(TomlDocument(TEXT, "two.toml"))
    changed = load.changed(busier=2, agents=10)
    assert changed.expected == 2 * load.expected
    assert [team.agents for team in changed.teams] == [6, 4]
    assert load.changed() == load


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('name = "others"', 'name = "gold"', "two.toml:10: class[2].name: "),
        ("agents = 2", 'agents = 2\nqueues = ["support"]', "two.toml:12: class[2].queue: no team"),
        ("[1, 3]", "[0, 0]", "two.toml:3: profile: nobody ever calls"),
        ("hours = 10", "hours = 0.5", "warm_up_minutes: it is as long as the day"),
        ("per_hour = 400", "per_hour = 40000", "two.toml:2: hours: 401000 callers a day"),
        ("mean = 200", "mean = -1", "two.toml:8: class[1].handle.mean: "),
        ("per_hour = 400", "per_hours = 400", 'did you mean "per_hour"?'),
    ],
)
def test_a_mistake_is_told_at_its_place(old: str, new: str, problem: str) -> None:
    assert old in TEXT
    with pytest.raises(ConfigFileError) as refused:
        load_of(TomlDocument(TEXT.replace(old, new), "two.toml"))
    assert problem in str(refused.value)


def test_the_loads_that_come_along_can_be_read() -> None:
    loads = read_loads(LOADS)
    assert set(loads) == {path.stem for path in LOADS.glob("*.toml")}
    assert 0.85 < loads["underload"].occupancy < 1 == loads["critical"].occupancy
    assert loads["overload"].occupancy > 1
    with pytest.raises(ConfigFileError, match="no such file"):
        read_load(LOADS / "nothing.toml")
