"""The dialplan for people whom Ringdesk itself dials, as a text to #include. Pure.

They hear who wants them and must press 1, so that a mailbox never answers for a person: FastAGI
asks, and sets `RINGDESK_ACCEPTED` last of all. Whoever has accepted is put where nothing more is
needed of Ringdesk; if it dies before, the leg is hung up and the waiting caller never knew of it.
"""

from __future__ import annotations

ASK_CONTEXT = "ringdesk-ask"
TAKEN_CONTEXT = "ringdesk-taken"
ASK_SECONDS = 90
HOLD_SECONDS = 10
"""How long somebody who has accepted waits for the caller to come."""

LEG_PREFIX = "m-"
"""The Uniqueids of legs that a caller is sent to begin so; it is the pattern of TAKEN_CONTEXT."""


QUESTIONS = ("manager", "callback")
"""What FastAGI is asked for, and the extension to dial somebody into."""


def render_ask(agi: str, switch: str) -> str:
    """``agi`` is FastAGI's ``host:port``; ``switch`` the Asterisk's name, empty for the first."""
    argument = f",{switch}" if switch else ""
    asks = "".join(_ask(name, f"agi://{agi}/ask/{name}{argument}") for name in QUESTIONS)
    return rf"""
; Somebody whom Ringdesk dials (a manager's mobile, a callback): press 1, or it is hung up.
[{ASK_CONTEXT}]
{asks}exten => T,1,Hangup()

[ringdesk-accepted]
exten => manager,1,BridgeWait(${{UNIQUEID}},participant,e(m)S({HOLD_SECONDS}))
 same => n,Hangup()
exten => callback,1,Set(RINGDESK_TARGET=${{FILTER(A-Za-z0-9_.@+\-,${{RINGDESK_TARGET}})}})
 same => n,Goto(ringdesk-queue,s,1)

; The caller comes out of the queue to who has accepted; should they be gone, back into the queue.
[{TAKEN_CONTEXT}]
exten => _m.,1,Bridge(${{EXTEN}})
 same => n,GotoIf($["${{BRIDGERESULT}}" = "SUCCESS"]?done)
 same => n,GotoIf($["${{RINGDESK_TARGET}}" = ""]?ringdesk-fallback,s,1)
 same => n,Goto(ringdesk-queue,s,1)
 same => n(done),Hangup()
"""


def _ask(name: str, url: str) -> str:
    """Named one by one: Asterisk itself runs the extensions `failed` and `h` of a context."""
    return f"""exten => {name},1,Set(RINGDESK_ACCEPTED=)
 same => n,Set(AGIEXITONHANGUP=yes)
 same => n,Set(TIMEOUT(absolute)={ASK_SECONDS})
 same => n,AGI({url})
 same => n,GotoIf($["${{RINGDESK_ACCEPTED}}" != "1"]?done)
 same => n,Set(TIMEOUT(absolute)=0)
 same => n,Goto(ringdesk-accepted,{name},1)
 same => n(done),Hangup()
"""
