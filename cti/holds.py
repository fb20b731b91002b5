"""Who is on hold: the only thing about a talk that no list of the PBX tells."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable

from cti.domain.book import kind_of
from cti.domain.commands import CommandFailed, GetVariable, Perform
from cti.resync import LegRow, Snapshot

_EXPRESSION = "CHANNEL(onhold)"


async def holders(snapshot: Snapshot, perform: Perform) -> frozenset[str] | None:
    """The legs whose party has put the other on hold. None: the PBX does not tell.

    It is the held one that knows; in a bridge of two, the other one holds.
    """
    pairs = list(_pairs(snapshot.legs))
    asked = [_is_held(leg, perform) for pair in pairs for leg in pair]
    held = await asyncio.gather(*asked)
    if None in held:
        return None
    others = [other for one, two in pairs for other in (two, one)]
    return frozenset(
        other.started.leg for other, is_held in zip(others, held, strict=True) if is_held
    )


def _pairs(legs: Iterable[LegRow]) -> Iterable[tuple[LegRow, LegRow]]:
    bridges: dict[str, list[LegRow]] = defaultdict(list)
    for leg in legs:
        if leg.bridge and kind_of(leg.started.channel) == "party":
            bridges[leg.bridge].append(leg)
    return [(legs[0], legs[1]) for legs in bridges.values() if len(legs) == 2]


async def _is_held(leg: LegRow, perform: Perform) -> bool | None:
    try:
        reply = await perform(GetVariable(channel=leg.started.channel, variable=_EXPRESSION))
    except CommandFailed:
        return None
    if not reply.ok:
        return False  # it is gone meanwhile
    value = reply.fields.get("Value", "")
    return value == "1" if value in ("0", "1") else None
