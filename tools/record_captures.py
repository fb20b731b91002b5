"""Record AMI streams of a real Asterisk, each with the truth: what its phones did, and when.

    python tools/record_captures.py              every scenario, on Asterisk 22 and on 16
    python tools/record_captures.py 22 parked    one release, and scenarios whose names hold a word

Writes tests/captures/<release>/<name>.ami: the bytes as they came over an AMI connection with the
lean set of events, and <name>.json: the calls as tools/scenarios wrote them down from
the clocks of its robot phones, in the form of `ringdesk replay --json` without Linkedids.

On a busy machine the clocks of the phones tell less: `nice -n -19 chrt -r 5 python ...` helps.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

import msgspec  # noqa: E402
from capture_rig import DIALPLAN, Rig  # noqa: E402
from scenarios import SCENARIOS, Scenario  # noqa: E402

from ringdesk.demo.asterisk import AsteriskInstance  # noqa: E402
from ringdesk.demo.prefix import CURRENT, OLD, Release, default_cache, ensure_prefix  # noqa: E402

RELEASES: Mapping[str, Release] = {"22": CURRENT, "16": OLD}
ATTEMPTS, MOST_STALLED = 4, 0.02
CAPTURES = Path(__file__).parents[1] / "tests" / "captures"


def main(*words: str) -> None:
    """Record what the words choose; all without words."""
    releases = [word for word in words if word in RELEASES] or list(RELEASES)
    wanted = [word for word in words if word not in RELEASES]
    for release in releases:
        chosen = [
            scenario
            for scenario in SCENARIOS
            if release in scenario.releases
            and (not wanted or any(word in scenario.name for word in wanted))
        ]
        asyncio.run(record(release, chosen))


async def record(release: str, scenarios: list[Scenario]) -> None:
    """Record the scenarios on one Asterisk, one after the other."""
    folder = CAPTURES / release
    folder.mkdir(parents=True, exist_ok=True)
    prefix = ensure_prefix(default_cache(), release=RELEASES[release])
    async with AsteriskInstance(prefix, ring_timeout=2, more_files=DIALPLAN) as asterisk:
        for module in ("res_parking", "app_followme"):
            await asterisk.cli(f"module load {module}")
        for scenario in scenarios:
            try:
                await record_one(asterisk, scenario, folder)
            except (RuntimeError, TimeoutError) as failure:
                print(f"{release} {scenario.name}: FAILED, {failure!r}")


async def record_one(asterisk: AsteriskInstance, scenario: Scenario, folder: Path) -> None:
    """One stream and its truth; again, if the machine was too busy to measure it."""
    for _ in range(ATTEMPTS):
        async with Rig(asterisk) as rig:
            calls = await scenario.play(rig)
            stalled = rig.stalled
            await rig.quiet()
        if stalled < MOST_STALLED:
            break
    (folder / f"{scenario.name}.ami").write_bytes(bytes(rig.stream))
    rows = msgspec.to_builtins(calls)
    for row in rows:
        del row["linkedid"]
    text = msgspec.json.format(msgspec.json.encode(rows), indent=2)
    (folder / f"{scenario.name}.json").write_bytes(text + b"\n")
    print(f"{folder.name} {scenario.name}: {len(rig.stream)} bytes, stalled {stalled:.3f} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
