"""`make bench-policy`: the default policy against what else one could do, on three made-up days.

Nobody must wait for ever so that somebody else is served at once: a policy is good when its gold
callers are answered in time nearly as often as under strict priority, and the longest wait of the
others is half as long.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from bench.report import Goal, machine, print_table, settle
from callqueue.lab.comparison import Comparison
from callqueue.lab.files import read_loads
from callqueue.lab.load import Load
from callqueue.lab.trial import BASELINES, try_out
from callqueue.policy import Policy
from callqueue.policy_file import load_policy
from cti.calendar_files import read_calendars
from ringdesk.lab_report import clock, percent, shown

ROOT = Path(__file__).parent.parent
LOADS = ("underload", "critical", "overload")
DAYS = 20
POINTS = 2.0
"""By how many points fewer gold callers may be in target than under strict priority."""
LARGE_DAY = 20_000
SECONDS = 5.0
HEAD = ("load", "policy", "gold in target %", "gold p95", "standard in target %", "standard p95",
        "standard longest", "hung up %")  # fmt: skip


def main(path: Path = ROOT / "config/policies/default.toml") -> None:
    """Play everything and say which goals are held."""
    policy = load_policy(path, read_calendars(ROOT / "config/calendars"))
    loads = read_loads(ROOT / "config/lab")
    found = {name: try_out({policy.name: policy}, BASELINES, loads[name], DAYS) for name in LOADS}
    print(f"{policy.title}, {DAYS} days a load; {machine()}\n")
    print_table(HEAD, [row for name, one in found.items() for row in _rows(name, one)])
    took, callers = large_day(policy, loads["overload"])
    print(f"\na day of {callers} calls: {took:.2f} s of CPU")
    goals = [goal for name, one in found.items() for goal in _goals(name, policy, one)]
    settle([*goals, Goal(f"seconds for {LARGE_DAY} calls", took, SECONDS, at_most=True)])


def _rows(name: str, comparison: Comparison) -> list[tuple[str, ...]]:
    rows = []
    for at, one in enumerate(comparison.contenders):
        gold, standard = (one.kinds[kind].figures for kind in ("gold", "standard"))
        rows.append(
            (
                "" if at else name,
                shown(one.name),
                percent(gold["in_target"]),
                clock(gold["p95"].mean),
                percent(standard["in_target"]),
                clock(standard["p95"].mean),
                f"{clock(standard['longest'].mean)} ({standard['longest'].spread:.0f} s)",
                percent(standard["abandoned"]),
            )
        )
    return rows


def _goals(name: str, policy: Policy, comparison: Comparison) -> list[Goal]:
    ours, strict = (comparison.of(one).kinds for one in (policy.name, "strict"))
    gold = ours["gold"].figures["in_target"].mean - strict["gold"].figures["in_target"].mean
    longest = ours["standard"].figures["longest"].mean / strict["standard"].figures["longest"].mean
    return [
        Goal(f"{name}: gold in target, points above strict priority", gold, -POINTS),
        Goal(f"{name}: longest standard wait, of strict priority's", longest, 0.5, at_most=True),
    ]


def large_day(policy: Policy, load: Load) -> tuple[float, int]:
    """Seconds of CPU for one day of :data:`LARGE_DAY` callers or more, and how many they were."""
    factor = 1.02 * LARGE_DAY / load.expected
    classes = [one.model_copy(update={"per_hour": one.per_hour * factor}) for one in load.classes]
    agents = round(load.teams[0].agents * factor)
    teams = [load.teams[0].model_copy(update={"agents": agents})]
    large = load.model_copy(update={"classes": classes, "teams": teams, "warm_up_minutes": 0})
    begun = time.process_time()  # whatever else the machine does is not the simulator's
    callers = try_out({policy.name: policy}, (), large, 1).callers
    return time.process_time() - begun, int(callers)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
