"""The policy lab on the command line: what is asked for, found, and played."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from callqueue.lab.comparison import Comparison
from callqueue.lab.figures import KindFigures
from callqueue.lab.files import read_load
from callqueue.lab.load import MOST_CALLERS, Load
from callqueue.lab.recorded import RecordedDay
from callqueue.lab.records import NothingRecorded, read_day
from callqueue.lab.trial import BASELINES, Reference, as_it_was, try_out
from callqueue.policy import Policy
from callqueue.policy_file import load_policy
from cti.calendar_files import read_calendars
from cti.config_files import ConfigFileError, did_you_mean
from ringdesk.offline import Failed, database
from ringdesk.settings import Settings

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the person typed. ``busier`` and ``agents`` change a load; 1 and 0: nothing."""

    policies: Sequence[Path]
    load: str
    days: Sequence[str]
    replications: int
    target: float
    busier: float = 1.0
    agents: int = 0
    baselines: bool = True


@dataclass(frozen=True)
class Found:
    """What came of it. ``recorded``: what the records say of the same days, by class."""

    on: str
    comparison: Comparison
    recorded: Mapping[str, KindFigures]


async def run(settings: Settings, asked: Asked, progress: Progress) -> Found:
    """Play it. Raises :class:`ringdesk.offline.Failed` with what to mend."""
    policies = _policies(settings, asked.policies or [settings.queue.policy])
    days = await _recorded(settings, asked.days, progress) if asked.days else []
    load = None if days else _load(settings, asked)
    played = days or load
    assert played is not None  # noqa: S101 (there is a load where there is no day)
    comparison = try_out(
        policies,
        BASELINES if asked.baselines else (),
        played,
        asked.replications * max(1, len(days)),
        usual_target=asked.target,
        progress=lambda done, of: progress("days played", done, of),
    )
    reference = Reference(next(iter(policies.values())), asked.target)
    on = load.name if load else ", ".join(day.name for day in days)
    return Found(on, comparison, as_it_was(days, reference))


def _policies(settings: Settings, paths: Sequence[Path]) -> Mapping[str, Policy]:
    """Each policy under its own name, or its file's where two have the same."""
    try:
        calendars = read_calendars(settings.ivr.calendars_folder)
        read = [(path, load_policy(path, calendars)) for path in paths]
    except ConfigFileError as error:
        raise Failed(error) from None
    names = [policy.name for _, policy in read]
    unique = len(set(names)) == len(names)
    found = {policy.name if unique else str(path): policy for path, policy in read}
    taken = sorted(set(found) & set(BASELINES))
    if taken:
        raise Failed(f'a policy may not be named "{taken[0]}" here: a baseline has that name')
    if len(found) < len(read):
        raise Failed("the same policy file is given twice: give another one to compare with")
    return found


def _load(settings: Settings, asked: Asked) -> Load:
    folder = settings.lab.loads_folder
    given = Path(asked.load)
    path = given if given.suffix == ".toml" else folder / f"{asked.load}.toml"
    if not path.exists():
        known = [one.stem for one in folder.glob("*.toml")]
        cure = did_you_mean(asked.load, known) if known else f"there is none in {folder} either"
        raise Failed(f'there is no load "{asked.load}" ({cure})')
    try:
        load = read_load(path)
    except ConfigFileError as error:
        raise Failed(error) from None
    changed = load.changed(busier=asked.busier, agents=asked.agents)
    if changed.expected > MOST_CALLERS:
        raise Failed(f"{changed.expected:.0f} callers a day are more than {MOST_CALLERS}")
    return changed


async def _recorded(
    settings: Settings, names: Sequence[str], progress: Progress
) -> Sequence[RecordedDay]:
    found = []
    dates = dict.fromkeys(_date(name) for name in names)
    async with database(settings) as engine:
        for date in dates:
            name, (begin, end) = date.isoformat(), _bounds(date)
            told = partial(progress, f"calls of {name} read")
            try:
                found.append(await read_day(engine, name, begin, end, progress=told))
            except NothingRecorded as error:
                raise Failed(str(error)) from None
    return found


def _date(name: str) -> datetime.date:
    today = datetime.datetime.now().astimezone().date()
    if name in {"today", "yesterday"}:
        return today - datetime.timedelta(days=int(name == "yesterday"))
    try:
        return datetime.date.fromisoformat(name)
    except ValueError:
        raise Failed(f'"{name}" is no day (write 2026-11-24, or yesterday)') from None


def _bounds(day: datetime.date) -> tuple[int, int]:
    """Midnight to midnight by this machine's clock, in microseconds."""
    start = datetime.datetime.combine(day, datetime.time()).astimezone()
    end = datetime.datetime.combine(day + datetime.timedelta(1), datetime.time()).astimezone()
    return round(start.timestamp() * 1e6), round(end.timestamp() * 1e6)
