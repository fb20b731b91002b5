"""The Asterisk side of an installation, as texts to paste or #include. Pure.

`render_manager` is the AMI user, `render_extensions` the dialplan hook that cannot lose a
call, `render_lean_events` the settings that keep the event stream small. The demo's own
Asterisk boots from these very texts, so what is printed is what was tested.

How the hook works. The FastAGI application leaves its decision in channel variables, and
`RINGDESK_NEXT` is the last one it sets:

    RINGDESK_NEXT    queue | extension | voicemail | hangup
    RINGDESK_TARGET  the queue's name, the extension, or the mailbox (`100` or `100@context`)
    QUEUE_PRIO       optional: the priority the caller joins the queue with

AGISTATUS is not asked: it is SUCCESS too when the server dies in mid playback, and FAILURE when
a sound was missing although the caller was served to the end; a server that accepts and hangs
never returns. The variable set last is the proof. So everything but a clear decision goes to the
fallback queue: an empty or unknown RINGDESK_NEXT, a queue that does not exist or is closed, and
the absolute time-out, which the application raises while it is alive.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cti.pbx_logs import cdr, cel
from ringdesk.ask_config import render_ask
from ringdesk.transfer_config import render_transfers

HOOK_CONTEXT = "ringdesk-in"
HOOK_VARIABLE = "RINGDESK_HOOK"
HOOK_VERSION = 2
"""`dialplan show ringdesk-in` shows Set(RINGDESK_HOOK=<version>): doctor looks for it."""
DOCTOR_CONTEXT = "ringdesk-doctor"

READ_CLASSES = ("system", "call", "agent", "user")
"""system: FullyBooted, ContactStatus, Reload, Shutdown; call: Newchannel, Hangup, Bridge*,
Dial*, Hold, *Transfer, MixMonitor*, OriginateResponse; agent: Queue*, Agent*; user: UserEvent.
"""
WRITE_CLASSES = ("system", "call", "agent", "user", "reporting", "originate")
"""call: Redirect, Hangup, Setvar, Getvar, BlindTransfer, PlayDTMF; agent: QueueAdd, QueuePause,
QueueRemove; user: UserEvent; reporting: CoreShowChannels, CoreStatus, ShowDialPlan; originate:
Originate; system: MixMonitor, MuteAudio, PJSIPShowContacts, Filter (it lets GetConfig read as
well). QueueStatus and QueueChangePriorityCaller need none. Neither `command` nor `config`: those
would hand a stolen secret the whole machine, and ShowDialPlan tells doctor all it needs.
"""

LOG_FILE = "ringdesk.csv"
"""In the folders cel-custom and cdr-custom of Asterisk's log folder."""

CHANNEL_VARIABLES = ("RINGDESK_NEXT", "RINGDESK_TARGET", "RINGDESK_FALLBACK", "RINGDESK_CALL")

_NAME = re.compile(r"[A-Za-z0-9_.@+-]+\Z")
_HOST = re.compile(r"[A-Za-z0-9_.:\[\]-]+\Z")


@dataclass(frozen=True)
class HookSettings:
    """What the dialplan hook needs to know. Raises ValueError for a value Asterisk would misread.

    agi_host, agi_port: where Asterisk reaches Ringdesk's FastAGI server.
    menu: the menu of callers whose dialplan sets no RINGDESK_MENU before.
    fallback_queue: takes every call Ringdesk does not decide about.
    queue_timeout: seconds a caller waits before `mailbox` (or the hang-up, if it is empty).
    silence_timeout: seconds the FastAGI server may stay silent before the fallback.
    internal_context: where extensions are dialled, by a Local channel.
    extension_timeout: seconds an extension rings before the caller goes to the fallback queue.
    switch: the Asterisk's name, told to FastAGI; empty for the first or only one.
    """

    agi_host: str = "127.0.0.1"
    agi_port: int = 4573
    menu: str = "main"
    fallback_queue: str = "support"
    queue_timeout: int = 600
    mailbox: str = ""
    silence_timeout: int = 4
    internal_context: str = "internal"
    extension_timeout: int = 30
    switch: str = ""

    def __post_init__(self) -> None:
        if self.switch:
            _require("switch", self.switch, _NAME)
        for field in ("menu", "fallback_queue", "internal_context"):
            _require(field, getattr(self, field), _NAME)
        if self.mailbox:
            _require("mailbox", self.mailbox, _NAME)
        _require("agi_host", self.agi_host, _HOST)
        for field in ("agi_port", "queue_timeout", "silence_timeout", "extension_timeout"):
            if getattr(self, field) <= 0:
                raise ValueError(f"{field} must be a positive number of seconds (or a port)")


