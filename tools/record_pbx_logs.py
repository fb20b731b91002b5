"""Record what a real Asterisk writes of the calls of tools/scenarios, each with the truth.

    python tools/record_pbx_logs.py              every scenario, on Asterisk 22 and on 16
    python tools/record_pbx_logs.py 22 parked    one release, and scenarios whose names hold a word

Writes tests/pbx_logs/<release>/<name>.cel, .cdr, .master (Master.csv) and .queue_log, and .json:
what the robot phones did, in the form of `ringdesk replay --json`; of some also .ami.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

import msgspec  # noqa: E402
from capture_rig import DIALPLAN, Rig  # noqa: E402
from record_captures import RELEASES  # noqa: E402
from scenarios import SCENARIOS, Scenario  # noqa: E402

from ringdesk.asterisk_config import LOG_FILE  # noqa: E402
from ringdesk.demo.asterisk import AsteriskInstance  # noqa: E402
from ringdesk.demo.prefix import default_cache, ensure_prefix  # noqa: E402

PLACE = Path(__file__).parents[1] / "tests" / "pbx_logs"
MASTER = {"cdr.conf": "[csv]\nusegmtime = yes\nloguniqueid = yes\nnewcdrcolumns = yes\n"}
SETTLE = 0.3
CUT = frozenset(
    {
        "abandoned_ringing",
        "abandoned_waiting",
        "agent_calls_agent",
        "answered_agent_hangs_up",
        "attended_transfer_refer",
        "goes_on_after_the_agent",
        "hold",
        "originate_answered",
        "queue_timeout",
        "redirect_waiting",
        "rejected_486",
        "ring_group",
        "ring_no_answer",
        "two_callers_two_agents",
    }
)
"""Of these the AMI stream is kept too: a link that is lost in any moment of them is tested."""


def main(*words: str) -> None:
    """Record what the words choose; all without words."""
    wanted = [word for word in words if word not in RELEASES]
    for release in [word for word in words if word in RELEASES] or list(RELEASES):
        chosen = [
            scenario
            for scenario in SCENARIOS
            if release in scenario.releases
            and (not wanted or any(word in scenario.name for word in wanted))
        ]
        asyncio.run(record(release, chosen))


async def record(release: str, scenarios: list[Scenario]) -> None:
    """Play the scenarios on one Asterisk, one after the other."""
    folder = PLACE / release
    folder.mkdir(parents=True, exist_ok=True)
    prefix = ensure_prefix(default_cache(), release=RELEASES[release])
    files = {**DIALPLAN, **MASTER}
    async with AsteriskInstance(prefix, ring_timeout=2, more_files=files) as asterisk:
        logs = asterisk.logs
        (logs / "cdr-csv").mkdir()
        await asterisk.cli("module load res_parking")
        await asterisk.cli("module load cdr_csv")
        places = {
            "cel": logs / "cel-custom" / LOG_FILE,
            "cdr": logs / "cdr-custom" / LOG_FILE,
            "master": logs / "cdr-csv" / "Master.csv",
            "queue_log": logs / "queue_log",
        }
        for scenario in scenarios:
            try:
                await record_one(asterisk, scenario, folder, places)
            except (RuntimeError, TimeoutError) as failure:
                print(f"{release} {scenario.name}: FAILED, {failure!r}")


async def record_one(
    asterisk: AsteriskInstance, scenario: Scenario, folder: Path, places: Mapping[str, Path]
) -> None:
    """What one scenario adds to each file, and its truth."""
    before = {kind: len(_content(place)) for kind, place in places.items()}
    async with Rig(asterisk) as rig:
        calls = await scenario.play(rig)
        await rig.quiet()
    await asyncio.sleep(SETTLE)
    for kind, place in places.items():
        (folder / f"{scenario.name}.{kind}").write_bytes(_content(place)[before[kind] :])
    if scenario.name in CUT:
        (folder / f"{scenario.name}.ami").write_bytes(bytes(rig.stream))
    rows = msgspec.to_builtins(calls)
    for row in rows:
        del row["linkedid"]
    text = msgspec.json.format(msgspec.json.encode(rows), indent=2)
    (folder / f"{scenario.name}.json").write_bytes(text + b"\n")
    print(f"{folder.name} {scenario.name}", flush=True)


def _content(place: Path) -> bytes:
    return place.read_bytes() if place.exists() else b""


if __name__ == "__main__":
    main(*sys.argv[1:])
