"""What the page of the policy lab can do: look, check, try out, publish, take back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy.ext.asyncio import AsyncEngine

from callqueue.lab.files import read_loads
from callqueue.lab.load import Load
from callqueue.lab.process import Job, RecordedTime, play
from callqueue.lab.trial import Baseline
from callqueue.policy import Policy
from callqueue.policy_archive import PolicyArchive, Version
from callqueue.policy_file import PolicyFile, policy_of
from callqueue.settings import LabSettings
from cti.calendars import Calendar
from cti.clock import Now
from cti.config_files import ConfigFileError, Problem, TomlDocument
from cti.domain.events import Micros
from dashboard.trials import Trial, Trials

IN_FORCE, EDITED = "in_force", "edited"
"""The contenders' names: the policy in force, and the one on the page."""
BASELINES: tuple[Baseline, ...] = ("fifo", "strict")


class Changed(Exception):
    """Another policy is in force than the one that was looked at: its title."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A trial somebody asks for: on a load, or (``load`` empty) from ``begin`` to ``end``."""

    text: str
    count: int
    load: str = ""
    begin: Micros = 0
    end: Micros = 0


class PolicyDesk:
    """The policy lab of one server. ``changed`` brings the file that was written into force."""

    def __init__(
        self,
        policy: PolicyFile,
        archive: PolicyArchive,
        settings: LabSettings,
        engine: AsyncEngine,
        calendars: Callable[[], Mapping[str, Calendar]],
        changed: Callable[[], None],
        now: Now,
    ) -> None:
        self._policy = policy
        self._archive = archive
        self._settings = settings
        self._engine = engine
        self._calendars = calendars
        self._changed = changed
        self._now = now
        self._publishing = asyncio.Lock()
        self.trials = Trials(partial(play, nice=settings.nice), now)

    @property
    def in_force(self) -> Policy:
        """The policy in force."""
        return self._policy()

    @property
    def problems(self) -> Sequence[Problem]:
        """Why the file is not in force as it stands."""
        return self._policy.problems

    @property
    def most_days(self) -> int:
        """How many days one trial may play."""
        return self._settings.most_days

    async def text(self) -> str:
        """The policy file as it stands. Raises OSError."""
        return await asyncio.to_thread(self._policy.path.read_text)

    async def versions(self) -> Sequence[Version]:
        """Those that were published, newest first. Raises OSError."""
        return await asyncio.to_thread(self._archive.versions)

    async def loads(self) -> Mapping[str, Load]:
        """The made-up days there are. Raises ConfigFileError."""
        return await asyncio.to_thread(read_loads, self._settings.loads_folder)

    async def checked(self, text: str) -> Policy:
        """The policy that ``text`` is. Raises ConfigFileError."""
        return await asyncio.to_thread(self._read, text)

    def begin(self, by: str, title: str, wanted: Wanted, load: Load | None) -> Trial:
        """Begin a trial of a text that was checked and is the policy ``title``.

        Raises :class:`dashboard.trials.Busy`.
        """
        on = load.name if load else f"{wanted.begin}-{wanted.end}"
        return self.trials.begin(
            by, on, title, self.in_force.title, partial(self._job, wanted, load)
        )

    async def publish(self, text: str, instead_of: str, author: str, restored: int = 0) -> Version:
        """Bring ``text`` into force, if still the policy of that title is.

        Raises ConfigFileError, OSError, :class:`Changed`: then nothing has changed.
        """
        async with self._publishing:
            policy = await self.checked(text)
            if instead_of != self.in_force.title:
                raise Changed(self.in_force.title)
            version = await asyncio.to_thread(
                self._archive.publish,
                text,
                policy.title,
                instead_of=instead_of,
                author=author,
                at=self._now(),
                restored=restored,
            )
            await asyncio.to_thread(self._changed)
            return version

    async def kept(self, at: Micros) -> str | None:
        """The text of a version that was in force; None: there is none. Raises OSError."""
        return await asyncio.to_thread(self._archive.text, at)

    def _read(self, text: str) -> Policy:
        return policy_of(TomlDocument(text, self._policy.path.name), self._calendars())

    async def _job(self, wanted: Wanted, load: Load | None) -> Job:
        time = RecordedTime(url=self._engine.url, begin=wanted.begin, end=wanted.end)
        return Job(
            policies={IN_FORCE: await self._text_in_force(), EDITED: wanted.text},
            calendars=await asyncio.to_thread(self._calendars),
            baselines=BASELINES,
            days=load or time,
            count=wanted.count,
        )

    async def _text_in_force(self) -> str:
        """The file, or where it is broken the last version that was published."""
        text = await self.text()
        try:
            await self.checked(text)
        except ConfigFileError:
            versions = await self.versions()
            return (await self.kept(versions[0].at) if versions else None) or text
        return text
