"""The dialplan of trunks between our own switches, as text to include. Pure.

A call that leaves one Asterisk for another gets another Linkedid there. So the first one writes the
call's id into a SIP header, and the second one reads it into a channel variable that stands in
`channelvars` of manager.conf: Ringdesk sees it on the events of the second call and joins both.

Only calls from our own trunks are sent through ``ringdesk-trunk-in``: what a stranger writes into
the header is never read.
"""

import re
from dataclasses import dataclass

from ringdesk.asterisk_config import HOOK_CONTEXT

TRUNK_OUT, TRUNK_IN = "ringdesk-trunk-out", "ringdesk-trunk-in"

_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]*\Z")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@dataclass(frozen=True)
class TrunkSnippet:
    """``switch``: whose dialplan it is. Raises ValueError for what Asterisk would misread."""

    switch: str
    header: str = "X-Ringdesk-Call"
    variable: str = "RINGDESK_JOINS"

    def __post_init__(self) -> None:
        if not (_HEADER.match(self.header) and _VARIABLE.match(self.variable)):
            raise ValueError("a header is letters, digits and -, a variable letters, digits and _")


def render_trunk(snippet: TrunkSnippet) -> str:
    """extensions.conf: both directions of a trunk to another of our switches."""
    read = f"${{PJSIP_HEADER(read,{snippet.header})}}"
    return f"""; Trunks to other switches of this Ringdesk: what both ends need (PJSIP).
; Out: let Dial() run this before the other switch is called, e.g.
;     exten => _2XX,1,Dial(PJSIP/${{EXTEN}}@west,60,b({TRUNK_OUT}^s^1))
[{TRUNK_OUT}]
exten => s,1,Set(RINGDESK_CALL={snippet.switch}-${{CHANNEL(linkedid)}})
 same => n,ExecIf($["${{{snippet.variable}}}" != ""]?Set(RINGDESK_CALL=${{{snippet.variable}}}))
 same => n,Set(PJSIP_HEADER(add,{snippet.header})=${{RINGDESK_CALL}})
 same => n,Return()

; In: the `context` of the endpoint that is the other switch, and of nobody else's: this believes
; what the header says. It leads into the menus; for another way, set the variable likewise in a
; context of your own, before Answer(), Queue() or Dial(). It is inherited (__): a call that goes on
; to a third switch belongs to the first call all the same.
[{TRUNK_IN}]
exten => _[+0-9]!,1,Set(__{snippet.variable}=${{FILTER(A-Za-z0-9_.\\-,{read})}})
 same => n,Goto({HOOK_CONTEXT},${{EXTEN}},1)
"""
