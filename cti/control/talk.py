"""The talk an agent is in, as its commands need it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from cti.domain.book import Book, Leg


@dataclass(frozen=True)
class TalkInHand:
    """``channel`` is the agent's leg, ``other`` the other party's; both as they are called now.

    ``interface`` is the agent's phone as its Asterisk knows it; ``queue`` the one that brought the
    two together (empty: none did).
    """

    id: str
    interface: str
    channel: str
    other: str
    queue: str = ""


def talk_in_hand(book: Book, interface: str, call_id: str) -> TalkInHand | None:
    """The talk of this phone in this call; None: there is none."""
    phone = book.phones.get(interface)
    for leg in phone.legs.values() if phone else ():
        if leg.talk and leg.call.id == call_id:
            entry = leg.offer.entry if leg.offer else None
            queue = entry.queue if entry else ""
            return TalkInHand(leg.talk.id, interface, leg.channel, _other(book, leg), queue)
    return None


def _other(book: Book, leg: Leg) -> str:
    """Channels are renamed (by a transfer, a pick-up): ask the bridge who is there now."""
    said = leg.talk.other if leg.talk else ""
    here = [one for one in book.bridges.get(leg.bridge, {}).values() if one is not leg]
    if any(one.channel == said for one in here) or len(here) != 1 or here[0].kind != "party":
        return said
    return here[0].channel


def leg_in_call(book: Book, interface: str, call_id: str) -> Leg | None:
    """The leg of this phone in this call, whoever is at its other end; None: there is none."""
    phone = book.phones.get(interface)
    legs = phone.legs.values() if phone else ()
    return next((leg for leg in legs if leg.call.id == call_id), None)


def is_answered(book: Book, interface: str, call_id: str) -> bool:
    """Whether this phone has taken part of the call, rather than ring for it."""
    leg = leg_in_call(book, interface, call_id)
    return leg is not None and bool(leg.talk)
