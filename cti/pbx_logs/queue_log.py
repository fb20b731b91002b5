"""The queue log: what app_queue writes of every wait, in whole seconds. Pure.

``1795605017|demo-1795605013.213|support|PJSIP/101|CONNECT|4|demo-1795605016.215|0``: time, the
caller's Uniqueid, queue, the member's name, event, and up to five arguments.
"""

from __future__ import annotations

from cti.pbx_logs.rows import Row, UnreadableRow, micros


def read_queue_log(line: str) -> Row:
    """One line. ``kind`` is its event, ``channel`` the member, ``data`` the queue.

    ``more["connected"]`` is the agent's leg in a CONNECT. Raises :class:`UnreadableRow`.
    """
    cells = line.split("|")
    if len(cells) < 6:
        raise UnreadableRow("fewer than 6 fields")
    time, leg, queue, member, event, first = cells[:6]
    at = micros(time)
    if not at:
        raise UnreadableRow("no time")
    connected = event == "CONNECT" and len(cells) > 6
    return Row(
        at=at,
        kind=event,
        leg=leg,
        linkedid=leg,
        channel=member,
        data=queue,
        more={"connected": cells[6]} if connected else {"first": first},
    )
