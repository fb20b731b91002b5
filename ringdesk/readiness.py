"""Whether each part can do its work, and if not, why and what to do. Reads, never asks anybody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cti.agi.server import AgiServer
from cti.clock import Now
from cti.feed import SwitchFeed
from cti.journal import Journal
from dashboard.deps import Part
from dashboard.hub import Hub


def parts_of(
    feeds: Iterable[SwitchFeed], journal: Journal, agi: AgiServer, hub: Hub, now: Now
) -> Sequence[Part]:
    """The parts that people depend on, in the order in which a call meets them."""
    return (*(_switch(feed) for feed in feeds), _fastagi(agi), _journal(journal, now), _desk(hub))


def _switch(feed: SwitchFeed) -> Part:
    if feed.whole:
        return Part(f"switch {feed.name}")
    reason = "the picture is being made whole" if feed.client.connected else "no link to Asterisk"
    cure = "calls go on; the log says why there is no link, and ringdesk doctor what to change"
    return Part(f"switch {feed.name}", reason, cure)


def _fastagi(agi: AgiServer) -> Part:
    if agi.listening:
        return Part("fastagi")
    return Part(
        "fastagi",
        f"nothing listens on port {agi.port}",
        "callers take the dialplan's fallback; end what holds the port, or set ivr.host and"
        " ivr.port",
    )


def _journal(journal: Journal, now: Now) -> Part:
    if journal.trouble.failing_since is None:
        return Part("journal")
    seconds = (now() - journal.trouble.failing_since) // 1_000_000
    return Part(
        "journal",
        f"the database has taken no events for {seconds} s; {journal.backlog} are kept",
        "check the database and its disk",
    )


def _desk(hub: Hub) -> Part:
    if hub.restored:
        return Part("desk")
    return Part("desk", "the day's calls are not read yet", "wait, or check the database")
