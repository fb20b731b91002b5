"""Can agents hand callers on? By contexts that `ringdesk asterisk-config` prints."""

from __future__ import annotations

from cti.control.places import ASIDE, CONSULT, CONTEXTS, REJOIN, TAKES
from ringdesk.doctor.check import Check, listed
from ringdesk.doctor.hook import PASTE
from ringdesk.doctor.visit import Visit

NAME = "handing calls on"


async def check_transfers(visit: Visit) -> Check:
    """Whether Asterisk has each of the contexts."""
    missing = []
    for context in (*CONTEXTS.values(), ASIDE, CONSULT, TAKES, REJOIN):
        reply = await visit.ask("ShowDialPlan", ("Context", context), as_list=True)
        if not reply.ok and "Did not find" in reply.message:
            missing.append(context)
        elif not reply.ok:
            return Check(NAME, "unknown", f"ShowDialPlan: {reply.message}")
    return judge_transfers(missing)


def judge_transfers(missing: list[str]) -> Check:
    """``missing``: contexts that are not there."""
    if not missing:
        return Check(NAME, "ok", "to colleagues, queues and numbers")
    said = f"there is no context {listed(missing)}: agents cannot hand a call on from their desk"
    return Check(NAME, "warn", said, PASTE)
