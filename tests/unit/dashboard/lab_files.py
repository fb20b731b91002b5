"""The files of the policy lab in tests: a policy, a short made-up day."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from callqueue.policy_archive import PolicyArchive
from callqueue.policy_file import PolicyFile
from callqueue.settings import LabSettings
from cti.clock import now
from dashboard.policy_desk import PolicyDesk

POLICY = """name = "house"
default = "standard"
[[class]]
name = "gold"
label = "Gold"
head_start = 60
when = { tier = ["gold"] }
[[class]]
name = "standard"
label = "Standard"
"""
LOAD = """name = "short"
hours = 1
warm_up_minutes = 0
[[class]]
name = "gold"
per_hour = 20
customer = { tier = "gold" }
handle = { mean = 120 }
[[class]]
name = "others"
per_hour = 40
handle = { mean = 120 }
patience = { mean = 60 }
[[team]]
agents = 2
"""


def policy_desk(folder: Path, engine: AsyncEngine) -> PolicyDesk:
    """The policy lab on files in ``folder``."""
    (folder / "lab").mkdir(exist_ok=True)
    (folder / "lab" / "short.toml").write_text(LOAD)
    path = folder / "policy.toml"
    path.write_text(POLICY)
    policy = PolicyFile(path)

    def changed() -> None:
        policy.reload()

    settings = LabSettings(loads_folder=folder / "lab", most_days=5, nice=0)
    archive = PolicyArchive(path, folder / "policies")
    return PolicyDesk(policy, archive, settings, engine, dict, changed, now)
