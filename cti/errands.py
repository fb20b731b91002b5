"""What is said to the call books before we dial or move somebody ourselves.

The PBX tells of such things as if they had happened by themselves: a caller who is taken out of a
queue looks like one who gave up, a call that we make like anybody's.
"""

from __future__ import annotations

from collections.abc import Mapping

from cti.feed import SwitchFeed


class Errands:
    """The books of all switches, by the switch's name."""

    def __init__(self, feeds: Mapping[str, SwitchFeed]) -> None:
        self._feeds = feeds

    def begin(self, switch: str, leg: str, agent: str, entry_id: str) -> bool:
        """We are about to dial ``agent`` on ``leg`` for the caller of a wait.

        False: nobody waits there any more, or the switch is not there.
        """
        feed = self._feeds.get(switch)
        if feed is None or not feed.whole:
            return False
        return feed.reducer.send_for(leg, feed.names.interface(agent), entry_id)

    def drop(self, switch: str, leg: str) -> None:
        """Nobody was dialled."""
        if feed := self._feeds.get(switch):
            feed.reducer.forget_errand(leg)

    def is_there(self, switch: str, leg: str) -> bool:
        """Whether the leg waits for somebody to come to it."""
        feed = self._feeds.get(switch)
        found = feed.reducer.book.legs.get(leg) if feed else None
        return found is not None and found.aside

    def hand_over(self, switch: str, leg: str) -> str:
        """We are about to take the caller on ``leg`` out of a queue, to somebody who has accepted.

        Gives the channel as it is called now; empty: the caller no longer waits.
        """
        feed = self._feeds.get(switch)
        found = feed.reducer.book.legs.get(leg) if feed else None
        if feed is None or found is None or found.entry is None:
            return ""
        feed.reducer.tag("", leg, "connected")
        return found.channel

    def keep(self, switch: str, leg: str) -> None:
        """That was not done: the caller waits on."""
        if feed := self._feeds.get(switch):
            feed.reducer.untag("", leg)