@dataclass(frozen=True)
class ManagerSettings:
    """The AMI user. `permit` is the network Ringdesk connects from, in CIDR notation.

    variables: further channel variables that events are to carry.
    """

    secret: str
    user: str = "ringdesk"
    permit: str = "127.0.0.1/32"
    variables: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require("user", self.user, _NAME)
        if not self.secret or re.search(r"[\s;\\]", self.secret):
            raise ValueError("the AMI secret must not be empty nor hold spaces, ';' or '\\'")


def _require(field: str, value: str, pattern: re.Pattern[str]) -> None:
    if not pattern.match(value):
        raise ValueError(f"{field} {value!r}: use only characters of {pattern.pattern[:-4]}")


def render_manager(settings: ManagerSettings) -> str:
    """manager.conf: the user with the rights Ringdesk needs, and no more."""
    return f"""; manager.conf: add this below your [general] section, then "manager reload".
[general](+)
enabled = yes
timestampevents = yes                 ; waits and talk times in microseconds
channelvars = {",".join((*CHANNEL_VARIABLES, *settings.variables))}

[{settings.user}]
secret = {settings.secret}
deny = 0.0.0.0/0.0.0.0
permit = {settings.permit}
read = {",".join(READ_CLASSES)}
write = {",".join(WRITE_CLASSES)}
writetimeout = 5000                   ; milliseconds
"""


def render_extensions(settings: HookSettings) -> str:
    """extensions.conf: context `ringdesk-in` and what it leads to.

    Send callers there with `same => n,Goto(ringdesk-in,${EXTEN},1)`.
    """
    s = settings
    switch = f",{s.switch}" if s.switch else ""
    return f"""; extensions.conf: add this, send your callers here with
;     exten => _X.,1,Goto({HOOK_CONTEXT},${{EXTEN}},1)
; and run "dialplan reload".
; Whatever happens to Ringdesk, a caller reaches queue "{s.fallback_queue}".
[{HOOK_CONTEXT}]
exten => _[+0-9]!,1,Set({HOOK_VARIABLE}={HOOK_VERSION})
 same => n,Answer()
 same => n,Set(RINGDESK_NEXT=)
 same => n,Set(RINGDESK_TARGET=)
 same => n,ExecIf($["${{RINGDESK_MENU}}" = ""]?Set(RINGDESK_MENU={s.menu}))
 same => n,Set(AGIEXITONHANGUP=yes)
 same => n,Set(TIMEOUT(absolute)={s.silence_timeout})      ; Ringdesk raises it while it is alive
 same => n,AGI(agi://{s.agi_host}:{s.agi_port}/menu/${{RINGDESK_MENU}}{switch})
 same => n,Set(TIMEOUT(absolute)=0)
 same => n,Set(RINGDESK_NEXT=${{FILTER(a-z,${{RINGDESK_NEXT}})}})
 same => n,Set(RINGDESK_TARGET=${{FILTER(A-Za-z0-9_.@+\\-,${{RINGDESK_TARGET}})}})
 same => n,GotoIf($["${{RINGDESK_NEXT}}" = "hangup"]?hangup)
 same => n,GotoIf($["${{RINGDESK_TARGET}}" = ""]?ringdesk-fallback,s,1)
 same => n,GotoIf($["${{RINGDESK_NEXT}}" = "queue"]?ringdesk-queue,s,1)
 same => n,GotoIf($["${{RINGDESK_NEXT}}" = "extension"]?ringdesk-extension,s,1)
 same => n,GotoIf($["${{RINGDESK_NEXT}}" = "voicemail"]?ringdesk-voicemail,s,1)
 same => n,Goto(ringdesk-fallback,s,1)
 same => n(hangup),Hangup()
exten => s,1,Goto(0,1)                ; lines that bring no number
exten => T,1,Goto(ringdesk-fallback,s,1)

[ringdesk-fallback]
exten => s,1,Set(TIMEOUT(absolute)=0)
 same => n,Set(RINGDESK_FALLBACK=1)
 same => n,Set(RINGDESK_TARGET={s.fallback_queue})
 same => n,Goto(ringdesk-queue,s,1)

; Queue() hangs up on the caller when there is no such queue: look first.
[ringdesk-queue]
exten => s,1,GotoIf($["${{QUEUE_EXISTS(${{RINGDESK_TARGET}})}}" != "1"]?elsewhere)
 same => n,Queue(${{RINGDESK_TARGET}},c,,,{s.queue_timeout})
 same => n,GotoIf($["${{QUEUESTATUS}}" = "CONTINUE"]?done) ; talked to an agent, who hung up
 same => n,GotoIf($["${{QUEUESTATUS}}" = "TIMEOUT"]?late)
 same => n(elsewhere),GotoIf($["${{RINGDESK_FALLBACK}}" = ""]?ringdesk-fallback,s,1)
 same => n(late),{_after_queue(s.mailbox)}
 same => n(done),Hangup()

[ringdesk-extension]
exten => s,1,Dial(Local/${{RINGDESK_TARGET}}@{s.internal_context},{s.extension_timeout})
 same => n,GotoIf($["${{DIALSTATUS}}" = "ANSWER"]?done)
 same => n,Goto(ringdesk-fallback,s,1)
 same => n(done),Hangup()

[ringdesk-voicemail]
exten => s,1,VoiceMail(${{RINGDESK_TARGET}},u)
 same => n,GotoIf($["${{VMSTATUS}}" = "FAILED"]?ringdesk-fallback,s,1)
 same => n,Hangup()

; "ringdesk doctor" originates Local/agi@{DOCTOR_CONTEXT}: can this Asterisk reach FastAGI?
[{DOCTOR_CONTEXT}]
exten => agi,1,Answer()
 same => n,Set(AGIEXITONHANGUP=yes)
 same => n,Set(TIMEOUT(absolute)={s.silence_timeout})
 same => n,AGI(agi://{s.agi_host}:{s.agi_port}/doctor)
 same => n,UserEvent(RingdeskDoctor,AGIStatus: ${{AGISTATUS}})
 same => n,Hangup()
exten => T,1,UserEvent(RingdeskDoctor,AGIStatus: TIMEOUT)
; ... and Local/record@{DOCTOR_CONTEXT}: can it write where recordings are looked for?
exten => record,1,Answer()
 same => n,Playtones(440)
 same => n,Wait(3)
 same => n,Hangup()
; ... and Local/prompt@{DOCTOR_CONTEXT}: can it read a sound file that Ringdesk has spoken?
exten => prompt,1,Answer()
 same => n,Set(TIMEOUT(absolute)={s.silence_timeout})
 same => n,Playback(${{RINGDESK_PROMPT}})
 same => n,UserEvent(RingdeskDoctor,PlaybackStatus: ${{PLAYBACKSTATUS}})
 same => n,Hangup()
{render_ask(f"{s.agi_host}:{s.agi_port}", s.switch)}\
{render_transfers(s.internal_context, s.extension_timeout)}"""


