"""Can a call that goes from one of our switches to another be known as the same call?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from cti.ami.codec import Message
from ringdesk.asterisk_config import CHANNEL_VARIABLES
from ringdesk.doctor.access import RELOAD_MANAGER
from ringdesk.doctor.check import Check, not_checked
from ringdesk.doctor.hook import PASTE, Row
from ringdesk.doctor.visit import Visit
from ringdesk.trunk_config import TRUNK_IN, TRUNK_OUT, TrunkSnippet

NAME = "trunks"
_TWICE = "a call that goes over a trunk between two switches is told as two"
_NAMED = re.compile(r"RINGDESK_CALL=([a-z0-9_]+)-\$\{")
_HEADER = re.compile(r"PJSIP_HEADER\((?:add|read),([^)]+)\)")
_VARIABLE = re.compile(r"\A__([A-Za-z0-9_]+)=")


async def check_trunks(visit: Visit, wanted: TrunkSnippet) -> Check:
    """``wanted``: what these settings print for this switch. To be asked after our own calls."""
    reply = await visit.ask("ShowDialPlan", as_list=True)
    if not reply.ok:
        return not_checked(NAME, f"the dialplan cannot be read: {reply.message}")
    out, into = (
        [row for row in reply.rows if row.get("Context") == context]
        for context in (TRUNK_OUT, TRUNK_IN)
    )
    return judge_trunks(out, into, reply.rows, carried(visit.events), wanted)


def carried(events: Iterable[Message]) -> frozenset[str] | None:
    """The channel variables that events carry, also those without a value; None: no call came."""
    of_calls = [event.all("ChanVariable") for event in events if "Uniqueid" in event]
    if not of_calls:
        return None
    return frozenset(line.partition("=")[0] for lines in of_calls for line in lines)


def judge_trunks(
    out: Sequence[Row],
    into: Sequence[Row],
    dialplan: Iterable[Row],
    variables: frozenset[str] | None,
    wanted: TrunkSnippet,
) -> Check:
    """``out``, ``into``: the rows of our two contexts; ``dialplan``: those of all.

    ``variables``: those that events carry (None: not known).
    """
    missing = [name for name, rows in ((TRUNK_OUT, out), (TRUNK_IN, into)) if not rows]
    if missing:
        said = f"there is no context {' and no '.join(missing)}: {_TWICE}"
        return Check(NAME, "warn", said, PASTE)
    differences = [*_out_differs(out, wanted), *_in_differs(into, wanted)]
    if differences:
        return Check(NAME, "fail", f"{'; '.join(differences)}: {_TWICE}", PASTE)
    if variables is not None and wanted.variable not in variables:
        names = ",".join((*CHANNEL_VARIABLES, wanted.variable))
        said = f"events do not carry the variable {wanted.variable}: {_TWICE}"
        fix = f"in manager.conf:\n[general](+)\nchannelvars = {names}\nthen: {RELOAD_MANAGER}"
        return Check(NAME, "fail", said, fix)
    ways = sorted({row.get("Context", "") for row in dialplan if TRUNK_OUT in _dialled(row)})
    said = f"calls out are marked in context {', '.join(ways[:3])}" if ways else _only_in()
    proven = "" if variables is not None else "; no call came by, so channelvars is not proven"
    return Check(NAME, "ok", said + proven)


def _only_in() -> str:
    return (
        f"calls that come in are joined; no Dial() here names b({TRUNK_OUT}^s^1), so those that go"
        " out from here to another switch are not"
    )


def _dialled(row: Row) -> str:
    own = row.get("Context", "").startswith("ringdesk-")
    return "" if own or row.get("Application") != "Dial" else row.get("AppData", "")


def _out_differs(rows: Sequence[Row], wanted: TrunkSnippet) -> Iterator[str]:
    for name in _all(_NAMED, rows):
        if name != wanted.switch:
            yield f"{TRUNK_OUT} says it is the switch {name}, this is {wanted.switch}"
    yield from _other_header(TRUNK_OUT, rows, wanted)


def _in_differs(rows: Sequence[Row], wanted: TrunkSnippet) -> Iterator[str]:
    for name in _all(_VARIABLE, rows):
        if name != wanted.variable:
            yield f"{TRUNK_IN} sets {name}, the settings say {wanted.variable}"
    yield from _other_header(TRUNK_IN, rows, wanted)


def _other_header(context: str, rows: Sequence[Row], wanted: TrunkSnippet) -> Iterator[str]:
    for name in _all(_HEADER, rows):
        if name != wanted.header:
            yield f"{context} uses the header {name}, the settings say {wanted.header}"


def _all(pattern: re.Pattern[str], rows: Sequence[Row]) -> list[str]:
    found = (pattern.search(row.get("AppData", "")) for row in rows)
    return [match[1] for match in found if match]
