"""Do the queues and phones that Ringdesk speaks of exist, and is anybody there?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cti.ami.facts import reachable
from ringdesk.doctor.check import Check, listed
from ringdesk.doctor.visit import Visit

_QUEUE = "strategy = rrmemory\nringinuse = no\nautofill = yes"
QUEUES, MEMBERS, PHONES = "queues", "queue members", "agents' phones"

Row = Mapping[str, str]


@dataclass(frozen=True)
class Needed:
    """Queue -> who names it."""

    queues: Mapping[str, str]
    phones: Sequence[str]


async def check_queues(visit: Visit, needed: Needed) -> list[Check]:
    """Two checks: the queues that are named exist, and somebody is in them."""
    reply = await visit.ask("QueueStatus", as_list=True)
    if not reply.ok:
        said = f"the queues cannot be read: {reply.message}"
        return [Check(QUEUES, "fail", said, "asterisk -rx 'module load app_queue.so'")]
    known = {row["Queue"] for row in reply.rows if row.get("Event") == "QueueParams"}
    missing = [
        queue
        for queue in needed.queues
        # A queue of a database (realtime) is listed only once it was used.
        if queue not in known and await visit.value(f"QUEUE_EXISTS({queue})") != "1"
    ]
    found = [queue for queue in needed.queues if queue not in missing]
    return [judge_queues(needed, missing), judge_members(found, reply.rows)]


def judge_queues(needed: Needed, missing: Sequence[str]) -> Check:
    """Whether each queue that somebody names is there."""
    if not missing:
        return Check(QUEUES, "ok", f"{listed(list(needed.queues))} found")
    named = [f"{queue} (named by {needed.queues[queue]})" for queue in missing]
    said = f"the PBX has no queue {listed(named)}"
    return Check(QUEUES, "fail", said, _queues_conf(missing))


def _queues_conf(missing: Iterable[str]) -> str:
    sections = [f"[{queue}]\n{_QUEUE}" for queue in missing]
    return "\n".join(["in queues.conf:", *sections, "then: asterisk -rx 'queue reload all'"])


def judge_members(queues: Sequence[str], rows: Iterable[Row]) -> Check:
    """``rows``: those of QueueStatus."""
    members = [row for row in rows if row.get("Event") == "QueueMember"]
    empty = [queue for queue in queues if not _of(queue, members)]
    gone = [q for q in queues if q not in empty and not _reachable(_of(q, members))]
    fix = (
        "let an agent choose Available on the desk, or:\n"
        f"asterisk -rx 'queue add member PJSIP/101 to {(empty or gone or [''])[0]}'"
    )
    if empty:
        return Check(MEMBERS, "warn", f"nobody is in {listed(empty)}", fix)
    if gone:
        said = f"nobody in {listed(gone)} has a phone that is registered"
        return Check(MEMBERS, "warn", said, "asterisk -rx 'queue show'   # which, and why")
    counts = [f"{queue} {len(_of(queue, members))}" for queue in queues]
    return Check(MEMBERS, "ok", listed(counts) or "no queue is named")


def _of(queue: str, members: Iterable[Row]) -> list[Row]:
    return [row for row in members if row.get("Queue") == queue]


def _reachable(members: Iterable[Row]) -> bool:
    return any(reachable(row.get("Status", "")) for row in members)


async def check_phones(visit: Visit, needed: Needed) -> Check:
    """Whether the PBX knows the phones of the agents' accounts."""
    return judge_phones({p: await visit.value(f"DEVICE_STATE({p})") for p in needed.phones})


def judge_phones(states: Mapping[str, str]) -> Check:
    """``states``: interface to Asterisk's device state; empty when it does not tell."""
    unknown = [phone for phone, state in states.items() if state == "INVALID"]
    away = [phone for phone, state in states.items() if state == "UNAVAILABLE"]
    if not states:
        fix = "ringdesk users add NAME --agent PJSIP/101 --queue support"
        return Check(PHONES, "warn", "no account has a phone, so nobody is an agent", fix)
    if unknown:
        said = f"the PBX knows no {listed(unknown)}"
        fix = (
            "asterisk -rx 'pjsip show endpoints'   # its names, e.g. PJSIP/101\n"
            "correct the phone of the account on the page People"
        )
        return Check(PHONES, "fail", said, fix)
    if not any(states.values()):
        return Check(PHONES, "unknown", "the PBX does not tell (is func_devstate loaded?)")
    registered = f"{len(states) - len(away)} of {len(states)} registered"
    return Check(PHONES, "ok", f"all known to the PBX, {registered}")
