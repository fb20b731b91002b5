"""The queue log: what app_queue writes of every wait, in whole seconds. Pure.

``1795605017|demo-1795605013.213|support|PJSIP/101|CONNECT|4|demo-1795605016.215|0``: time, the
caller's Uniqueid, queue, the member's name, event, and up to five arguments.
"""

from __future__ import annotations

from collections.abc import Mapping

from cti.pbx_logs.rows import Row, UnreadableRow, micros


def read_queue_log(line: str) -> Row:
    """One line. ``kind`` is its event, ``channel`` the member, ``data`` the queue.

    ``more`` of a CONNECT has the agent's leg (``connected``) and for how many seconds it rang
    (``rang``). Raises :class:`UnreadableRow`.
    """
    cells = line.split("|")
    if len(cells) < 6:
        raise UnreadableRow("fewer than 6 fields")
    time, leg, queue, member, event, first = cells[:6]
    at = micros(time)
    if not at:
        raise UnreadableRow("no time")
    return Row(
        at=at,
        kind=event,
        leg=leg,
        linkedid=leg,
        channel=member,
        data=queue,
        more=_connect(cells[6:]) if event == "CONNECT" and len(cells) > 6 else {"first": first},
    )


def _connect(cells: list[str]) -> Mapping[str, str | int]:
    rang = cells[1] if len(cells) > 1 else ""
    return {"connected": cells[0], "rang": int(rang) if rang.isascii() and rang.isdigit() else 0}