def _after_queue(mailbox: str) -> str:
    return f"VoiceMail({mailbox},u)" if mailbox else "NoOp(nobody was free in time)"


def render_logs() -> Mapping[str, str]:
    """File name -> text: the PBX's own records, from which missed calls are told.

    The mappings are in the form that every release understands. Asterisk 22 reads them as the
    cheap one; on older ones each line costs more, so only what is needed is written.
    """
    return {
        "cel.conf": f"""; cel.conf: what happens to each channel, into a file.
[general]
enable = yes
apps = {",".join(cel.APPLICATIONS)}
events = {",".join(cel.EVENTS)}
[manager]
enabled = no                          ; not over AMI
""",
        "cel_custom.conf": f"""; cel_custom.conf: needs cel_custom.so (modules.conf).
[mappings]
{LOG_FILE} => {_columns(cel.COLUMNS)}
""",
        "cdr_custom.conf": f"""; cdr_custom.conf: only if you do without CEL; needs cdr_custom.so.
[mappings]
{LOG_FILE} => {_columns(cdr.COLUMNS)}
""",
        "logger.conf": """; logger.conf
[general](+)
queue_log = yes
""",
    }


def _columns(names: Sequence[str]) -> str:
    return ",".join(f"${{CSV_QUOTE(${{{name}}})}}" for name in names)


def render_lean_events() -> Mapping[str, str]:
    """File name -> text: settings that take a call from about 166 AMI events to 38.

    Mind `ast_channel_dtmf_begin_type`: declining that one kills Asterisk at boot.
    """
    return {
        "stasis.conf": """; stasis.conf: needs a restart of Asterisk.
[declined_message_types]
decline = ast_channel_varset_type     ; VarSet is 63 % of all events
decline = ast_test_suite_message_type
decline = ast_rtp_rtcp_sent_type
decline = ast_rtp_rtcp_received_type
; Never decline ast_channel_dtmf_begin_type: Asterisk then dies at boot.
""",
        "cel.conf": """; cel.conf: no CEL over AMI (a file is fine, see --part logs).
[manager]
enabled = no
""",
        "queues.conf": """; queues.conf: let your queues inherit this: [support](ringdesk-lean)
[ringdesk-lean](!)
setinterfacevar = no
setqueuevar = no
setqueueentryvar = no
ringinuse = no                        ; one call at a time for an agent
autofill = yes                        ; as many callers as agents are free ring at once
""",
    }
