"""What lies on this machine: menus, policy, accounts, and whose it is."""

from __future__ import annotations

import asyncio
import os
import pwd
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from callqueue.policy_file import load_policy
from cti.agent_names import split
from cti.calendar_files import read_calendars
from cti.config_files import ConfigFileError, Problem
from dashboard.accounts import User
from ivr.loading import load_menus
from ivr.menus import Menus
from ivr.model import CallbackStep
from ivr.settings import IvrSettings
from ringdesk.doctor.check import Check, State
from ringdesk.doctor.database import check_database
from ringdesk.doctor.page import check_page
from ringdesk.settings import Settings

MENUS, POLICY, USER = "menus", "priority policy", "user"
_MOST_PROBLEMS = 5


@dataclass(frozen=True)
class Site:
    """What was found here, for the checks on the PBX that need it."""

    menus: Menus | None
    users: Sequence[User]
    checks: Sequence[Check]

    def at(self, settings: Settings) -> Site:
        """The same with those who have to do with one switch, by their phones' names there."""
        of = "" if settings.is_first else settings.switch
        users = [
            replace(user, agent=split(user.agent)[1])
            for user in self.users
            if not user.agent or split(user.agent)[0] == of
        ]
        return replace(self, users=users)

    @property
    def menu_names(self) -> list[str] | None:
        """The menus there are; None when they are not in order."""
        return list(self.menus.menus) if self.menus else None

    @property
    def speaks(self) -> bool:
        """Whether any menu has a text that is spoken."""
        return any(prompt.say for _, prompt in self.menus.sounds) if self.menus else False

    def queues(self, settings: Settings) -> Mapping[str, str]:
        """Queues that are named somewhere, and where."""
        named = {settings.hook.fallback_queue: "hook.fallback_queue"}
        for menu, queue in self._of_menus():
            named.setdefault(queue, f"menu {menu}")
        for user in self.users:
            named |= {q: f"the account {user.username}" for q in user.queues if q not in named}
        for queue in (*settings.recordings.queues, *settings.recordings.speech.queue_languages):
            named.setdefault(queue, "[recordings]")
        return named

    def _of_menus(self) -> Iterable[tuple[str, str]]:
        for name, menu in self.menus.menus.items() if self.menus else ():
            for step in menu.step.values():
                if isinstance(step, CallbackStep):
                    yield name, step.queue
                yield from ((name, e.to.target) for e in step.exits() if e.to.kind == "queue")

    @property
    def phones(self) -> list[str]:
        """The phones of all active agents."""
        return [user.agent for user in self.users if user.agent and user.active]


async def look_around(settings: Settings) -> Site:
    """Look at everything that needs no PBX."""
    menus, menu_checks = await asyncio.to_thread(_check_menus, settings)
    policy = await asyncio.to_thread(_check_policy, settings)
    users, database = await check_database(settings)
    page = await check_page(settings.dashboard)
    owners = [settings.data_folder, settings.recordings.folder, settings.ivr.speech.cache_folder]
    return Site(menus, users, [*menu_checks, *policy, database, page, *_check_user(owners)])


def _check_menus(settings: Settings) -> tuple[Menus | None, list[Check]]:
    try:
        menus = _load_menus(settings.ivr)
    except ConfigFileError as error:
        return None, _told(MENUS, "fail", error.problems)
    names = ", ".join(sorted(menus.menus))
    return menus, _told(MENUS, "warn", menus.warnings) or [Check(MENUS, "ok", f"{names} in order")]


def _load_menus(settings: IvrSettings) -> Menus:
    """As at the start of the server, but without making its folder of spoken texts.

    Whoever runs the doctor would own it, and often that is root.
    """
    if settings.speech.cache_folder.exists():
        return load_menus(settings)
    with tempfile.TemporaryDirectory() as folder:
        speech = settings.speech.model_copy(update={"cache_folder": Path(folder)})
        return load_menus(settings.model_copy(update={"speech": speech}))


def _check_policy(settings: Settings) -> list[Check]:
    try:
        policy = load_policy(settings.queue.policy, read_calendars(settings.ivr.calendars_folder))
    except ConfigFileError as error:
        return _told(POLICY, "fail", error.problems)
    return [Check(POLICY, "ok", f"{settings.queue.policy}: {policy.title}")]


def _told(name: str, state: State, problems: Sequence[Problem]) -> list[Check]:
    """A line for each problem; of many, the first."""
    checks = [Check(name, state, _without_cure(p), p.cure) for p in problems[:_MOST_PROBLEMS]]
    if rest := len(problems) - len(checks):
        said = f"{rest} more problems"
        checks.append(Check(name, state, said, "ringdesk menus check" if name == MENUS else ""))
    return checks


def _without_cure(problem: Problem) -> str:
    place = f"{problem.file}:{problem.line}" if problem.line else problem.file
    return f"{place}:{f' {problem.key}:' if problem.key else ''} {problem.reason}"


def _check_user(folders: Iterable[Path]) -> list[Check]:
    """A warning when root looks at what is another user's: root may read and write anywhere."""
    owners = {folder.stat().st_uid for folder in folders if folder.exists()} - {0}
    if os.geteuid() or not owners:
        return []
    try:
        name = pwd.getpwuid(min(owners)).pw_name
    except KeyError:
        name = f"#{min(owners)}"
    said = f"you are root, Ringdesk's folders are {name}'s: what {name} may not do was not seen"
    return [Check(USER, "warn", said, f"sudo -u {name} .venv/bin/ringdesk doctor")]
