"""The kinds of calls of a load, and the PBX, menus and customers they meet. Pure.

Every kind dials a number of its own, so Ringdesk's history tells them apart by the number dialled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench import sipp_scenarios as act
from cti.domain.events import CallOutcome

CUSTOMERS_OF_A_KIND = 500
"""Caller numbers; then they begin again."""
QUEUE_SECONDS = 5
"""A caller nobody answers is sent away after this."""
RING_SECONDS = 2


@dataclass(frozen=True)
class Kind:
    """Calls alike. ``share``: how many of 20 calls.

    ``outcome`` is what Ringdesk must say of them; None: what Asterisk's queue_log says of each.
    ``queues``: each of them is in queue_log. ``arrives`` is False when the PBX makes no channel of
    them at all.
    """

    name: str
    dials: str
    share: int
    scenario: str
    outcome: CallOutcome | None = None
    queues: bool = False
    arrives: bool = True


KINDS = (
    Kind("served, the agent hangs up", "7001", 4, act.stays(30_000), queues=True),
    Kind("served, the caller hangs up", "7002", 3, act.leaves(1_900)),
    Kind("leaves about when it rings", "7003", 1, act.leaves(700)),
    Kind("gives up in the queue", "7004", 3, act.leaves(3_000), queues=True),
    Kind("nobody comes: sent away", "7005", 1, act.stays(30_000), queues=True),
    Kind("gives up in the menu", "7006", 2, act.leaves(1_000), "abandoned"),
    Kind("sent away by the menu", "7007", 1, act.stays(30_000), "no_answer"),
    Kind("direct: busy", "7008", 1, act.is_refused(486), "busy"),
    Kind("direct: no answer", "7009", 1, act.is_refused(480), "no_answer"),
    Kind("direct: gives up ringing", "7010", 1, act.gives_up_ringing(800), "abandoned"),
    Kind("direct: unknown to the phone", "7011", 1, act.is_refused(404), "failed"),
    Kind("no such number", "nobody", 1, act.is_refused(404), arrives=False),
)
OF_RATE = 20

AGENTS = tuple(str(number) for number in range(401, 441))
SLOW, REFUSING = "441", "442"
"""Members of the queue, too: one does not answer, one refuses."""
BUSY, SILENT, GONE = "443", "444", "445"
PHONES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "agents": (act.answers(300, 1_500), AGENTS),
    "silent": (act.rings_on(), (SLOW, SILENT)),
    "busy": (act.refuses("486 Busy Here"), (REFUSING, BUSY)),
    "gone": (act.refuses("404 Not Found"), (GONE,)),
}
"""By the SIPp that plays them: its scenario and the extensions that lead to it."""
PHONES_IP = "127.0.0.3"

_PLAY = '[step.hello]\ndo = "play"\nprompt = {{ sound = "beep" }}\ngo = "{go}"\n'
_ASK = """[step.ask]
do = "ask"
prompt = { sound = "queue-thankyou" }
wait = 5
tries = 1
on_timeout = "queue support"
on_invalid = "queue support"
[step.ask.keys]
1 = { label = "Support", go = "queue support" }
"""
MENUS = {
    "main": 'title = "To the agents"\n' + _PLAY.format(go="queue support"),
    "sales": 'title = "To a queue of nobody"\n' + _PLAY.format(go="queue sales"),
    "ask": 'title = "A question"\n' + _ASK,
    "closed": 'title = "Closed"\n' + _PLAY.format(go="hang up"),
}
"""Texts by name."""


def asterisk_files(ports: Mapping[str, int]) -> dict[str, str]:
    """What Asterisk's configuration needs beside the demo's; ``ports`` of the PHONES."""
    phones = {number: ports[name] for name, (_, all_) in PHONES.items() for number in all_}
    members = "".join(f"member => PJSIP/{number}\n" for number in (*AGENTS, SLOW, REFUSING))
    return {
        "extensions.conf": _DIALPLAN,
        "queues.conf": f"\n[support](+)\n{members}",
        "pjsip.conf": "".join(_PHONE.format(n=n, ip=PHONES_IP, p=p) for n, p in phones.items()),
    }


_PHONE = """
[{n}]
type = endpoint
context = internal
disallow = all
allow = ulaw
direct_media = no
aors = {n}

[{n}]
type = aor
contact = sip:{n}@{ip}:{p}
"""


def _menu(numbers: str, menu: str) -> str:
    return "".join(
        f"exten => {number},1,Set(RINGDESK_MENU={menu})\n"
        " same => n,Goto(ringdesk-in,${EXTEN},1)\n"
        for number in numbers.split()
    )


def _direct(number: str, phone: str) -> str:
    return (
        f"exten => {number},1,Dial(PJSIP/{phone},{RING_SECONDS})\n"
        ' same => n,GotoIf($["${DIALSTATUS}" = "NOANSWER"]?silent)\n'
        " same => n,Hangup(${HANGUPCAUSE})\n"
        " same => n(silent),Hangup(19)\n"
    )


_DIALPLAN = (
    "\n[from-trunk](+)\n"
    + _menu("7001 7002 7003", "main")
    + _menu("7004 7005", "sales")
    + _menu("7006", "ask")
    + _menu("7007", "closed")
    + _direct("7008", BUSY)
    + _direct("7009", SILENT)
    + _direct("7010", SILENT)
    + _direct("7011", GONE)
)


def caller_number(kind: int, row: int) -> str:
    """A number of a caller of the ``kind``-th kind."""
    return f"+44791{kind:03d}{row:04d}"


def callers(kind: int) -> str:
    """The injection file of the ``kind``-th kind."""
    rows = (f"{caller_number(kind, row)};{KINDS[kind].dials}" for row in range(CUSTOMERS_OF_A_KIND))
    return "SEQUENTIAL\n" + "\n".join(rows) + "\n"
