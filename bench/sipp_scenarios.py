"""What callers and phones do, as SIPp scenarios. Pure.

Callers take their number and the number they dial from an injection file (``[field0]``,
``[field1]``). All times are milliseconds.
"""

from __future__ import annotations

_SDP = """Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
"""
_NO_BODY = "Content-Length: 0\n"
_NEW_VIA = "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]"
_SAME_VIA = "[last_Via:]"
"""Of the INVITE, whose answer came last: what cancels it or takes note of a refusal."""
_CALLER = "From: <sip:[field0]@[local_ip]:[local_port]>;tag=[pid]c[call_number]"
_PHONE_TAG = ";tag=[pid]p[call_number]"
_CONTACT = "Contact: <sip:[local_ip]:[local_port]>"
_END = '<label id="end"/>\n<timewait milliseconds="200"/>\n'
_FIRST_ANSWERS = "".join(f'<recv response="{code}" optional="true"/>\n' for code in (100, 180, 183))


def _message(first_line: str, headers: str, body: str = _NO_BODY) -> str:
    return f"<![CDATA[\n{first_line}\n{headers}\n{body}\n]]>"


def _request(
    method: str, uri: str, cseq: int, to: str, *, via: str = _NEW_VIA, body: str = _NO_BODY
) -> str:
    headers = f"""{via}
[routes]
{_CALLER}
{to}
Call-ID: [call_id]
CSeq: {cseq} {method}
{_CONTACT}
Max-Forwards: 70"""
    return _message(f"{method} {uri} SIP/2.0", headers, body)


def _reply(status: str, to_tag: str = "", body: str = _NO_BODY) -> str:
    headers = f"""[last_Via:]
[last_Record-Route:]
[last_From:]
[last_To:]{to_tag}
[last_Call-ID:]
[last_CSeq:]
{_CONTACT}"""
    return _message(f"SIP/2.0 {status}", headers, body)


_DIALLED = "sip:[field1]@[remote_ip]:[remote_port]"
_TO_DIALLED = f"To: <{_DIALLED}>"
_INVITE = f'<send retrans="500">{_request("INVITE", _DIALLED, 1, _TO_DIALLED, body=_SDP)}</send>\n'
_TO_PEER = f"{_TO_DIALLED}[peer_tag_param]"
_ACK = f"<send>{_request('ACK', '[next_url]', 1, _TO_PEER)}</send>\n"
_ACK_REFUSAL = f"<send>{_request('ACK', _DIALLED, 1, '[last_To:]', via=_SAME_VIA)}</send>\n"
_BYE = f'<send retrans="500">{_request("BYE", "[next_url]", 2, _TO_PEER)}</send>\n'
_CANCEL_TEXT = _request("CANCEL", _DIALLED, 1, _TO_DIALLED, via=_SAME_VIA)
_CANCEL = f'<send retrans="500">{_CANCEL_TEXT}</send>\n'
_ANSWERED = f'{_INVITE}{_FIRST_ANSWERS}<recv response="200" rrs="true"/>\n{_ACK}'


