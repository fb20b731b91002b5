"""The configuration files of the demo's own Asterisk. Pure: settings in, texts out.

Whatever `ringdesk asterisk-config` prints for users is included as it is, never retyped.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ringdesk.asterisk_config import (
    HookSettings,
    ManagerSettings,
    render_extensions,
    render_lean_events,
    render_logs,
    render_manager,
)

AGENTS = ("101", "102", "103", "104", "105", "106")
QUEUES = ("support", "sales")
MAILBOX = "100"
CUSTOMER_IP = "127.0.0.2"
"""Customers' phones bind to this address: that is how Asterisk tells the trunk from agents."""


@dataclass(frozen=True)
class DemoSettings:
    """What one instance needs to know; ports must be free, paths absolute and short.

    trunk_port: where calls to outside numbers go, on 127.0.0.2.
    recordings: MixMonitor's folder. variables: further ones that AMI events carry.
    """

    work: Path
    module_dir: Path
    data_dir: Path
    recordings: Path
    ami_port: int
    sip_port: int
    rtp_first: int
    rtp_last: int
    ami_secret: str
    agent_password: str
    trunk_port: int = 5060
    hook: HookSettings = field(default_factory=HookSettings)
    variables: tuple[str, ...] = ()
    queue_strategy: str = "rrmemory"
    ring_timeout: int = 15


def render_files(settings: DemoSettings) -> Mapping[str, str]:
    """File name -> text, for one configuration folder."""
    lean, logs = render_lean_events(), render_logs()
    return {
        "asterisk.conf": _asterisk(settings),
        "modules.conf": _MODULES,
        "logger.conf": "[general]\nqueue_log = yes\n[logfiles]\nfull = notice,warning,error\n",
        "manager.conf": _manager(settings),
        "ringdesk-manager.conf": render_manager(
            ManagerSettings(settings.ami_secret, variables=settings.variables)
        ),
        "stasis.conf": lean["stasis.conf"],
        "cel.conf": logs["cel.conf"],
        "cel_custom.conf": logs["cel_custom.conf"],
        "cdr_custom.conf": logs["cdr_custom.conf"],
        "ringdesk-queues.conf": lean["queues.conf"],
        "queues.conf": _queues(settings),
        "pjsip.conf": _pjsip(settings),
        "rtp.conf": f"[general]\nrtpstart={settings.rtp_first}\nrtpend={settings.rtp_last}\n",
        "musiconhold.conf": "[default]\nmode = files\ndirectory = moh\n",
        "voicemail.conf": _VOICEMAIL,
        "ringdesk-extensions.conf": render_extensions(settings.hook),
        "extensions.conf": _EXTENSIONS,
        "cdr.conf": "[general]\nenable = yes\n",
        "confbridge.conf": "[general]\n[default_bridge]\ntype=bridge\n[default_user]\ntype=user\n",
        "indications.conf": _INDICATIONS,
        "http.conf": "[general]\nenabled = no\n",
        **dict.fromkeys(_EMPTY, ""),
        **dict.fromkeys(_GENERAL_ONLY, "[general]\n"),
    }


def _asterisk(s: DemoSettings) -> str:
    var = s.work / "var"
    return f"""[directories]
astetcdir => {s.work / "etc"}
astmoddir => {s.module_dir}
astvarlibdir => {var}
astdbdir => {var}
astkeydir => {var}
astdatadir => {s.data_dir}
astagidir => {var}
astspooldir => {s.work / "spool"}
astrundir => {s.work / "run"}
astlogdir => {s.work / "log"}
astsbindir => {s.work / "run"}
astcachedir => {var}

[options]
systemname = demo
documentation_language = en
transmit_silence_during_record = yes
hideconnect = yes
"""


