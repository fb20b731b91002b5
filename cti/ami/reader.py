"""From messages to facts, in two ways that agree: quickly from bytes, and from any headers. Pure.

The quick way fetches the few values that a fact is made of by the shapes of
:mod:`cti.ami.shapes`, without headers or a dict for each message; it takes a quarter of the time.
A message that fits no shape is parsed in full, and the first of these teach theirs. Which headers
are read, and what they mean, only :mod:`cti.ami.facts` knows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from cti.ami.codec import as_text, parse
from cti.ami.facts import KINDS, TIMESTAMP, Headers, Kind, UnreadableMessage, parse_timestamp
from cti.ami.shapes import MOST, Shape, learn
from cti.domain.events import Micros
from cti.domain.facts import Fact

log = structlog.get_logger(__name__)

_FORMS: Final = {TIMESTAMP: r"[0-9]{1,12}\.[0-9]{6}"}
"""A timestamp as Asterisk writes it: its digits are the microseconds."""


class _Known:
    """A type of event and the shapes in which it comes; ``start`` is behind its first line."""

    __slots__ = ("event", "kind", "make", "shapes", "start", "tried")

    def __init__(self, event: str, kind: Kind) -> None:
        self.event = event
        self.kind = kind
        self.make = kind.make
        self.start = len(f"Event: {event}\r\n")
        self.shapes: list[Shape] = []
        self.tried = 0

    def learn(self, text: str) -> None:
        """Learn the shape of this message, if it has one and there were not too many."""
        if self.tried == MOST:
            return
        self.tried += 1
        headers = (TIMESTAMP, *self.kind.headers)
        shape = learn(text[self.start :], headers, self.kind.needs, _FORMS)
        if shape is not None:
            self.shapes.append(shape)


class FactReader:
    """Reads messages one by one.

    ``now`` gives the time for messages without a Timestamp (``timestampevents = no``); without it
    the time of the message before is used. ``unreadable`` counts, by event type and reason, the
    messages that could not be read; each pair is logged once.
    """

    def __init__(self, now: Callable[[], Micros] | None = None) -> None:
        self.unreadable: Counter[tuple[str, str]] = Counter()
        self._now = now
        self._last: Micros = 0
        self._known = {
            f"Event: {event}".encode(): _Known(event, kind) for event, kind in KINDS.items()
        }

    def read(self, line: bytes, raw: bytes) -> Fact | None:
        """The fact in a message as :class:`cti.ami.codec.Framer` gives it; ``line`` begins it."""
        known = self._known.get(line)
        if known is None:
            return self.to_fact(parse(raw))
        text = as_text(raw)
        for match, order in known.shapes:
            if found := match(text, known.start):
                return self._make(known, found.group(*order) if order else found.groups())
        known.learn(text)
        return self.to_fact(parse(raw))

    def to_fact(self, message: Headers) -> Fact | None:
        """The fact in the message, or None when it tells nothing about calls."""
        get = message.get
        event = get("Event", "")
        kind = KINDS.get(event)
        if kind is None:
            return None
        try:
            return kind.make(self._time(event, get(TIMESTAMP, "")), *kind.values(get))
        except UnreadableMessage as problem:
            self._count(event, str(problem))
            return None

    def _make(self, known: _Known, values: Sequence[str]) -> Fact | None:
        """``values`` as a shape found them: a Timestamp of its form or none, then the others."""
        stamp = values[0]
        if stamp:
            self._last = at = int(stamp.replace(".", ""))
        else:
            at = self._now() if self._now else self._last
        try:
            return known.make(at, *values[1:])
        except UnreadableMessage as problem:
            self._count(known.event, str(problem))
            return None

    def _time(self, event: str, stamp: str) -> Micros:
        if stamp:
            try:
                self._last = parse_timestamp(stamp)
                return self._last
            except UnreadableMessage as problem:
                self._count(event, str(problem))
        return self._now() if self._now else self._last

    def _count(self, event: str, problem: str) -> None:
        self.unreadable[event, problem] += 1
        if self.unreadable[event, problem] == 1:
            log.warning("ami_message_unreadable", type=event, problem=problem)
