"""The dialplan by which agents hand callers on, as a text to #include. Pure.

The extension is the target. Who is not reached gives the caller back: to the queue that they came
by (`RINGDESK_BACK_QUEUE`), without one to the agent who had them (`RINGDESK_BACK_AGENT`), and at
last to the fallback queue. Nothing of it needs Ringdesk to be alive.
"""

from __future__ import annotations

from cti.control.places import (
    ASIDE,
    ASKER,
    BACK_AGENT,
    BACK_QUEUE,
    CALLER,
    CONSULT,
    CONTEXTS,
    REJOIN,
    TAKES,
)

ASIDE_SECONDS = 600
"""How long a caller waits aside at most; then they are given back."""
LOOK_SECONDS = 2
"""How often it is looked whether the agent who asks is still there."""
JOIN_SECONDS = 10
"""How long who is to get the caller waits for them to come."""


def render_transfers(internal_context: str, ring_seconds: int) -> str:
    """``ring_seconds``: how long a colleague or a number rings before the caller comes back.

    The extension `h` is named: Asterisk runs it at a hang-up, and the patterns would take it.
    """
    rounds = ASIDE_SECONDS // LOOK_SECONDS
    agent, queue, number = CONTEXTS["agent"], CONTEXTS["queue"], CONTEXTS["number"]
    return rf"""
; An agent hands a caller on, to a phone, a queue or a number.
[{agent}]
exten => _[A-Z]!,1,Dial(${{FILTER(A-Za-z0-9/_.@+\-,${{EXTEN}})}},{ring_seconds})
 same => n,GotoIf($["${{DIALSTATUS}}" = "ANSWER"]?done)
 same => n,Goto(ringdesk-back,s,1)
 same => n(done),Hangup()
[{queue}]
exten => _[A-Za-z0-9]!,1,Set(RINGDESK_FALLBACK=)
 same => n,Set(RINGDESK_TARGET=${{FILTER(A-Za-z0-9_.@+\-,${{EXTEN}})}})
 same => n,Goto(ringdesk-queue,s,1)
exten => h,1,NoOp()
[{number}]
exten => _[+*0-9]!,1,Dial(Local/${{FILTER(0-9+*,${{EXTEN}})}}@{internal_context},{ring_seconds})
 same => n,GotoIf($["${{DIALSTATUS}}" = "ANSWER"]?done)
 same => n,Goto(ringdesk-back,s,1)
 same => n(done),Hangup()

[ringdesk-back]
exten => s,1,Set(RINGDESK_FALLBACK=)
 same => n,GotoIf($["${{{BACK_QUEUE}}}" != ""]?queue)
 same => n,GotoIf($["${{{BACK_AGENT}}}" = ""]?ringdesk-fallback,s,1)
 same => n,Dial(${{{BACK_AGENT}}},{ring_seconds})
 same => n,GotoIf($["${{DIALSTATUS}}" = "ANSWER"]?done)
 same => n,Goto(ringdesk-fallback,s,1)
 same => n(queue),Set(RINGDESK_TARGET=${{{BACK_QUEUE}}})
 same => n,Goto(ringdesk-queue,s,1)
 same => n(done),Hangup()

; An agent asks a colleague first. The caller waits aside ...
[{ASIDE}]
exten => s,1,StartMusicOnHold()
 same => n,Set(RINGDESK_ROUND=0)
 same => n(again),Wait({LOOK_SECONDS})
 same => n,Set(RINGDESK_ROUND=$[${{RINGDESK_ROUND}} + 1])
 same => n,GotoIf($[${{CHANNEL_EXISTS(${{{ASKER}}})}} & ${{RINGDESK_ROUND}} < {rounds}]?again)
 same => n,Wait(1)                     ; whom they asked may be taking the caller now
 same => n,StopMusicOnHold()
 same => n,Goto(ringdesk-back,s,1)
; ... while the agent's leg dials. An agent who hangs up leaves the caller to the colleague; one who
; does so before anybody answers gives them back.
[{CONSULT}]
exten => _[A-Z]!,1,Dial(${{FILTER(A-Za-z0-9/_.@+\-,${{EXTEN}})}},{ring_seconds},gF({TAKES}^s^1))
 same => n,Goto({TAKES},s,1)
exten => h,1,GotoIf($["${{DIALSTATUS}}" = "ANSWER"]?done)
 same => n,ChannelRedirect(${{{CALLER}}},ringdesk-back,s,1)
 same => n(done),NoOp()
; Whoever is here gets the caller: the agent again, or the colleague.
[{TAKES}]
exten => s,1,ChannelRedirect(${{{CALLER}}},{REJOIN},${{UNIQUEID}},1)
 same => n,GotoIf($["${{CHANNELREDIRECT_STATUS}}" != "SUCCESS"]?gone)
 same => n,BridgeWait(${{UNIQUEID}},participant,e(m)S({JOIN_SECONDS}))
 same => n(gone),Hangup()
[{REJOIN}]
exten => h,1,NoOp()
exten => _[A-Za-z0-9]!,1,StopMusicOnHold()
 same => n,Bridge(${{EXTEN}})
 same => n,GotoIf($["${{BRIDGERESULT}}" != "SUCCESS"]?ringdesk-back,s,1)
 same => n,Hangup()
"""
