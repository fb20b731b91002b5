"""The policy in force, and the file it comes from. A broken file changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import structlog

from callqueue.policy import Policy
from callqueue.policy_flaws import flaws
from cti.calendars import Calendar
from cti.config_files import ConfigFileError, Problem, TomlDocument, read_toml

log = structlog.get_logger(__name__)

Calendars = Callable[[], Mapping[str, Calendar]]
"""Gives the calendars there are, by name."""


def load_policy(path: Path, calendars: Mapping[str, Calendar] | None = None) -> Policy:
    """The policy of a TOML file. Raises :class:`cti.config_files.ConfigFileError`.

    ``calendars``: those that its classes may name under ``hours``.
    """
    return policy_of(read_toml(path), calendars)


def policy_of(document: TomlDocument, calendars: Mapping[str, Calendar] | None = None) -> Policy:
    """As :func:`load_policy`, of a text that was read already."""
    policy, known = document.build(Policy), calendars or {}
    problems = [
        document.problem(flaw.path, flaw.reason, flaw.cure) for flaw in flaws(policy, known)
    ]
    if problems:
        raise ConfigFileError(problems)
    return policy.with_calendars(known)


class PolicyFile:
    """Keeps the last good policy of a file. Call it for the policy in force."""

    def __init__(self, path: Path, calendars: Calendars = dict) -> None:
        """Raises :class:`cti.config_files.ConfigFileError`: without a policy there is no start."""
        self.path = path
        self.problems: tuple[Problem, ...] = ()
        self._calendars = calendars
        self._policy = load_policy(path, calendars())

    def __call__(self) -> Policy:
        return self._policy

    def reload(self) -> tuple[Problem, ...]:
        """Read the file again. With problems the policy in force stays. Blocks; any thread.

        Gives the problems (empty: the new policy is in force); they stay in :attr:`problems`.
        """
        try:
            self._policy = load_policy(self.path, self._calendars())
        except ConfigFileError as error:
            self.problems = error.problems
            log.error(
                "policy_refused", in_force=self._policy.title, problems=str(error).split("\n")
            )
        else:
            self.problems = ()
            log.info("policy_loaded", policy=self._policy.title)
        return self.problems
