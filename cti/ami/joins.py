"""Calls that came over a trunk from another switch: which call they go on with. Pure.

The dialplan puts the first call's id into a channel variable (docs/connect-your-pbx.md), and
Asterisk puts the variables that `channelvars` names on every event of the channel. They are looked
for where a call shows that it goes somewhere: answered, queued, or dialling; and in a snapshot.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import structlog

from cti.ami.codec import EVENT, parse
from cti.domain.events import Micros
from cti.domain.facts import LegJoins

log = structlog.get_logger(__name__)

_LINES = frozenset(EVENT + name for name in (b"Newstate", b"QueueCallerJoin", b"DialBegin"))

_CALL_ID = re.compile(r"[a-z0-9][a-z0-9_]{0,30}-[A-Za-z0-9_.-]{1,120}\Z")


class JoinReader:
    """Finds the id of another call in ``variable``.

    ``refused`` counts values that are no call's id, or name a switch that is not of ``switches``.
    """

    def __init__(self, variable: str, switches: Iterable[str]) -> None:
        self.refused = 0
        self._prefix = f"{variable}="
        self._needle = self._prefix.encode()
        self._switches = frozenset(switches)

    def in_event(self, line: bytes, raw: bytes, at: Micros) -> LegJoins | None:
        """What an event says, given its first line and all of it; None: nothing."""
        if line not in _LINES or self._needle not in raw:
            return None
        message = parse(raw)
        return self._fact(message.get("Uniqueid", ""), message.all("ChanVariable"), at)

    def in_rows(self, rows: Iterable[Mapping[str, str]], at: Micros) -> Iterator[LegJoins]:
        """What the rows of CoreShowChannels say."""
        for row in rows:
            variables = row.get("ChanVariable", "").split("\n")
            if found := self._fact(row.get("Uniqueid", ""), variables, at):
                yield found

    def _fact(self, leg: str, variables: Iterable[str], at: Micros) -> LegJoins | None:
        given = (v for v in variables if v.startswith(self._prefix))
        call_id = next(given, "").removeprefix(self._prefix)
        if not (leg and call_id):
            return None
        if not _CALL_ID.match(call_id) or call_id.partition("-")[0] not in self._switches:
            self._refuse()
            return None
        return LegJoins(at=at, leg=leg, call_id=call_id)

    def _refuse(self) -> None:
        self.refused += 1
        if self.refused == 1:
            cure = "print the dialplan of both switches anew: ringdesk asterisk-config"
            log.warning("trunk_call_not_joined", variable=self._prefix[:-1], cure=cure)