# Everything the distribution builds but nobody here needs: databases, hardware, old protocols.
# Left to autoload they cost boot time and fill the log with complaints.
_UNNEEDED = """
app_stasis chan_rtp
app_adsiprog app_agent_pool app_alarmreceiver app_amd app_dictate app_festival app_followme
app_getcpeid app_jack app_minivm app_mp3 app_morsecode app_sms app_voicemail_odbc app_zapateller
cdr_adaptive_odbc cdr_odbc cdr_pgsql cdr_radius cdr_sqlite3_custom cdr_tds cdr_manager
cdr_csv cel_manager cel_odbc cel_pgsql cel_radius cel_sqlite3_custom cel_tds chan_console
chan_iax2 chan_motif chan_unistim codec_amr codec_codec2 codec_lpc10 func_odbc func_realtime
func_curl pbx_ael pbx_dundi pbx_lua pbx_realtime res_adsi res_aeap res_speech_aeap res_ael_share
res_calendar res_calendar_caldav res_calendar_ews res_calendar_exchange res_calendar_icalendar
res_clialiases res_config_curl res_config_ldap res_config_odbc res_config_pgsql
res_config_sqlite3 res_curl res_fax res_fax_spandsp res_geolocation res_hep res_hep_pjsip
res_hep_rtcp res_http_media_cache res_http_post res_odbc res_odbc_transaction res_parking
res_phoneprov res_pjsip_geolocation res_pjsip_phoneprov_provider res_pjsip_stir_shaken
res_pjsip_t38 res_pjsip_notify res_prometheus res_realtime res_resolver_unbound res_rtp_multicast
res_smdi res_snmp res_sorcery_realtime res_statsd res_stir_shaken res_stun_monitor res_xmpp
res_ari res_ari_applications res_ari_asterisk res_ari_bridges res_ari_channels
res_ari_device_states res_ari_endpoints res_ari_events res_ari_model res_ari_playbacks
res_ari_recordings res_ari_sounds res_phoneprov app_stasis_broadcast res_stasis_broadcast
"""
# The same of Asterisk 16.
_UNNEEDED_16 = """
chan_alsa chan_mgcp chan_nbs chan_oss chan_phone chan_sip chan_skinny
app_ices app_image app_macro app_nbscat app_url cdr_syslog res_monitor
"""
_MODULES = "[modules]\nautoload = yes\n" + "".join(
    f"noload = {name}.so\n" for name in (_UNNEEDED + _UNNEEDED_16).split()
)
# Read by modules we keep; they complain when there is no such file.
_EMPTY = (
    "acl.conf",
    "chan_websocket.conf",
    "pjproject.conf",
    "pjsip_wizard.conf",
    "websocket_client.conf",
)
_GENERAL_ONLY = ("ccss.conf", "features.conf", "queuerules.conf", "udptl.conf")


def _manager(s: DemoSettings) -> str:
    return f"""[general]
enabled = yes
bindaddr = 127.0.0.1
port = {s.ami_port}
#include "ringdesk-manager.conf"
"""


def _queues(s: DemoSettings) -> str:
    general = '[general]\npersistentmembers = yes\n#include "ringdesk-queues.conf"\n'
    return general + "".join(_queue(name, s) for name in QUEUES)


def _queue(name: str, s: DemoSettings) -> str:
    return f"""
[{name}](ringdesk-lean)
musicclass = default
strategy = {s.queue_strategy}
timeout = {s.ring_timeout}
retry = 1
wrapuptime = 0
joinempty = yes
leavewhenempty = no
announce-frequency = 0
announce-holdtime = no
announce-position = no
"""


def _pjsip(s: DemoSettings) -> str:
    return _PJSIP_TRUNK.format(s=s, customers=CUSTOMER_IP) + "".join(
        _PJSIP_AGENT.format(s=s, name=name) for name in AGENTS
    )


_PJSIP_TRUNK = """[global]
type = global
user_agent = Ringdesk demo PBX

[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{s.sip_port}

[trunk]
type = endpoint
context = from-trunk
disallow = all
allow = ulaw,alaw
dtmf_mode = rfc4733
direct_media = no
send_connected_line = no
aors = trunk

[trunk]
type = aor
contact = sip:{customers}:{s.trunk_port}

[trunk]
type = identify
endpoint = trunk
match = {customers}
"""

_PJSIP_AGENT = """
[{name}]
type = endpoint
context = internal
disallow = all
allow = ulaw,alaw
dtmf_mode = rfc4733
direct_media = no
callerid = Agent {name} <{name}>
auth = {name}
aors = {name}

[{name}]
type = auth
auth_type = userpass
username = {name}
password = {s.agent_password}

[{name}]
type = aor
max_contacts = 1
remove_existing = yes
"""

_EXTENSIONS = f"""[general]
static = yes
writeprotect = yes

[from-trunk]
exten => _X.,1,Goto(ringdesk-in,${{EXTEN}},1)
exten => _+X.,1,Goto(ringdesk-in,${{EXTEN}},1)

[internal]
exten => _10[1-6],1,Dial(PJSIP/${{EXTEN}},30)
 same => n,Hangup()
exten => _X.,1,Dial(PJSIP/${{EXTEN}}@trunk,60)
 same => n,Hangup()
exten => _+X.,1,Dial(PJSIP/${{EXTEN}}@trunk,60)
 same => n,Hangup()
exten => {MAILBOX},1,VoiceMailMain({MAILBOX})

#include "ringdesk-extensions.conf"
"""

_VOICEMAIL = f"""[general]
format = wav
maxsecs = 120
[default]
{MAILBOX} => {MAILBOX},Contact centre
"""

_INDICATIONS = """[general]
country = us
[us]
description = United States
ringcadence = 2000,4000
dial = 350+440
busy = 480+620/500,0/500
ring = 440+480/2000,0/4000
congestion = 480+620/250,0/250
callwaiting = 440/300,0/10000
dialrecall = !350+440/100,!0/100,!350+440/100,!0/100,!350+440/100,!0/100,350+440
record = 1400/500,0/15000
info = !950/330,!1400/330,!1800/330,0
stutter = !350+440/100,!0/100,!350+440/100,!0/100,!350+440/100,!0/100,350+440
"""