def _scenario(steps: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="load">\n{steps}</scenario>\n'


def stays(limit: int) -> str:
    """A caller who stays until the other side hangs up, which it must within ``limit``."""
    bye = f'<recv request="BYE" timeout="{limit}"/>\n<send>{_reply("200 OK")}</send>\n'
    return _scenario(_ANSWERED + bye + _END)


def leaves(after: int) -> str:
    """A caller who hangs up ``after`` being answered by the PBX, if it has not done so before."""
    crossed = f"""<label id="crossed"/>
<send>{_reply("200 OK")}</send>
<recv response="481" optional="true" next="end"/>
<recv response="200"/>
"""
    return _scenario(
        f"""{_ANSWERED}<recv request="BYE" timeout="{after}" ontimeout="leave"/>
<send next="end">{_reply("200 OK")}</send>
<label id="leave"/>
{_BYE}<recv request="BYE" optional="true" next="crossed"/>
<recv response="200" next="end"/>
{crossed}{_END}"""
    )


def is_refused(code: int) -> str:
    """A caller who hears ``code`` and no answer."""
    return _scenario(f'{_INVITE}{_FIRST_ANSWERS}<recv response="{code}"/>\n{_ACK_REFUSAL}{_END}')


def gives_up_ringing(after: int) -> str:
    """A caller who cancels ``after`` the first ring."""
    trying = '<recv response="100" optional="true"/>\n<recv response="180"/>\n'
    cancel = f'{_CANCEL}<recv response="200"/>\n<recv response="487"/>\n'
    pause = f'<pause milliseconds="{after}"/>\n'
    return _scenario(f"{_INVITE}{trying}{pause}{cancel}{_ACK_REFUSAL}{_END}")


_RINGING = f"<send>{_reply('180 Ringing', _PHONE_TAG)}</send>\n"
_PHONE_BYE = f"""<send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
[routes]
From:[$phone]{_PHONE_TAG}
To:[$caller]
Call-ID: [call_id]
CSeq: 1 BYE
Max-Forwards: 70
Content-Length: 0

]]></send>
"""
_CANCELLED = f"""<label id="cancelled"/>
<send>{_reply("200 OK", _PHONE_TAG)}</send>
<send retrans="500"><![CDATA[
SIP/2.0 487 Request Terminated
[last_Via:]
[last_From:]
[last_To:]{_PHONE_TAG}
[last_Call-ID:]
CSeq: [$number] INVITE
Content-Length: 0

]]></send>
<recv request="ACK"/>
"""


def _invited(*variables: str) -> str:
    """Wait for a call; keep of it what is needed later."""
    sources = {
        "number": 'regexp="[0-9]+" search_in="hdr" header="CSeq:"',
        "caller": 'regexp=".*" search_in="hdr" header="From:"',
        "phone": 'regexp=".*" search_in="hdr" header="To:"',
    }
    kept = "".join(f'<ereg {sources[name]} assign_to="{name}"/>\n' for name in variables)
    action = f"<action>\n{kept}</action>\n" if kept else ""
    return f'<recv request="INVITE" rrs="true">\n{action}</recv>\n'


def answers(ring: int, talk: int) -> str:
    """A phone that rings, answers, and hangs up after ``talk`` if the caller has not."""
    return _scenario(
        f"""{_invited("number", "caller", "phone")}{_RINGING}
<recv request="CANCEL" timeout="{ring}" ontimeout="answer" next="cancelled"/>
<label id="answer"/>
<send retrans="500">{_reply("200 OK", _PHONE_TAG, _SDP)}</send>
<recv request="CANCEL" optional="true" next="late"/>
<recv request="ACK"/>
<recv request="BYE" timeout="{talk}" ontimeout="hang_up"/>
<send next="end">{_reply("200 OK")}</send>
<label id="hang_up"/>
{_PHONE_BYE}<recv request="BYE" optional="true" next="crossed"/>
<recv response="200" next="end"/>
<label id="crossed"/>
<send>{_reply("200 OK")}</send>
<recv response="481" optional="true" next="end"/>
<recv response="200" next="end"/>
<label id="late"/>
<send>{_reply("200 OK", _PHONE_TAG)}</send>
<recv request="ACK"/>
<recv request="BYE"/>
<send next="end">{_reply("200 OK")}</send>
{_CANCELLED}{_END}"""
    )


def rings_on() -> str:
    """A phone nobody answers."""
    cancelled = f'<recv request="CANCEL"/>\n{_CANCELLED}'
    return _scenario(f"{_invited('number')}{_RINGING}{cancelled}{_END}")


def refuses(status: str) -> str:
    """A phone that refuses every call, with ``status``: a code and its words."""
    refusal = f'<send retrans="500">{_reply(status, _PHONE_TAG)}</send>\n<recv request="ACK"/>\n'
    return _scenario(f"{_invited()}{refusal}{_END}")
